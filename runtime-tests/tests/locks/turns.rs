//! A waiter that nobody polls does not hold the others up: it stands in a struct, or in a branch
//! that its task has left for another await.

use std::pin::{Pin, pin};

use asyncio::{CapacityLimiter, Condition, Lock, OnceCell, RwLock, Semaphore, checkpoint};

use super::*;

/// Polls `$future` once, which waits and is then left alone.
macro_rules! left_alone {
    ($future:expr) => {{
        let mut future = Box::pin($future);
        assert!(poll_once(&mut future).await.is_pending());
        future
    }};
}

#[test]
fn a_lock_goes_past_a_future_that_its_task_does_not_poll() {
    everywhere(async || {
        let lock = Arc::new(Lock::new(0));
        let guard = lock.acquire().await;
        let first = left_alone!(lock.acquire());
        let second = in_line({
            let lock = Arc::clone(&lock);
            async move { *lock.acquire().await = 2 }
        })
        .await;
        drop(guard);
        second.await.unwrap();
        // It has kept its place and is served when it is polled.
        assert_eq!(*first.await, 2);
    });
}

#[test]
fn a_future_that_was_passed_over_keeps_its_place() {
    everywhere(async || {
        let lock = Arc::new(Lock::new(()));
        let guard = lock.acquire().await;
        let mut first = left_alone!(lock.acquire());
        let second = in_line(Arc::clone(&lock).lock_owned()).await;
        drop(guard);
        let guard = second.await.unwrap();
        let third = in_line(Arc::clone(&lock).lock_owned()).await;
        assert!(poll_once(&mut first).await.is_pending());
        drop(guard);
        drop(first.await);
        drop(third.await.unwrap());
    });
}

#[test]
fn permits_go_past_a_future_that_its_task_does_not_poll() {
    everywhere(async || {
        let semaphore = Arc::new(Semaphore::new(2));
        let permits = semaphore.acquire_many(2).await;
        let first = left_alone!(semaphore.acquire_many(2));
        let second = in_line(Arc::clone(&semaphore).acquire_owned()).await;
        drop(permits);
        drop(second.await.unwrap());
        drop(first.await);
        assert_eq!(semaphore.available_permits(), 2);
    });
}

#[test]
fn a_lock_for_readers_and_a_writer_goes_past_a_future_that_its_task_does_not_poll() {
    everywhere(async || {
        let lock = Arc::new(RwLock::new(0));
        let guard = lock.read().await;
        let writer = left_alone!(lock.write());
        let reader = in_line({
            let lock = Arc::clone(&lock);
            async move { *lock.read().await }
        })
        .await;
        drop(guard);
        assert_eq!(reader.await.unwrap(), 0);
        *writer.await += 1;
        let guard = lock.write().await;
        let reader = left_alone!(lock.read());
        let writer = in_line(Arc::clone(&lock).write_owned()).await;
        drop(guard);
        drop(writer.await.unwrap());
        assert_eq!(*reader.await, 1);
    });
}

#[test]
fn the_right_to_make_a_value_goes_past_a_future_that_its_task_does_not_poll() {
    everywhere(async || {
        let cell = Arc::new(OnceCell::new());
        let (close, closed) = futures::channel::oneshot::channel::<()>();
        let fails = in_line({
            let cell = Arc::clone(&cell);
            async move {
                cell.get_or_try_init(async || {
                    closed.await.and(Err(futures::channel::oneshot::Canceled))
                })
                .await
                .copied()
            }
        })
        .await;
        let first = left_alone!(cell.get_or_init(async || 1));
        let second = in_line({
            let cell = Arc::clone(&cell);
            async move { *cell.get_or_init(async || 2).await }
        })
        .await;
        drop(close);
        assert!(fails.await.unwrap().is_err());
        assert_eq!(second.await.unwrap(), 2);
        assert_eq!(*first.await, 2);
    });
}

#[test]
fn a_token_goes_past_a_future_that_its_task_does_not_poll() {
    everywhere(async || {
        let limiter = Arc::new(CapacityLimiter::new(1));
        let token = limiter.acquire_on_behalf_of("nobody").await;
        let first = left_alone!(limiter.acquire_on_behalf_of(1));
        let second = in_line({
            let limiter = Arc::clone(&limiter);
            async move { drop(limiter.acquire_on_behalf_of(2).await) }
        })
        .await;
        drop(token);
        second.await.unwrap();
        drop(first.await);
    });
}

/// BA-1: who is not polled has its place all the same, and the others go on.
#[test]
fn a_group_goes_on_without_a_future_that_its_task_does_not_poll() {
    everywhere(async || {
        let barrier = Arc::new(asyncio::Barrier::new(3));
        let first = left_alone!(barrier.wait());
        let second = in_line({
            let barrier = Arc::clone(&barrier);
            async move { barrier.wait().await }
        })
        .await;
        assert_eq!(barrier.wait().await, Ok(2));
        assert_eq!(second.await.unwrap(), Ok(1));
        assert_eq!(first.await, Ok(0));
    });
}

/// EV-1: a waiter that is not polled has been let through, even if the event is cleared.
#[test]
fn an_event_lets_a_future_through_that_its_task_does_not_poll() {
    everywhere(async || {
        let event = asyncio::Event::new();
        let first = left_alone!(event.wait());
        event.set();
        event.clear();
        for _ in 0..3 {
            checkpoint().await;
        }
        first.await;
    });
}

