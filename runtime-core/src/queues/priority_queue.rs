//! The queue that gives the smallest item first.
//!
//! Comparing items is a user's code, and no such code runs under the lock of a queue. So the items
//! are in a heap of its own, behind a lock of its own, and under the queue's lock there is only
//! their number. To put an item takes three steps:
//!
//! 1. A slot is promised, and the item counts as *entering* (queue's lock).
//! 2. The item goes into the heap (heap's lock). If a comparison panics, it does not, and the slot
//!    is given back.
//! 3. The item counts as there, and a getter is woken for it (queue's lock).
//!
//! And to get one:
//!
//! 1. An item is promised (queue's lock).
//! 2. The smallest item is taken out of the heap (heap's lock). If a comparison panics, it stays,
//!    and the promise is given back.
//! 3. The number falls, and a putter is woken for the slot (queue's lock).
//!
//! So the heap has an item for every promise: an item is counted after it has gone in, and a
//! promise is given up before the item is missing in the number.
//!
//! A shutdown waits for nobody. Getters are not told that all is over while an item is entering. A
//! shutdown at once sets the number to zero and empties the heap; who is between two steps then
//! finds that, and drops its item.

use std::fmt;
use std::future::Future;

use super::base::Base;
use super::buffer::Count;
use super::contents::{Answer, GETTERS, Items, PUTTERS, Steps};
use super::errors::{GetError, PutError, QueueShutDown, TaskDoneTooOften};
use super::heap::Heap;
use super::queue::counting_methods;
use super::user_lock::UserLock;
use crate::sync::{Mutant, broken, const_fn};

/// What a comparison must not do.
const AGAIN: &str = "a comparison of two items used the PriorityQueue that they are in";

/// A queue that gives the smallest item first: `asyncio.PriorityQueue`.
///
/// Items that are equal come out in the order in which they were put. In all else it is a
/// [`Queue`](crate::Queue): tasks that wait are still served in the order in which they came.
///
/// For entries of a number and a value that is not ordered, as asyncio's documentation shows them,
/// write a type with an `Ord` of its own, or `(Reverse(priority), number, value)`.
///
/// A comparison may panic: the queue is then as it was before, and the panic goes to the caller. A
/// comparison must not put into or get from the same queue, which panics.
///
/// ```
/// # asyncio::run(async {
/// let queue = asyncio::PriorityQueue::new(0);
/// for entry in [(2, "code"), (1, "eat"), (3, "sleep")] {
///     queue.put(entry).await.unwrap();
/// }
/// assert_eq!(queue.get().await, Ok((1, "eat")));
/// assert_eq!(queue.get().await, Ok((2, "code")));
/// # });
/// ```
pub struct PriorityQueue<T> {
    /// The number of items.
    base: Base<Count>,
    heap: UserLock<Heap<T>>,
}

impl<T: Ord> PriorityQueue<T> {
    const_fn! {
        /// Makes a queue for at most `maxsize` items, or for any number if that is 0.
        #[must_use]
        pub fn new(maxsize: usize) -> PriorityQueue<T> {
            PriorityQueue {
                base: Base::new(Count(0), maxsize),
                heap: UserLock::new(Heap::new()),
            }
        }
    }

    /// Puts an item; waits while the queue is full: see [`Queue::put`](crate::Queue::put).
    ///
    /// # Errors
    /// [`QueueShutDown`] with the item, if the queue is shut down, before or meanwhile.
    ///
    /// # Cancellation
    /// A `put` that is cancelled or dropped has not put its item, which is dropped with it.
    ///
    /// # Panics
    /// If a comparison panics: the item has not been put.
    pub async fn put(&self, item: T) -> Result<(), QueueShutDown<T>> {
        let mut wait = std::pin::pin!(self.items().wait(PUTTERS, 1));
        let begun = std::future::poll_fn(|with| {
            let polled = wait.as_mut().poll(with);
            polled.map(|(mut locked, answer)| match Answer::from(answer) {
                Answer::Promised => locked.begin_entering(),
                Answer::ShutDown => false,
            })
        })
        .await;
        if !begun {
            return Err(QueueShutDown(item));
        }
        self.enter(item);
        Ok(())
    }

