//! The rules of queues, one by one.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use asyncio::{
    GetError, LifoQueue, PriorityQueue, PutError, Queue, QueueShutDown, Runner, create_task,
    gather_all, wait_for,
};
use runtime_tests::{begun, from_many_threads, on_workers, until};

use super::{Census, poll_once};

/// QU-1: a queue gives its items in the order in which they came.
#[asyncio::test(workers = 4)]
async fn a_queue_gives_what_came_first() {
    let queue = Queue::new(0);
    for number in 0..10 {
        queue.put(number).await.unwrap();
    }
    for number in 0..10 {
        assert_eq!(queue.get().await, Ok(number));
    }
}

/// QU-1: a stack gives its items in the reverse order.
#[asyncio::test(workers = 4)]
async fn a_lifo_queue_gives_what_came_last() {
    let queue = LifoQueue::new(0);
    for number in 0..10 {
        queue.put(number).await.unwrap();
    }
    for number in (0..10).rev() {
        assert_eq!(queue.get().await, Ok(number));
    }
}

/// QU-1: the smallest item comes first.
#[asyncio::test(workers = 4)]
async fn a_priority_queue_gives_the_smallest() {
    let queue = PriorityQueue::new(0);
    for number in [5, 3, 8, 1, 9, 2, 7, 3, 0] {
        queue.put(number).await.unwrap();
    }
    let mut given = Vec::new();
    while let Ok(number) = queue.get_nowait() {
        given.push(number);
    }
    assert_eq!(given, [0, 1, 2, 3, 3, 5, 7, 8, 9]);
}

/// QU-1: a size of 0 is no bound.
#[asyncio::test]
async fn a_queue_of_size_zero_takes_any_number() {
    let queue = Queue::new(0);
    for number in 0..10_000 {
        queue.put_nowait(number).unwrap();
        assert!(!queue.full());
    }
    assert_eq!((queue.maxsize(), queue.qsize()), (0, 10_000));
}

/// QU-1: one producer's items come in their order, whoever takes them.
#[test]
fn the_items_of_one_producer_stay_in_order() {
    on_workers(4, async {
        let queue = Arc::new(Queue::new(3));
        let producers = (0..4_usize).map(|producer| {
            let queue = Arc::clone(&queue);
            create_task(async move {
                for number in 0..2_000_usize {
                    queue.put((producer, number)).await.unwrap();
                }
            })
        });
        let producers: Vec<_> = producers.collect();
        let mut next = [0; 4];
        for _ in 0..8_000 {
            let (producer, number) = queue.get().await.unwrap();
            assert_eq!(number, next[producer]);
            next[producer] += 1;
        }
        for producer in producers {
            producer.await.unwrap();
        }
    });
}

/// TF-2: neither `put` nor `get` yields where it need not wait.
#[test]
fn what_need_not_wait_does_not_yield() {
    let queue = Queue::new(1);
    assert!(super::poll_unwoken(pin!(queue.put(1))).is_ready());
    assert!(super::poll_unwoken(pin!(queue.put(2))).is_pending());
    assert!(super::poll_unwoken(pin!(queue.get())).is_ready());
    assert!(super::poll_unwoken(pin!(queue.get())).is_pending());
    queue.task_done().unwrap();
    assert!(super::poll_unwoken(pin!(queue.join())).is_ready());
}

/// QU-2: getters that wait get the items in the order in which they came.
#[asyncio::test(seeds = 200, workers = 1)]
async fn getters_are_served_in_order() {
    let queue = Arc::new(Queue::new(0));
    let mut getters = Vec::new();
    for _ in 0..5 {
        let queue = Arc::clone(&queue);
        getters.push(begun(async move { queue.get().await.unwrap() }).await);
    }
    for number in 0..5 {
        queue.put_nowait(number).unwrap();
    }
    for (number, getter) in getters.into_iter().enumerate() {
        // In whichever order they run, all of them have one.
        assert!(getter.await.unwrap() < 5, "{number}");
    }
    assert!(queue.empty());
}

/// QU-2: one item wakes one getter, and not the others.
#[asyncio::test(workers = 1)]
async fn an_item_wakes_one_getter() {
    let queue = Arc::new(Queue::new(0));
    let polls = runtime_tests::Polls::default();
    let mut getters = Vec::new();
    for _ in 0..10 {
        let (queue, polls) = (Arc::clone(&queue), polls.clone());
        let get = async move { queue.get().await };
        let get = async move { runtime_tests::counting_polls(&polls, get).await };
        getters.push(begun(get).await);
    }
    assert_eq!(polls.count(), 10);
    queue.put_nowait(1).unwrap();
    until(|| queue.empty()).await;
    for _ in 0..10 {
        asyncio::checkpoint().await;
    }
    assert_eq!(polls.count(), 11);
    queue.shutdown(false);
    let ended = gather_all(getters).await.unwrap();
    assert_eq!(
        ended
            .iter()
            .filter(|got| got.as_ref().is_ok_and(Result::is_ok))
            .count(),
        1
    );
}

