//! Tests of a cancellation that comes from outside of a group.

use asyncio::timeout;

use super::*;

// TG-5
#[test]
fn a_cancelled_parent_cancels_the_children_waits_and_goes_on_outward() {
    on_workers(2, async {
        for body_waits in [true, false] {
            let (log, begun) = (Log::default(), Flag::default());
            let (seen, beginning) = (log.clone(), begun.clone());
            let parent = create_task(async move {
                let outcome: Outcome<()> = task_group(async |tg| {
                    tg.create_task(waiter(&seen, &beginning));
                    if body_waits {
                        pending().await
                    }
                    Ok(())
                })
                .await;
                unreachable!("the cancellation goes on: {outcome:?}")
            });
            until(|| begun.is_set()).await;
            assert!(parent.cancel_with("enough"));
            let Err::<(), _>(TaskError::Cancelled(error)) = parent.await else {
                panic!("it is not cancelled")
            };
            assert_eq!(error.message(), Some("enough"));
            assert_eq!(error.reason().source(), CancelSource::Requested);
            assert_eq!(log.notes(), ["cleaned up"]);
        }
    });
}

// TG-5, CA-14
#[test]
fn the_children_hear_the_message_and_that_it_was_the_group() {
    on_workers(2, async {
        let (begun, heard) = (Flag::default(), Log::default());
        let (beginning, hear) = (begun.clone(), heard.clone());
        let parent = create_task(async move {
            let outcome: Outcome<()> = task_group(async |tg| {
                tg.start_soon(async move {
                    let wait = async {
                        beginning.set();
                        pending::<()>().await
                    };
                    let caught = catch_cancelled(wait).await.unwrap_err();
                    assert_eq!(caught.message(), Some("enough"));
                    assert_eq!(caught.reason().source(), CancelSource::TaskGroup);
                    hear.note("heard");
                    caught.raise().await
                });
                Ok(())
            })
            .await;
            drop(outcome);
        });
        until(|| begun.is_set()).await;
        parent.cancel_with("enough");
        assert!(parent.await.unwrap_err().is_cancelled());
        assert_eq!(heard.notes(), ["heard"]);
    });
}

// TG-5
#[test]
fn an_error_wins_and_the_cancellation_comes_at_the_next_await() {
    on_workers(2, async {
        for body_waits in [true, false] {
            let (begun, log) = (Flag::default(), Log::default());
            let (beginning, seen) = (begun.clone(), log.clone());
            let parent = create_task(async move {
                let outcome: Outcome<()> = task_group(async |tg| {
                    tg.create_task(async move {
                        let wait = async {
                            beginning.set();
                            pending::<()>().await
                        };
                        catch_cancelled(wait).await.unwrap_err();
                        Err::<(), _>(Oops(1))
                    });
                    if body_waits {
                        pending().await
                    }
                    Ok(())
                })
                .await;
                assert_eq!(errors(outcome), [1]);
                assert_eq!(cancelling(), 1);
                seen.note("handled");
                catch_cancelled(pending::<()>()).await.unwrap_err();
                seen.note("cancelled");
                assert_eq!(cancelling(), 1);
                // It comes once.
                checkpoint().await;
            });
            until(|| begun.is_set()).await;
            parent.cancel();
            parent.await.unwrap();
            assert_eq!(log.notes(), ["handled", "cancelled"]);
        }
    });
}

// TG-5, TG-6
#[test]
fn a_second_cancellation_does_not_reach_the_children_again() {
    on_workers(2, async {
        let log = Log::default();
        let (go, child) = stubborn(&log);
        let begun = Flag::default();
        let beginning = begun.clone();
        let parent = create_task(async move {
            let outcome: Outcome<u32> = task_group(async |tg| {
                let child = tg.create_task(child);
                beginning.set();
                Ok(child.cancelling())
            })
            .await;
            unreachable!("{outcome:?}")
        });
        until(|| begun.is_set()).await;
        // The child has to have begun, too: one that never ran is dropped.
        sleep(TICK).await;
        parent.cancel_with("first");
        until(|| log.notes().len() == 2).await;
        parent.cancel_with("second");
        parent.cancel_with("third");
        for _ in 0..10 {
            checkpoint().await;
        }
        assert!(!parent.done());
        go.send(()).unwrap();
        let Err::<(), _>(TaskError::Cancelled(error)) = parent.await else {
            panic!("it is not cancelled")
        };
        assert_eq!(error.message(), Some("first"));
        assert_eq!(log.notes(), ["caught", "by the group"]);
    });
}

