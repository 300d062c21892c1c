//! Tests of an abort: a child or the body fails, and what follows for the others.

use super::*;

// TG-2, TG-3
#[test]
fn the_first_failure_cancels_all_children_and_the_body() {
    on_workers(2, async {
        let (log, begun) = (Log::default(), [Flag::default(), Flag::default()]);
        let before = cancelling();
        let outcome: Outcome<()> = task_group(async |tg| {
            for begun in &begun {
                tg.create_task(waiter(&log, begun));
            }
            until(|| begun.iter().all(Flag::is_set)).await;
            tg.create_task(fails(1));
            let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
            assert_eq!(caught.reason().source(), CancelSource::TaskGroup);
            log.note("body caught");
            caught.raise().await
        })
        .await;
        assert_eq!(errors(outcome), [1]);
        let mut notes = log.notes();
        notes.sort_unstable();
        assert_eq!(notes, ["body caught", "cleaned up", "cleaned up"]);
        assert_eq!(cancelling(), before);
        // No cancellation is left over.
        checkpoint().await;
    });
}

// TG-2: the body is at an await that needs to know nothing.
#[test]
fn a_body_that_catches_nothing_is_dropped() {
    on_workers(2, async {
        let dropped = Flag::default();
        let outcome: Outcome<()> = task_group(async |tg| {
            let _dropped = dropped.set_on_drop();
            tg.create_task(fails(1));
            pending().await
        })
        .await;
        assert_eq!(errors(outcome), [1]);
        assert!(dropped.is_set());
        assert_eq!(cancelling(), 0);
        checkpoint().await;
    });
}

// TG-2: the body has ended already.
#[test]
fn a_failure_while_the_group_waits_cancels_the_others() {
    on_workers(2, async {
        let (log, begun) = (Log::default(), Flag::default());
        let outcome: Outcome<&str> = task_group(async |tg| {
            tg.create_task(waiter(&log, &begun));
            until(|| begun.is_set()).await;
            tg.create_task(fails(1));
            Ok("the value is lost")
        })
        .await;
        assert_eq!(errors(outcome), [1]);
        assert_eq!(log.notes(), ["cleaned up"]);
    });
}

// TG-3
#[test]
fn all_errors_come_in_one_group_also_that_of_the_body() {
    on_workers(3, async {
        let outcome: Outcome<()> = task_group(async |tg| {
            let begun = [Flag::default(), Flag::default()];
            for (number, begun) in (1..).zip(begun.clone()) {
                tg.create_task(async move {
                    begun.set();
                    let _caught = catch_cancelled(pending::<()>()).await;
                    Err::<(), _>(Oops(number))
                });
            }
            until(|| begun.iter().all(Flag::is_set)).await;
            Err(Oops(3))
        })
        .await;
        assert_eq!(sorted(outcome), [1, 2, 3]);
    });
}

// TG-3
#[test]
fn even_a_single_error_of_the_body_alone_is_a_group() {
    on_workers(1, async {
        let outcome: Outcome<()> = task_group(async |_| Err(Oops(1))).await;
        assert_eq!(errors(outcome), [1]);
    });
}

// TG-4
#[test]
fn children_that_end_cancelled_fail_nothing() {
    on_workers(2, async {
        let outcome: Outcome<u32> = task_group(async |tg| {
            let one = tg.create_task(forever());
            one.cancel();
            let itself = tg.create_task(async {
                current_task().unwrap().cancel();
                checkpoint().await;
                Ok(())
            });
            let other = tg.create_task(async {
                checkpoint().await;
                Ok(42)
            });
            assert!(one.await.unwrap_err().is_cancelled());
            assert!(itself.await.unwrap_err().is_cancelled());
            Ok(other.await.unwrap())
        })
        .await;
        assert_eq!(outcome, Ok(42));
    });
}

// TG-2, TG-13
#[test]
fn a_child_is_cancelled_once_and_may_take_its_time() {
    on_workers(2, async {
        let log = Log::default();
        let (go, child) = stubborn(&log);
        let (kept, begun) = (Flag::default(), Flag::default());
        let (keep, beginning) = (kept.clone(), begun.clone());
        let group = create_task(async move {
            let mut stubborn = None;
            let outcome: Outcome<()> = task_group(async |tg| {
                stubborn = Some(tg.create_task(child));
                let others = [1, 2].map(|number| {
                    let begun = beginning.clone();
                    async move {
                        until(|| begun.is_set()).await;
                        fails(number).await
                    }
                });
                for other in others {
                    tg.create_task(other);
                }
                beginning.set();
                pending().await
            })
            .await;
            keep.set();
            (outcome, stubborn.unwrap())
        });
        until(|| log.notes().len() == 2).await;
        assert!(!kept.is_set(), "the group has not waited");
        go.send(()).unwrap();
        let (outcome, mut stubborn) = group.await.unwrap();
        // The second one may have been cancelled before it failed.
        let errors = sorted(outcome);
        assert!(
            errors == [1] || errors == [2] || errors == [1, 2],
            "{errors:?}"
        );
        assert_eq!(stubborn.cancelling(), 1);
        assert_eq!(stubborn.result().unwrap(), 7, "its value is kept");
        assert_eq!(log.notes(), ["caught", "by the group"]);
    });
}

