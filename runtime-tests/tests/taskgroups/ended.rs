//! Tests of `TaskGroup::cancel`.

use super::*;

// TG-17
#[test]
fn a_cancelled_group_ends_its_body_and_children_and_the_caller_goes_on() {
    on_workers(2, async {
        let (log, begun) = (Log::default(), Flag::default());
        let outcome: Outcome<()> = task_group(async |tg| {
            tg.create_task(waiter(&log, &begun));
            until(|| begun.is_set()).await;
            tg.cancel();
            log.note("called");
            checkpoint().await;
            unreachable!("it arrives here")
        })
        .await;
        let group = outcome.unwrap_err();
        assert!(group.is_cancelled() && group.errors().is_empty());
        assert_eq!(group.to_string(), "the TaskGroup was cancelled");
        let mut notes = log.notes();
        notes.sort_unstable();
        assert_eq!(notes, ["called", "cleaned up"]);
        assert_eq!(cancelling(), 0);
        checkpoint().await;
    });
}

// TG-18
#[test]
fn a_body_without_another_await_still_returns_its_value() {
    on_workers(2, async {
        let outcome: Outcome<u32> = task_group(async |tg| {
            tg.create_task(forever());
            tg.cancel();
            Ok(42)
        })
        .await;
        assert_eq!(outcome, Ok(42));
        // No cancellation is left over.
        checkpoint().await;
        assert_eq!(cancelling(), 0);
    });
}

// TG-17
#[test]
fn a_body_that_cleans_up_and_returns_keeps_its_value() {
    on_workers(2, async {
        let outcome: Outcome<u32> = task_group(async |tg| {
            tg.cancel();
            let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
            assert_eq!(caught.reason().source(), CancelSource::TaskGroup);
            assert_eq!(caught.reason().at().unwrap().file(), file!());
            Ok(42)
        })
        .await;
        assert_eq!(outcome, Ok(42));
    });
}

// TG-19: before the body's first await. (The group exists only within its body.)
#[test]
fn a_group_that_is_cancelled_first_runs_to_its_first_await_and_takes_no_child() {
    on_workers(2, async {
        let outcome: Outcome<()> = task_group(async |tg| {
            tg.cancel();
            tg.cancel();
            assert!(tg.create_task(async { Ok(()) }).cancelled());
            checkpoint().await;
            unreachable!("it arrives here")
        })
        .await;
        assert!(outcome.unwrap_err().is_cancelled());
    });
}

// TG-19
#[test]
fn cancelling_a_group_that_has_ended_does_nothing() {
    on_workers(2, async {
        let mut kept = None;
        let outcome: Outcome<()> = task_group(async |tg| {
            kept = Some(tg.clone());
            Ok(())
        })
        .await;
        outcome.unwrap();
        kept.unwrap().cancel();
        checkpoint().await;
        assert_eq!(cancelling(), 0);
    });
}

// TG-20
#[test]
fn a_child_that_cancels_its_group_is_cancelled_too() {
    on_workers(2, async {
        let log = Log::default();
        let seen = log.clone();
        let outcome: Outcome<()> = task_group(async |tg| {
            let group = tg.clone();
            tg.start_soon(async move {
                group.cancel();
                let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
                assert_eq!(caught.reason().source(), CancelSource::TaskGroup);
                seen.note("cancelled");
                caught.raise().await
            });
            pending().await
        })
        .await;
        assert!(outcome.unwrap_err().is_cancelled());
        assert_eq!(log.notes(), ["cancelled"]);
    });
}

// TG-20
#[test]
fn cancelling_the_outer_group_inside_the_inner_ends_both() {
    on_workers(2, async {
        let outcome: Outcome<()> = task_group(async |outer| {
            let inner: Outcome<()> = task_group(async |inner| {
                inner.create_task(forever());
                outer.cancel();
                pending().await
            })
            .await;
            unreachable!("the cancellation is the outer group's: {inner:?}")
        })
        .await;
        assert!(outcome.unwrap_err().is_cancelled());
        checkpoint().await;
    });
}

// TG-20
#[test]
fn cancelling_the_inner_group_leaves_the_outer_alone() {
    on_workers(2, async {
        let outcome: Outcome<u32> = task_group(async |outer| {
            let child = outer.create_task(async {
                sleep(TICK).await;
                Ok(42)
            });
            let inner: Outcome<()> = task_group(async |inner| {
                inner.cancel();
                pending().await
            })
            .await;
            assert!(inner.unwrap_err().is_cancelled());
            Ok(child.await.unwrap())
        })
        .await;
        assert_eq!(outcome, Ok(42));
    });
}

// TG-21
#[test]
fn a_cancel_does_not_hide_errors() {
    on_workers(2, async {
        let begun = Flag::default();
        let beginning = begun.clone();
        let outcome: Outcome<()> = task_group(async |tg| {
            tg.create_task(async move {
                let wait = async {
                    beginning.set();
                    pending::<()>().await
                };
                let _caught = catch_cancelled(wait).await;
                Err::<(), _>(Oops(1))
            });
            until(|| begun.is_set()).await;
            tg.cancel();
            Err(Oops(2))
        })
        .await;
        assert_eq!(sorted(outcome), [1, 2]);
    });
}

// TG-22
#[test]
fn a_cancellation_from_outside_is_not_lost_in_a_cancelled_group() {
    on_workers(2, async {
        for body_returns in [true, false] {
            let log = Log::default();
            let (go, child) = stubborn(&log);
            let begun = Flag::default();
            let beginning = begun.clone();
            let parent = create_task(async move {
                let outcome: Outcome<()> = task_group(async |tg| {
                    let cancel = tg.clone();
                    tg.create_task(child);
                    beginning.set();
                    sleep(TICK).await;
                    cancel.cancel();
                    if body_returns {
                        return Ok(());
                    }
                    pending().await
                })
                .await;
                // If the group was over first, the request comes here.
                drop(outcome);
                pending().await
            });
            until(|| log.notes().len() == 2).await;
            parent.cancel_with("from outside");
            checkpoint().await;
            go.send(()).unwrap();
            let Err::<(), _>(TaskError::Cancelled(error)) = parent.await else {
                panic!("it is not cancelled")
            };
            assert_eq!(error.message(), Some("from outside"));
            assert!(begun.is_set());
        }
    });
}

// TG-22: a child that cancels the group before whoever makes it has added it.
#[test]
fn a_child_that_cancels_the_group_at_once_is_cancelled_as_well() {
    on_workers(3, async {
        for _ in 0..300 {
            let outcome: Outcome<()> = task_group(async |tg| {
                for _ in 0..3 {
                    let group = tg.clone();
                    tg.start_soon(async move {
                        group.cancel();
                        pending().await
                    });
                }
                pending().await
            })
            .await;
            let _cancelled: Vec<Oops> =
                outcome.map_or_else(ExceptionGroup::into_errors, |()| Vec::new());
        }
    });
}
