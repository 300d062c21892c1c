//! Tests of cancellation inside combinators that are not aware of it: joins, selects, sets of
//! futures.

use super::*;
use futures::StreamExt;
use futures::future::{Either, join, join_all, ready, select, select_all};
use futures::stream::FuturesUnordered;
use std::pin::pin;

/// A raise that loses a select must not end another scope. (The first draft of the protocol failed
/// here.)
#[test]
fn a_raise_that_loses_a_select_has_raised_nothing() {
    from_many_threads(async |event_loop| {
        let task = event_loop.create_task(async {
            current_task().unwrap().cancel();
            let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
            let raising = Box::pin(caught.raise());
            // The raise is polled first, so its mark exists when the other future is ready.
            let Either::Right((value, loser)) = select(raising, ready(5)).await;
            drop(loser);
            catch_cancelled(checkpoint())
                .await
                .expect("an innocent scope");
            checkpoint().await;
            value
        });
        match task.await {
            Ok(value) => assert_eq!(value, 5),
            Err(error) => panic!("torn down: {error}"),
        }
    });
}

/// The same while the raise is alive and another scope is polled.
#[test]
fn a_raise_in_a_select_whose_other_branch_is_a_scope_takes_the_select_and_not_the_scope() {
    on_workers(1, async {
        let log = Log::default();
        let inner = log.clone();
        let task = begun(async move {
            current_task().unwrap().cancel_with("raised");
            let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
            let innocent = async {
                if catch_cancelled(pending::<()>()).await.is_err() {
                    inner.note("torn down");
                }
            };
            let both = join(caught.raise(), innocent);
            catch_cancelled(both)
                .await
                .map(|_| ())
                .unwrap_err()
                .message()
                .map(str::to_owned)
        })
        .await;
        assert_eq!(task.await.unwrap().as_deref(), Some("raised"));
        assert!(log.notes().is_empty(), "the sibling took it");
    });
}

/// A stale mark must not hide a new one. (The second draft of the protocol failed here.)
#[test]
fn a_stale_raise_does_not_hide_a_new_one() {
    on_workers(1, async {
        let task = begun(async {
            let mut errors = Vec::new();
            for message in ["old", "new"] {
                current_task().unwrap().cancel_with(message);
                errors.push(catch_cancelled(pending::<()>()).await.unwrap_err());
            }
            let (new, old) = (errors.pop().unwrap(), errors.pop().unwrap());
            let mut old = Box::pin(old.raise());
            // The old raise is left pending beside the new one, and is polled once, before it.
            let mut once = true;
            let stale = std::future::poll_fn(move |cx| {
                if std::mem::take(&mut once) {
                    assert!(old.as_mut().poll(cx).is_pending());
                }
                std::task::Poll::<()>::Pending
            });
            let scope = async { catch_cancelled(new.raise()).await.unwrap_err() };
            let Either::Right((caught, _stale)) = select(pin!(stale), pin!(scope)).await else {
                unreachable!()
            };
            caught.message().map(str::to_owned)
        })
        .await;
        assert_eq!(task.await.unwrap().as_deref(), Some("new"));
    });
}

/// A task that is awaited inside a `FuturesUnordered` inside a scope is cancelled like any other.
/// (The third draft of the protocol failed here.)
#[test]
fn a_task_awaited_inside_a_set_of_futures_is_cancelled() {
    from_many_threads(async |event_loop| {
        let started = Flag::default();
        let start = started.clone();
        let task = event_loop.create_task(async move {
            let child = create_task(async move {
                start.set();
                pending::<()>().await;
            });
            let handle = child.handle();
            let mut set: FuturesUnordered<_> = std::iter::once(child).collect();
            let caught = catch_cancelled(set.next()).await;
            assert!(caught.is_err(), "it goes on outward");
            assert!(handle.done() && handle.cancelled());
            checkpoint().await;
            9
        });
        until(|| started.is_set()).await;
        // The set may not have polled the child yet: then no awaitable inside the scope can claim
        // the request.
        task.cancel();
        match task.await {
            Ok(value) => assert_eq!(value, 9),
            Err(error) => assert!(error.is_cancelled(), "{error}"),
        }
    });
}

