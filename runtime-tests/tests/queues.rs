//! asyncio's queues (QU), channels, watched values and broadcasts.

#[path = "queues/broadcasting.rs"]
mod broadcasting;
#[path = "queues/channels.rs"]
mod channels;
#[path = "queues/hostile.rs"]
mod hostile;
#[path = "queues/priorities.rs"]
mod priorities;
#[path = "queues/random.rs"]
mod random;
#[path = "queues/rules.rs"]
mod rules;
#[path = "queues/shutdowns.rs"]
mod shutdowns;
#[path = "queues/unpolled.rs"]
mod unpolled;
#[path = "queues/watching.rs"]
mod watching;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use asyncio::{GetError, LifoQueue, PriorityQueue, Queue, QueueShutDown, TaskDoneTooOften};

/// Polls `future` once, with a waker that does nothing.
fn poll_unwoken<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls `future` once, in the task that calls this.
async fn poll_once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    std::future::poll_fn(|with| Poll::Ready(future.as_mut().poll(with))).await
}

/// Counts items that exist.
#[derive(Clone, Debug, Default)]
struct Census(Arc<AtomicUsize>);

/// An item with a number, counted in a [`Census`].
#[derive(Debug)]
struct Item {
    number: usize,
    census: Census,
}

impl Census {
    fn item(&self, number: usize) -> Item {
        self.0.fetch_add(1, Ordering::SeqCst);
        Item {
            number,
            census: self.clone(),
        }
    }

    /// How many items exist.
    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Ord for Item {
    fn cmp(&self, other: &Item) -> std::cmp::Ordering {
        self.number.cmp(&other.number)
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Item) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Item) -> bool {
        self.number == other.number
    }
}

impl Eq for Item {}

impl Drop for Item {
    fn drop(&mut self) {
        let before = self.census.0.fetch_sub(1, Ordering::SeqCst);
        assert_ne!(before, 0, "an item is dropped twice");
    }
}

/// What the three kinds of queues have in common.
trait AnyQueue: Send + Sync + 'static {
    fn of_size(maxsize: usize) -> Self;
    fn put(&self, item: Item) -> impl Future<Output = Result<(), QueueShutDown<Item>>> + Send;
    fn get(&self) -> impl Future<Output = Result<Item, QueueShutDown>> + Send;
    fn get_nowait(&self) -> Result<Item, GetError>;
    fn qsize(&self) -> usize;
    fn task_done(&self) -> Result<(), TaskDoneTooOften>;
    fn join(&self) -> impl Future<Output = ()> + Send;
    fn shutdown(&self, immediate: bool);
}

macro_rules! any_queue {
    ($($queue:ident)*) => {
        $(impl AnyQueue for $queue<Item> {
            fn of_size(maxsize: usize) -> Self {
                $queue::new(maxsize)
            }

            async fn put(&self, item: Item) -> Result<(), QueueShutDown<Item>> {
                self.put(item).await
            }

            async fn get(&self) -> Result<Item, QueueShutDown> {
                self.get().await
            }

            fn get_nowait(&self) -> Result<Item, GetError> {
                self.get_nowait()
            }

            fn qsize(&self) -> usize {
                self.qsize()
            }

            fn task_done(&self) -> Result<(), TaskDoneTooOften> {
                self.task_done()
            }

            async fn join(&self) {
                self.join().await;
            }

            fn shutdown(&self, immediate: bool) {
                self.shutdown(immediate);
            }
        })*
    };
}

any_queue!(Queue LifoQueue PriorityQueue);
