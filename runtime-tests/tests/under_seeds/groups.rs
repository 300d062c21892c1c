//! Tests of task groups and races under many schedules.

use std::future::pending;

use asyncio::{CancelSource, ExceptionGroup, TaskGroup, gather_all, race, task_group};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::*;

type Outcome<T> = Result<T, ExceptionGroup<u32>>;

/// A child that makes children, some of which fail or cancel the group.
fn head(
    tg: TaskGroup<u32>,
    census: Census,
    mut dice: Dice,
    depth: u32,
) -> BoxFuture<'static, Result<(), u32>> {
    let (work, cleanup, counts) = (dice.below(3), dice.below(3), census.clone());
    let body = async move {
        steps(work).await;
        for _ in 0..dice.below(3) {
            if depth > 0 {
                let own = Dice(u64::from(dice.below(u32::MAX)) << 7 | 1);
                tg.create_task(head(tg.clone(), census.clone(), own, depth - 1));
            }
            steps(dice.below(2)).await;
        }
        match dice.below(40) {
            0 => return Err(depth),
            1 => tg.cancel(),
            _ => {}
        }
        Ok(())
    };
    counts.of(body, cleanup).boxed()
}

// TG-1, TG-2, TG-7, TG-20: a hydra. The group ends after the last head, however it ends.
#[asyncio::test(seeds = 500, workers = 3)]
async fn a_group_ends_after_all_the_children_that_children_have_made() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    let outcome: Outcome<u32> = task_group(async |tg| {
        for _ in 0..3 {
            let own = Dice(u64::from(dice.below(u32::MAX)) << 7 | 1);
            tg.create_task(head(tg.clone(), census.clone(), own, 4));
        }
        steps(dice.below(6)).await;
        Ok(7)
    })
    .await;
    census.assert_over(1);
    match outcome {
        Ok(value) => assert_eq!(value, 7),
        Err(group) => assert!(group.errors().iter().all(|depth| *depth <= 4)),
    }
    assert_eq!(asyncio::current_task().unwrap().cancelling(), 0);
}

// TG-5: a cancellation at any moment is raised, or delivered after the errors.
#[asyncio::test(seeds = 500, workers = 3)]
async fn a_cancelled_group_ends_after_its_children_and_loses_no_request() {
    let mut dice = Dice::thrown().await;
    let (census, own) = (Census::default(), Dice(u64::from(dice.below(u32::MAX)) | 1));
    let inside = census.clone();
    let parent = create_task(async move {
        let counts = inside.clone();
        let outcome: Outcome<()> = task_group(async |tg| {
            tg.create_task(head(tg.clone(), inside.clone(), own, 3));
            tg.create_task(inside.of(pending::<Result<(), u32>>(), 2));
            Ok(())
        })
        .await;
        drop(inside);
        counts.assert_over(2);
        drop(counts);
        assert!(outcome.is_err() || outcome == Ok(()));
        pending::<()>().await;
    });
    let cancel = cancelled_after(&parent, 0, dice.below(12));
    assert!(parent.await.unwrap_err().is_cancelled());
    assert!(cancel.await.unwrap());
    census.assert_over(1);
}

// TG-2: however many fail at once, each of the others is cancelled once.
#[asyncio::test(seeds = 300, workers = 3)]
async fn each_child_is_cancelled_once() {
    let mut dice = Dice::thrown().await;
    let outcome: Outcome<()> = task_group(async |tg| {
        let mut others = Vec::new();
        for number in 0..4 {
            let count = dice.below(4);
            tg.create_task(async move {
                steps(count).await;
                Err::<(), _>(number)
            });
            others.push(tg.create_task(async {
                let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
                assert_eq!(caught.reason().source(), CancelSource::TaskGroup);
                steps(3).await; // a second request would end it here
                Ok(())
            }));
        }
        let _caught = catch_cancelled(pending::<()>()).await;
        for other in others {
            assert!(other.cancelling() <= 1);
        }
        Ok(())
    })
    .await;
    assert!(!outcome.unwrap_err().is_cancelled());
}

#[asyncio::test(seeds = 300, workers = 3)]
async fn the_losers_of_a_race_have_ended_when_it_has() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    let racers: Vec<_> = (0..4)
        .map(|number| {
            let (work, cleanup) = (dice.below(5), dice.below(3));
            census.of(steps(work).map(move |()| number), cleanup)
        })
        .collect();
    let counts = census.clone();
    let awaiter = create_task(async move {
        let first = race(racers).await;
        counts.assert_over(2);
        first
    });
    let cancel = cancelled_after(&awaiter, 0, dice.below(12));
    match awaiter.await {
        Ok(first) => assert!(first.unwrap() < 4),
        Err(error) => assert!(error.is_cancelled() && cancel.await.unwrap()),
    }
    census.assert_over(1);
}

// GA-5, GA-7
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_limited_gather_ends_after_those_that_it_has_made() {
    let mut dice = Dice::thrown().await;
    let (census, limit) = (Census::default(), dice.below(3) as usize + 1);
    let inside = census.clone();
    let mut own = Dice(u64::from(dice.below(u32::MAX)) | 1);
    let awaiter = create_task(async move {
        let counts = inside.clone();
        let futures = (0..8).map(move |number| {
            let (work, cleanup) = (own.below(4), own.below(2));
            inside.of(steps(work).map(move |()| number), cleanup)
        });
        let outcome = catch_cancelled(gather_all(futures).limit(limit)).await;
        counts.assert_over(2);
        outcome
    });
    let cancel = cancelled_after(&awaiter, 0, dice.below(30));
    match awaiter.await {
        Ok(Ok(values)) => assert!(values.unwrap().into_iter().eq(0..8)),
        Ok(Err(_)) => assert!(cancel.await.unwrap()),
        Err(error) => assert!(error.is_cancelled() && census.begun() == 0, "never begun"),
    }
}