/// QU-2: putters that wait get room in the order in which they came, and a newcomer does not get it
/// before them.
#[asyncio::test(seeds = 200)]
async fn putters_are_served_in_order() {
    let queue = Arc::new(Queue::new(1));
    queue.put_nowait(0).unwrap();
    let mut putters = Vec::new();
    for number in 1..5 {
        let (queue, waiting) = (Arc::clone(&queue), runtime_tests::Flag::default());
        let set = waiting.clone();
        putters.push(create_task(async move {
            let mut put = pin!(queue.put(number));
            assert!(poll_once(put.as_mut()).await.is_pending());
            set.set();
            put.await.unwrap();
        }));
        until(|| waiting.is_set()).await;
    }
    for number in 0..5 {
        assert_eq!(queue.get().await, Ok(number));
        assert!(number == 4 || queue.put_nowait(9).is_err());
    }
    for putter in putters {
        putter.await.unwrap();
    }
}

/// QU-3: a getter that is cancelled when it has been woken leaves its item for the next.
#[asyncio::test(seeds = 200)]
async fn a_getter_that_is_cancelled_after_its_wake_up_loses_no_item() {
    let queue = Arc::new(Queue::new(0));
    let mut getters = Vec::new();
    for _ in 0..3 {
        let queue = Arc::clone(&queue);
        getters.push(begun(async move { queue.get().await.unwrap() }).await);
    }
    queue.put_nowait(7).unwrap();
    // The first has been woken, and may have run.
    getters[0].cancel();
    let mut got = Vec::new();
    let first = getters.remove(0).await;
    if let Ok(item) = first {
        got.push(item);
        queue.put_nowait(8).unwrap();
    }
    queue.put_nowait(9).unwrap();
    for getter in getters {
        got.push(getter.await.unwrap());
    }
    got.sort_unstable();
    assert!(got == [7, 9] || got == [7, 8, 9], "{got:?}");
}

/// QU-3: a putter that is cancelled when it has been given room leaves it to the next.
#[asyncio::test(seeds = 200)]
async fn a_putter_that_is_cancelled_after_its_wake_up_loses_no_room() {
    let queue = Arc::new(Queue::new(1));
    queue.put_nowait(0).unwrap();
    let putters = [1, 2].map(|number| {
        let queue = Arc::clone(&queue);
        create_task(async move { queue.put(number).await })
    });
    asyncio::checkpoint().await;
    assert_eq!(queue.get().await, Ok(0));
    let [first, second] = putters;
    first.cancel();
    let first = first.await;
    if first.is_ok() {
        assert!(queue.get().await.is_ok());
    }
    second.await.unwrap().unwrap();
    assert_eq!(queue.qsize(), 1);
}

/// QU-3: from many threads at once, with waits that time out.
#[test]
fn nothing_is_lost_to_waits_that_time_out() {
    let queue = Queue::new(2);
    let (put, got) = (AtomicUsize::new(0), AtomicUsize::new(0));
    from_many_threads(async |_| {
        let limit = Duration::from_micros(50);
        if wait_for(queue.put(1), limit).await.is_ok() {
            put.fetch_add(1, Ordering::SeqCst);
        }
        if wait_for(queue.get(), limit).await.is_ok() {
            got.fetch_add(1, Ordering::SeqCst);
        }
    });
    assert_eq!(put.into_inner(), got.into_inner() + queue.qsize());
}

/// QU-4: what cannot be done at once says why, and gives the item back.
#[test]
fn what_cannot_be_done_at_once_says_why() {
    let queue = Queue::new(1);
    assert_eq!(queue.get_nowait(), Err(GetError::Empty));
    queue.put_nowait(1).unwrap();
    assert_eq!(queue.put_nowait(2), Err(PutError::Full(2)));
    queue.shutdown(false);
    // A shutdown is found first by a put, and last by a get.
    assert_eq!(queue.put_nowait(2), Err(PutError::ShutDown(2)));
    assert_eq!(queue.get_nowait(), Ok(1));
    assert_eq!(queue.get_nowait(), Err(GetError::ShutDown));
    assert_eq!(
        queue.put_nowait(3).unwrap_err().to_string(),
        "the queue is shut down"
    );
}

