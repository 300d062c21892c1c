//! Tests of requests that an await has passed on or delayed, under many schedules: the task that
//! was cancelled receives its request in the end.

use std::pin::pin;

use asyncio::{current_task, gather, timeout};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{BoxFuture, pending, select};
use futures::stream::{FuturesUnordered, StreamExt};

use super::*;

// CA-1, CA-9: the request was passed on to the child, but the child ended before its delivery.
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_request_that_comes_too_late_for_the_child_is_still_its_parents() {
    let mut dice = Dice::thrown().await;
    let (sender, receiver) = oneshot::channel::<()>();
    let count = dice.below(6);
    create_task(async move {
        steps(count).await;
        sender.send(())
    });
    let child = create_task(receiver);
    let parent = create_task(async move {
        let _ended = child.await;
        pending::<()>().await;
    });
    let cancel = cancelled_after(&parent, 0, dice.below(8));
    assert!(parent.await.unwrap_err().is_cancelled());
    assert!(cancel.await.unwrap());
}

// The same through tasks that await each other, and through foreign wakers.
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_request_is_not_lost_on_its_way_through_many() {
    let mut dice = Dice::thrown().await;
    let mut innermost = create_task(steps(dice.below(6)));
    for _ in 0..dice.below(4) {
        let inner = innermost;
        innermost = create_task(async move { drop(inner.await) });
    }
    let others = (0..dice.below(4)).map(|_| create_task(steps(dice.below(6))));
    let mut set: FuturesUnordered<_> = others.collect();
    set.push(innermost);
    let parent = create_task(async move {
        while set.next().await.is_some() {}
        pending::<()>().await;
    });
    cancelled_after(&parent, 0, dice.below(9));
    assert!(parent.await.unwrap_err().is_cancelled());
}

// TO-1: the same with a limit instead of a cancel.
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_limit_that_comes_too_late_for_the_child_is_still_a_limit() {
    let mut dice = Dice::thrown().await;
    let (ticks, count) = (dice.below(4), dice.below(4));
    let child = create_task(async move {
        sleep(ticks * TICK).await;
        steps(count).await;
    });
    let outcome = timeout(TICK * 2, async |_| {
        let _ended = child.await;
        pending::<()>().await;
    });
    assert!(outcome.await.is_err());
    assert_eq!(current_task().unwrap().cancelling(), 0);
    checkpoint().await;
}

// The await that has claimed the request loses a `select`. Its drop gives the request back.
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_request_outlives_the_await_that_took_it() {
    let mut dice = Dice::thrown().await;
    let (ticks, count, which) = (dice.below(3), dice.below(5), dice.below(3));
    let parent = create_task(async move {
        // This one takes some steps to end, so that the other is often ready first.
        let slow = || create_task(finally(pending::<()>(), steps(count)));
        let fast = async {
            sleep(ticks * TICK).await;
            steps(count).await;
        };
        let slow: BoxFuture<'_, ()> = match which {
            0 => slow().map(drop).boxed(),
            1 => gather((slow(), slow())).map(drop).boxed(),
            _ => finally(pending(), steps(count)).boxed(),
        };
        drop(select(slow, pin!(fast)).await);
        pending::<()>().await;
    });
    let (ticks, count) = (dice.below(3), dice.below(9));
    let cancel = cancelled_after(&parent, ticks, count);
    assert!(parent.await.unwrap_err().is_cancelled());
    assert!(cancel.await.unwrap());
}

// Without the detection of cycles, the request would go round among these tasks for ever.
#[asyncio::test(seeds = 3, workers = 2)]
async fn tasks_that_await_each_other_can_be_cancelled() {
    let (send, receive) = oneshot::channel::<Task<()>>();
    let (first, second) = (oneshot::channel::<Task<()>>(), oneshot::channel::<()>());
    let one = create_task(async move {
        let _ended = receive.await.unwrap().await;
    });
    let handle = one.handle();
    let two = create_task(async move {
        let _ended = first.1.await.unwrap().await;
        drop(second.0);
    });
    send.send(two).unwrap();
    first.0.send(one).unwrap();
    // The paused clock moves only when no task can run.
    sleep(TICK).await;
    handle.cancel();
    handle.wait().await;
    assert!(handle.cancelled());
    // The other task was cancelled as well, and has dropped its sender.
    assert!(second.1.await.is_err());
}
