//! Futures that are kept and not polled, or leaked, hold nobody up.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use asyncio::{Queue, create_task, sleep, wait_for};
use runtime_tests::{begun, on_workers};

use super::{Census, poll_once, poll_unwoken};

/// QU-2: an item goes past a `get` that its task keeps and does not poll.
#[asyncio::test(seeds = 200)]
async fn an_item_goes_past_a_get_that_is_not_polled() {
    let queue = Arc::new(Queue::new(0));
    let mut kept = pin!(queue.get());
    assert!(poll_once(kept.as_mut()).await.is_pending());
    let second = {
        let queue = Arc::clone(&queue);
        begun(async move { queue.get().await }).await
    };
    queue.put_nowait(1).unwrap();
    // This task is woken for the item, is polled, and polls something else.
    assert_eq!(second.await.unwrap(), Ok(1));
    let third = {
        let queue = Arc::clone(&queue);
        begun(async move { queue.get().await }).await
    };
    // It has kept its place: polled again, it stands before the third.
    assert!(poll_once(kept.as_mut()).await.is_pending());
    queue.put_nowait(2).unwrap();
    assert_eq!(kept.await, Ok(2));
    queue.put_nowait(3).unwrap();
    assert_eq!(third.await.unwrap(), Ok(3));
}

/// QU-2: room goes past a `put` that its task keeps and does not poll.
#[asyncio::test(seeds = 200)]
async fn room_goes_past_a_put_that_is_not_polled() {
    let queue = Arc::new(Queue::new(1));
    queue.put_nowait(0).unwrap();
    let mut kept = pin!(queue.put(1));
    assert!(poll_once(kept.as_mut()).await.is_pending());
    let second = {
        let queue = Arc::clone(&queue);
        begun(async move { queue.put(2).await }).await
    };
    assert_eq!(queue.get_nowait(), Ok(0));
    second.await.unwrap().unwrap();
    assert_eq!(queue.get().await, Ok(2));
    kept.await.unwrap();
    assert_eq!(queue.get().await, Ok(1));
}

/// Without a task, the others wait for some milliseconds at most.
#[test]
fn an_item_goes_past_a_get_that_no_executor_polls() {
    runtime_tests::watched(|| {
        let queue = Queue::new(0);
        let mut kept = Box::pin(queue.get());
        assert!(poll_unwoken(kept.as_mut()).is_pending());
        std::thread::scope(|scope| {
            let (sent, waits) = std::sync::mpsc::channel();
            let queue = &queue;
            let second = scope.spawn(move || {
                futures::executor::block_on(async {
                    let mut second = std::pin::pin!(queue.get());
                    std::future::poll_fn(|with| {
                        let polled = second.as_mut().poll(with);
                        // The first time it waits; the receiver may be gone later.
                        let _gone = sent.send(());
                        polled
                    })
                    .await
                })
            });
            waits.recv().unwrap();
            queue.put_nowait(1).unwrap();
            assert_eq!(second.join().unwrap(), Ok(1));
        });
        queue.put_nowait(2).unwrap();
        assert_eq!(futures::executor::block_on(kept), Ok(2));
    });
}

/// QU-3: a leaked `get` takes nothing with it, and a leaked `put` nothing but its own item.
#[test]
fn leaked_futures_hold_nobody_up() {
    on_workers(2, async {
        let census = Census::default();
        let queue = Arc::new(Queue::new(1));
        let leaky = {
            let queue = Arc::clone(&queue);
            create_task(async move {
                let leaked: &'static Queue<_> = Box::leak(Box::new(Arc::clone(&queue)));
                let mut get = Box::pin(leaked.get());
                assert!(poll_once(get.as_mut()).await.is_pending());
                std::mem::forget(get);
            })
        };
        leaky.await.unwrap();
        queue.put(census.item(1)).await.unwrap();
        let got = wait_for(queue.get(), Duration::from_secs(5)).await;
        assert_eq!(got.unwrap().unwrap().number, 1);

        queue.put(census.item(2)).await.unwrap();
        let leaked: &'static Queue<_> = Box::leak(Box::new(Arc::clone(&queue)));
        let mut put = Box::pin(leaked.put(census.item(3)));
        assert!(poll_once(put.as_mut()).await.is_pending());
        std::mem::forget(put);
        assert_eq!(queue.get().await.unwrap().number, 2);
        sleep(Duration::from_millis(1)).await;
        let put = wait_for(queue.put(census.item(4)), Duration::from_secs(5)).await;
        put.unwrap().unwrap();
        assert_eq!(queue.get().await.unwrap().number, 4);
        // The third has been leaked.
        assert_eq!(census.count(), 1);
    });
}

/// A future that is polled through a reference still has its item when the wait is given up.
#[asyncio::test(workers = 4)]
async fn a_put_that_is_given_up_goes_on_later() {
    let census = Census::default();
    let queue = Queue::new(1);
    queue.put(census.item(1)).await.unwrap();
    let mut put = pin!(queue.put(census.item(2)));
    let limited = wait_for(put.as_mut(), Duration::from_millis(1)).await;
    assert!(limited.is_err());
    assert_eq!((census.count(), queue.qsize()), (2, 1));
    drop(queue.get().await.unwrap());
    put.await.unwrap();
    assert_eq!(queue.get().await.unwrap().number, 2);
    assert_eq!(census.count(), 0);
}
