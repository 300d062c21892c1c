//! Tests of claimed requests: each is given back to its owner, and to no other task or scope.

use super::*;

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_ends_with_its_limit() {
    let task = create_task(async {
        let mut child = create_task(finally(pending::<()>(), sleep(10 * TICK)));
        let out = timeout(TICK, async |_| {
            select(&mut child, sleep(2 * TICK)).await;
            7
        });
        assert_eq!(out.await, Ok(7));
        child.await.unwrap_err().is_cancelled()
    });
    let h = task.handle();
    let r = end(task).await.unwrap();
    assert_eq!(h.cancelling(), 0);
    assert!(r.expect("nobody has cancelled it"));
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_passed_on_by_a_gather_ends_with_its_limit() {
    let task = create_task(async {
        let mut child = gather((finally(pending::<()>(), sleep(10 * TICK)),));
        let out = timeout(TICK, async |_| {
            select(&mut child, sleep(2 * TICK)).await;
            7
        });
        assert_eq!(out.await, Ok(7));
        child.await.unwrap_err().is_cancelled()
    });
    let r = end(task).await.unwrap();
    assert!(r.expect("nobody has cancelled it"));
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_handle_given_away_leaves_the_request_with_the_task_that_it_was_for() {
    let (send, recv) = oneshot::channel();
    let first = create_task(async move {
        let mut child = create_task(finally(pending::<()>(), sleep(10 * TICK)));
        select(&mut child, sleep(2 * TICK)).await;
        send.send(child).ok().unwrap();
        sleep(100 * TICK).await;
        sleep(100 * TICK).await;
    });
    let second = create_task(async move {
        let child = recv.await.unwrap();
        child.await.unwrap_err().is_cancelled()
    });
    sleep(TICK).await;
    first.cancel();
    let first = end(first).await.unwrap();
    let second = end(second).await.unwrap();
    assert!(second.is_ok(), "the second was not cancelled");
    assert!(first.is_err(), "the first was cancelled");
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_of_a_limit_that_has_ended_is_not_the_next_ones() {
    let task = create_task(async {
        let mut stale = None;
        let mut outcome = vec![];
        for round in 0..2 {
            let out = timeout(TICK, async |_| {
                if round == 0 {
                    let mut child = create_task(finally(pending::<()>(), sleep(HOUR / 2)));
                    select(&mut child, sleep(2 * TICK)).await;
                    stale = Some(child);
                } else {
                    catch_cancelled(pending::<()>()).await.unwrap_err();
                    drop(stale.take());
                    let second = catch_cancelled(sleep(5 * TICK)).await;
                    assert!(second.is_ok(), "the limit is delivered twice");
                }
            });
            outcome.push(out.await);
        }
        outcome
    });
    let r = end(task).await.unwrap();
    assert_eq!(r.unwrap(), [Ok(()), Ok(())]);
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_that_the_child_kept_does_not_come_back_with_another() {
    let parent = create_task(async {
        let child = create_task(async {
            catch_cancelled(pending::<()>()).await.unwrap_err();
            // A second request, which is not delivered before the task ends.
            current_task().unwrap().cancel();
            5
        });
        assert_eq!(child.await.unwrap(), 5);
        // The request has been kept by the child.
        catch_cancelled(sleep(TICK)).await.is_ok()
    });
    sleep(TICK).await;
    parent.cancel();
    assert!(end(parent).await.unwrap().unwrap(), "delivered twice");
}

/// The body of a child that suppresses the first request, and works on for some time.
async fn keeps_a_request() -> u32 {
    catch_cancelled(pending::<()>()).await.unwrap_err();
    sleep(10 * TICK).await;
    5
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_that_the_child_kept_does_not_come_back_through_a_shield() {
    let parent = create_task(async {
        let mut child = create_task(keeps_a_request());
        select(&mut child, sleep(5 * TICK)).await;
        assert_eq!(shield(&mut child).await.unwrap(), 5);
        catch_cancelled(sleep(TICK)).await.is_ok()
    });
    sleep(TICK).await;
    parent.cancel();
    assert!(end(parent).await.unwrap().unwrap(), "delivered twice");
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_that_the_child_kept_does_not_come_back_through_its_result() {
    let parent = create_task(async {
        let mut child = create_task(keeps_a_request());
        select(&mut child, sleep(5 * TICK)).await;
        child.handle().wait().await;
        assert_eq!(child.result().unwrap(), 5);
        catch_cancelled(sleep(TICK)).await.is_ok()
    });
    sleep(TICK).await;
    parent.cancel();
    assert!(end(parent).await.unwrap().unwrap(), "delivered twice");
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_withdrawn_behind_its_shield_is_gone() {
    let (s, r) = oneshot::channel::<()>();
    let task = create_task(async move {
        move_on_after(None, async |scope| {
            r.await.unwrap();
            scope.set_shield(true);
            current_task().unwrap().uncancel();
            sleep(TICK).await;
            7
        })
        .await
    });
    checkpoint().await;
    checkpoint().await;
    s.send(()).unwrap();
    task.cancel();
    assert_eq!(end(task).await.unwrap().unwrap(), Some(7));
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn two_requests_at_once_behind_a_shield_leave_the_limits_inside_alone() {
    let (s, r) = oneshot::channel::<()>();
    let task = create_task(async move {
        let out = move_on_after(None, async |scope| {
            let inner = timeout(5 * TICK, async |_| {
                r.await.unwrap();
                scope.set_shield(true);
                pending::<()>().await;
            })
            .await;
            (inner, 7)
        })
        .await;
        assert_eq!(out, Some((Err(TimeoutError), 7)));
        catch_cancelled(sleep(TICK)).await.is_err()
    });
    checkpoint().await;
    checkpoint().await;
    s.send(()).unwrap();
    task.cancel();
    task.cancel();
    let out = end(task).await.unwrap();
    assert!(out.expect("the shield has held"));
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn two_held_requests_leave_the_limits_inside_a_toggled_shield_alone() {
    let task = create_task(async move {
        let out = move_on_after(None, async |scope| {
            scope.set_shield(true);
            let inner = timeout(5 * TICK, async |_| {
                sleep(3 * TICK).await;
                scope.set_shield(false);
                scope.set_shield(true);
                pending::<()>().await;
            })
            .await;
            (inner, 7)
        })
        .await;
        assert_eq!(out, Some((Err(TimeoutError), 7)));
        catch_cancelled(sleep(TICK)).await.is_err()
    });
    sleep(TICK).await;
    task.cancel();
    sleep(TICK).await;
    task.cancel();
    let out = end(task).await.unwrap();
    assert!(out.expect("the shield has held"));
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_raised_into_a_cleanup_that_loses_a_race_is_not_lost() {
    let task = create_task(async move {
        let body = finally(create_task(pending::<()>()).map(drop), sleep(HOUR / 2));
        select(pin!(body), pin!(sleep(5 * TICK))).await;
        catch_cancelled(sleep(5 * TICK)).await.is_err()
    });
    sleep(TICK).await;
    task.cancel();
    assert!(end(task).await.unwrap().unwrap(), "lost");
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_limit_raised_into_a_cleanup_that_loses_a_race_is_not_lost() {
    let task = create_task(async move {
        timeout(2 * TICK, async |_| {
            let body = finally(create_task(pending::<()>()).map(drop), sleep(HOUR / 2));
            select(pin!(body), pin!(sleep(5 * TICK))).await;
            sleep(10 * TICK).await;
        })
        .await
        .is_err()
    });
    assert!(end(task).await.unwrap().unwrap(), "lost");
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_given_back_to_another_task_is_not_ours() {
    let (send, recv) = oneshot::channel();
    let (give, given) = oneshot::channel();
    let first = create_task(async move {
        let mut child = create_task(finally(pending::<()>(), sleep(HOUR / 2)));
        select(&mut child, sleep(2 * TICK)).await;
        send.send(child).ok().unwrap();
        catch_cancelled(sleep(HOUR / 4)).await.is_err()
    });
    let second = create_task(async move {
        let child = recv.await.unwrap();
        timeout(HOUR / 2, async |scope| {
            give.send(scope.clone()).ok().unwrap();
            // Both the task's request and the limit are due; the limit leaves the outcome to the
            // request.
            catch_cancelled(pending::<()>()).await.unwrap_err();
            drop(child);
            catch_cancelled(sleep(5 * TICK)).await.is_ok()
        })
        .await
    });
    sleep(TICK).await;
    first.cancel();
    let scope: Timeout = given.await.unwrap();
    checkpoint().await;
    scope.reschedule(Some(now())).unwrap();
    second.cancel();
    let got = end(second).await.unwrap();
    assert!(end(first).await.unwrap().unwrap());
    assert_eq!(
        got.unwrap(),
        Ok(true),
        "the overruled limit interrupts the cleanup"
    );
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_raise_for_an_outer_limit_goes_on_whatever_a_shield_holds() {
    let task = create_task(async {
        let begin = now();
        let outer = timeout(8 * TICK, async |_| {
            let inner = timeout(2 * TICK, async |_| {
                let shielded = move_on_after(20 * TICK, async |scope| {
                    // The request of the inner limit.
                    catch_cancelled(pending::<()>()).await.unwrap_err();
                    scope.set_shield(true);
                    // The request of the outer limit comes, and waits; then the scope's own.
                    pending::<()>().await;
                });
                shielded.await;
                unreachable!("the scope raises for the inner limit");
            });
            inner.await
        });
        (outer.await, now() - begin)
    });
    let out = end(task).await.expect("the inner limit ends its body");
    assert_eq!(out.unwrap(), (Ok(Err::<(), _>(TimeoutError)), 20 * TICK));
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_limit_whose_request_is_let_go_elsewhere_is_still_a_limit() {
    let task = create_task(async {
        timeout(TICK, async |_| {
            let mut child = create_task(finally(pending::<()>(), sleep(HOUR / 8)));
            select(&mut child, sleep(2 * TICK)).await;
            create_task(async move { drop(child) }).await.unwrap();
            pending::<()>().await;
        })
        .await
    });
    let r = end(task).await;
    assert_eq!(r.expect("the limit arrives").unwrap(), Err(TimeoutError));
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_shield_holds_in_the_next_task_too() {
    let mut scoped = Box::pin(move_on_after(None, async |scope| {
        scope.set_shield(true);
        checkpoint().await;
        checkpoint().await;
        sleep(2 * TICK).await;
        let inner = async { wait_for(pending::<()>(), 5 * TICK).await };
        (inner.await, 7)
    }));
    let first = create_task(async move {
        met_a_request().await;
        for _ in 0..4 {
            let p = poll_fn(|cx| Poll::Ready(scoped.as_mut().poll(cx).is_pending())).await;
            assert!(p);
            checkpoint().await;
        }
        Some(scoped)
    });
    let scoped = end(first).await.unwrap().unwrap().unwrap();
    let second = create_task(async move {
        let got = scoped.await;
        (got, catch_cancelled(sleep(TICK)).await.is_err())
    });
    sleep(4 * TICK).await;
    second.cancel();
    assert_eq!(
        end(second).await.unwrap().expect("the shield holds"),
        (Some((Err(TimeoutError), 7)), true)
    );
}
