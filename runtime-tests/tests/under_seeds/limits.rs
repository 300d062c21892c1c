//! Tests of `wait_for`, `timeout`, `move_on_after` and `interval` under many schedules.

use asyncio::{current_task, interval, move_on_after, timeout, wait_for};
use futures::channel::oneshot;
use futures::future::pending;

use super::*;

/// Sleeps for `ticks` ticks, and then yields `count` times.
async fn work(ticks: u32, count: u32) -> u32 {
    sleep(TICK * ticks).await;
    steps(count).await;
    7
}

fn cancelling() -> u32 {
    current_task().unwrap().cancelling()
}

// WF-3, WF-6
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_task_that_is_waited_for_has_ended_before_its_awaiter_goes_on() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    let (body, limit) = (work(dice.below(4), dice.below(3)), TICK * dice.below(4));
    let (child, seen) = (census.of(body, dice.below(3)), census.clone());
    let awaiter = create_task(async move {
        let outcome = catch_cancelled(wait_for(create_task(child), limit)).await;
        seen.assert_over(2);
        (outcome, cancelling())
    });
    let cancel = cancelled_after(&awaiter, dice.below(4), dice.below(4));
    match awaiter.await {
        Ok((Ok(Ok(value)), _)) => assert_eq!(value.unwrap(), 7),
        Ok((Ok(Err(_timeout)), count)) => assert!(count <= 1, "the limit's request is counted"),
        Ok((Err(_), count)) => assert_eq!(count, 1),
        Err(error) => assert!(error.is_cancelled() && census.begun() == 0, "never begun"),
    }
    cancel.await.unwrap();
    census.assert_over(1);
}

// WF-7, WF-8, difference 3
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_value_is_never_lost_to_a_limit() {
    let mut dice = Dice::thrown().await;
    let (sender, mut receiver) = oneshot::channel();
    let (ticks, count) = (dice.below(3), dice.below(3));
    let setter = create_task(async move {
        sleep(TICK * ticks).await;
        steps(count).await;
        sender.send(7).unwrap();
    });
    let value = match wait_for(&mut receiver, TICK * dice.below(3)).await {
        Ok(value) => value,
        Err(_timeout) => receiver.await,
    };
    assert_eq!(value, Ok(7));
    assert_eq!(cancelling(), 0);
    setter.await.unwrap();
}

// TO-1, TO-2, TO-7, TO-8
#[asyncio::test(seeds = 300, workers = 2)]
async fn of_nested_timeouts_the_earlier_answers_and_of_equal_ones_the_outer() {
    let mut dice = Dice::thrown().await;
    let [outer_limit, inner_limit, needed] = [3, 3, 4].map(|sides| 1 + dice.below(sides));
    let outcome = timeout(TICK * outer_limit, async |_| {
        timeout(TICK * inner_limit, async |_| work(needed, 0).await).await
    })
    .await;
    assert_eq!(cancelling(), 0, "the count has changed");
    let due = outer_limit.min(inner_limit);
    match outcome {
        Ok(Ok(value)) => assert!(value == 7 && needed <= due),
        Ok(Err(_inner)) => assert!(inner_limit < outer_limit && inner_limit <= needed),
        Err(_outer) => assert!(outer_limit <= inner_limit && outer_limit <= needed),
    }
    checkpoint().await;
}

/// Awaits `body` and then for ever, and returns whether the request arrived in `body`. Asserts that
/// it arrives exactly once.
async fn receives_one_request<T>(body: impl Future<Output = T>) -> bool {
    let caught = catch_cancelled(body).await.is_err();
    if !caught {
        catch_cancelled(pending::<()>()).await.unwrap_err();
    }
    steps(2).await;
    assert_eq!(cancelling(), 1, "only the request from outside is counted");
    assert_eq!(current_task().unwrap().uncancel(), 0);
    steps(2).await;
    caught
}

// TO-5, CA-8, CA-12, CA-13, difference 7
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_request_from_outside_is_neither_lost_to_a_limit_nor_doubled() {
    let mut dice = Dice::thrown().await;
    let [limit, ticks, count, moment] = [3, 3, 3, 4].map(|sides| dice.below(sides));
    let tasks = [
        create_task(receives_one_request(async move {
            let _ = timeout(TICK * limit, async |_| work(ticks, count).await).await;
        })),
        create_task(receives_one_request(async move {
            let _ = wait_for(work(ticks, count), TICK * limit).await;
        })),
        create_task(receives_one_request(async move {
            move_on_after(TICK * limit, async |_| work(ticks, count).await).await;
        })),
    ];
    let cancels = tasks
        .each_ref()
        .map(|task| cancelled_after(task, moment, 1 + dice.below(4)));
    for (task, cancel) in tasks.into_iter().zip(cancels) {
        // An error means that the task was cancelled before its first poll.
        if let Err(error) = task.await {
            assert!(error.is_cancelled(), "{error:?}");
        }
        assert!(cancel.await.unwrap());
    }
}

// Trio's scopes: the result is `None` if and only if the scope itself ended the body.
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_scope_that_is_cancelled_from_elsewhere_catches_its_own_request_only() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    let [outer_ticks, inner_ticks, needed] = [4, 4, 4].map(|sides| dice.below(sides));
    let [first, second, count] = [4, 4, 3].map(|sides| dice.below(sides));
    let mut scopes = Vec::new();
    let outer_value = move_on_after(None, async |outer| {
        let inner_value = move_on_after(None, async |inner| {
            scopes.extend([outer.clone(), inner.clone()]);
            let cancels = [(outer, outer_ticks, first), (inner, inner_ticks, second)];
            for (scope, ticks, count) in cancels {
                let scope = scope.clone();
                create_task(async move {
                    work(ticks, count).await;
                    scope.cancel();
                });
            }
            census.of(work(needed, count), 1).await
        })
        .await;
        assert_eq!(scopes[1].cancelled_caught(), inner_value.is_none());
        inner_value
    })
    .await;
    assert_eq!(scopes[0].cancelled_caught(), outer_value.is_none());
    assert_eq!(cancelling(), 0);
    census.assert_over(1);
    sleep(5 * TICK).await;
}

/// A tick that a cancelled `tick` did not return is returned by the next call.
#[asyncio::test(seeds = 300, workers = 2)]
async fn a_limit_loses_no_tick_of_an_interval() {
    let mut dice = Dice::thrown().await;
    let mut ticks = interval(2 * TICK);
    let first = ticks.tick().await;
    let mut expected = first;
    for _ in 0..8 {
        let limit = TICK * dice.below(4);
        if let Ok(tick) = wait_for(ticks.tick(), limit).await {
            expected += 2 * TICK;
            assert_eq!(tick, expected);
            assert_eq!(
                get_running_loop().time(),
                tick,
                "the paused clock does not move before the task continues"
            );
        }
        steps(dice.below(3)).await;
    }
}
