//! Channels: a queue with two ends.

use std::sync::Arc;
use std::time::Duration;

use asyncio::{
    Receiver, SendError, Sender, TryRecvError, TrySendError, catch_cancelled, channel, create_task,
    wait_for,
};
use futures::stream::FusedStream;
use futures::{SinkExt, StreamExt};
use runtime_tests::{begun, from_many_threads, on_workers};

use super::{Census, poll_unwoken};

/// Receivers take what is left when the last sender is gone, and learn then that it is over.
#[asyncio::test(seeds = 200)]
async fn receivers_drain_a_channel_without_senders() {
    let (sender, receiver) = channel(0);
    let second = sender.clone();
    for number in 0..3 {
        sender.send(number).await.unwrap();
    }
    drop(sender);
    assert!(!receiver.is_closed());
    second.send(3).await.unwrap();
    drop(second);
    assert!(receiver.is_closed());
    assert_eq!(receiver.len(), 4);
    for number in 0..4 {
        assert_eq!(receiver.recv().await, Some(number));
    }
    assert_eq!(receiver.recv().await, None);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
}

/// Receivers that wait are woken when the last sender goes.
#[asyncio::test(seeds = 200)]
async fn receivers_are_woken_when_the_last_sender_goes() {
    let (sender, receiver) = channel::<u8>(1);
    let mut waiting = Vec::new();
    for _ in 0..3 {
        let receiver = receiver.clone();
        waiting.push(begun(async move { receiver.recv().await }).await);
    }
    drop(sender);
    for receiver in waiting {
        assert_eq!(receiver.await.unwrap(), None);
    }
}

/// Senders get their values back when the last receiver goes, and what is left is dropped.
#[asyncio::test(seeds = 200)]
async fn senders_fail_when_the_last_receiver_goes() {
    let census = Census::default();
    let (sender, receiver) = channel(1);
    sender.send(census.item(1)).await.unwrap();
    let blocked = {
        let (sender, item) = (sender.clone(), census.item(2));
        begun(async move { sender.send(item).await }).await
    };
    let second = receiver.clone();
    drop(receiver);
    assert!(!sender.is_closed());
    drop(second);
    let SendError(item) = blocked.await.unwrap().unwrap_err();
    assert_eq!(item.number, 2);
    drop(item);
    assert_eq!(census.count(), 0);
    let refused = sender.try_send(census.item(3)).unwrap_err();
    assert!(matches!(refused, TrySendError::Closed(_)));
    assert_eq!(refused.to_string(), "sending into a closed channel");
    assert_eq!(refused.into_inner().number, 3);
}

#[test]
fn what_cannot_be_done_at_once_says_why() {
    let (sender, receiver) = channel(1);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    sender.try_send(1).unwrap();
    assert_eq!(sender.try_send(2), Err(TrySendError::Full(2)));
    assert_eq!((sender.len(), sender.capacity()), (1, 1));
    receiver.close();
    assert_eq!(sender.try_send(2), Err(TrySendError::Closed(2)));
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Disconnected));
}

/// A receiver is a stream: it waits, ends, and stays ended.
#[asyncio::test(seeds = 200)]
async fn a_receiver_is_a_stream() {
    let (sender, mut receiver) = channel(2);
    let producer = create_task(async move {
        for number in 0..20 {
            sender.send(number).await.unwrap();
        }
    });
    let mut got = Vec::new();
    while let Some(number) = receiver.next().await {
        got.push(number);
        asyncio::checkpoint().await;
    }
    assert_eq!(got, (0..20).collect::<Vec<_>>());
    assert!(receiver.is_terminated());
    assert_eq!(receiver.next().await, None);
    producer.await.unwrap();
}

/// A sender is a sink: it waits for room, and closes when it is told to.
#[asyncio::test(seeds = 200)]
async fn a_sender_is_a_sink() {
    let (mut sender, receiver) = channel(2);
    let consumer = create_task(receiver.collect::<Vec<_>>());
    let mut numbers = futures::stream::iter(0..20).map(Ok);
    sender.send_all(&mut numbers).await.unwrap();
    // Closed, although it still exists.
    SinkExt::close(&mut sender).await.unwrap();
    assert_eq!(consumer.await.unwrap(), (0..20).collect::<Vec<_>>());
    assert!(sender.is_closed());
    assert!(SinkExt::send(&mut sender, 1).await.is_err());
}

/// Room that a sink has and does not use comes back when it goes.
#[asyncio::test(workers = 4)]
async fn a_sink_gives_its_room_back() {
    let (mut sender, receiver) = channel(1);
    std::future::poll_fn(|with| sender.poll_ready_unpin(with))
        .await
        .unwrap();
    let second = sender.clone();
    assert_eq!(second.try_send(1), Err(TrySendError::Full(1)));
    let waiting = begun(async move { second.send(2).await }).await;
    drop(sender);
    waiting.await.unwrap().unwrap();
    assert_eq!(receiver.recv().await, Some(2));
}

