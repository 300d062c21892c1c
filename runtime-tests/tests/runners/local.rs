//! Tests of local tasks: only their own thread polls and drops them.

use super::*;
use asyncio::create_local_task;
use std::rc::Rc;
use std::task::Poll;
use std::thread::ThreadId;

/// A future that asserts at every poll, and at its drop, that it is on the thread that made it.
fn bound_to_thread(turns: usize) -> impl Future<Output = ThreadId> {
    let own = thread::current().id();
    let not_send = Rc::new(());
    let guard = on_drop(move || {
        assert_eq!(thread::current().id(), own, "dropped on another thread");
        drop(not_send);
    });
    let mut left = turns;
    std::future::poll_fn(move |cx| {
        let _guard = &guard;
        assert_eq!(thread::current().id(), own, "polled on another thread");
        match left.checked_sub(1) {
            Some(less) => {
                left = less;
                let waker = cx.waker().clone();
                // Any worker may run this task and wake the future.
                create_task(async move { waker.wake() });
                Poll::Pending
            }
            None => Poll::Ready(own),
        }
    })
}

#[test]
fn a_local_task_stays_on_the_thread_of_main() {
    on_workers(3, async {
        let own = thread::current().id();
        let tasks: Vec<_> = (0..100)
            .map(|turns| create_local_task(bound_to_thread(turns)))
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap(), own);
        }
    });
}

#[test]
fn local_tasks_of_every_worker_stay_there_under_cancels_from_other_threads() {
    on_workers(3, async {
        let until_then = Instant::now() + Duration::from_millis(400);
        while Instant::now() < until_then {
            let makers: Vec<_> = (0..8)
                .map(|_| {
                    create_task(async {
                        let tasks =
                            [3, 5, 1000].map(|turns| create_local_task(bound_to_thread(turns)));
                        tasks.map(|task| task.handle())
                    })
                })
                .collect();
            let mut handles = Vec::new();
            for maker in makers {
                handles.extend(maker.await.unwrap());
            }
            let cancelled = handles.clone();
            let canceller = thread::spawn(move || {
                cancelled.iter().for_each(|task| {
                    task.cancel();
                })
            });
            for handle in &handles {
                handle.wait().await;
                assert!(handle.done());
            }
            canceller.join().unwrap();
        }
    });
}

#[test]
fn local_tasks_are_dropped_by_their_own_thread_at_the_shutdown() {
    for _ in 0..30 {
        let (made, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (make, count) = (Arc::clone(&made), Arc::clone(&dropped));
        on_workers(3, async move {
            for _ in 0..16 {
                let (make, count) = (Arc::clone(&make), Arc::clone(&count));
                create_task(async move {
                    let own = thread::current().id();
                    let guard = on_drop(move || {
                        assert_eq!(thread::current().id(), own);
                        count.fetch_add(1, Ordering::SeqCst);
                    });
                    make.fetch_add(1, Ordering::SeqCst);
                    create_local_task(async move {
                        let _guard = guard;
                        pending::<()>().await;
                    });
                });
            }
            checkpoint().await;
        });
        assert_eq!(made.load(Ordering::SeqCst), dropped.load(Ordering::SeqCst));
    }
}

#[test]
fn at_the_limit_local_tasks_that_refuse_are_dropped_by_their_own_thread() {
    watched(|| {
        let mut runner = workers(3);
        let dropped = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&dropped);
        runner.run(async move {
            for _ in 0..16 {
                let count = Arc::clone(&count);
                let made = create_task(async move {
                    let own = thread::current().id();
                    let guard = on_drop(move || {
                        if thread::current().id() == own {
                            count.fetch_add(1, Ordering::SeqCst);
                        }
                    });
                    create_local_task(async move {
                        let _guard = guard;
                        loop {
                            let _refused = catch_cancelled(pending::<()>()).await;
                        }
                    });
                });
                made.await.unwrap();
            }
        });
        let error = runner
            .shutdown_timeout(Duration::from_millis(50))
            .unwrap_err();
        assert!(error.stuck().is_empty(), "{error}");
        let deadline = Instant::now() + Duration::from_secs(5);
        while dropped.load(Ordering::SeqCst) < 16 && Instant::now() < deadline {
            thread::yield_now();
        }
        assert_eq!(dropped.load(Ordering::SeqCst), 16);
    });
}

#[test]
fn a_block_on_ends_its_local_tasks_before_it_returns() {
    runtime_tests::from_many_threads(async |event_loop| {
        let (theirs, ended) = (event_loop.clone(), Flag::default());
        let end = ended.set_on_drop();
        let thread = thread::spawn(move || {
            theirs.block_on(async move {
                create_local_task(async move {
                    let _end = end;
                    let _not_send = Rc::new(());
                    catch_cancelled(pending::<()>()).await.unwrap_err();
                    checkpoint().await;
                });
                checkpoint().await;
                create_local_task(bound_to_thread(3)).await.unwrap()
            })
        });
        let id = thread.thread().id();
        until(|| thread.is_finished()).await;
        assert_eq!(thread.join().unwrap(), Ok(id));
        assert!(ended.is_set());
    });
}

#[test]
fn a_local_task_outlives_the_task_that_made_it() {
    on_workers(3, async {
        let maker = create_task(async { create_local_task(bound_to_thread(50)).handle() });
        let orphan = maker.await.unwrap();
        orphan.wait().await;
        assert!(!orphan.cancelled());
    });
}
