//! A waiter that nobody polls does not hold the others up.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use asyncio::{Lock, checkpoint, create_task};

/// Polls `future` once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::future::poll_fn(|with| Poll::Ready(std::pin::Pin::new(&mut *future).poll(with))).await
}

#[asyncio::test(seeds = 200)]
async fn a_lock_goes_past_a_future_that_its_task_does_not_poll() {
    let lock = Arc::new(Lock::new(0));
    let guard = lock.acquire().await;
    // The first in line is a future that this task keeps and does not poll again.
    let mut first = pin!(lock.acquire());
    assert!(poll_once(&mut first).await.is_pending());
    let second = {
        let lock = Arc::clone(&lock);
        create_task(async move { *lock.acquire().await = 2 })
    };
    while !second.done() && lock.locked() && *guard == 0 {
        checkpoint().await;
        if asyncio::all_tasks().len() == 2 {
            break;
        }
    }
    checkpoint().await;
    drop(guard);
    second.await.unwrap();
    // It has kept its place and is served when it is polled.
    assert_eq!(*first.await, 2);
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
