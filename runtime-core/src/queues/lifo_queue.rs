//! The queue that gives the item first that came last.

use std::fmt;
use std::future::Future;

use super::base::Base;
use super::errors::{GetError, PutError, QueueShutDown, TaskDoneTooOften};
use super::queue::{counting_methods, queue_methods};
use crate::sync::const_fn;

/// A queue that gives the item first that came last: `asyncio.LifoQueue`.
///
/// In all else it is a [`Queue`](crate::Queue): tasks that wait are still served in the order in
/// which they came.
///
/// ```
/// # asyncio::run(async {
/// let stack = asyncio::LifoQueue::new(0);
/// stack.put(1).await.unwrap();
/// stack.put(2).await.unwrap();
/// assert_eq!(stack.get().await, Ok(2));
/// assert_eq!(stack.get().await, Ok(1));
/// # });
/// ```
pub struct LifoQueue<T> {
    base: Base<Vec<T>>,
}

impl<T> LifoQueue<T> {
    const_fn! {
        /// Makes a queue for at most `maxsize` items, or for any number if that is 0.
        #[must_use]
        pub fn new(maxsize: usize) -> LifoQueue<T> {
            LifoQueue { base: Base::new(Vec::new(), maxsize) }
        }
    }

    queue_methods!();
}

impl<T> Default for LifoQueue<T> {
    fn default() -> LifoQueue<T> {
        LifoQueue::new(0)
    }
}

impl<T> fmt::Debug for LifoQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.show("LifoQueue", f)
    }
}