/// QU-4: for an item for which a task has been woken, a newcomer finds the queue empty.
#[test]
fn an_item_is_not_taken_from_who_has_been_woken_for_it() {
    let queue = Queue::new(1);
    let mut first = Box::pin(queue.get());
    assert!(super::poll_unwoken(first.as_mut()).is_pending());
    queue.put_nowait(1).unwrap();
    assert_eq!((queue.qsize(), queue.full()), (1, true));
    assert_eq!(queue.get_nowait(), Err(GetError::Empty));
    drop(first);
    assert_eq!(queue.get_nowait(), Ok(1));
}

/// QU-5: `join` waits for a `task_done` for every item; taking it is not enough.
#[asyncio::test(workers = 4)]
async fn join_waits_until_all_is_done() {
    let queue = Arc::new(Queue::new(0));
    queue.join().await;
    assert!(queue.task_done().is_err());
    for number in 0..2 {
        queue.put(number).await.unwrap();
    }
    let joined = {
        let queue = Arc::clone(&queue);
        begun(async move { queue.join().await }).await
    };
    for _ in 0..2 {
        queue.get().await.unwrap();
        assert!(!joined.done());
        queue.task_done().unwrap();
    }
    joined.await.unwrap();
    let error = queue.task_done().unwrap_err();
    assert_eq!(error.to_string(), "task_done() called too many times");
}

/// QU-5: every `join` that waits is woken, from many threads at once.
#[test]
fn every_join_is_woken() {
    let queue = Queue::new(0);
    from_many_threads(async |_| {
        queue.put(1).await.unwrap();
        queue.get().await.unwrap();
        queue.task_done().unwrap();
        queue.join().await;
    });
    assert!(queue.task_done().is_err());
}

/// Difference 12: threads outside of every loop, and two loops, use one queue.
#[test]
fn a_queue_belongs_to_no_loop() {
    runtime_tests::watched(|| {
        let queue = Arc::new(Queue::new(1));
        let producer = {
            let queue = Arc::clone(&queue);
            std::thread::spawn(move || {
                futures::executor::block_on(async {
                    for number in 0..1_000 {
                        queue.put(number).await.unwrap();
                    }
                });
            })
        };
        let relay = Arc::new(Queue::new(1));
        let middle = {
            let (source, target) = (Arc::clone(&queue), Arc::clone(&relay));
            std::thread::spawn(move || {
                asyncio::run(async {
                    for _ in 0..1_000 {
                        let number = source.get().await.unwrap();
                        target.put(number).await.unwrap();
                    }
                });
            })
        };
        let mut runner = Runner::builder().workers(2).build().unwrap();
        let sum = runner.run(async {
            let mut sum = 0;
            for _ in 0..1_000 {
                sum += relay.get().await.unwrap();
            }
            sum
        });
        assert_eq!(sum, 499_500);
        producer.join().unwrap();
        middle.join().unwrap();
    });
}

/// Both ends on an executor that is not ours.
#[test]
fn another_executor_polls_both_ends() {
    runtime_tests::watched(|| {
        let queue = Queue::new(1);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                futures::executor::block_on(async {
                    for number in 0..2_000 {
                        queue.put(number).await.unwrap();
                    }
                });
            });
            futures::executor::block_on(async {
                for number in 0..2_000 {
                    assert_eq!(queue.get().await, Ok(number));
                }
            });
        });
    });
}

#[test]
fn what_is_left_in_a_queue_is_dropped_with_it() {
    let census = Census::default();
    let queue = Queue::new(1);
    queue.put_nowait(census.item(1)).unwrap();
    let mut refused = Box::pin(queue.put(census.item(2)));
    assert!(super::poll_unwoken(refused.as_mut()).is_pending());
    assert_eq!(census.count(), 2);
    drop(refused);
    assert_eq!(census.count(), 1);
    drop(queue);
    assert_eq!(census.count(), 0);
}

#[test]
fn a_put_that_fails_gives_its_item_back() {
    let census = Census::default();
    let queue = Queue::new(1);
    queue.shutdown(false);
    let put = futures::executor::block_on(queue.put(census.item(3)));
    let Err(QueueShutDown(item)) = put else {
        panic!("the queue is shut down");
    };
    assert_eq!((item.number, census.count()), (3, 1));
}

/// A queue can be a static.
#[asyncio::test]
async fn a_queue_is_made_at_compile_time() {
    static QUEUE: Queue<u8> = Queue::new(2);
    static STACK: LifoQueue<u8> = LifoQueue::new(2);
    static HEAP: PriorityQueue<u8> = PriorityQueue::new(2);
    QUEUE.put(1).await.unwrap();
    STACK.put(2).await.unwrap();
    HEAP.put(3).await.unwrap();
    assert_eq!(QUEUE.get().await, Ok(1));
    assert_eq!(STACK.get().await, Ok(2));
    assert_eq!(HEAP.get().await, Ok(3));
}
