//! Tests that the cost of a request that awaiting tasks pass on is constant for each task, however
//! long the chain, and however often it happens.

use super::*;

/// Makes a chain of `length` tasks, each of which awaits the task that was made before it. Returns
/// the outermost and the innermost.
async fn chain(length: usize) -> (Task<()>, TaskHandle) {
    let begun = Arc::new(AtomicUsize::new(0));
    let mut task = create_task(pending::<()>());
    let innermost = task.handle();
    for _ in 0..length {
        let (inner, begun) = (task, begun.clone());
        task = create_task(async move {
            begun.fetch_add(1, Ordering::SeqCst);
            let _ = inner.await;
        });
    }
    until(|| begun.load(Ordering::SeqCst) == length).await;
    (task, innermost)
}

/// The request used to be dropped after 65,536 awaits.
#[test]
fn a_request_goes_down_a_hundred_thousand_awaits() {
    on_workers(2, async {
        let (outermost, innermost) = chain(100_000).await;
        let before = get_running_loop().metrics().polls;
        let handle = outermost.handle();
        outermost.cancel();
        assert!(outermost.await.unwrap_err().is_cancelled());
        assert!(innermost.cancelled());
        assert_eq!((innermost.cancelling(), handle.cancelling()), (1, 1));
        let polls = get_running_loop().metrics().polls - before;
        assert!(polls < 300_000, "{polls} polls, for a way there and back");
    });
}

/// A shutdown needs one or two polls for each task, however far it is from the innermost one.
#[test]
fn a_shutdown_polls_each_task_of_a_chain_a_few_times() {
    for workers in [1, 2] {
        watched(|| {
            let mut runner = runner(workers);
            let (outermost, innermost) = runner.run(async {
                let (outermost, innermost) = chain(20_000).await;
                (outermost.handle(), innermost)
            });
            let event_loop = runner.get_loop().clone();
            let before = event_loop.metrics().polls;
            runner.close();
            assert!(outermost.cancelled() && innermost.cancelled());
            assert_eq!(outermost.cancelling(), 1, "one cause counts once");
            assert_eq!(innermost.cancelling(), 1, "one cause counts once");
            let polls = event_loop.metrics().polls - before;
            assert!(polls < 80_000, "{polls} polls of 20,000 tasks");
        });
    }
}

/// A request used to leave something behind in each awaiter, so each request was slower than the
/// one before.
#[test]
fn a_request_that_is_caught_leaves_nothing_with_those_that_have_passed_it_on() {
    on_workers(1, async {
        let caught = Arc::new(AtomicUsize::new(0));
        let count = caught.clone();
        let mut task = begun(async move {
            while count.load(Ordering::SeqCst) < 8000 {
                let _ = catch_cancelled(pending::<()>()).await;
                count.fetch_add(1, Ordering::SeqCst);
            }
        })
        .await;
        for _ in 0..9 {
            task = begun(async move { drop(task.await) }).await;
        }
        let mut times = Vec::new();
        for _ in 0..4 {
            let begin = std::time::Instant::now();
            for _ in 0..2000 {
                let before = caught.load(Ordering::SeqCst);
                task.cancel();
                until(|| caught.load(Ordering::SeqCst) > before).await;
            }
            times.push(begin.elapsed());
        }
        // With the bug, the last time was more than five times the first.
        assert!(times[3] < 3 * times[0], "{times:?}");
    });
}

#[test]
fn a_request_that_comes_by_two_ways_counts_once() {
    on_workers(2, async {
        let inner = begun(pending::<()>()).await;
        let handle = inner.handle();
        let outer = begun(async move { drop(inner.await) }).await;
        // For the inner task both requests are made in one tick, before it could begin a cleanup.
        outer.cancel();
        handle.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        assert!(handle.cancelled() && handle.cancelling() <= 2);
    });
}