// Step 7
#[test]
fn scopes_and_cleanups_inside_a_set_of_futures_get_the_request() {
    on_workers(1, async {
        let log = Log::default();
        let (one, two) = (log.clone(), log.clone());
        let task = begun(async move {
            let cleaning = async move {
                finally(pending::<()>(), async move {
                    checkpoint().await;
                    one.note("cleaned");
                })
                .await;
            };
            let mut set = FuturesUnordered::new();
            set.push(futures::FutureExt::boxed(cleaning));
            let ended = catch_cancelled(set.next()).await;
            two.note("caught");
            assert!(ended.is_err());
        })
        .await;
        checkpoint().await;
        task.cancel();
        assert!(task.await.is_ok());
        assert_eq!(log.notes(), ["cleaned", "caught"]);
    });
}

// Step 7
#[test]
fn a_set_of_futures_whose_child_suppresses_goes_on() {
    on_workers(1, async {
        let task = begun(async {
            let mut set = FuturesUnordered::new();
            set.push(create_task(async {
                catch_cancelled(pending::<()>()).await.is_err()
            }));
            checkpoint().await;
            catch_cancelled(set.next())
                .await
                .expect("a value")
                .unwrap()
                .unwrap()
        })
        .await;
        for _ in 0..5 {
            checkpoint().await;
        }
        task.cancel();
        assert!(task.await.unwrap());
    });
}

// Step 7
#[test]
fn sets_inside_sets_pass_the_request_on() {
    on_workers(1, async {
        let task = begun(async {
            let child = create_task(pending::<()>());
            let handle = child.handle();
            let mut inner: FuturesUnordered<_> = std::iter::once(child).collect();
            let mut outer = FuturesUnordered::new();
            outer.push(async move { inner.next().await.is_some() });
            checkpoint().await;
            let caught = catch_cancelled(outer.next()).await.is_err();
            (caught, handle.cancelled())
        })
        .await;
        for _ in 0..5 {
            checkpoint().await;
        }
        task.cancel();
        assert_eq!(task.await.unwrap(), (true, true));
    });
}

// Step 7
#[test]
fn many_joined_tasks_are_cancelled_from_any_thread() {
    from_many_threads(async |event_loop| {
        let outer = event_loop.create_task(async {
            let children: Vec<_> = (0..40).map(|_| create_task(pending::<()>())).collect();
            let handles: Vec<_> = children.iter().map(Task::handle).collect();
            let caught = catch_cancelled(join_all(children)).await;
            let cancelled = handles.iter().filter(|handle| handle.cancelled()).count();
            handles.iter().for_each(|handle| {
                handle.cancel();
            });
            (caught.is_err(), cancelled)
        });
        for _ in 0..4 {
            checkpoint().await;
        }
        outer.cancel();
        match outer.await {
            // The set polls its children with wakers of its own: at least one got the request.
            Ok((caught, cancelled)) => assert!(caught && cancelled >= 1),
            Err(error) => assert!(error.is_cancelled()),
        }
    });
}

// Step 8
#[test]
fn of_the_branches_of_a_join_the_first_claims() {
    on_workers(1, async {
        let log = Log::default();
        let (one, two) = (log.clone(), log.clone());
        let (send, receive) = oneshot::channel();
        let task = begun(async move {
            let first = async {
                catch_cancelled(pending::<()>()).await.unwrap_err();
                one.note("first");
            };
            let second = async {
                if catch_cancelled(receive).await.is_err() {
                    two.note("second");
                }
            };
            join(first, second).await;
        })
        .await;
        task.cancel();
        until(|| !log.notes().is_empty()).await;
        for _ in 0..5 {
            checkpoint().await;
        }
        assert_eq!(log.notes(), ["first"]);
        send.send(()).unwrap();
        assert!(task.await.is_ok());
    });
}

