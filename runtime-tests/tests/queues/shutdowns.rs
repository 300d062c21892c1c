//! Shutting queues down (QU-6, QU-7, QU-8).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use asyncio::{GetError, LifoQueue, PriorityQueue, PutError, Queue, QueueShutDown, create_task};
use runtime_tests::{begun, on_workers};

use super::{AnyQueue, Census, Item};

/// QU-6: putters fail at once, with their items, also if there would be room later.
#[asyncio::test(seeds = 200)]
async fn a_shutdown_refuses_those_that_put() {
    let census = Census::default();
    let queue = Arc::new(Queue::new(1));
    queue.put(census.item(0)).await.unwrap();
    let putter = {
        let (queue, item) = (Arc::clone(&queue), census.item(1));
        begun(async move { queue.put(item).await }).await
    };
    queue.shutdown(false);
    assert_eq!(queue.get().await.unwrap().number, 0);
    let QueueShutDown(item) = putter.await.unwrap().unwrap_err();
    assert_eq!(item.number, 1);
    drop(item);
    assert_eq!(census.count(), 0);
    assert!(queue.put(census.item(2)).await.is_err());
}

/// QU-6: getters take what is there, and fail then.
#[asyncio::test(seeds = 200)]
async fn a_shutdown_lets_getters_take_what_is_there() {
    let queue = Arc::new(Queue::new(0));
    for number in 0..3 {
        queue.put(number).await.unwrap();
    }
    queue.shutdown(false);
    let getters: Vec<_> = (0..5)
        .map(|_| {
            let queue = Arc::clone(&queue);
            create_task(async move { queue.get().await })
        })
        .collect();
    let mut got = Vec::new();
    for getter in getters {
        got.extend(getter.await.unwrap());
    }
    got.sort_unstable();
    assert_eq!(got, [0, 1, 2]);
}

/// QU-6: getters that wait for an empty queue all fail.
#[asyncio::test(seeds = 200)]
async fn a_shutdown_wakes_all_getters() {
    let queue = Arc::new(Queue::<u8>::new(0));
    let mut getters = Vec::new();
    for _ in 0..5 {
        let queue = Arc::clone(&queue);
        getters.push(begun(async move { queue.get().await }).await);
    }
    queue.shutdown(false);
    for getter in getters {
        assert_eq!(getter.await.unwrap(), Err(QueueShutDown(())));
    }
}

/// QU-6: a getter that has been woken for the last item and goes away leaves it to another, who is
/// not told before that all is over.
#[asyncio::test(seeds = 200)]
async fn the_last_item_goes_to_who_is_left() {
    let queue = Arc::new(Queue::new(0));
    let mut getters = Vec::new();
    for _ in 0..2 {
        let queue = Arc::clone(&queue);
        getters.push(begun(async move { queue.get().await.ok() }).await);
    }
    queue.put_nowait(1).unwrap();
    queue.shutdown(false);
    getters[0].cancel();
    let mut got = Vec::new();
    for getter in getters {
        got.extend(getter.await.ok().flatten());
    }
    assert_eq!(got, [1]);
    assert_eq!(queue.get_nowait(), Err(GetError::ShutDown));
}

/// QU-6: `join` waits for what has been taken and not worked off.
#[asyncio::test]
async fn join_waits_after_a_shutdown() {
    let queue = Arc::new(Queue::new(0));
    queue.put(1).await.unwrap();
    queue.shutdown(false);
    let joined = {
        let queue = Arc::clone(&queue);
        begun(async move { queue.join().await }).await
    };
    queue.get().await.unwrap();
    assert!(!joined.done());
    queue.task_done().unwrap();
    joined.await.unwrap();
}