/// A lock and a condition; a task that waits for one notification.
type Shared = Arc<(Lock<u32>, Condition)>;

async fn waits(shared: &Shared) -> Task<()> {
    let shared = Arc::clone(shared);
    in_line(async move {
        let guard = shared.0.acquire().await;
        drop(shared.1.wait(guard).await);
    })
    .await
}

/// CO-3: a notified waiter that is not polled passes the notification on, and may be notified
/// again.
#[test]
fn a_notification_goes_past_a_future_that_its_task_does_not_poll() {
    everywhere(async || {
        let shared: Shared = Shared::default();
        let (lock, condition) = &*shared;
        let mut first = left_alone!(condition.wait(lock.acquire().await));
        let second = waits(&shared).await;
        condition.notify(1);
        second.await.unwrap();
        assert!(poll_once(&mut first).await.is_pending(), "the other has it");
        condition.notify(1);
        drop(first.await);
    });
}

/// CO-3: it does not miss what is notified after it was passed over.
#[test]
fn a_future_that_was_passed_over_is_notified_with_the_others() {
    everywhere(async || {
        let shared: Shared = Shared::default();
        let (lock, condition) = &*shared;
        let first = left_alone!(condition.wait(lock.acquire().await));
        let second = waits(&shared).await;
        condition.notify(1);
        second.await.unwrap();
        condition.notify_all();
        checkpoint().await;
        drop(first.await);
    });
}

/// CO-3: a notification is not passed to one that came after it: it would be lost to the waiter
/// that it was for.
#[test]
fn a_notification_is_not_passed_to_one_that_came_later() {
    everywhere(async || {
        let shared: Shared = Shared::default();
        let (lock, condition) = &*shared;
        let first = left_alone!(condition.wait(lock.acquire().await));
        condition.notify(1);
        let late = waits(&shared).await;
        for _ in 0..3 {
            checkpoint().await;
        }
        drop(first.await);
        assert!(!late.done());
        condition.notify(1);
        late.await.unwrap();
    });
}

/// CO-3: the same for one that was notified, waits for the lock again, and is then left alone.
#[test]
fn a_notification_goes_past_a_future_that_is_left_while_it_acquires_the_lock() {
    everywhere(async || {
        let shared: Shared = Shared::default();
        let (lock, condition) = &*shared;
        let mut first = left_alone!(condition.wait(lock.acquire().await));
        let second = waits(&shared).await;
        let guard = lock.acquire().await;
        condition.notify(1);
        assert!(poll_once(&mut first).await.is_pending(), "the lock is held");
        drop(guard);
        second.await.unwrap();
        assert!(poll_once(&mut first).await.is_pending(), "the other has it");
        assert!(lock.try_acquire().is_some(), "and nobody has the lock");
        condition.notify_all();
        drop(first.await);
    });
}

#[test]
fn a_lock_goes_past_a_waiter_that_no_executor_polls() {
    let lock = Arc::new(Lock::new(()));
    let guard = lock.try_acquire().unwrap();
    let mut first = Box::pin(lock.acquire());
    let waker = std::task::Waker::noop();
    let mut with = std::task::Context::from_waker(waker);
    assert!(first.as_mut().poll(&mut with).is_pending());
    let (sent, received) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let lock = &lock;
        scope.spawn(move || {
            futures::executor::block_on(async {
                let mut second = pin!(lock.acquire());
                assert!(poll_once(&mut second).await.is_pending());
                sent.send(()).unwrap();
                drop(second.await);
            });
        });
        received.recv().unwrap();
        drop(guard);
    });
    assert!(first.as_mut().poll(&mut with).is_ready());
}

/// CO-3: the same for a notification, whose waiter is polled by no task.
#[test]
fn a_notification_goes_past_a_waiter_that_no_executor_polls() {
    watched(|| {
        let (lock, condition) = (Lock::new(()), Condition::new());
        let guard = lock.try_acquire().unwrap();
        let mut first: Pin<Box<_>> = Box::pin(condition.wait(guard));
        let mut with = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(first.as_mut().poll(&mut with).is_pending());
        let guard = lock.try_acquire().unwrap();
        let (sent, received) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let condition = &condition;
            scope.spawn(move || {
                futures::executor::block_on(async {
                    let mut second = pin!(condition.wait(guard));
                    assert!(poll_once(&mut second).await.is_pending());
                    sent.send(()).unwrap();
                    drop(second.await);
                });
            });
            received.recv().unwrap();
            condition.notify(1);
        });
        condition.notify(1);
        assert!(first.as_mut().poll(&mut with).is_ready());
    });
}

/// The task yields for ever, so it keeps the turns of its waiters for some polls. The hundred
/// waiters do not hold the other task up a hundred times as long as one.
#[asyncio::test(seeds = 20)]
async fn many_futures_that_are_left_alone_hold_others_up_no_longer_than_one() {
    let lock = Arc::new(Lock::new(()));
    let guard = lock.acquire().await;
    let mut left = Vec::new();
    for _ in 0..100 {
        left.push(left_alone!(lock.acquire()));
    }
    let other = in_line(Arc::clone(&lock).lock_owned()).await;
    drop(guard);
    let mut polls = 0;
    while !other.done() {
        checkpoint().await;
        polls += 1;
        assert!(polls < 1_000, "the lock is held up");
    }
    drop(other.await.unwrap());
    for waiter in left {
        drop(waiter.await);
    }
}