// TG-10
#[test]
fn a_body_that_swallows_the_abort_is_not_cancelled_again() {
    on_workers(2, async {
        let log = Log::default();
        let outcome: Outcome<()> = task_group(async |tg| {
            tg.create_task(fails(1));
            catch_cancelled(pending::<()>()).await.unwrap_err();
            log.note("swallowed");
            sleep(TICK).await;
            checkpoint().await;
            log.note("went on");
            Ok(())
        })
        .await;
        assert_eq!(errors(outcome), [1]);
        assert_eq!(log.notes(), ["swallowed", "went on"]);
    });
}

// TG-7, difference 11
#[test]
fn a_group_that_is_shutting_down_takes_no_child() {
    on_workers(2, async {
        let dropped = Flag::default();
        let outcome: Outcome<()> = task_group(async |tg| {
            tg.create_task(fails(1));
            catch_cancelled(pending::<()>()).await.unwrap_err();
            let guard = dropped.set_on_drop();
            let task = tg.create_task(async move {
                let _guard = guard;
                unreachable!("it does not run")
            });
            assert!(task.done() && task.cancelled());
            assert!(dropped.is_set());
            let Err::<(), _>(TaskError::Cancelled(error)) = task.await else {
                panic!("it is not cancelled")
            };
            assert_eq!(error.message(), Some("the TaskGroup is shutting down"));
            assert_eq!(error.reason().source(), CancelSource::TaskGroup);
            Ok(())
        })
        .await;
        assert_eq!(errors(outcome), [1]);
    });
}

// TG-7, difference 11
#[test]
fn a_group_that_is_finished_takes_no_child() {
    on_workers(2, async {
        let kept = task_group(async |tg| Ok::<_, Oops>(tg.clone()))
            .await
            .unwrap();
        let task = kept.create_task(async { Ok(()) });
        let Err(TaskError::Cancelled(error)) = task.await else {
            panic!("it is not cancelled")
        };
        assert_eq!(error.message(), Some("the TaskGroup is finished"));
        kept.start_soon(async { unreachable!("it does not run") });
        kept.cancel();
        checkpoint().await;
    });
}

// TG-11
#[test]
fn of_nested_groups_that_fail_at_once_each_raises_its_own() {
    on_workers(1, async {
        let log = Log::default();
        let outcome: Outcome<()> = task_group(async |outer| {
            outer.create_task(fails(1));
            let inner: Outcome<()> = task_group(async |inner| {
                inner.create_task(fails(2));
                pending().await
            })
            .await;
            assert_eq!(errors(inner), [2]);
            log.note("handled");
            checkpoint().await;
            unreachable!("the outer group's cancellation is delivered here")
        })
        .await;
        assert_eq!(errors(outcome), [1]);
        assert_eq!(log.notes(), ["handled"]);
        assert_eq!(cancelling(), 0);
        checkpoint().await;
    });
}

// TG-11
#[test]
fn the_abort_of_an_outer_group_ends_an_inner_one() {
    on_workers(2, async {
        let (log, begun) = (Log::default(), Flag::default());
        let outcome: Outcome<()> = task_group(async |outer| {
            let inner: Outcome<()> = task_group(async |inner| {
                inner.create_task(waiter(&log, &begun));
                until(|| begun.is_set()).await;
                outer.create_task(fails(1));
                pending().await
            })
            .await;
            unreachable!("the cancellation is the outer group's: {inner:?}")
        })
        .await;
        assert_eq!(errors(outcome), [1]);
        assert_eq!(log.notes(), ["cleaned up"]);
    });
}

// difference 3: a body that awaits a child which the abort has cancelled is cancelled, too.
#[test]
fn a_member_that_awaits_another_is_ended_with_it() {
    for _ in 0..200 {
        on_workers(3, async {
            let outcome: Outcome<()> = task_group(async |tg| {
                let victim = tg.create_task(forever());
                let awaited = tg.create_task(forever());
                tg.create_task(async move {
                    awaited.await.unwrap();
                    Ok(())
                });
                tg.create_task(fails(1));
                victim.await.unwrap();
                Ok(())
            })
            .await;
            assert_eq!(errors(outcome), [1]);
        });
    }
}

#[test]
fn a_child_that_fails_is_named_as_the_canceller() {
    on_workers(2, async {
        let outcome: Outcome<()> = task_group(async |tg| {
            let failing = tg.create_task(fails(1));
            let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
            let (canceller, _name) = caught.reason().by().unwrap();
            assert_eq!(canceller, failing.id());
            assert_eq!(caught.reason().at().unwrap().file(), file!());
            Ok(())
        })
        .await;
        assert_eq!(errors(outcome), [1]);
    });
}