#[test]
fn a_raise_in_one_branch_of_a_join_is_not_taken_by_the_other() {
    on_workers(1, async {
        for raiser_first in [true, false] {
            let log = Log::default();
            let inner = log.clone();
            let task = begun(async move {
                let raiser = async {
                    let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
                    caught.raise().await
                };
                let sibling = async {
                    let _unclaimed = catch_cancelled(pending::<()>()).await;
                    inner.note("sibling");
                };
                // If the sibling is polled first, it claims the request, and the raiser gets none.
                if raiser_first {
                    join(raiser, sibling).await.1
                } else {
                    sibling.await
                }
            })
            .await;
            task.cancel_with("raised");
            let ended = task.await;
            assert_eq!(ended.is_err(), raiser_first);
            assert_eq!(log.notes().is_empty(), raiser_first);
        }
    });
}

#[test]
fn the_loser_of_a_select_drops_its_cleanup_unrun() {
    on_workers(1, async {
        let (cleaned, dropped) = (Flag::default(), Flag::default());
        let (clean, probe) = (cleaned.clone(), dropped.set_on_drop());
        let loser = finally(pending::<()>(), async move {
            let _probe = probe;
            clean.set();
        });
        select(Box::pin(loser), ready(())).await;
        assert!(dropped.is_set() && !cleaned.is_set());
    });
}

#[test]
fn a_select_of_tasks_passes_the_request_to_the_first_and_ends_cancelled() {
    from_many_threads(async |event_loop| {
        let task = event_loop.create_task(async {
            let children = [create_task(pending::<()>()), create_task(pending::<()>())];
            let handles = [children[0].handle(), children[1].handle()];
            let caught = catch_cancelled(select_all(children)).await.is_err();
            let first = handles[0].cancelled();
            handles.iter().for_each(|handle| {
                handle.cancel();
            });
            (caught, first)
        });
        for _ in 0..4 {
            checkpoint().await;
        }
        task.cancel();
        match task.await {
            Ok(seen) => assert_eq!(seen, (true, true)),
            Err(error) => assert!(error.is_cancelled()),
        }
    });
}

#[test]
fn a_set_of_futures_that_moves_to_another_task_is_cancelled_there() {
    on_workers(1, async {
        let child = create_task(pending::<()>());
        let handle = child.handle();
        let mut set: FuturesUnordered<_> = std::iter::once(child).collect();
        let (send, receive) = oneshot::channel();
        let first = begun(async move {
            let mut turns = 3;
            std::future::poll_fn(|cx| {
                assert!(set.poll_next_unpin(cx).is_pending());
                turns -= 1;
                cx.waker().wake_by_ref();
                if turns == 0 {
                    std::task::Poll::Ready(())
                } else {
                    std::task::Poll::Pending
                }
            })
            .await;
            send.send(set).unwrap();
        })
        .await;
        first.await.unwrap();
        let mut set = receive.await.unwrap();
        let second = begun(async move { set.next().await.is_some() }).await;
        checkpoint().await;
        second.cancel();
        assert_eq!(told(second.await), None, "by its child, or by its root");
        handle.cancel();
    });
}

#[test]
fn a_request_for_a_task_full_of_foreign_wakers_is_never_lost() {
    from_many_threads(async |event_loop| {
        let task = event_loop.create_task(async {
            let mut set = FuturesUnordered::new();
            for number in 0..8 {
                set.push(create_task(async move {
                    for _ in 0..number {
                        checkpoint().await;
                    }
                    if number > 3 {
                        pending::<()>().await;
                    }
                }));
            }
            while set.next().await.is_some() {}
        });
        checkpoint().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}
