//! Producers and consumers that are cancelled, timed out, dropped and leaked at random: every item
//! that was accepted comes out exactly once (QU-3).

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asyncio::{LifoQueue, PriorityQueue, Queue, checkpoint, create_task, move_on_after, wait_for};
use runtime_tests::on_workers;

use super::{AnyQueue, Census, Item, poll_once};

/// A number that differs from call to call, by a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn micros(&mut self) -> Duration {
        Duration::from_micros(self.below(60))
    }
}

/// What has happened to the items.
#[derive(Default)]
struct Books {
    accepted: Mutex<BTreeSet<usize>>,
    came: Mutex<Vec<usize>>,
}

impl Books {
    fn came(&self, item: &Item) {
        self.came.lock().unwrap().push(item.number);
    }
}

/// Puts one item, in one of many ways. The item has been accepted if that is in the books.
async fn put<Q: AnyQueue>(queue: &Q, item: Item, dice: &mut Dice, books: &Books) {
    let number = item.number;
    let accepted = match dice.below(5) {
        0 => wait_for(queue.put(item), dice.micros()).await.is_ok(),
        1 => {
            // Dropped after some polls.
            let mut put = pin!(queue.put(item));
            let mut ready = false;
            for _ in 0..dice.below(4) {
                ready = ready || poll_once(put.as_mut()).await.is_ready();
                checkpoint().await;
            }
            ready
        }
        2 => {
            let limit = dice.micros();
            let put = move_on_after(limit, async |_| queue.put(item).await);
            put.await.is_some()
        }
        _ => queue.put(item).await.is_ok(),
    };
    if accepted {
        books.accepted.lock().unwrap().insert(number);
    }
}

/// Gets one item, in one of many ways, or none.
async fn get<Q: AnyQueue>(queue: &Q, dice: &mut Dice, books: &Books) {
    let item = match dice.below(5) {
        0 => wait_for(queue.get(), dice.micros()).await.ok(),
        1 => {
            let mut get = pin!(queue.get());
            let mut item = None;
            for _ in 0..dice.below(4) {
                if let std::task::Poll::Ready(got) = poll_once(get.as_mut()).await {
                    item = Some(got);
                    break;
                }
                checkpoint().await;
            }
            item
        }
        2 => queue.get_nowait().ok().map(Ok),
        3 => {
            let limit = dice.micros();
            move_on_after(limit, async |_| queue.get().await).await
        }
        _ => Some(queue.get().await),
    };
    if let Some(Ok(item)) = item {
        books.came(&item);
        queue.task_done().unwrap();
    }
}

/// Plays one program.
async fn play<Q: AnyQueue>(seed: u64, each: usize) {
    let census = Census::default();
    let books = Arc::new(Books::default());
    let mut dice = Dice(seed);
    let queue = Arc::new(Q::of_size(1 + dice.below(3) as usize));
    let mut consumers = Vec::new();
    for consumer in 0..3 {
        let (queue, books) = (Arc::clone(&queue), Arc::clone(&books));
        let mut dice = Dice(seed ^ ((consumer + 1) << 32));
        consumers.push(create_task(async move {
            loop {
                get(&*queue, &mut dice, &books).await;
                checkpoint().await;
            }
        }));
    }
    let mut producers = Vec::new();
    for producer in 0..3 {
        let (queue, books, census) = (Arc::clone(&queue), Arc::clone(&books), census.clone());
        let mut dice = Dice(seed ^ ((producer + 100) << 32));
        producers.push(create_task(async move {
            for number in 0..each {
                let item = census.item(producer as usize * each + number);
                put(&*queue, item, &mut dice, &books).await;
                if dice.below(3) == 0 {
                    checkpoint().await;
                }
            }
        }));
    }
    for producer in producers {
        producer.await.unwrap();
    }
    // The consumers go on until all that was accepted has been worked off.
    queue.join().await;
    for consumer in &consumers {
        consumer.cancel();
    }
    for consumer in consumers {
        assert!(consumer.await.unwrap_err().is_cancelled());
    }
    assert_eq!((queue.qsize(), census.count()), (0, 0));
    let mut came = books.came.lock().unwrap().clone();
    came.sort_unstable();
    let accepted: Vec<_> = books.accepted.lock().unwrap().iter().copied().collect();
    assert_eq!(came, accepted, "seed {seed}");
}

/// QU-3: under seeds.
#[asyncio::test(seeds = 200, workers = 3)]
async fn a_bounded_buffer_keeps_its_books() {
    for seed in 0..3 {
        play::<Queue<_>>(seed, 15).await;
    }
}

/// QU-3: the same for the other kinds.
#[asyncio::test(seeds = 200, workers = 3)]
async fn the_other_bounded_buffers_keep_their_books() {
    play::<LifoQueue<_>>(1, 15).await;
    play::<PriorityQueue<_>>(2, 15).await;
}

/// QU-3: on several workers.
#[test]
fn bounded_buffers_keep_their_books_on_four_workers() {
    on_workers(4, async {
        for seed in 0..30 {
            play::<Queue<_>>(seed, 60).await;
            play::<LifoQueue<_>>(seed, 30).await;
            play::<PriorityQueue<_>>(seed, 30).await;
        }
    });
}

/// QU-3: tasks that are cancelled at any moment. Each put is acknowledged by its return; what was
/// cancelled was not put.
#[asyncio::test(seeds = 200, workers = 3)]
async fn cancelled_tasks_lose_and_double_nothing() {
    cancelled_tasks(7).await;
}

#[test]
fn cancelled_tasks_lose_and_double_nothing_on_four_workers() {
    on_workers(4, async {
        for seed in 0..100 {
            cancelled_tasks(seed).await;
        }
    });
}

async fn cancelled_tasks(seed: u64) {
    let census = Census::default();
    let queue = Arc::new(Queue::new(2));
    let (put, got) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut dice = Dice(seed);
    let mut tasks = Vec::new();
    for number in 0..40 {
        let (queue, put, got) = (Arc::clone(&queue), Arc::clone(&put), Arc::clone(&got));
        let item = census.item(number);
        let task = match number % 2 {
            0 => create_task(async move {
                queue.put(item).await.unwrap();
                put.fetch_add(1, Ordering::SeqCst);
            }),
            _ => create_task(async move {
                let _ = item;
                let _item = queue.get().await.unwrap();
                got.fetch_add(1, Ordering::SeqCst);
            }),
        };
        tasks.push(task);
        if dice.below(3) == 0 {
            let victim = dice.below(tasks.len() as u64) as usize;
            tasks[victim].cancel();
        }
        if dice.below(2) == 0 {
            checkpoint().await;
        }
    }
    // Nobody waits for ever.
    for task in &tasks {
        if dice.below(2) == 0 {
            checkpoint().await;
        }
        task.cancel();
    }
    for task in tasks {
        let _cancelled = task.await;
    }
    let (put, got) = (put.load(Ordering::SeqCst), got.load(Ordering::SeqCst));
    assert_eq!(put, got + queue.qsize());
    assert_eq!(census.count(), queue.qsize());
}