/// QU-7: a shutdown at once drops the items, and they count as worked off.
#[asyncio::test]
async fn a_shutdown_at_once_drops_what_is_there() {
    let census = Census::default();
    let queue = Arc::new(Queue::new(0));
    for number in 0..3 {
        queue.put(census.item(number)).await.unwrap();
    }
    let taken = queue.get().await.unwrap();
    let joined = {
        let queue = Arc::clone(&queue);
        begun(async move { queue.join().await }).await
    };
    queue.shutdown(true);
    assert_eq!((census.count(), queue.qsize()), (1, 0));
    assert!(matches!(queue.get_nowait(), Err(GetError::ShutDown)));
    // The one that was taken is still to be done.
    assert!(!joined.done());
    drop(taken);
    queue.task_done().unwrap();
    joined.await.unwrap();
    assert!(queue.task_done().is_err());
}

/// QU-7: an item for which a getter has been woken is dropped too.
#[asyncio::test(seeds = 200)]
async fn a_shutdown_at_once_reaches_who_has_been_woken() {
    let census = Census::default();
    let queue = Arc::new(Queue::<Item>::new(0));
    let getter = {
        let queue = Arc::clone(&queue);
        begun(async move { queue.get().await.map(|item| item.number) }).await
    };
    queue.put(census.item(1)).await.unwrap();
    queue.shutdown(true);
    let got = getter.await.unwrap();
    assert!(got == Ok(1) || got == Err(QueueShutDown(())));
    assert_eq!(census.count(), 0);
    assert_eq!(queue.task_done().is_ok(), got.is_ok());
}

/// QU-8: a shutdown may come again, and become one at once; it never ends.
#[asyncio::test]
async fn a_shutdown_may_follow_on_another() {
    let queue = Queue::new(0);
    for number in 0..3 {
        queue.put(number).await.unwrap();
    }
    queue.shutdown(false);
    queue.shutdown(false);
    assert_eq!(queue.get().await, Ok(0));
    queue.task_done().unwrap();
    queue.shutdown(true);
    queue.join().await;
    queue.shutdown(false);
    assert_eq!(queue.get().await, Err(QueueShutDown(())));
    assert_eq!(queue.put_nowait(1), Err(PutError::ShutDown(1)));
}

/// QU-6, QU-7: on several workers, each item is got, given back or dropped, once.
fn a_shutdown_races<Q: AnyQueue>() {
    on_workers(4, async {
        for round in 0..200 {
            let census = Census::default();
            let queue = Arc::new(Q::of_size(round % 3));
            let counts: [Arc<AtomicUsize>; 3] = Default::default();
            let [put, got, refused] = counts.clone();
            let mut tasks = Vec::new();
            for number in 0..3 {
                let (source, target) = (Arc::clone(&queue), Arc::clone(&queue));
                let (put, refused) = (Arc::clone(&put), Arc::clone(&refused));
                let (census, got) = (census.clone(), Arc::clone(&got));
                tasks.push(create_task(async move {
                    for round in 0..20 {
                        let item = census.item(number * 100 + round);
                        let count = match target.put(item).await {
                            Ok(()) => &put,
                            Err(QueueShutDown(_)) => &refused,
                        };
                        count.fetch_add(1, Ordering::SeqCst);
                    }
                }));
                tasks.push(create_task(async move {
                    while source.get().await.is_ok() {
                        got.fetch_add(1, Ordering::SeqCst);
                        source.task_done().unwrap();
                    }
                }));
            }
            for _ in 0..round % 7 {
                asyncio::checkpoint().await;
            }
            queue.shutdown(false);
            if round % 2 == 0 {
                queue.shutdown(true);
            }
            for task in tasks {
                task.await.unwrap();
            }
            queue.join().await;
            let [put, got, refused] = counts.map(|count| count.load(Ordering::SeqCst));
            assert_eq!((put + refused, census.count()), (60, 0));
            assert!(
                got <= put && (round % 2 == 0 || got == put),
                "{got} of {put}"
            );
        }
    });
}

#[test]
fn a_shutdown_races_with_those_that_wait() {
    a_shutdown_races::<Queue<_>>();
}

#[test]
fn a_shutdown_races_with_those_that_wait_for_a_lifo_queue() {
    a_shutdown_races::<LifoQueue<_>>();
}

#[test]
fn a_shutdown_races_with_those_that_wait_for_a_priority_queue() {
    a_shutdown_races::<PriorityQueue<_>>();
}
