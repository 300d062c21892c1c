//! Tests of `wait_for` with tasks, shields, gathers and futures.

use super::*;
use asyncio::{Future, gather, wait};

// WF-3
#[test]
fn at_the_limit_a_task_is_cancelled_and_waited_for() {
    on_workers(2, async {
        let ended = Flag::default();
        let end = ended.clone();
        let task = begun(async move {
            let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
            sleep(5 * TICK).await;
            end.set();
            caught.raise().await
        })
        .await;
        let handle = task.handle();
        let outcome = wait_for(task, TICK).await;
        assert!(
            outcome.is_err(),
            "a task that the limit has cancelled is a timeout"
        );
        assert!(ended.is_set() && handle.done() && handle.cancelled());
        assert_eq!(current_task().unwrap().cancelling(), 0);
    });
}

// WF-3
#[test]
fn a_task_that_is_only_borrowed_can_be_looked_at_afterwards() {
    on_workers(2, async {
        let mut task = create_task(pending::<()>());
        assert!(wait_for(&mut task, TICK).await.is_err());
        assert!(task.done() && task.cancelled());
        let mut ready = create_task(async { 3 });
        assert_eq!(wait_for(&mut ready, HOUR).await.unwrap().unwrap(), 3);
    });
}

// WF-4
#[test]
fn a_task_that_suppresses_its_cancellation_has_its_value_returned() {
    on_workers(2, async {
        let task = create_task(async {
            catch_cancelled(pending::<()>()).await.unwrap_err();
            sleep(2 * TICK).await;
            7
        });
        assert_eq!(wait_for(task, 50 * TICK).await.unwrap().unwrap(), 7);
        assert_eq!(current_task().unwrap().cancelling(), 0);
    });
}

// WF-5
#[test]
fn a_task_that_panics_in_reaction_has_its_panic_returned() {
    on_workers(2, async {
        let task = begun(async {
            let _caught = catch_cancelled(pending::<()>()).await;
            panic!("in reaction");
        })
        .await;
        let error = wait_for(task, TICK).await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "task panicked: in reaction");
    });
}

// WF-2
#[test]
fn with_a_limit_of_zero_a_task_is_asked_once_and_else_cancelled() {
    on_workers(1, async {
        let done = begun(async { 2 }).await;
        until(|| done.done()).await;
        assert_eq!(wait_for(done, Duration::ZERO).await.unwrap().unwrap(), 2);
        let fresh = create_task(async { unreachable!("it was never started") });
        let handle = fresh.handle();
        let outcome: Result<Result<(), _>, _> = wait_for(fresh, Duration::ZERO).await;
        assert!(outcome.is_err() && handle.cancelled());
    });
}

// TO-15, difference 4
#[test]
fn a_task_that_someone_else_cancelled_is_a_value_and_no_timeout() {
    on_workers(2, async {
        let task = begun(pending::<()>()).await;
        let handle = task.handle();
        let canceller = create_task(async move {
            sleep(TICK).await;
            handle.cancel_with("someone else")
        });
        let error = wait_for(task, HOUR).await.unwrap().unwrap_err();
        assert!(matches!(&error, TaskError::Cancelled(error)
            if error.message() == Some("someone else")));
        assert!(canceller.await.unwrap());
    });
}

// WF-10
#[test]
fn a_shielded_task_runs_on_after_the_limit() {
    on_workers(2, async {
        let (go, gone) = oneshot::channel::<()>();
        let mut task = create_task(async move {
            gone.await.unwrap();
            8
        });
        assert!(wait_for(shield(&mut task), TICK).await.is_err());
        assert!(!task.done() && task.cancelling() == 0);
        go.send(()).unwrap();
        assert_eq!(task.await.unwrap(), 8);

        let (go, gone) = oneshot::channel::<()>();
        let owned = create_task(async move { gone.await.unwrap() });
        let handle = owned.handle();
        assert!(wait_for(shield(owned), TICK).await.is_err());
        assert!(!handle.done());
        go.send(()).unwrap();
        handle.wait().await;
        assert!(!handle.cancelled());
    });
}

// GA-5, GA-7
#[test]
fn at_the_limit_a_gather_cancels_its_children_and_waits_for_them() {
    on_workers(2, async {
        let ended = Arc::new(AtomicUsize::new(0));
        let child = |suppress: bool| {
            let ended = Arc::clone(&ended);
            async move {
                let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
                sleep(3 * TICK).await;
                ended.fetch_add(1, Ordering::SeqCst);
                if !suppress {
                    caught.raise().await;
                }
            }
        };
        for suppress in [false, true] {
            ended.store(0, Ordering::SeqCst);
            let both = gather((child(suppress), child(suppress)));
            // A cancelled gather returns no list, however its children end.
            assert!(wait_for(both, 60 * TICK).await.is_err());
            assert_eq!(ended.load(Ordering::SeqCst), 2);
            let both = gather((child(suppress), child(suppress))).return_exceptions();
            assert!(wait_for(both, 60 * TICK).await.is_err());
            assert_eq!(ended.load(Ordering::SeqCst), 4);
        }
        assert_eq!(current_task().unwrap().cancelling(), 0);
    });
}

// SH-5
#[test]
fn a_gather_of_shields_leaves_the_tasks_alone_at_the_limit() {
    on_workers(2, async {
        let (first, second) = (create_task(pending::<()>()), create_task(pending::<()>()));
        let handles = [first.handle(), second.handle()];
        let both = gather((shield(first), shield(second)));
        assert!(wait_for(both, TICK).await.is_err());
        for handle in handles {
            assert!(!handle.done() && handle.cancelling() == 0);
        }
    });
}

// WA: a cancelled `wait` does not cancel its tasks.
#[test]
fn at_the_limit_a_wait_leaves_its_tasks_alone() {
    on_workers(2, async {
        let task = create_task(pending::<()>());
        let handle = task.handle();
        assert!(wait_for(wait(vec![task]), TICK).await.is_err());
        assert!(!handle.done() && handle.cancelling() == 0);
    });
}

// Difference 15
#[test]
fn at_the_limit_a_future_is_left_alone() {
    on_workers(2, async {
        let future = Future::<u8>::new();
        assert!(wait_for(future.clone(), TICK).await.is_err());
        assert!(!future.done() && !future.cancelled());
        future.set_result(4).unwrap();
        assert_eq!(wait_for(future, TICK).await.unwrap().unwrap(), 4);
    });
}

// WF-3, through several layers
#[test]
fn the_limit_goes_through_awaited_tasks_to_the_innermost() {
    on_workers(2, async {
        let log = Log::default();
        let [inner, middle] = [log.clone(), log.clone()];
        let task = begun(async move {
            let child = create_task(finally(pending::<()>(), async move {
                checkpoint().await;
                inner.note("inner");
            }));
            finally(child, async move { middle.note("middle") }).await
        })
        .await;
        assert!(wait_for(task, 50 * TICK).await.is_err());
        assert_eq!(log.notes(), ["inner", "middle"]);
    });
}
