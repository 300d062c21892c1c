//! The barrier.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use asyncio::{Barrier, BrokenBarrierError, checkpoint, wait_for};
use futures::FutureExt;
use runtime_tests::caught;

use super::*;

type Waited = Task<Result<usize, BrokenBarrierError>>;

/// A task that waits at the barrier.
async fn waits_at(barrier: &Arc<Barrier>) -> Waited {
    let barrier = Arc::clone(barrier);
    in_line(async move { barrier.wait().await }).await
}

/// BA-1, difference 21: nobody meets at a barrier of 0 parties.
#[test]
fn a_barrier_of_nobody_is_refused_at_the_line_of_the_caller() {
    let (line, found) = (line!(), caught(|| drop(Barrier::new(0))));
    assert_eq!(found.place, Some((file!().to_owned(), line)));
    assert!(
        found.text.contains("parties must be >= 1"),
        "{}",
        found.text
    );
}

/// BA-1: the places are those of the order in which the tasks came; the last does not yield.
#[test]
fn each_has_a_place_in_the_order_of_arrival() {
    everywhere(async || {
        let barrier = Arc::new(Barrier::new(4));
        for _ in 0..2 {
            let mut tasks = Vec::new();
            for place in 0..3 {
                assert_eq!(barrier.n_waiting(), place);
                tasks.push(waits_at(&barrier).await);
            }
            assert_eq!(barrier.wait().now_or_never(), Some(Ok(3)));
            for (place, task) in tasks.into_iter().enumerate() {
                assert_eq!(task.await.unwrap(), Ok(place));
            }
        }
        let alone = Barrier::new(1);
        assert_eq!(alone.wait().now_or_never(), Some(Ok(0)));
        assert_eq!(alone.wait().now_or_never(), Some(Ok(0)));
    });
}

/// BA-1: more tasks than parties go on in groups.
#[test]
fn more_tasks_than_parties_go_on_in_groups() {
    everywhere(async || {
        let barrier = Arc::new(Barrier::new(3));
        let tasks: Vec<_> = (0..9)
            .map(|_| {
                let barrier = Arc::clone(&barrier);
                create_task(async move { barrier.wait().await.unwrap() })
            })
            .collect();
        let mut places = Vec::new();
        for task in tasks {
            places.push(task.await.unwrap());
        }
        places.sort_unstable();
        assert_eq!(places, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
    });
}

/// BA-1: a thousand generations of one barrier, under real parallelism: nobody is ever in another
/// generation than the others.
#[asyncio::test(workers = 4)]
async fn a_thousand_generations() {
    generations(1000, 8).await;
}

/// BA-1: generations under seeds.
#[test]
fn generations_under_seeds() {
    under_seeds(3, async || generations(20, 4).await);
}

/// BA-1: a thousand generations under some seeds.
#[asyncio::test(seeds = 5)]
async fn a_thousand_generations_under_seeds() {
    generations(1000, 4).await;
}

async fn generations(rounds: usize, parties: usize) {
    let barrier = Arc::new(Barrier::new(parties));
    let arrived = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..parties)
        .map(|_| {
            let (barrier, arrived) = (Arc::clone(&barrier), Arc::clone(&arrived));
            create_task(async move {
                let mut sum = 0;
                for round in 0..rounds {
                    // Relaxed: the barrier orders.
                    arrived.fetch_add(1, Ordering::Relaxed);
                    sum += barrier.wait().await.unwrap();
                    let seen = arrived.load(Ordering::Relaxed);
                    assert!(seen >= (round + 1) * parties, "too early");
                    assert!(seen < (round + 2) * parties, "too late");
                }
                sum
            })
        })
        .collect();
    let mut sum = 0;
    for task in tasks {
        sum += task.await.unwrap();
    }
    assert_eq!(sum, rounds * parties * (parties - 1) / 2);
}

/// BA-2: a waiter that is cancelled no longer counts, and the barrier is not broken.
#[test]
fn a_waiter_that_is_cancelled_no_longer_counts() {
    everywhere(async || {
        let barrier = Arc::new(Barrier::new(3));
        let first = waits_at(&barrier).await;
        let second = waits_at(&barrier).await;
        first.cancel();
        assert!(first.await.unwrap_err().is_cancelled());
        let timed_out = wait_for(barrier.wait(), Duration::from_micros(1)).await;
        assert!(timed_out.is_err());
        assert_eq!((barrier.n_waiting(), barrier.broken()), (1, false));
        let third = waits_at(&barrier).await;
        assert_eq!(barrier.wait().await, Ok(2));
        // The places are given when the group is complete.
        assert_eq!(second.await.unwrap(), Ok(0));
        assert_eq!(third.await.unwrap(), Ok(1));
    });
}

