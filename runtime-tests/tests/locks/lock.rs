//! The lock itself.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use asyncio::{Lock, catch_cancelled, checkpoint, wait_for};
use futures::FutureExt;
use runtime_tests::on_drop;

use super::*;

/// LK-1: first come, first served.
#[test]
fn waiters_get_the_lock_in_the_order_in_which_they_came() {
    everywhere(async || {
        let (lock, notes) = (Arc::new(Lock::new(())), Notes::default());
        let guard = lock.acquire().await;
        let mut tasks = Vec::new();
        for place in 0..5 {
            let (lock, notes) = (Arc::clone(&lock), notes.clone());
            let waiter = async move {
                let guard = lock.acquire().await;
                notes.add(place);
                checkpoint().await;
                drop(guard);
            };
            tasks.push(in_line(waiter).await);
        }
        drop(guard);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(notes.taken(), [0, 1, 2, 3, 4]);
    });
}

/// LK-1: a lock that is on its way to a waiter is not locked, and nobody else gets it.
#[test]
fn a_newcomer_does_not_overtake_a_waiter_that_was_woken() {
    everywhere(async || {
        let lock = Lock::new(());
        let guard = lock.acquire().await;
        assert!(lock.locked());
        let mut first = Box::pin(lock.acquire());
        assert!(poll_once(&mut first).await.is_pending());
        drop(guard);
        assert!(!lock.locked());
        assert!(lock.try_acquire().is_none());
        let mut second = Box::pin(lock.acquire());
        assert!(second.as_mut().now_or_never().is_none());
        let guard = first.await;
        assert!(lock.locked());
        drop(guard);
        drop(second.await);
        assert!(!lock.locked() && lock.try_acquire().is_some());
    });
}

/// LK-2: any task or thread may release it; it is not re-entrant.
#[test]
fn any_task_releases_the_lock_and_none_acquires_it_twice() {
    everywhere(async || {
        let lock = Arc::new(Lock::new(1));
        let guard = Arc::clone(&lock).lock_owned().await;
        let again = wait_for(lock.acquire(), Duration::from_micros(10)).await;
        assert!(again.is_err(), "it waits for itself");
        create_task(async move { drop(guard) }).await.unwrap();
        let guard = lock.acquire().now_or_never().expect("it is free");
        std::thread::scope(|scope| {
            scope.spawn(|| drop(guard));
        });
        assert!(!lock.locked());
    });
}

/// LK-3: a waiter that is cancelled after it was given the lock passes it on.
#[test]
fn a_waiter_that_is_cancelled_when_it_was_woken_passes_the_lock_on() {
    everywhere(async || {
        let lock = Arc::new(Lock::new(0));
        let guard = lock.acquire().await;
        let adds = |lock: &Arc<Lock<i32>>| {
            let lock = Arc::clone(lock);
            async move { *lock.acquire().await += 1 }
        };
        let first = in_line(adds(&lock)).await;
        let second = in_line(adds(&lock)).await;
        let third = in_line(adds(&lock)).await;
        // The second is cancelled before it is woken, the first after it.
        second.cancel();
        drop(guard);
        first.cancel();
        third.await.unwrap();
        let by_first = i32::from(first.await.is_ok());
        let by_second = i32::from(second.await.is_ok());
        assert_eq!(*lock.acquire().await, 1 + by_first + by_second);
    });
}

/// LK-3: a waiter that is dropped in the poll in which it was given the lock passes it on.
#[test]
fn a_waiter_that_is_dropped_when_it_was_woken_passes_the_lock_on() {
    everywhere(async || {
        let lock = Arc::new(Lock::new(()));
        let guard = lock.acquire().await;
        let mut first = Box::pin(lock.acquire());
        assert!(poll_once(&mut first).await.is_pending());
        let second = in_line(Arc::clone(&lock).lock_owned()).await;
        drop(guard);
        drop(first);
        drop(second.await.unwrap());
        assert!(lock.try_acquire().is_some());
    });
}

/// LK-4: a free lock is taken without a yield.
#[test]
fn a_free_lock_is_taken_without_a_yield() {
    everywhere(async || {
        let lock = Arc::new(Lock::new(7));
        for _ in 0..3 {
            let guard = lock.acquire().now_or_never().expect("it is free");
            assert_eq!(*guard, 7);
            drop(guard);
            let owned = Arc::clone(&lock).lock_owned().now_or_never();
            assert_eq!(*owned.expect("it is free"), 7);
        }
    });
}

/// LK-3: exactly one holder at all times, under real parallelism: the counter is no atomic.
#[asyncio::test(workers = 4)]
async fn a_million_locks_by_a_hundred_tasks_count_exactly() {
    let counter = Arc::new(Lock::new(0_u64));
    let tasks = (0..100).map(|_| {
        let counter = Arc::clone(&counter);
        asyncio::create_task(async move {
            for round in 0..10_000_u32 {
                let mut guard = counter.acquire().await;
                let before = *guard;
                if round % 1_000 == 0 {
                    asyncio::checkpoint().await;
                }
                *guard = before + 1;
            }
        })
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*counter.acquire().await, 1_000_000);
}

/// LK-3: one holder at all times, while waiters are cancelled, timed out and dropped at any
/// moment.
#[test]
fn waiters_that_give_up_leave_the_lock_to_the_others() {
    everywhere(async || {
        let (lock, inside) = (Arc::new(Lock::new(0)), Arc::new(AtomicBool::new(false)));
        let tasks: Vec<_> = (0..12_u64)
            .map(|place| {
                let (lock, inside) = (Arc::clone(&lock), Arc::clone(&inside));
                create_task(async move {
                    let critical = async {
                        let mut guard = lock.acquire().await;
                        assert!(!inside.swap(true, Ordering::Relaxed), "two holders");
                        let _left = on_drop(|| inside.store(false, Ordering::Relaxed));
                        checkpoint().await;
                        *guard += 1;
                    };
                    match place % 3 {
                        0 => critical.await,
                        1 => drop(wait_for(critical, Duration::from_micros(place)).await),
                        _ => drop(catch_cancelled(critical).await),
                    }
                })
            })
            .collect();
        checkpoint().await;
        for task in tasks.iter().skip(2).step_by(3) {
            task.cancel();
            checkpoint().await;
        }
        for task in tasks {
            let ended = task.await;
            assert!(ended.is_ok() || ended.unwrap_err().is_cancelled());
        }
        assert!(lock.try_acquire().is_some_and(|count| *count >= 4));
    });
}