/// A sink whose channel closes after it was ready fails, and drops the value.
#[test]
fn a_sink_that_is_ready_may_still_fail() {
    let census = Census::default();
    let (mut sender, receiver) = channel(1);
    let ready = sender.feed(census.item(1));
    drop(receiver);
    assert!(futures::executor::block_on(ready).is_err());
    assert_eq!(census.count(), 0);
}

/// A stream that waits and is dropped leaves its value to another.
#[asyncio::test(seeds = 200)]
async fn a_stream_that_is_dropped_leaves_its_value() {
    let (sender, mut first) = channel(1);
    let second = first.clone();
    assert!(
        super::poll_once(std::pin::pin!(first.next()))
            .await
            .is_pending()
    );
    let waiting = begun(async move { second.recv().await }).await;
    sender.try_send(1).unwrap();
    drop(first);
    assert_eq!(waiting.await.unwrap(), Some(1));
}

#[test]
fn many_threads_send_and_receive() {
    let (sender, receiver) = channel(2);
    from_many_threads(async |_| {
        sender.send(1).await.unwrap();
        assert_eq!(receiver.recv().await, Some(1));
    });
    assert!(receiver.is_empty());
}

/// All ends are dropped at random while others use the channel: no value is lost that was sent to a
/// receiver that still exists.
#[test]
fn ends_that_go_at_random_lose_nothing() {
    on_workers(4, async {
        for round in 0..300 {
            let census = Census::default();
            let (sender, receiver) = channel(round % 3);
            let senders = (0..3_usize).map(|number| {
                let (sender, census) = (sender.clone(), census.clone());
                create_task(async move {
                    let mut sent = 0;
                    for _ in 0..(number + round) % 5 {
                        sent += usize::from(sender.send(census.item(number)).await.is_ok());
                    }
                    sent
                })
            });
            let senders: Vec<_> = senders.collect();
            drop(sender);
            let receivers = (0..2).map(|_| {
                let mut receiver = receiver.clone();
                create_task(async move {
                    let mut got = 0;
                    while receiver.next().await.is_some() {
                        got += 1;
                    }
                    got
                })
            });
            let receivers: Vec<_> = receivers.collect();
            drop(receiver);
            let (mut sent, mut got) = (0, 0);
            for task in senders {
                sent += task.await.unwrap();
            }
            for task in receivers {
                got += task.await.unwrap();
            }
            assert_eq!((sent, census.count()), (got, 0));
        }
    });
}

/// A thread that is no worker uses both ends.
#[test]
fn threads_block_on_a_channel() {
    on_workers(2, async {
        let (sender, receiver) = channel(1);
        let event_loop = asyncio::get_running_loop();
        let thread = std::thread::spawn(move || {
            for number in 0..100 {
                event_loop.block_on(sender.send(number)).unwrap().unwrap();
            }
        });
        for number in 0..100 {
            assert_eq!(receiver.recv().await, Some(number));
        }
        assert_eq!(receiver.recv().await, None);
        thread.join().unwrap();
    });
}

/// The task that waits is cancelled: it catches that, and receives later.
#[asyncio::test(workers = 4)]
async fn a_recv_that_is_cancelled_takes_nothing() {
    let (sender, receiver) = channel(1);
    let receiver = Arc::new(receiver);
    let waiting = {
        let receiver = Arc::clone(&receiver);
        begun(async move { catch_cancelled(receiver.recv()).await.is_err() }).await
    };
    waiting.cancel();
    assert!(waiting.await.unwrap());
    sender.send(1).await.unwrap();
    assert_eq!(receiver.recv().await, Some(1));
    assert!(
        wait_for(receiver.recv(), Duration::from_millis(1))
            .await
            .is_err()
    );
}

/// The ends are `Send` and `Sync` as far as the values are `Send`, and so are their futures.
#[test]
fn the_ends_may_go_to_other_threads() {
    fn assert_send_sync<T: Send + Sync + Unpin>(_: &T) {}
    fn assert_send<T: Send>(_: T) {}
    let (sender, receiver): (Sender<std::cell::Cell<u8>>, Receiver<_>) = channel(1);
    assert_send_sync(&sender);
    assert_send_sync(&receiver);
    assert_send(sender.send(std::cell::Cell::new(1)));
    assert_send(receiver.recv());
    assert!(poll_unwoken(std::pin::pin!(receiver.recv())).is_pending());
}