    /// Takes the smallest item; waits while there is none: see [`Queue::get`](crate::Queue::get).
    ///
    /// # Errors
    /// [`QueueShutDown`] if the queue is shut down, and all its items have been taken.
    ///
    /// # Cancellation
    /// A `get` that is cancelled or dropped has taken nothing.
    ///
    /// # Panics
    /// If a comparison panics: no item has been taken.
    pub async fn get(&self) -> Result<T, QueueShutDown> {
        let mut wait = std::pin::pin!(self.items().wait(GETTERS, 1));
        let answer = std::future::poll_fn(|with| {
            let polled = wait.as_mut().poll(with);
            polled.map(|(_locked, answer)| Answer::from(answer))
        })
        .await;
        match answer {
            Answer::Promised => self.leave().ok_or(QueueShutDown(())),
            Answer::ShutDown => Err(QueueShutDown(())),
        }
    }

    /// Puts an item if there is room and nobody waits for it.
    ///
    /// # Errors
    /// [`PutError`] with the item, if there is no room, or the queue is shut down.
    ///
    /// # Panics
    /// If a comparison panics: the item has not been put.
    pub fn put_nowait(&self, item: T) -> Result<(), PutError<T>> {
        let mut locked = self.items().lock();
        let promised = locked.promise_slot();
        let begun = promised.is_ok() && locked.begin_entering();
        drop(locked);
        match promised {
            Ok(()) if begun => {
                self.enter(item);
                Ok(())
            }
            Ok(()) => Err(PutError::ShutDown(item)),
            Err(error) => Err(error.map(|()| item)),
        }
    }

    /// Takes the smallest item if there is one that nobody waits for.
    ///
    /// # Errors
    /// [`GetError`] if there is none, or all have been taken and the queue is shut down.
    ///
    /// # Panics
    /// If a comparison panics: no item has been taken.
    pub fn get_nowait(&self) -> Result<T, GetError> {
        self.items().lock().promise_item()?;
        self.leave().ok_or(GetError::ShutDown)
    }

    /// Steps 2 and 3 of putting an item.
    fn enter(&self, item: T) {
        // Dropped last if a comparison panics: the locks have been released then.
        let mut item = Some(item);
        let entering = Entering(Some(self.items()));
        self.heap.lock(AGAIN).push(&mut item);
        if !entering.enter() && !broken(Mutant::StayInHeap) {
            self.drop_all();
        }
    }

    /// Steps 2 and 3 of getting an item.
    fn leave(&self) -> Option<T> {
        let leaving = Leaving(Some(self.items()));
        let item = self.heap.lock(AGAIN).pop();
        // If there has been a shutdown at once, the item is dropped, with no lock held.
        leaving.leave()?;
        item
    }
}

impl<T> PriorityQueue<T> {
    fn items(&self) -> &Items<Count> {
        self.base.items()
    }

    fn drop_all(&self) {
        let items = self.heap.lock(AGAIN).take_all();
        // The lock has been released.
        drop(items);
    }

    counting_methods!();

    /// Shuts the queue down, for good: see [`Queue::shutdown`](crate::Queue::shutdown).
    pub fn shutdown(&self, immediate: bool) {
        self.base.shutdown(immediate);
        if immediate {
            self.drop_all();
        }
    }
}

/// An item is entering. Dropped, it does not come.
struct Entering<'a>(Option<&'a Items<Count>>);

impl Entering<'_> {
    fn enter(mut self) -> bool {
        let items = self.0.take();
        items.is_some_and(|items| items.lock().enter(()))
    }
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        if let Some(items) = self.0 {
            items.lock().stay_out();
        }
    }
}

/// An item is promised. Dropped, the promise is given back.
struct Leaving<'a>(Option<&'a Items<Count>>);

impl Leaving<'_> {
    fn leave(mut self) -> Option<()> {
        self.0.take()?.lock().take_promised()
    }
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if let Some(items) = self.0 {
            items.lock().give_item_back();
        }
    }
}

impl<T: Ord> Default for PriorityQueue<T> {
    fn default() -> PriorityQueue<T> {
        PriorityQueue::new(0)
    }
}

impl<T> fmt::Debug for PriorityQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.base.show("PriorityQueue", f)
    }
}
