//! Waits that another executor polls, on several threads, without any loop; and waits that are
//! leaked. Difference 12: they belong to no loop.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use asyncio::{
    Barrier, CapacityLimiter, Condition, Event, Lock, OnceCell, RwLock, Semaphore, checkpoint,
};
use futures::executor::block_on;
use runtime_tests::on_workers;

use super::*;

const THREADS: usize = 4;
const ROUNDS: usize = 500;

/// Runs `work` on several threads at once, each with an executor of its own.
fn on_threads(work: impl AsyncFn(usize) + Sync) {
    watched(|| {
        thread::scope(|scope| {
            for place in 0..THREADS {
                let work = &work;
                scope.spawn(move || block_on(work(place)));
            }
        });
    });
}

/// LK-3
#[test]
fn a_lock_counts_exactly() {
    let lock = Lock::new(0);
    on_threads(async |_| {
        for _ in 0..ROUNDS {
            *lock.acquire().await += 1;
        }
    });
    assert_eq!(lock.into_inner(), THREADS * ROUNDS);
}

/// SE-3
#[test]
fn a_semaphore_keeps_its_limit() {
    let (semaphore, inside) = (Semaphore::new(2), AtomicUsize::new(0));
    on_threads(async |_| {
        for _ in 0..ROUNDS {
            let _permit = semaphore.acquire().await;
            assert!(inside.fetch_add(1, Ordering::SeqCst) < 2);
            thread::yield_now();
            inside.fetch_sub(1, Ordering::SeqCst);
        }
    });
    assert_eq!(semaphore.available_permits(), 2);
}

/// EV-1
#[test]
fn an_event_is_passed_around() {
    let events = [const { Event::new() }; THREADS];
    on_threads(async |place| {
        for _ in 0..ROUNDS {
            if place == 0 {
                events[1].set();
            }
            events[place].wait().await;
            events[place].clear();
            if place > 0 {
                events[(place + 1) % THREADS].set();
            }
        }
    });
}

/// CO-3
#[test]
fn a_condition_lets_each_have_its_turn() {
    let (turn, changed) = (Lock::new(0), Condition::new());
    on_threads(async |place| {
        for _ in 0..ROUNDS / 10 {
            let guard = turn.acquire().await;
            let mut guard = changed
                .wait_for(guard, |turn| *turn % THREADS == place)
                .await;
            *guard += 1;
            drop(guard);
            changed.notify_all();
        }
    });
    assert_eq!(turn.into_inner(), THREADS * (ROUNDS / 10));
}

/// BA-1
#[test]
fn a_barrier_has_generations() {
    let (barrier, arrived) = (Barrier::new(THREADS), AtomicUsize::new(0));
    on_threads(async |_| {
        for round in 1..=ROUNDS {
            arrived.fetch_add(1, Ordering::Relaxed);
            barrier.wait().await.unwrap();
            assert!(arrived.load(Ordering::Relaxed) >= round * THREADS);
        }
    });
}

#[test]
fn readers_writers_cells_and_limiters() {
    let (lock, cell, limiter) = (
        RwLock::new((0, 0)),
        OnceCell::new(),
        CapacityLimiter::new(2),
    );
    on_threads(async |place| {
        for _ in 0..ROUNDS {
            let _token = limiter.acquire_on_behalf_of(place).await;
            let step = *cell.get_or_init(async || 1).await;
            {
                let mut value = lock.write().await;
                value.0 += step;
                value.1 += step;
            }
            let value = lock.read().await;
            assert_eq!(value.0, value.1);
        }
    });
    assert_eq!(lock.into_inner(), (THREADS * ROUNDS, THREADS * ROUNDS));
    assert_eq!(limiter.borrowed_tokens(), 0);
}

/// LK-3, TS-10, difference 12: a task of a loop and a thread without one use the same lock.
#[test]
fn loops_and_other_executors_meet_at_one_lock() {
    let lock = Arc::new(Lock::new(0));
    thread::scope(|scope| {
        scope.spawn(|| {
            block_on(async {
                for _ in 0..ROUNDS {
                    *lock.acquire().await += 1;
                }
            });
        });
        for _ in 0..2 {
            on_workers(2, async {
                for _ in 0..ROUNDS {
                    let mut guard = lock.acquire().await;
                    checkpoint().await;
                    *guard += 1;
                }
            });
        }
    });
    assert_eq!(*lock.try_acquire().unwrap(), 3 * ROUNDS);
}

/// A wait that is leaked holds nobody up, and its lock can be dropped.
#[test]
fn waits_that_are_leaked_hold_nobody_up() {
    everywhere(async || {
        let leak = async |wait: std::pin::Pin<Box<dyn Future<Output = ()> + '_>>| {
            let mut wait = wait;
            assert!(poll_once(&mut wait).await.is_pending());
            std::mem::forget(wait);
        };
        let (lock, condition) = (Lock::new(()), Condition::new());
        let guard = lock.acquire().await;
        leak(Box::pin(async { drop(lock.acquire().await) })).await;
        drop(guard);
        let guard = lock.acquire().await;
        leak(Box::pin(async { drop(condition.wait(guard).await) })).await;
        condition.notify(1);
        checkpoint().await;
        drop(lock.acquire().await);
        let semaphore = Semaphore::new(1);
        leak(Box::pin(async { drop(semaphore.acquire_many(2).await) })).await;
        semaphore.release();
        drop(semaphore.acquire_many(2).await);
        let barrier = Barrier::new(2);
        leak(Box::pin(async {
            let _place = barrier.wait().await;
        }))
        .await;
        assert_eq!(barrier.wait().await, Ok(1));
        let rw_lock = RwLock::new(());
        let guard = rw_lock.read().await;
        leak(Box::pin(async { drop(rw_lock.write().await) })).await;
        drop(guard);
        drop(rw_lock.write().await);
        let cell = OnceCell::new();
        let mut making = Box::pin(cell.get_or_init(async || std::future::pending().await));
        assert!(poll_once(&mut making).await.is_pending());
        leak(Box::pin(async {
            let _value = cell.get_or_init(async || 1).await;
        }))
        .await;
        drop(making);
        assert_eq!(*cell.get_or_init(async || 2).await, 2);
    });
}