// TG-14
#[test]
fn a_body_that_raises_a_cancellation_ends_the_children_first() {
    on_workers(2, async {
        let (log, begun) = (Log::default(), Flag::default());
        let (seen, beginning) = (log.clone(), begun.clone());
        let parent = create_task(async move {
            let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
            let outcome: Outcome<()> = task_group(async |tg| {
                tg.create_task(waiter(&seen, &beginning));
                until(|| beginning.is_set()).await;
                cancelled.raise().await
            })
            .await;
            unreachable!("{outcome:?}")
        });
        checkpoint().await;
        sleep(TICK).await;
        parent.cancel_with("long ago");
        let Err::<(), _>(TaskError::Cancelled(error)) = parent.await else {
            panic!("it is not cancelled")
        };
        assert_eq!(error.message(), Some("long ago"));
        assert_eq!(log.notes(), ["cleaned up"]);
    });
}

// TG-15
#[test]
fn a_request_that_is_there_at_the_beginning_comes_at_the_first_await() {
    on_workers(2, async {
        let log = Log::default();
        let seen = log.clone();
        let parent = create_task(async move {
            current_task().unwrap().cancel();
            let outcome: Outcome<()> = task_group(async |tg| {
                let child = tg.create_task(forever());
                assert!(!child.done(), "children can be made");
                seen.note("made");
                checkpoint().await;
                unreachable!("it arrives here")
            })
            .await;
            unreachable!("{outcome:?}")
        });
        assert!(parent.await.unwrap_err().is_cancelled());
        assert_eq!(log.notes(), ["made"]);
    });
}

// TO-14
#[test]
fn a_timeout_around_a_group_waits_for_the_children() {
    on_workers(2, async {
        let (log, begun) = (Log::default(), Flag::default());
        let outcome = timeout(2 * TICK, async |_| {
            let group: Outcome<()> = task_group(async |tg| {
                tg.create_task(waiter(&log, &begun));
                until(|| begun.is_set()).await;
                pending().await
            })
            .await;
            unreachable!("{group:?}")
        });
        let outcome: Result<(), _> = outcome.await;
        assert_eq!(outcome, Err(asyncio::TimeoutError));
        assert_eq!(log.notes(), ["cleaned up"]);
        assert_eq!(cancelling(), 0);
    });
}

// TO-14
#[test]
fn a_timeout_around_a_group_whose_child_fails_gives_the_error() {
    on_workers(2, async {
        let mut kept = None;
        let outcome = timeout(2 * TICK, async |scope| {
            kept = Some(scope.clone());
            let group: Outcome<()> = task_group(async |tg| {
                tg.create_task(async {
                    let _caught = catch_cancelled(pending::<()>()).await;
                    Err::<(), _>(Oops(1))
                });
                pending().await
            })
            .await;
            group
        });
        assert_eq!(errors(outcome.await.unwrap()), [1]);
        assert!(kept.unwrap().expired());
        assert_eq!(cancelling(), 0);
        checkpoint().await;
    });
}

// TG-5: the origin of the request is a limit, which is given it back.
#[test]
fn a_limit_whose_request_gave_way_to_an_error_delivers_it_again() {
    on_workers(2, async {
        let log = Log::default();
        let outcome = timeout(2 * TICK, async |_| {
            let group: Outcome<()> = task_group(async |tg| {
                tg.create_task(async {
                    let _caught = catch_cancelled(pending::<()>()).await;
                    Err::<(), _>(Oops(1))
                });
                Ok(())
            })
            .await;
            assert_eq!(errors(group), [1]);
            log.note("handled");
            pending::<()>().await;
        });
        assert!(outcome.await.is_err());
        assert_eq!(log.notes(), ["handled"]);
    });
}

// TG-5: children that swallow it and return values change nothing.
#[test]
fn the_cancellation_goes_on_even_if_all_children_return_values() {
    on_workers(2, async {
        let begun = Flag::default();
        let beginning = begun.clone();
        let parent = create_task(async move {
            let outcome: Outcome<&str> = task_group(async |tg| {
                tg.create_task(async move {
                    let wait = async {
                        beginning.set();
                        pending::<()>().await
                    };
                    Ok(catch_cancelled(wait).await.is_err())
                });
                Ok("a value")
            })
            .await;
            unreachable!("{outcome:?}")
        });
        until(|| begun.is_set()).await;
        parent.cancel();
        assert!(parent.await.unwrap_err().is_cancelled());
    });
}

