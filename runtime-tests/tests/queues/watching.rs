//! A watched value.

use std::sync::Arc;

use asyncio::{create_task, watch};
use runtime_tests::{begun, caught, from_many_threads, on_workers};

use super::Census;

#[asyncio::test(seeds = 200)]
async fn a_receiver_waits_for_what_it_has_not_seen() {
    let (sender, mut receiver) = watch(0);
    assert_eq!(receiver.has_changed(), Ok(false));
    sender.send(1).unwrap();
    assert_eq!(receiver.has_changed(), Ok(true));
    // Looking does not count as seeing.
    assert_eq!(*receiver.borrow(), 1);
    receiver.changed().await.unwrap();
    assert_eq!(receiver.has_changed(), Ok(false));
    let waiting = begun(async move {
        receiver.changed().await.unwrap();
        *receiver.borrow_and_update()
    });
    let waiting = waiting.await;
    sender.send(2).unwrap();
    assert_eq!(waiting.await.unwrap(), 2);
}

#[asyncio::test(seeds = 200)]
async fn the_last_value_is_seen_before_the_end() {
    let (sender, mut receiver) = watch(0);
    let second = sender.clone();
    second.send(1).unwrap();
    drop((sender, second));
    assert_eq!(receiver.changed().await, Ok(()));
    assert_eq!(*receiver.borrow(), 1);
    let closed = receiver.changed().await.unwrap_err();
    assert_eq!(receiver.has_changed(), Err(closed));
    assert_eq!(
        closed.to_string(),
        "the senders of the watched value are gone"
    );
}

#[asyncio::test(seeds = 200)]
async fn every_receiver_is_woken() {
    let (sender, receiver) = watch(0);
    let mut waiting = Vec::new();
    for _ in 0..5 {
        let mut receiver = receiver.clone();
        let wait = async move { *receiver.wait_for(|value| *value == 2).await.unwrap() };
        waiting.push(begun(wait).await);
    }
    sender.send(1).unwrap();
    asyncio::checkpoint().await;
    sender.send(2).unwrap();
    for receiver in waiting {
        assert_eq!(receiver.await.unwrap(), 2);
    }
}

#[asyncio::test(workers = 4)]
async fn a_sender_learns_that_nobody_watches() {
    let census = Census::default();
    let (sender, receiver) = watch(census.item(0));
    let second = sender.subscribe();
    assert_eq!(sender.receiver_count(), 2);
    drop(receiver);
    let sender = Arc::new(sender);
    let closed = {
        let sender = Arc::clone(&sender);
        begun(async move { sender.closed().await }).await
    };
    assert!(!closed.done());
    drop(second);
    closed.await.unwrap();
    assert!(sender.is_closed());
    assert_eq!(
        sender.send(census.item(1)).unwrap_err().into_inner().number,
        1
    );
    let before = sender.send_replace(census.item(2));
    assert_eq!((before.number, sender.borrow().number), (0, 2));
    drop(before);
    assert_eq!(census.count(), 1);
    // Somebody watches again.
    let mut receiver = sender.subscribe();
    sender.send(census.item(3)).unwrap();
    assert_eq!(receiver.borrow_and_update().number, 3);
}

/// A snapshot holds nobody up: the sender goes on while it is kept.
#[asyncio::test]
async fn a_value_that_is_looked_at_can_be_replaced() {
    let (sender, receiver) = watch(1);
    let old = receiver.borrow();
    sender.send(2).unwrap();
    sender.send_modify(|value| *value += *receiver.borrow());
    assert_eq!((*old, *receiver.borrow()), (1, 4));
    assert!(!sender.send_if_modified(|value| {
        *value = 9;
        false
    }));
    assert_eq!(*receiver.borrow(), 4);
}

/// Changes of many threads are all made.
#[test]
fn no_change_is_lost() {
    let (sender, receiver) = watch(0_usize);
    let calls = std::sync::atomic::AtomicUsize::new(0);
    from_many_threads(async |_| {
        sender.send_modify(|value| *value += 1);
        calls.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    });
    assert_eq!(*receiver.borrow(), calls.into_inner());
}

#[test]
fn a_closure_that_sets_its_own_value_does_not_hang() {
    runtime_tests::watched(|| {
        let (sender, receiver) = watch(0);
        let panic = caught(|| {
            sender.send_modify(|value| {
                *value = 1;
                let _never = sender.send(2);
            });
        });
        assert!(panic.text.contains("a closure"), "{}", panic.text);
        // A panic leaves the old value.
        assert_eq!(*receiver.borrow(), 0);
        sender.send(3).unwrap();
        assert_eq!(*receiver.borrow(), 3);
    });
}

/// Receivers that wait, time out and go, while values come: the last one is always seen.
#[test]
fn the_last_value_is_always_seen() {
    on_workers(4, async {
        for round in 0..200 {
            let (sender, receiver) = watch(0);
            let receivers = (0..3).map(|_| {
                let mut receiver = receiver.clone();
                create_task(async move {
                    let mut last = 0;
                    while receiver.changed().await.is_ok() {
                        let now = *receiver.borrow_and_update();
                        assert!(now >= last);
                        last = now;
                    }
                    last
                })
            });
            let receivers: Vec<_> = receivers.collect();
            drop(receiver);
            for value in 1..=round {
                sender.send(value).unwrap();
            }
            drop(sender);
            for receiver in receivers {
                assert_eq!(receiver.await.unwrap(), round);
            }
        }
    });
}
