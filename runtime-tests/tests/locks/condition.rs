//! The condition.

use std::time::Duration;

use asyncio::{Condition, Lock, OwnedLockGuard, checkpoint, wait_for};
use futures::FutureExt;

use super::*;

type Shared = Arc<(Lock<usize>, Condition)>;

fn shared() -> Shared {
    Arc::new((Lock::new(0), Condition::new()))
}

/// A task that waits for one notification, and then notes `place`.
async fn waits(shared: &Shared, notes: &Notes, place: usize) -> Task<()> {
    let (shared, notes) = (Arc::clone(shared), notes.clone());
    in_line(async move {
        let (lock, condition) = &*shared;
        let guard = lock.acquire().await;
        let guard = condition.wait(guard).await;
        notes.add(place);
        drop(guard);
    })
    .await
}

/// Waits until `count` of the tasks have ended.
async fn ended(tasks: &[Task<()>], count: usize) {
    until(|| tasks.iter().filter(|task| task.done()).count() >= count).await;
}

/// CO-1, difference 16: `notify` does not need the lock; it is kept for nobody who comes later. A
/// condition that holds is not waited for.
#[test]
fn a_notification_is_not_kept_when_nobody_waits() {
    everywhere(async || {
        let (lock, condition) = &*shared();
        condition.notify(1);
        condition.notify_all();
        let guard = lock.acquire().await;
        let waited = wait_for(condition.wait(guard), Duration::from_micros(10)).await;
        assert!(waited.is_err(), "those came before");
        let guard = lock.acquire().await;
        let waited = condition
            .wait_for(guard, |value| *value == 0)
            .now_or_never();
        assert_eq!(*waited.expect("it holds"), 0);
    });
}

/// CO-2, WF-10, differences 6 and 16: the wait releases the lock, and has it again when it ends;
/// after a wait that was cancelled or timed out it is not held.
#[test]
fn the_lock_is_released_while_a_task_waits_and_after_a_wait_that_gave_up() {
    everywhere(async || {
        let shared = shared();
        let (lock, condition) = &*shared;
        let guard = lock.acquire().await;
        let waited = wait_for(condition.wait(guard), Duration::from_micros(10)).await;
        assert!(waited.is_err());
        assert!(!lock.locked());
        let notes = Notes::default();
        let cancelled = waits(&shared, &notes, 0).await;
        assert!(!lock.locked(), "the waiter has released it");
        cancelled.cancel();
        assert!(cancelled.await.unwrap_err().is_cancelled());
        assert!(!lock.locked());
        let mut waiting = Box::pin(async {
            let guard = condition.wait(lock.acquire().await).await;
            assert!(lock.locked());
            drop(guard);
        });
        assert!(poll_once(&mut waiting).await.is_pending());
        condition.notify(1);
        waiting.await;
        assert!(!lock.locked());
    });
}

/// CO-3: a waiter that is cancelled after it was notified passes the notification on.
#[test]
fn a_waiter_that_is_cancelled_when_it_was_notified_passes_that_on() {
    everywhere(async || {
        let (shared, notes) = (shared(), Notes::default());
        let tasks = [
            waits(&shared, &notes, 0).await,
            waits(&shared, &notes, 1).await,
        ];
        let [first, second] = tasks;
        shared.1.notify(1);
        first.cancel();
        if first.await.is_ok() {
            // It was faster than the request.
            shared.1.notify(1);
        }
        second.await.unwrap();
    });
}

/// CO-3: the same while it waits for the lock again: nobody has the notification yet.
#[test]
fn a_waiter_that_is_cancelled_when_it_acquires_the_lock_passes_the_notification_on() {
    everywhere(async || {
        let (shared, notes) = (shared(), Notes::default());
        let (lock, condition) = &*shared;
        let first = waits(&shared, &notes, 0).await;
        let second = waits(&shared, &notes, 1).await;
        let guard = lock.acquire().await;
        condition.notify(1);
        for _ in 0..4 {
            // The first waits for the lock.
            checkpoint().await;
        }
        first.cancel();
        assert!(first.await.unwrap_err().is_cancelled());
        drop(guard);
        second.await.unwrap();
        assert_eq!(notes.taken(), [1]);
        assert!(lock.try_acquire().is_some());
    });
}

/// CO-3: a wait that is dropped in the poll in which it was notified passes that on.
#[test]
fn a_wait_that_is_dropped_when_it_was_notified_passes_that_on() {
    everywhere(async || {
        let (shared, notes) = (shared(), Notes::default());
        let (lock, condition) = &*shared;
        let mut first = Box::pin(condition.wait(lock.acquire().await));
        assert!(poll_once(&mut first).await.is_pending());
        let second = waits(&shared, &notes, 1).await;
        condition.notify(1);
        drop(first);
        second.await.unwrap();
    });
}

