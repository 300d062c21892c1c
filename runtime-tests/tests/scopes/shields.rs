//! Tests of what a shield keeps out, and of limits and cancels inside it.

use super::*;

#[asyncio::test(start_paused = true)]
async fn a_limit_inside_a_shield_ends_only_what_it_limits() {
    let task = create_task(async {
        let value = move_on_after(None, async |scope| {
            scope.set_shield(true);
            let first = wait_for(pending::<()>(), 5 * TICK).await;
            let second = move_on_after(TICK, async |_| pending::<()>().await).await;
            (first, second, 7)
        });
        assert_eq!(value.await, Some((Err(TimeoutError), None, 7)));
        catch_cancelled(pending::<()>()).await.unwrap_err();
    });
    sleep(TICK).await;
    task.cancel();
    end(task)
        .await
        .unwrap()
        .expect("the shield has held, and the request was caught after it");
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn its_own_cancel_and_the_tasks_request_at_once_end_a_shielded_scope() {
    let (give, given) = oneshot::channel();
    let task = create_task(async move {
        let value = move_on_after(None, async |scope| {
            scope.set_shield(true);
            give.send(scope.clone()).unwrap();
            pending::<()>().await;
        });
        assert_eq!(value.await, None);
        7
    });
    let scope: CancelScope = given.await.unwrap();
    checkpoint().await;
    scope.cancel();
    task.cancel();
    let outcome = end(task).await.unwrap();
    assert!(scope.cancelled_caught());
    assert_eq!(outcome.expect("nothing that suspends came after it"), 7);
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_shield_put_up_when_both_limits_have_come_keeps_its_own() {
    let when = now() + TICK;
    let (give, given) = oneshot::channel();
    let task = create_task(async move {
        let shielded = move_on_after(TICK, async |scope| {
            give.send(scope.clone()).unwrap();
            sleep_until(when).await;
            scope.set_shield(true);
            pending::<()>().await;
        });
        let outcome = timeout_at(when, async |_| {
            let shielded = shielded.await;
            pending::<()>().await;
            shielded
        });
        outcome.await
    });
    let scope: CancelScope = given.await.unwrap();
    let outcome = end(task).await;
    // Without the shield the loop can end even if the task has not ended.
    scope.set_shield(false);
    assert!(scope.cancelled_caught());
    assert_eq!(outcome.expect("it ends").unwrap(), Err(TimeoutError));
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_shield_put_up_when_a_request_and_its_own_cancel_have_come_keeps_its_own() {
    let ((give, given), (send, receive)) = (oneshot::channel(), oneshot::channel::<()>());
    let task = create_task(async move {
        let shielded = move_on_after(None, async |scope| {
            give.send(scope.clone()).unwrap();
            receive.await.unwrap();
            scope.set_shield(true);
            pending::<()>().await;
        });
        shielded.await
    });
    let scope: CancelScope = given.await.unwrap();
    checkpoint().await;
    task.cancel();
    scope.cancel();
    send.send(()).unwrap();
    let outcome = end(task).await;
    scope.set_shield(false);
    assert_eq!(outcome.expect("its own cancel arrives").unwrap(), None);
}

#[asyncio::test(start_paused = true)]
async fn requests_behind_a_shield_that_were_all_taken_back_do_nothing() {
    let task = create_task(async {
        let value = move_on_after(None, async |scope| {
            scope.set_shield(true);
            sleep(10 * TICK).await;
            7
        });
        let value = value.await;
        sleep(TICK).await;
        value
    });
    for _ in 0..2 {
        sleep(TICK).await;
        task.cancel();
        sleep(TICK).await;
        task.uncancel();
    }
    assert_eq!(task.cancelling(), 0);
    assert_eq!(
        end(task).await.unwrap().expect("nobody cancels it"),
        Some(7)
    );
}

#[asyncio::test(workers = 4)]
async fn cancels_from_several_threads_behind_a_shield_lose_no_value() {
    for _ in 0..2_000 {
        let (go, going) = oneshot::channel();
        let task = create_task(async move {
            let value = move_on_after(None, async |scope| {
                scope.set_shield(true);
                go.send(()).unwrap();
                for _ in 0..20 {
                    checkpoint().await;
                }
                7
            });
            let value = value.await;
            catch_cancelled(pending::<()>()).await.unwrap_err();
            value
        });
        going.await.unwrap();
        let cancels = [(); 3].map(|()| {
            let handle = task.handle();
            create_task(async move { handle.cancel() })
        });
        for cancel in cancels {
            cancel.await.unwrap();
        }
        assert_eq!(task.await.expect("the value is kept"), Some(7));
    }
}

#[asyncio::test(start_paused = true)]
async fn a_shield_entered_while_a_limit_is_on_its_way_takes_it_for_a_limit() {
    let task = create_task(async {
        met_a_request().await;
        let when = now() + TICK;
        let outcome = timeout_at(when, async |_| {
            sleep_until(when).await;
            let shielded = move_on_after(None, async |scope| {
                scope.set_shield(true);
                sleep(TICK).await;
            });
            shielded.await;
            pending::<()>().await;
        });
        outcome.await
    });
    let outcome = end(task).await.unwrap();
    assert_eq!(outcome.expect("nobody cancels it"), Err(TimeoutError));
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn an_outer_shield_may_go_down_while_an_inner_one_is_up() {
    let task = create_task(async {
        let outer = move_on_after(None, async |outer| {
            outer.set_shield(true);
            // The request comes during this sleep.
            sleep(5 * TICK).await;
            let inner = move_on_after(None, async |inner| {
                inner.set_shield(true);
                outer.set_shield(false);
                sleep(5 * TICK).await;
                7
            });
            assert_eq!(inner.await, Some(7));
            catch_cancelled(pending::<()>()).await.unwrap_err();
        });
        outer.await
    });
    sleep(TICK).await;
    task.cancel();
    end(task).await.unwrap().expect("the value is kept");
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_shield_that_goes_down_in_the_scopes_own_cleanup_lets_a_limit_through() {
    let task = create_task(async {
        let outcome = timeout(5 * TICK, async |_| {
            let scoped = move_on_after(TICK, async |scope| {
                scope.set_shield(true);
                // The scope's own deadline.
                catch_cancelled(pending::<()>()).await.unwrap_err();
                // The limit comes during this sleep, and the shield holds its request back.
                sleep(10 * TICK).await;
                scope.set_shield(false);
                pending::<()>().await;
            });
            scoped.await
        });
        outcome.await
    });
    let outcome = end(task).await.expect("the limit arrives");
    assert_eq!(outcome.unwrap(), Err(TimeoutError));
}

#[asyncio::test(start_paused = true)]
async fn a_shield_put_up_inside_a_due_limit_leaves_that_limit_alone() {
    let task = create_task(async {
        let scoped = move_on_after(None, async |scope| {
            catch_cancelled(pending::<()>()).await.unwrap_err();
            let cleaned = timeout(Duration::ZERO, async |_| {
                scope.set_shield(true);
                pending::<()>().await;
            });
            assert_eq!(cleaned.await, Err(TimeoutError));
            7
        });
        scoped.await
    });
    sleep(TICK).await;
    task.cancel();
    let outcome = end(task).await.expect("the limit arrives");
    assert_eq!(outcome.unwrap(), Some(7));
}

#[asyncio::test(start_paused = true)]
async fn a_limit_held_by_a_shield_that_loses_a_race_is_not_lost() {
    let task = create_task(async {
        let outcome = timeout(2 * TICK, async |_| {
            let shielded = move_on_after(None, async |scope| {
                scope.set_shield(true);
                pending::<()>().await;
            });
            select(Box::pin(shielded), sleep(5 * TICK)).await;
            pending::<()>().await;
        });
        outcome.await
    });
    let outcome = end(task).await.expect("the limit arrives");
    assert_eq!(outcome.unwrap(), Err(TimeoutError));
}
