//! Tests of a shielded `CancelScope`: it keeps requests from its body, and loses none.

use futures::future::{Either, select};
use futures::stream::{FuturesUnordered, StreamExt};

use super::*;

/// Yields a few times.
async fn work() -> u32 {
    for _ in 0..3 {
        checkpoint().await;
    }
    7
}

/// Runs `body` in a scope with a shield.
async fn shielded<T>(body: impl Future<Output = T>) -> Option<T> {
    move_on_after(None, async |scope| {
        scope.set_shield(true);
        body.await
    })
    .await
}

#[test]
fn a_shielded_body_runs_to_its_end_and_the_request_comes_after_it() {
    on_workers(1, async {
        let log = Log::default();
        let notes = log.clone();
        let task = begun(async move {
            assert_eq!(shielded(work()).await, Some(7));
            notes.note("after it");
            assert_eq!(cancelling(), 1, "one request is counted");
            let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
            assert_eq!(caught.message(), Some("enough"));
            // The request is delivered only once.
            checkpoint().await;
            caught.raise().await
        })
        .await;
        assert!(task.cancel_with("enough"));
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.notes(), ["after it"]);
    });
}

#[test]
fn a_shielded_value_is_never_lost_and_neither_is_the_request() {
    from_many_threads(async |_| {
        let value = Flag::default();
        let seen = value.clone();
        let task = begun(async move {
            let worked = shielded(async { create_task(work()).await.unwrap() });
            assert_eq!(worked.await, Some(7));
            seen.set();
            pending::<()>().await;
        })
        .await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        // Whenever the request came, it was delivered after the shielded body.
        assert!(value.is_set());
    });
}