/// CO-4: the tasks are notified in the order in which they came, as many as are asked for, and run
/// when the notifier has released the lock.
#[test]
fn the_first_n_waiters_are_notified_and_run_after_the_notifier() {
    everywhere(async || {
        let (shared, notes) = (shared(), Notes::default());
        let (lock, condition) = &*shared;
        let mut tasks = Vec::new();
        for place in 0..5 {
            tasks.push(waits(&shared, &notes, place).await);
        }
        let guard = lock.acquire().await;
        condition.notify(2);
        for _ in 0..4 {
            checkpoint().await;
        }
        assert_eq!(notes.clone().0.lock().unwrap().len(), 0, "the lock is held");
        drop(guard);
        ended(&tasks, 2).await;
        let mut first = notes.taken();
        first.sort_unstable();
        assert_eq!(first, [0, 1]);
        condition.notify(1);
        ended(&tasks, 3).await;
        assert_eq!(notes.taken(), [2]);
        condition.notify_all();
        for task in tasks {
            task.await.unwrap();
        }
        let mut last = notes.taken();
        last.sort_unstable();
        assert_eq!(last, [3, 4]);
    });
}

/// CO-5: several conditions share one lock; a guard of any kind will do.
#[test]
fn several_conditions_share_one_lock() {
    everywhere(async || {
        let buffer = Arc::new((Lock::new(Vec::new()), Condition::new(), Condition::new()));
        let consumer = create_task({
            let buffer = Arc::clone(&buffer);
            async move {
                let (lock, not_empty, not_full) = &*buffer;
                let mut sum = 0;
                for _ in 0..20 {
                    let guard = lock.acquire().await;
                    let mut guard = not_empty.wait_for(guard, |items| !items.is_empty()).await;
                    sum += guard.pop().unwrap();
                    drop(guard);
                    not_full.notify(1);
                }
                sum
            }
        });
        let (lock, not_empty, not_full) = &*buffer;
        for item in 0..20 {
            let guard = lock.acquire().await;
            let mut guard = not_full.wait_for(guard, |items| items.len() < 2).await;
            guard.push(item);
            drop(guard);
            not_empty.notify(1);
        }
        assert_eq!(consumer.await.unwrap(), 190);
    });
}

/// CO-5: an owned guard is taken and given back.
#[test]
fn an_owned_guard_waits_as_well() {
    everywhere(async || {
        let (lock, condition) = (Arc::new(Lock::new(0)), Arc::new(Condition::new()));
        let guard: OwnedLockGuard<i32> = Arc::clone(&lock).lock_owned().await;
        let task = in_line({
            let condition = Arc::clone(&condition);
            async move { condition.wait_for(guard, |value| *value == 7).await }
        })
        .await;
        *lock.acquire().await = 7;
        condition.notify_all();
        let guard = task.await.unwrap();
        assert!(lock.locked());
        drop(guard);
        assert!(!lock.locked());
    });
}

/// CO-3: a bounded buffer with several producers and consumers, of which some give up: no
/// notification is lost, or it would hang.
#[test]
fn a_bounded_buffer_loses_no_notification() {
    everywhere(async || {
        let buffer = Arc::new((Lock::new(0_usize), Condition::new(), Condition::new()));
        let takes = |tries: usize| {
            let buffer = Arc::clone(&buffer);
            async move {
                let (lock, not_empty, not_full) = &*buffer;
                for _ in 0..tries {
                    let guard = lock.acquire().await;
                    *not_empty.wait_for(guard, |items| *items > 0).await -= 1;
                    not_full.notify(1);
                }
            }
        };
        let puts = |tries: usize| {
            let buffer = Arc::clone(&buffer);
            async move {
                let (lock, not_empty, not_full) = &*buffer;
                for _ in 0..tries {
                    let guard = lock.acquire().await;
                    *not_full.wait_for(guard, |items| *items < 2).await += 1;
                    not_empty.notify(1);
                }
            }
        };
        let consumers: Vec<_> = (0..3).map(|_| create_task(takes(6))).collect();
        let giving_up: Vec<_> = (0..2).map(|_| create_task(takes(1))).collect();
        let producers: Vec<_> = (0..2).map(|_| create_task(puts(10))).collect();
        for task in &giving_up {
            checkpoint().await;
            task.cancel();
        }
        let mut taken = 18;
        for task in giving_up {
            taken += usize::from(task.await.is_ok());
        }
        for task in consumers.into_iter().chain(producers) {
            task.await.unwrap();
        }
        assert_eq!(*buffer.0.acquire().await, 20 - taken);
    });
}

/// A predicate that panics releases the lock.
#[test]
fn a_condition_that_panics_releases_the_lock() {
    everywhere(async || {
        let (lock, condition) = (Lock::new(0), Condition::new());
        let guard = lock.acquire().await;
        let waited = condition.wait_for(guard, |_| std::panic::resume_unwind(Box::new(1)));
        let thrown = std::panic::AssertUnwindSafe(waited).catch_unwind().await;
        assert!(thrown.is_err());
        assert!(!lock.locked());
    });
}
