//! Tests of `finally` and `catch_cancelled` under many schedules.

use std::panic::resume_unwind;

use asyncio::current_task;
use futures::future::pending;

use super::*;

// CA-5, CA-6, CA-16: the cleanup runs once, whichever way the body ends.
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_cleanup_runs_once_if_the_body_has_begun() {
    let mut dice = Dice::thrown().await;
    let (inner, outer) = (Census::default(), Census::default());
    let (count, panics) = (dice.below(5), dice.below(3) == 0);
    let body = async move {
        steps(count).await;
        if panics {
            resume_unwind(Box::new("oh no"));
        }
    };
    let nested = inner.of(body, dice.below(3));
    let (innermost, order) = (inner.clone(), outer.clone());
    let nested = async move {
        finally(nested, async move {
            // Innermost first.
            assert_eq!((innermost.ended(), order.ended()), (1, 0));
        })
        .await;
    };
    let task = create_task(outer.of(nested, dice.below(3)));
    let cancel = cancelled_after(&task, 0, dice.below(9));
    match task.await {
        Ok(()) => assert!(!panics && outer.ended() == 1),
        Err(error) if error.is_panic() => assert!(panics && outer.ended() == 1),
        Err(error) => assert!(error.is_cancelled() && cancel.await.unwrap()),
    }
    inner.assert_over(1);
    outer.assert_over(1);
}

// CA-8: a request during the cleanup interrupts it, and leaves nothing behind.
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_second_request_may_interrupt_the_cleanup_and_nothing_leaks() {
    let mut dice = Dice::thrown().await;
    let (alive, cleaned) = (Arc::new(()), Arc::new(AtomicUsize::new(0)));
    let (owned, counted) = (Arc::clone(&alive), Arc::clone(&cleaned));
    let (work, cleanup) = (steps(dice.below(4)), steps(dice.below(6)));
    let cleanup = async move {
        let _owned = owned;
        cleanup.await;
        counted.fetch_add(1, Ordering::Relaxed);
    };
    let task = create_task(finally(work, cleanup));
    let moments = [dice.below(5), dice.below(9)];
    let cancels = moments.map(|count| cancelled_after(&task, 0, count));
    let interrupted = task.await.is_err();
    assert!(interrupted || cleaned.load(Ordering::Relaxed) == 1);
    assert_eq!(Arc::strong_count(&alive), 1, "the cleanup leaked");
    for cancel in cancels {
        cancel.await.unwrap();
    }
}

// CA-2, CA-8, CA-12, CA-13
#[asyncio::test(seeds = 300, workers = 3)]
async fn requests_are_counted_all_and_delivered_at_least_once_and_at_most_once_each() {
    let mut dice = Dice::thrown().await;
    let task = create_task(async {
        let mut deliveries = 0;
        let own = current_task().unwrap();
        loop {
            let outcome = catch_cancelled(steps(3)).await;
            deliveries += u32::from(outcome.is_err());
            if own.cancelling() == 3 {
                break;
            }
        }
        // The last request may not have been delivered yet.
        deliveries += u32::from(catch_cancelled(steps(3)).await.is_err());
        catch_cancelled(checkpoint()).await.unwrap();
        assert_eq!([own.uncancel(), own.uncancel(), own.uncancel()], [2, 1, 0]);
        deliveries
    });
    steps(1).await;
    let cancels = [0; 3].map(|_| cancelled_after(&task, 0, dice.below(8)));
    match task.await {
        Ok(deliveries) => assert!((1..=3).contains(&deliveries), "{deliveries} deliveries"),
        Err(error) => assert!(error.is_cancelled(), "it had not begun"),
    }
    for cancel in cancels {
        cancel.await.unwrap();
    }
}

// CA-13: a request that is taken back by `uncancel` before its delivery has no effect.
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_request_that_is_taken_back_in_time_is_not_delivered() {
    let mut dice = Dice::thrown().await;
    let task = create_task(async { catch_cancelled(steps(9)).await.is_err() });
    let handle = task.handle();
    let count = 1 + dice.below(6);
    let other = create_task(async move {
        steps(count).await;
        let asked = handle.cancel();
        assert_eq!(handle.cancelling(), u32::from(asked));
        assert_eq!(handle.uncancel(), 0);
    });
    assert!(!task.await.unwrap());
    other.await.unwrap();
}

// CA-4, difference 4: a request goes through a chain of awaited tasks, and the outer task never
// sees the end of the inner one.
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_request_goes_through_awaited_tasks_and_waits_for_the_innermost() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    let innermost = census.of(pending::<()>(), dice.below(4));
    let middle = {
        let census = census.clone();
        async move { census.of(create_task(innermost), 1).await }
    };
    let outer = create_task(async move {
        let seen = create_task(middle).await;
        unreachable!("the request must end this task, too: {seen:?}")
    });
    let cancel = cancelled_after::<()>(&outer, 0, dice.below(6));
    assert!(outer.await.unwrap_err().is_cancelled());
    assert!(cancel.await.unwrap());
    census.assert_over(1);
}