/// BA-2: one that is dropped or cancelled when its group is complete takes nothing from the
/// others.
#[test]
fn a_waiter_that_is_dropped_when_the_group_is_complete_hurts_nobody() {
    everywhere(async || {
        let barrier = Arc::new(Barrier::new(3));
        let mut dropped = Box::pin(barrier.wait());
        assert!(poll_once(&mut dropped).await.is_pending());
        let second = waits_at(&barrier).await;
        assert_eq!(barrier.wait().await, Ok(2));
        drop(dropped);
        assert_eq!(second.await.unwrap(), Ok(1));
        assert_eq!(barrier.n_waiting(), 0);
    });
}

/// BA-3: an aborted barrier sends everybody away until it is reset.
#[test]
fn an_aborted_barrier_is_broken_until_it_is_reset() {
    everywhere(async || {
        let barrier = Arc::new(Barrier::new(3));
        let waiters = [waits_at(&barrier).await, waits_at(&barrier).await];
        barrier.abort();
        assert!(barrier.broken());
        assert_eq!(barrier.n_waiting(), 0);
        for waiter in waiters {
            let error = waiter.await.unwrap().unwrap_err();
            assert_eq!(error.to_string(), "Abort or reset of barrier");
        }
        let error = barrier.wait().now_or_never().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "Barrier aborted");
        barrier.reset();
        assert!(!barrier.broken());
        let waiters = [waits_at(&barrier).await, waits_at(&barrier).await];
        assert_eq!(barrier.wait().await, Ok(2));
        for waiter in waiters {
            assert!(waiter.await.unwrap().is_ok());
        }
    });
}

/// BA-3: a group that is complete goes on, even if the barrier is aborted before it runs.
#[test]
fn an_abort_does_not_reach_a_group_that_is_complete() {
    everywhere(async || {
        let barrier = Barrier::new(2);
        let mut first = Box::pin(barrier.wait());
        assert!(poll_once(&mut first).await.is_pending());
        assert_eq!(barrier.wait().await, Ok(1));
        barrier.abort();
        assert_eq!(first.await, Ok(0));
    });
}

/// BA-4: a reset sends those away who wait, and the barrier can be used at once.
#[test]
fn a_reset_sends_those_away_who_wait() {
    everywhere(async || {
        let barrier = Arc::new(Barrier::new(2));
        let waiter = waits_at(&barrier).await;
        barrier.reset();
        assert!(!barrier.broken());
        let error = waiter.await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "Abort or reset of barrier");
        let waiter = waits_at(&barrier).await;
        assert_eq!(barrier.wait().await, Ok(1));
        assert_eq!(waiter.await.unwrap(), Ok(0));
    });
}

/// BA-4, BA-5: while those of a complete group have not run yet, a reset sends nobody away, and
/// nobody counts as waiting.
#[test]
fn a_reset_while_a_group_leaves_sends_nobody_away() {
    everywhere(async || {
        let barrier = Barrier::new(2);
        let mut first = Box::pin(barrier.wait());
        assert!(poll_once(&mut first).await.is_pending());
        assert_eq!(barrier.wait().await, Ok(1));
        let mut behind = Box::pin(barrier.wait());
        assert!(poll_once(&mut behind).await.is_pending());
        assert_eq!(barrier.n_waiting(), 0);
        barrier.reset();
        assert_eq!(first.await, Ok(0));
        assert_eq!(barrier.n_waiting(), 1);
        assert!(poll_once(&mut behind).await.is_pending());
        assert_eq!(barrier.wait().await, Ok(1));
        assert_eq!(behind.await, Ok(0));
    });
}

/// BA-5: `n_waiting` counts those that wait for their group.
#[test]
fn those_that_wait_are_counted() {
    everywhere(async || {
        let barrier = Arc::new(Barrier::new(3));
        assert_eq!((barrier.parties(), barrier.n_waiting()), (3, 0));
        let mut waiters = Vec::new();
        for count in 1..3 {
            waiters.push(waits_at(&barrier).await);
            assert_eq!(barrier.n_waiting(), count);
        }
        barrier.wait().await.unwrap();
        assert_eq!(barrier.n_waiting(), 0);
        for waiter in waiters {
            waiter.await.unwrap().unwrap();
        }
        assert_eq!(barrier.n_waiting(), 0);
    });
}

/// BA-2, BA-3, BA-4: whatever the waiters and the owner of the barrier do, all come to an end.
#[test]
fn everybody_comes_to_an_end() {
    everywhere(async || {
        let barrier = Arc::new(Barrier::new(3));
        let tasks: Vec<_> = (0..9_u64)
            .map(|place| {
                let barrier = Arc::clone(&barrier);
                create_task(async move {
                    let limit = Duration::from_micros(place);
                    let _timed_out = wait_for(barrier.wait(), limit).await;
                    let _broken = barrier.wait().await;
                })
            })
            .collect();
        tasks[3].cancel();
        checkpoint().await;
        barrier.reset();
        checkpoint().await;
        tasks[5].cancel();
        // Whoever is left over is sent away.
        while !tasks.iter().all(Task::done) {
            checkpoint().await;
            barrier.abort();
        }
        barrier.reset();
        assert_eq!((barrier.n_waiting(), barrier.broken()), (0, false));
    });
}
