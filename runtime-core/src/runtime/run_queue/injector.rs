//! The run queue that threads outside the worker set push to, and that workers drain in batches.

use std::collections::VecDeque;

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::queue::Deque;
use crate::sync::{Mutant, Mutex, broken};

/// The largest batch that one call takes, so that a second worker finds something too.
const BATCH: usize = 128;

/// A locked queue that can be closed. A push after the close returns its value to the caller, which
/// must then end it: no value is both accepted and forgotten.
#[derive(Debug)]
pub(crate) struct Injector<T> {
    queue: Mutex<Queue<T>>,
    /// The length, readable without the lock. Written under the lock.
    length: AtomicUsize,
}

#[derive(Debug)]
struct Queue<T> {
    values: VecDeque<T>,
    closed: bool,
}

impl<T> Injector<T> {
    pub(crate) fn new() -> Injector<T> {
        let queue = Queue {
            values: VecDeque::new(),
            closed: false,
        };
        Injector {
            queue: Mutex::new(queue),
            length: AtomicUsize::new(0),
        }
    }

    /// Adds `value`.
    ///
    /// # Errors
    /// Returns `value` if the queue is closed.
    pub(crate) fn push(&self, value: T) -> Result<(), T> {
        let mut queue = self.queue.lock();
        if queue.closed && !broken(Mutant::PushAfterDrain) {
            return Err(value);
        }
        if broken(Mutant::PushUnlocked) {
            drop(queue);
            queue = self.queue.lock();
        }
        queue.values.push_back(value);
        self.publish_length(&queue);
        Ok(())
    }

    /// Adds `values`. If the queue is closed, does nothing: `values` is not iterated.
    pub(crate) fn push_all(&self, values: impl IntoIterator<Item = T>) {
        let mut queue = self.queue.lock();
        if !queue.closed {
            queue.values.extend(values);
            self.publish_length(&queue);
        }
    }

    /// Takes a batch: returns its first value, and pushes the others to `into`. The batch is a
    /// `sharers`th of the queue, so that as many workers get a share.
    pub(crate) fn take_batch(&self, into: &Deque<T>, sharers: usize) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        let mut queue = self.queue.lock();
        let share = queue.values.len().div_ceil(sharers.max(1)).min(BATCH);
        let mut batch = queue.values.drain(..share);
        let first = batch.next();
        batch.for_each(|value| into.push(value));
        self.publish_length(&queue);
        first
    }

    /// Refuses pushes from now on, and returns what is left.
    pub(crate) fn close(&self) -> VecDeque<T> {
        let mut queue = self.queue.lock();
        queue.closed = true;
        let left = std::mem::take(&mut queue.values);
        self.publish_length(&queue);
        left
    }

    /// Reads the length without the lock. A pusher that then notifies, and a worker that goes to
    /// sleep and then looks here, are ordered by their exchanges on the idle word (`Idle`): one of
    /// them sees the other.
    pub(crate) fn is_empty(&self) -> bool {
        self.length.load(Ordering::Acquire) == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.length.load(Ordering::Acquire)
    }

    fn publish_length(&self, queue: &Queue<T>) {
        self.length.store(queue.values.len(), Ordering::Release);
    }
}