// difference 3
#[test]
fn a_group_that_is_over_gives_its_value_and_the_request_comes_later() {
    on_workers(1, async {
        let parent = create_task(async {
            let outcome: Outcome<u32> = task_group(async |tg| {
                let child = tg.create_task(async { Ok(1) });
                until(|| child.done()).await;
                current_task().unwrap().cancel();
                Ok(2)
            })
            .await;
            assert_eq!(outcome, Ok(2));
            checkpoint().await;
            unreachable!("it arrives here")
        });
        assert!(parent.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_child_that_awaits_its_own_parent_ends_when_that_is_cancelled() {
    on_workers(2, async {
        let (sender, receiver) = oneshot::channel::<Task<()>>();
        let begun = Flag::default();
        let beginning = begun.clone();
        let parent = create_task(async move {
            let outcome: Outcome<()> = task_group(async |tg| {
                tg.create_task(async move {
                    let parent = receiver.await.unwrap();
                    beginning.set();
                    drop(parent.await);
                    Ok(())
                });
                Ok(())
            })
            .await;
            drop(outcome);
        });
        let handle = parent.handle();
        sender.send(parent).unwrap();
        until(|| begun.is_set()).await;
        sleep(TICK).await;
        handle.cancel();
        handle.wait().await;
        assert!(handle.cancelled());
    });
}

#[test]
fn a_shutdown_ends_a_group_and_all_its_children() {
    let log = Log::default();
    let begun = Flag::default();
    on_workers(2, async {
        let (log, begun, beginning) = (log.clone(), begun.clone(), begun.clone());
        create_task(async move {
            let outcome: Outcome<()> = task_group(async |tg| {
                tg.create_task(waiter(&log, &beginning));
                pending().await
            })
            .await;
            unreachable!("{outcome:?}")
        });
        until(|| begun.is_set()).await;
    });
    assert_eq!(log.notes(), ["cleaned up"]);
}

#[test]
fn a_group_behind_a_foreign_waker_is_reached() {
    use futures::stream::{FuturesUnordered, StreamExt};
    on_workers(2, async {
        for body_waits in [true, false] {
            let (log, begun) = (Log::default(), Flag::default());
            let (seen, beginning) = (log.clone(), begun.clone());
            let parent = create_task(async move {
                let groups: FuturesUnordered<_> = (0..2)
                    .map(|_| {
                        task_group(async |tg| {
                            tg.create_task(waiter(&seen, &beginning));
                            if body_waits {
                                pending::<()>().await;
                            }
                            Ok::<_, Oops>(())
                        })
                        .boxed()
                    })
                    .collect();
                drop(groups.collect::<Vec<_>>().await);
            });
            until(|| begun.is_set()).await;
            sleep(TICK).await;
            parent.cancel();
            assert!(parent.await.unwrap_err().is_cancelled());
            until(|| log.notes().len() == 2).await;
        }
    });
}

// TG-5: also if the body has caught the request first.
#[test]
fn a_request_that_the_body_has_caught_and_raised_comes_again_after_an_error() {
    on_workers(2, async {
        let begun = Flag::default();
        let beginning = begun.clone();
        let parent = create_task(async move {
            let outcome: Outcome<()> = task_group(async |tg| {
                let wait = async {
                    beginning.set();
                    pending::<()>().await
                };
                let caught = catch_cancelled(wait).await.unwrap_err();
                let child = tg.create_task(fails(1));
                let _caught = catch_cancelled(until(|| child.done())).await;
                caught.raise().await
            })
            .await;
            assert_eq!(errors(outcome), [1]);
            checkpoint().await;
            unreachable!("it arrives here")
        });
        until(|| begun.is_set()).await;
        parent.cancel();
        assert!(parent.await.unwrap_err().is_cancelled());
    });
}

// TG-5: and if it was a limit's.
#[test]
fn a_limit_s_request_that_was_caught_and_raised_comes_again_after_an_error() {
    on_workers(2, async {
        let outcome = timeout(TICK, async |_| {
            let group: Outcome<()> = task_group(async |tg| {
                let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
                let child = tg.create_task(fails(1));
                let _caught = catch_cancelled(until(|| child.done())).await;
                caught.raise().await
            })
            .await;
            assert_eq!(errors(group), [1]);
            pending::<()>().await;
        });
        assert!(outcome.await.is_err());
    });
}
