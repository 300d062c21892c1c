//! A waiter that was leaked while it had a turn, and a lock that is moved or forgotten then.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use asyncio::{Lock, Semaphore, checkpoint};

/// Leaks a waiter of `lock` that has the turn.
async fn leak_a_turn(lock: &Lock<String>) {
    let guard = lock.try_acquire().unwrap();
    let mut waiter = Box::pin(lock.acquire());
    let first = std::future::poll_fn(|with| Poll::Ready(waiter.as_mut().poll(with)));
    assert!(first.await.is_pending());
    drop(guard);
    std::mem::forget(waiter);
}

#[asyncio::test]
async fn a_lock_with_a_leaked_turn_can_be_moved() {
    let lock = Box::new(Lock::new("value".to_owned()));
    leak_a_turn(&lock).await;
    let lock = *lock;
    checkpoint().await;
    checkpoint().await;
    assert_eq!(*lock.acquire().await, "value");
    assert_eq!(lock.into_inner(), "value");
}

#[asyncio::test]
async fn a_lock_with_a_leaked_turn_can_be_forgotten_or_dropped() {
    let lock = Lock::new("forgotten".to_owned());
    leak_a_turn(&lock).await;
    std::mem::forget(lock);
    checkpoint().await;
    let lock = Lock::new("dropped".to_owned());
    leak_a_turn(&lock).await;
    drop(lock);
    checkpoint().await;
}

#[test]
fn a_turn_without_a_task_outlives_its_lock() {
    let lock = Box::new(Semaphore::new(0));
    let mut waiter = Box::pin(lock.acquire());
    let mut with = Context::from_waker(Waker::noop());
    assert!(waiter.as_mut().poll(&mut with).is_pending());
    lock.release();
    std::mem::forget(waiter);
    let moved = *lock;
    // Its turn is passed on by a thread, later.
    let mut acquire = pin!(moved.acquire());
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while acquire.as_mut().poll(&mut with).is_pending() {
        assert!(std::time::Instant::now() < deadline, "the permit is lost");
        std::thread::yield_now();
    }
}
