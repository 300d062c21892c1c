//! The queue that gives its items in the order in which they came.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;

use super::base::Base;
use super::errors::{GetError, PutError, QueueShutDown, TaskDoneTooOften};
use crate::sync::const_fn;

/// What all queues have: how full they are, and what is still to be done.
macro_rules! counting_methods {
    () => {
        /// How many items are in the queue.
        ///
        /// As in asyncio, an item counts until it is taken, also if a task has been woken for it.
        #[must_use]
        pub fn qsize(&self) -> usize {
            self.base.look().size
        }

        /// Whether there is no item in the queue.
        #[must_use]
        pub fn empty(&self) -> bool {
            self.qsize() == 0
        }

        /// Whether there are as many items as may be.
        #[must_use]
        pub fn full(&self) -> bool {
            self.base.look().is_full()
        }

        /// How many items may be in the queue; 0 if any number.
        #[must_use]
        pub fn maxsize(&self) -> usize {
            self.base.look().maxsize()
        }

        /// Notes that the work on one item is done: see [`join`](Self::join).
        ///
        /// # Errors
        /// [`TaskDoneTooOften`] if it has been called for every item already.
        pub fn task_done(&self) -> Result<(), TaskDoneTooOften> {
            self.base.task_done()
        }

        /// Waits until [`task_done`](Self::task_done) has been called for every item that was put.
        ///
        /// Does not yield if it has.
        ///
        /// # Cancellation
        /// It may be cancelled or dropped at any time.
        pub fn join(&self) -> impl Future<Output = ()> {
            self.base.join()
        }
    };
}
pub(super) use counting_methods;

macro_rules! queue_methods {
    () => {
        /// Puts an item; waits while the queue is full.
        ///
        /// Does not yield if there is room and nobody waits for it. Those that wait get room in the
        /// order in which they came.
        ///
        /// # Errors
        /// [`QueueShutDown`] with the item, if the queue is shut down, before or meanwhile.
        ///
        /// # Cancellation
        /// A `put` that is cancelled or dropped has not put its item, which is dropped with it.
        /// Room that it had been given goes to the next in line.
        pub fn put(&self, item: T) -> impl Future<Output = Result<(), QueueShutDown<T>>> {
            self.base.put(item)
        }

        /// Takes an item; waits while there is none.
        ///
        /// Does not yield if there is an item and nobody waits for it. Those that wait get items in
        /// the order in which they came: an item for which a task has been woken is not taken by
        /// another one, as it may be in asyncio.
        ///
        /// # Errors
        /// [`QueueShutDown`] if the queue is shut down, and all its items have been taken.
        ///
        /// # Cancellation
        /// A `get` that is cancelled or dropped has taken nothing. An item that it had been given
        /// stays in the queue, for the next in line.
        pub fn get(&self) -> impl Future<Output = Result<T, QueueShutDown>> {
            self.base.get()
        }

        /// Puts an item if there is room and nobody waits for it.
        ///
        /// # Errors
        /// [`PutError`] with the item, if there is no room, or the queue is shut down.
        pub fn put_nowait(&self, item: T) -> Result<(), PutError<T>> {
            self.base.put_nowait(item)
        }

        /// Takes an item if there is one that nobody waits for.
        ///
        /// # Errors
        /// [`GetError`] if there is none, or all have been taken and the queue is shut down.
        pub fn get_nowait(&self) -> Result<T, GetError> {
            self.base.get_nowait()
        }

        counting_methods!();

        /// Shuts the queue down, for good. Every `put` fails then, also one that waits; a `get`
        /// takes what is there and fails when all has been taken.
        ///
        /// If `immediate`, the items in the queue are dropped, and count as worked off. This may
        /// follow on a shutdown that was not.
        pub fn shutdown(&self, immediate: bool) {
            self.base.shutdown(immediate);
        }
    };
}
pub(super) use queue_methods;

/// A queue that gives its items in the order in which they came: `asyncio.Queue`.
///
/// Any number of tasks and threads put and get, on any loops or none.
///
/// ```
/// # asyncio::run(async {
/// use std::sync::Arc;
///
/// let queue = Arc::new(asyncio::Queue::new(2));
/// let worker = {
///     let queue = Arc::clone(&queue);
///     asyncio::create_task(async move {
///         let mut sum = 0;
///         while let Ok(number) = queue.get().await {
///             sum += number;
///             queue.task_done().unwrap();
///         }
///         sum
///     })
/// };
/// for number in 0..10 {
///     queue.put(number).await.unwrap();
/// }
/// queue.join().await;
/// queue.shutdown(false);
/// assert_eq!(worker.await.unwrap(), 45);
/// # });
/// ```
///
/// A thread that is no worker blocks with
/// [`EventLoop::block_on`](crate::EventLoop::block_on):
///
/// ```
/// # asyncio::run(async {
/// use std::sync::Arc;
///
/// let queue = Arc::new(asyncio::Queue::new(1));
/// let event_loop = asyncio::get_running_loop();
/// let source = Arc::clone(&queue);
/// let thread = std::thread::spawn(move || event_loop.block_on(source.get()));
/// queue.put("from a task").await.unwrap();
/// # asyncio::to_thread(move || {
/// assert_eq!(thread.join().unwrap(), Ok(Ok("from a task")));
/// # }).await.unwrap();
/// # });
/// ```
pub struct Queue<T> {
    base: Base<VecDeque<T>>,
}

impl<T> Queue<T> {
    const_fn! {
        /// Makes a queue for at most `maxsize` items, or for any number if that is 0.
        #[must_use]
        pub fn new(maxsize: usize) -> Queue<T> {
            Queue { base: Base::new(VecDeque::new(), maxsize) }
        }
    }

    queue_methods!();
}

impl<T> Default for Queue<T> {
    fn default() -> Queue<T> {
        Queue::new(0)
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.show("Queue", f)
    }
}
