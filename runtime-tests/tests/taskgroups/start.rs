//! Tests of `TaskGroup::start`: a child that says when it is ready.

use asyncio::{NotStarted, TaskStatus};

use super::*;

#[test]
fn the_caller_goes_on_when_the_child_is_ready_and_the_child_runs_on() {
    on_workers(2, async {
        let log = Log::default();
        let outcome: Outcome<()> = task_group(async |tg| {
            let seen = log.clone();
            let port = tg
                .start(|status: TaskStatus<u16>| async move {
                    checkpoint().await;
                    status.started(8080);
                    sleep(TICK).await;
                    seen.note("ran on");
                    Ok(())
                })
                .await;
            assert_eq!(port, Ok(8080));
            Ok(())
        })
        .await;
        outcome.unwrap();
        assert_eq!(log.notes(), ["ran on"]);
    });
}

#[test]
fn a_child_that_ends_before_has_not_started() {
    on_workers(2, async {
        let outcome: Outcome<()> = task_group(async |tg| {
            let start = tg.start(|status: TaskStatus<()>| async move {
                checkpoint().await;
                drop(status);
                checkpoint().await;
                Ok(())
            });
            assert_eq!(start.await, Err(NotStarted));
            Ok(())
        })
        .await;
        outcome.unwrap();
    });
}

#[test]
fn the_error_of_a_child_that_has_not_started_is_the_group_s() {
    on_workers(2, async {
        let outcome: Outcome<()> = task_group(async |tg| {
            let start = tg.start(|_status: TaskStatus<()>| fails(1));
            let start = start.await;
            assert_eq!(start, Err(NotStarted));
            Ok(())
        })
        .await;
        assert_eq!(errors(outcome), [1]);
    });
}

#[test]
fn a_cancelled_caller_cancels_the_child_and_waits_for_it() {
    on_workers(2, async {
        let (log, begun) = (Log::default(), Flag::default());
        let (seen, beginning) = (log.clone(), begun.clone());
        let parent = create_task(async move {
            let outcome: Outcome<()> = task_group(async |tg| {
                let child = waiter(&seen, &beginning);
                let start = tg.start(|status: TaskStatus<()>| async move {
                    let ended = child.await;
                    drop(status);
                    ended
                });
                let started = finally(start, async { seen.note("caller") }).await;
                unreachable!("{started:?}")
            })
            .await;
            drop(outcome);
        });
        until(|| begun.is_set()).await;
        parent.cancel();
        assert!(parent.await.unwrap_err().is_cancelled());
        assert_eq!(log.notes(), ["cleaned up", "caller"]);
    });
}

#[test]
fn a_start_that_is_dropped_cancels_its_child() {
    on_workers(2, async {
        let (log, begun) = (Log::default(), Flag::default());
        let outcome: Outcome<()> = task_group(async |tg| {
            let child = waiter(&log, &begun);
            drop(tg.start(|_status: TaskStatus<()>| child));
            Ok(())
        })
        .await;
        outcome.unwrap();
        assert!(log.notes().is_empty() || begun.is_set());
    });
}

#[test]
fn a_start_that_has_returned_leaves_its_child_alone() {
    on_workers(2, async {
        let outcome: Outcome<u32> = task_group(async |tg| {
            let (go, wait) = oneshot::channel::<u32>();
            let (say, hear) = oneshot::channel::<u32>();
            let start = tg.start(|status: TaskStatus<()>| async move {
                status.started(());
                say.send(wait.await.unwrap()).unwrap();
                Ok(())
            });
            start.await.unwrap();
            go.send(7).unwrap();
            Ok(hear.await.unwrap())
        })
        .await;
        assert_eq!(outcome, Ok(7));
    });
}