#[test]
fn what_catches_around_a_shield_does_not_see_the_request() {
    on_workers(1, async {
        let task = begun(async {
            let value = catch_cancelled(shielded(work())).await.unwrap();
            checkpoint().await;
            value
        })
        .await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn several_requests_are_one_delivery() {
    on_workers(1, async {
        let task = begun(async {
            shielded(work()).await;
            let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
            assert_eq!(caught.message(), Some("first"));
            assert_eq!(cancelling(), 2);
            checkpoint().await;
            3
        })
        .await;
        task.cancel_with("first");
        checkpoint().await;
        task.cancel_with("second");
        assert_eq!(task.await.unwrap(), 3);
    });
}

#[test]
fn a_request_that_was_taken_back_meanwhile_is_not_delivered() {
    on_workers(1, async {
        let task = begun(async {
            shielded(work()).await;
            checkpoint().await;
            cancelling()
        })
        .await;
        task.cancel();
        checkpoint().await;
        task.uncancel();
        assert_eq!(task.await.unwrap(), 0);
    });
}

#[test]
fn its_own_deadline_reaches_a_shielded_body() {
    on_workers(1, async {
        let task = begun(async {
            let outcome = move_on_after(3 * TICK, async |scope| {
                scope.set_shield(true);
                pending::<()>().await;
            });
            assert_eq!(outcome.await, None);
            catch_cancelled(pending::<()>()).await.is_err()
        })
        .await;
        task.cancel();
        assert!(
            task.await.unwrap(),
            "the request is delivered after the scope"
        );
    });
}

#[test]
fn its_own_cancel_reaches_a_shielded_body() {
    on_workers(1, async {
        let outcome: Option<()> = move_on_after(None, async |scope| {
            scope.set_shield(true);
            let scope = scope.clone();
            create_task(async move { scope.cancel() });
            pending().await
        })
        .await;
        assert_eq!(outcome, None);
    });
}

#[test]
fn a_limit_further_out_takes_over_when_the_shielded_scope_ends() {
    on_workers(1, async {
        let (ended, before) = (Flag::default(), Instant::now());
        let seen = ended.clone();
        let outcome = timeout(TICK, async |_| {
            shielded(async {
                sleep(5 * TICK).await;
                seen.set();
            })
            .await;
            pending::<()>().await;
        });
        assert!(outcome.await.is_err());
        assert!(ended.is_set() && before.elapsed() >= 5 * TICK);
        assert_eq!(cancelling(), 0);
        checkpoint().await;
    });
}

#[test]
fn what_a_shielded_body_returns_at_the_limit_is_not_lost_to_it() {
    on_workers(1, async {
        let (send, receive) = oneshot::channel();
        let outcome = timeout(HOUR, async |limit| {
            let limit = limit.clone();
            create_task(async move {
                limit.reschedule(Some(Instant::now())).unwrap();
                send.send(7).unwrap();
            });
            shielded(receive).await
        });
        assert_eq!(outcome.await, Ok(Some(Ok(7))));
        checkpoint().await;
    });
}

#[test]
fn a_request_from_before_the_scope_comes_after_it() {
    on_workers(1, async {
        let task = begun(async {
            current_task().unwrap().cancel();
            assert_eq!(shielded(work()).await, Some(7));
            catch_cancelled(pending::<()>()).await.is_err()
        })
        .await;
        assert!(task.await.unwrap());
    });
}

#[test]
fn a_limit_behind_a_cancellation_that_was_caught_is_still_a_limit() {
    on_workers(1, async {
        let task = begun(async {
            assert!(catch_cancelled(pending::<()>()).await.is_err());
            let outcome = timeout(TICK, async |_| {
                shielded(sleep(3 * TICK)).await;
                pending::<()>().await;
            });
            (outcome.await.is_err(), cancelling())
        })
        .await;
        task.cancel();
        assert_eq!(task.await.unwrap(), (true, 1));
    });
}

#[test]
fn a_shield_that_goes_down_lets_the_tasks_request_through() {
    on_workers(1, async {
        let task = begun(async {
            move_on_after(None, async |scope| {
                scope.set_shield(true);
                let worked = work().await;
                scope.set_shield(false);
                assert!(catch_cancelled(pending::<()>()).await.is_err());
                checkpoint().await;
                worked
            })
            .await
        })
        .await;
        task.cancel();
        assert_eq!(task.await.unwrap(), Some(7));
    });
}

#[test]
fn a_shield_that_goes_down_during_a_delivery_lets_it_through() {
    on_workers(1, async {
        let (send, receive) = oneshot::channel();
        let task = begun(async move {
            move_on_after(None, async |scope| {
                scope.set_shield(true);
                receive.await.unwrap();
                scope.set_shield(false);
                catch_cancelled(pending::<()>()).await.is_err()
            })
            .await
        })
        .await;
        checkpoint().await;
        task.cancel();
        send.send(()).unwrap();
        assert_eq!(task.await.unwrap(), Some(true));
    });
}

#[test]
fn a_shield_taken_down_by_another_task_lets_a_limit_through() {
    on_workers(1, async {
        let delivered = Flag::default();
        let seen = delivered.clone();
        let outcome = timeout(TICK, async |_| {
            move_on_after(None, async |scope| {
                scope.set_shield(true);
                let scope = scope.clone();
                create_task(async move {
                    sleep(4 * TICK).await;
                    scope.set_shield(false);
                });
                let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
                seen.set();
                caught.raise().await
            })
            .await
        });
        let outcome: Result<Option<()>, _> = outcome.await;
        assert!(outcome.is_err() && delivered.is_set());
    });
}

#[test]
fn a_shield_put_up_while_a_request_is_on_its_way_holds() {
    on_workers(1, async {
        let (send, receive) = oneshot::channel();
        let task = begun(async move {
            receive.await.unwrap();
            // The request has been made, but no await has suspended since.
            let child = create_task(work());
            let worked = shielded(child).await.unwrap();
            assert_eq!(worked.unwrap(), 7, "the child was cancelled");
            catch_cancelled(pending::<()>()).await.is_err()
        })
        .await;
        checkpoint().await;
        task.cancel();
        send.send(()).unwrap();
        assert!(task.await.unwrap());
    });
}

#[test]
fn a_request_claimed_by_a_scope_that_is_dropped_is_given_back() {
    on_workers(1, async {
        let (send, receive) = oneshot::channel::<()>();
        let task = begun(async move {
            let never = Box::pin(shielded(pending::<()>()));
            match select(never, receive).await {
                Either::Left(_) => unreachable!(),
                Either::Right((received, _dropped)) => received.unwrap(),
            }
            catch_cancelled(pending::<()>()).await.is_err()
        })
        .await;
        checkpoint().await;
        task.cancel();
        checkpoint().await;
        checkpoint().await;
        send.send(()).unwrap();
        assert!(task.await.unwrap());
    });
}

#[test]
fn a_shield_inside_a_combinator_with_its_own_wakers_holds() {
    on_workers(1, async {
        let (send, receive) = oneshot::channel::<u32>();
        let task = begun(async move {
            let mut children = FuturesUnordered::new();
            children.push(shielded(receive));
            children.next().await.unwrap().unwrap().unwrap()
        })
        .await;
        checkpoint().await;
        task.cancel();
        checkpoint().await;
        checkpoint().await;
        assert!(!task.done());
        send.send(5).unwrap();
        assert_eq!(task.await.unwrap(), 5);
    });
}

#[test]
fn only_one_branch_of_a_join_is_shielded() {
    on_workers(1, async {
        let task = begun(async {
            let (caught, worked) = join(catch_cancelled(pending::<()>()), shielded(work())).await;
            assert!(caught.is_err());
            worked
        })
        .await;
        checkpoint().await;
        task.cancel();
        assert_eq!(task.await.unwrap(), Some(7));
    });
}

#[test]
fn a_shield_from_another_thread_holds_from_then_on() {
    on_workers(2, async {
        let (done, up) = (Flag::default(), Flag::default());
        let (end, is_up) = (done.clone(), up.clone());
        let task = begun(async move {
            move_on_after(None, async |scope| {
                let scope = scope.clone();
                thread::spawn(move || {
                    scope.set_shield(true);
                    is_up.set();
                });
                until(|| end.is_set()).await;
            })
            .await
        })
        .await;
        until(|| up.is_set()).await;
        task.cancel();
        checkpoint().await;
        done.set();
        assert_eq!(
            task.await.unwrap(),
            Some(()),
            "the scope ended before the request was delivered"
        );
    });
}

#[test]
fn a_panic_behind_a_shield_goes_through() {
    let panic = caught(|| {
        on_workers(1, async {
            let _never: Option<()> = shielded(async { panic!("oh no") }).await;
        });
    });
    assert_eq!(panic.text, "oh no");
}

#[asyncio::test(start_paused = true)]
async fn a_value_from_behind_a_shield_outlives_a_limit_that_has_passed() {
    let outcome = timeout(TICK, async |limit| {
        let saved = shielded(sleep(5 * TICK)).await;
        assert!(!limit.expired(), "the request has not been delivered");
        saved
    });
    assert_eq!(outcome.await, Ok(Some(())), "no await suspends after it");
    assert_eq!(cancelling(), 0);
    checkpoint().await;
}

#[asyncio::test(start_paused = true)]
async fn a_limit_that_a_shield_held_back_arrives_at_the_next_await() {
    let saved = Flag::default();
    let noted = saved.clone();
    let outcome = timeout(TICK, async |_| {
        assert_eq!(shielded(sleep(5 * TICK)).await, Some(()));
        noted.set();
        checkpoint().await;
        unreachable!()
    });
    let outcome: Result<(), _> = outcome.await;
    assert!(outcome.is_err() && saved.is_set());
    checkpoint().await;
}

#[asyncio::test(start_paused = true)]
async fn a_limit_that_a_shield_held_back_may_still_be_moved() {
    let outcome = timeout(TICK, async |limit| {
        shielded(sleep(5 * TICK)).await;
        limit.reschedule(None).expect("the limit can be moved");
        work().await
    });
    assert_eq!(outcome.await, Ok(7));
}

#[asyncio::test(start_paused = true)]
async fn of_two_limits_that_a_shield_held_back_the_outer_one_answers() {
    for (outer, inner) in [(1, 2), (2, 1)] {
        let outcome = timeout(TICK * outer, async |_| {
            let inner = timeout(TICK * inner, async |_| {
                shielded(sleep(8 * TICK)).await;
                pending::<()>().await;
            });
            inner.await
        });
        assert_eq!(outcome.await, Err(TimeoutError));
    }
}

#[asyncio::test(start_paused = true)]
async fn an_inner_limit_answers_if_the_outer_one_that_overruled_it_is_moved() {
    let outcome = timeout(TICK, async |outer| {
        // Both limits are due together: the shield holds back the request of the outer one.
        let inner = timeout(TICK, async |_| {
            shielded(sleep(5 * TICK)).await;
            outer.reschedule(None).expect("the limit can be moved");
            pending::<()>().await;
        });
        inner.await
    });
    assert_eq!(outcome.await, Ok(Err(TimeoutError)));
}

#[asyncio::test(start_paused = true)]
async fn a_limit_whose_shielded_body_loses_a_race_is_still_a_limit() {
    let outcome = timeout(TICK, async |_| {
        let slow = pin!(shielded(pending::<()>()));
        let fast = pin!(sleep(5 * TICK));
        let _first = select(slow, fast).await;
        pending::<()>().await;
    });
    // `slow` lost, but it is alive, with its claimed request, until the end of the body.
    let outcome = timeout(20 * TICK, async |_| outcome.await);
    assert_eq!(outcome.await, Err(TimeoutError));
    let outcome = timeout(TICK, async |_| {
        let slow = Box::pin(shielded(pending::<()>()));
        let fast = pin!(sleep(5 * TICK));
        drop(select(slow, fast).await);
        pending::<()>().await;
    });
    assert_eq!(outcome.await, Err(TimeoutError));
}

#[asyncio::test(start_paused = true)]
async fn a_shield_carried_out_of_a_limit_takes_its_request_nowhere() {
    let mut carried = Box::pin(shielded(sleep(6 * TICK)));
    let outcome = timeout(TICK, async |_| {
        let fast = pin!(sleep(3 * TICK));
        match select(&mut carried, fast).await {
            Either::Left(_) => unreachable!(),
            Either::Right(_) => 7,
        }
    });
    assert_eq!(outcome.await, Ok(7));
    assert_eq!(carried.await, Some(()));
    checkpoint().await;
    let later = timeout(HOUR, async |_| work().await);
    assert_eq!(later.await, Ok(7));
}
