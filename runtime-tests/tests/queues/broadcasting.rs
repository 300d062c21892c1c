//! Broadcasts: every receiver gets every value.

use std::sync::atomic::{AtomicUsize, Ordering};

use asyncio::BroadcastError::{Closed, Lagged};
use asyncio::{TryBroadcastError, broadcast, create_task};
use futures::StreamExt;
use runtime_tests::{begun, caught, on_workers};

use super::Census;

#[asyncio::test(seeds = 200)]
async fn every_receiver_gets_every_value() {
    let (sender, first) = broadcast(16);
    let mut waiting = Vec::new();
    for mut receiver in [first, sender.subscribe(), sender.subscribe()] {
        let all = async move {
            let mut got = Vec::new();
            loop {
                match receiver.recv().await {
                    Ok(value) => got.push(value),
                    Err(error) => return (got, error),
                }
            }
        };
        waiting.push(begun(all).await);
    }
    for number in 0..10 {
        assert_eq!(sender.send(number).unwrap(), 3);
    }
    drop(sender);
    for receiver in waiting {
        assert_eq!(receiver.await.unwrap(), ((0..10).collect(), Closed));
    }
}

#[asyncio::test]
async fn a_receiver_that_lags_is_told_how_much_it_missed() {
    let (sender, mut slow) = broadcast(3);
    let mut fast = sender.subscribe();
    for number in 0..5 {
        sender.send(number).unwrap();
        assert_eq!(fast.recv().await, Ok(number));
    }
    assert_eq!(slow.recv().await, Err(Lagged(2)));
    assert_eq!(slow.len(), 3);
    for number in 2..5 {
        assert_eq!(slow.recv().await, Ok(number));
    }
    assert_eq!(slow.try_recv(), Err(TryBroadcastError::Empty));
    // A receiver gets what is sent after it was made.
    let mut late = slow.resubscribe();
    assert!(late.is_empty());
    sender.send(5).unwrap();
    assert_eq!(late.recv().await, Ok(5));
    assert_eq!(Lagged(2).to_string(), "the receiver missed 2 values");
}

/// A value is dropped when every receiver has had it, or is gone.
#[test]
fn a_value_is_dropped_when_all_have_had_it() {
    let census = Census::default();
    let shared = |number| std::sync::Arc::new(census.item(number));
    let (sender, mut first) = broadcast(8);
    let mut second = sender.subscribe();
    for number in 0..4 {
        sender.send(shared(number)).unwrap();
    }
    for _ in 0..4 {
        drop(first.try_recv().unwrap());
    }
    assert_eq!(census.count(), 4);
    drop(second.try_recv().unwrap());
    assert_eq!((census.count(), sender.len()), (3, 3));
    drop(second);
    assert_eq!((census.count(), sender.len()), (0, 0));
    drop(first);
    assert!(sender.send(shared(9)).is_err());
    assert_eq!(census.count(), 0);
}

/// The last receiver gets the value itself.
#[test]
fn the_last_receiver_gets_no_copy() {
    static COPIES: AtomicUsize = AtomicUsize::new(0);
    struct Copied;
    impl Clone for Copied {
        fn clone(&self) -> Copied {
            COPIES.fetch_add(1, Ordering::SeqCst);
            Copied
        }
    }
    let (sender, mut first) = broadcast(2);
    let mut second = sender.subscribe();
    sender.send(Copied).unwrap();
    first.try_recv().map_err(drop).unwrap();
    second.try_recv().map_err(drop).unwrap();
    assert_eq!(COPIES.load(Ordering::SeqCst), 1);
}

#[asyncio::test(seeds = 200)]
async fn a_receiver_is_a_stream() {
    let (sender, receiver) = broadcast(2);
    let all = begun(receiver.collect::<Vec<_>>()).await;
    for number in 0..4 {
        sender.send(number).unwrap();
    }
    drop(sender);
    let all = all.await.unwrap();
    let values: Vec<_> = all.iter().flatten().copied().collect();
    let missed = all.iter().filter_map(|got| match got {
        Err(Lagged(missed)) => Some(*missed),
        _ => None,
    });
    assert_eq!(values.len() as u64 + missed.sum::<u64>(), 4);
    assert_eq!(values.last(), Some(&3));
}

#[test]
fn a_broadcast_keeps_at_least_one_value() {
    assert!(
        caught(|| broadcast::<u8>(0))
            .text
            .contains("at least one value")
    );
}

/// On several workers, what a receiver got and what it missed are all the values that were sent
/// after it was made.
#[test]
fn what_is_got_and_what_is_missed_are_all_values() {
    on_workers(4, async {
        for _ in 0..50 {
            let (sender, receiver) = broadcast::<u64>(4);
            let receivers = (0..3).map(|_| {
                let mut receiver = receiver.resubscribe();
                create_task(async move {
                    let mut next = 0;
                    loop {
                        match receiver.recv().await {
                            Ok(value) => {
                                assert_eq!(value, next);
                                next += 1;
                            }
                            Err(Lagged(missed)) => next += missed,
                            Err(Closed) => return next,
                        }
                    }
                })
            });
            let receivers: Vec<_> = receivers.collect();
            drop(receiver);
            for value in 0..200 {
                sender.send(value).unwrap();
                if value % 8 == 0 {
                    asyncio::checkpoint().await;
                }
            }
            drop(sender);
            for receiver in receivers {
                assert_eq!(receiver.await.unwrap(), 200);
            }
        }
    });
}
