//! Workloads for objects that tasks share: locks and queues.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::runtimes::{Channels, Events, Locks, Queues, Semaphores, UnboundedChannels};

/// Takes and releases an uncontended lock `count` times.
pub async fn lock_alone<R: Locks>(count: usize) {
    let lock = R::lock();
    for _ in 0..count {
        black_box(R::count_under(&lock, std::future::ready(())).await);
    }
}

/// Starts `tasks` tasks that take and release one lock `count` times each.
pub async fn lock_wanted<R: Locks>(tasks: usize, count: usize) {
    lock_shared::<R, _>(tasks, count, || std::future::ready(())).await;
}

/// Like [`lock_wanted`], with a yield each time while the lock is locked.
pub async fn lock_across_yield<R: Locks>(tasks: usize, count: usize) {
    lock_shared::<R, _>(tasks, count, R::yield_now).await;
}

async fn lock_shared<R: Locks, F>(
    tasks: usize,
    count: usize,
    inside: impl Fn() -> F + Copy + Send + 'static,
) where
    F: Future<Output = ()> + Send,
{
    let lock = Arc::new(R::lock());
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let lock = Arc::clone(&lock);
            R::spawn(async move {
                for _ in 0..count {
                    R::count_under(&lock, inside()).await;
                }
            })
        })
        .collect();
    for task in tasks {
        R::join(task).await;
    }
}

/// Starts `tasks` tasks that take a permit of `permits` `count` times each, and yield each time
/// while they have it.
pub async fn semaphore_across_yield<R: Semaphores>(tasks: usize, permits: usize, count: usize) {
    let semaphore = Arc::new(R::semaphore(permits));
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            let semaphore = Arc::clone(&semaphore);
            R::spawn(async move {
                for _ in 0..count {
                    R::with_permit(&semaphore, R::yield_now()).await;
                }
            })
        })
        .collect();
    for task in tasks {
        R::join(task).await;
    }
}

/// Starts `tasks` tasks that wait for an event, sets it when all have been polled, and joins them.
pub async fn event_for_all<R: Events>(tasks: usize) {
    let (event, polled) = (Arc::new(R::event()), Arc::new(AtomicUsize::new(0)));
    let started: Vec<_> = (0..tasks)
        .map(|_| {
            let (event, polled) = (Arc::clone(&event), Arc::clone(&polled));
            R::spawn(async move {
                polled.fetch_add(1, Ordering::Relaxed);
                R::wait(&event).await;
            })
        })
        .collect();
    while polled.load(Ordering::Relaxed) < tasks {
        R::yield_now().await;
    }
    R::set(&event);
    for task in started {
        R::join(task).await;
    }
}

/// Starts `pairs` pairs of tasks that send a number back and forth `rounds` times, each pair
/// through two queues with room for one number.
pub async fn channel_ping_pong<R: Channels>(pairs: usize, rounds: usize) {
    let tasks: Vec<_> = (0..pairs)
        .flat_map(|_| {
            let (there, mut asked) = R::channel(1);
            let (back, mut answered) = R::channel(1);
            let asker = R::spawn(async move {
                for round in 0..rounds {
                    R::send(&there, round).await;
                    black_box(R::receive(&mut answered).await);
                }
            });
            let answerer = R::spawn(async move {
                for _ in 0..rounds {
                    let round = R::receive(&mut asked).await;
                    R::send(&back, round).await;
                }
            });
            [asker, answerer]
        })
        .collect();
    for task in tasks {
        R::join(task).await;
    }
}

/// Starts a task that sends `count` numbers through a queue, and one that takes them out.
pub async fn channel_one_to_one<R: Channels>(count: usize) {
    let (sender, mut receiver) = R::channel(ROOM);
    let producer = R::spawn(async move {
        for number in 0..count {
            R::send(&sender, number).await;
        }
    });
    let consumer = R::spawn(async move {
        for _ in 0..count {
            black_box(R::receive(&mut receiver).await);
        }
    });
    R::join(producer).await;
    R::join(consumer).await;
}

/// The same through a queue without a bound.
pub async fn unbounded_one_to_one<R: UnboundedChannels>(count: usize) {
    let (sender, mut receiver) = R::unbounded();
    let producer = R::spawn(async move {
        for number in 0..count {
            R::push(&sender, number).await;
        }
    });
    let consumer = R::spawn(async move {
        for _ in 0..count {
            black_box(R::pull(&mut receiver).await);
        }
    });
    R::join(producer).await;
    R::join(consumer).await;
}

/// Starts a task that puts `count` numbers into a queue with room for `room`, and one that takes
/// them out.
pub async fn queue_one_to_one<R: Queues>(room: usize, count: usize) {
    let queue = R::queue(room);
    let (source, target) = (queue.clone(), queue);
    let producer = R::spawn(async move {
        for number in 0..count {
            R::put(&target, number).await;
        }
    });
    let consumer = R::spawn(async move {
        for _ in 0..count {
            black_box(R::get(&source).await);
        }
    });
    R::join(producer).await;
    R::join(consumer).await;
}

/// Starts four tasks that put `count` numbers each into a queue, and four that take them out.
pub async fn queue_four_to_four<R: Queues>(count: usize) {
    let queue = R::queue(ROOM);
    let tasks: Vec<_> = (0..4)
        .flat_map(|_| {
            let (source, target) = (queue.clone(), queue.clone());
            let producer = R::spawn(async move {
                for number in 0..count {
                    R::put(&target, number).await;
                }
            });
            let consumer = R::spawn(async move {
                for _ in 0..count {
                    black_box(R::get(&source).await);
                }
            });
            [producer, consumer]
        })
        .collect();
    for task in tasks {
        R::join(task).await;
    }
}

/// The capacity of the queue: enough for a burst, too little for all numbers.
const ROOM: usize = 128;

#[cfg(all(test, feature = "others"))]
mod tests {
    use super::*;
    use crate::runtimes::{Asyncio, Flume, Kanal, Smol, Tokio};

    fn every_kind_of_work_ends<R: Locks + Channels + Queues + UnboundedChannels>() {
        R::run(2, async {
            lock_alone::<R>(10).await;
            lock_wanted::<R>(3, 10).await;
            lock_across_yield::<R>(3, 10).await;
        });
        every_queue_ends::<R>();
    }

    fn every_queue_ends<R: Channels + Queues + UnboundedChannels>() {
        R::run(2, async {
            channel_ping_pong::<R>(3, 10).await;
            channel_one_to_one::<R>(200).await;
            unbounded_one_to_one::<R>(200).await;
            queue_one_to_one::<R>(1, 200).await;
            queue_four_to_four::<R>(200).await;
        });
    }

    #[test]
    fn every_queue_ends_on_asyncio() {
        every_queue_ends::<Asyncio>();
    }

    #[test]
    fn every_queue_ends_in_the_crates() {
        every_queue_ends::<Flume>();
        every_queue_ends::<Kanal>();
    }

    #[test]
    fn every_kind_of_work_ends_on_tokio() {
        every_kind_of_work_ends::<Tokio>();
    }

    #[test]
    fn every_kind_of_work_ends_on_smol() {
        every_kind_of_work_ends::<Smol>();
    }
}
