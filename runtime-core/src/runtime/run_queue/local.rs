//! A worker's queue: its own end, and the end where thieves come in.

use std::cell::Cell;

use super::slot::{Slot, Word};
use crate::sync::Arc;
use crate::sync::queue::{Local, Steal, Stealer};

/// How many times in a row the slot may go before the queue.
const STREAK: u32 = 16;

/// The owner's end. Not `Sync`.
#[derive(Debug)]
pub(crate) struct RunQueue<T> {
    deque: Local<T>,
    stealable: Arc<Stealable<T>>,
    streak: Cell<u32>,
    /// Whether the slot is in use at all.
    lifo: bool,
}

/// The thieves' end.
#[derive(Debug)]
pub(crate) struct Stealable<T> {
    stealer: Stealer<T>,
    slot: Slot<T>,
}

impl<T: Word> RunQueue<T> {
    pub(crate) fn new(lifo: bool) -> RunQueue<T> {
        let deque = Local::new_fifo();
        let stealable = Arc::new(Stealable {
            stealer: deque.stealer(),
            slot: Slot::new(),
        });
        RunQueue {
            deque,
            stealable,
            streak: Cell::new(0),
            lifo,
        }
    }

    pub(crate) fn stealable(&self) -> &Arc<Stealable<T>> {
        &self.stealable
    }

    /// The deque, for batches to be put into.
    pub(crate) fn deque(&self) -> &Local<T> {
        &self.deque
    }

    /// Adds what is to run next. What stood there goes to the back of the queue.
    #[inline]
    pub(crate) fn push_next(&self, value: T) {
        let displaced = if self.lifo {
            self.stealable.slot.replace(value)
        } else {
            Some(value)
        };
        if let Some(value) = displaced {
            self.deque.push(value);
        }
    }

    /// Adds to the back of the queue.
    #[inline]
    pub(crate) fn push_back(&self, value: T) {
        self.deque.push(value);
    }

    /// Takes what is to run now: from the slot, but after a streak of those from the queue first.
    #[inline]
    pub(crate) fn pop(&self) -> Option<T> {
        let streak = self.streak.get();
        if streak == STREAK {
            return self.pop_after_streak();
        }
        if let Some(value) = self.stealable.slot.take() {
            self.streak.set(streak + 1);
            return Some(value);
        }
        self.streak.set(0);
        self.deque.pop()
    }

    /// The queue goes first. What stands in the slot goes to the back: there, thieves may take it
    /// while this worker runs something else, for perhaps a long time.
    fn pop_after_streak(&self) -> Option<T> {
        self.streak.set(0);
        let Some(value) = self.deque.pop() else {
            return self.stealable.slot.take();
        };
        if let Some(passed_over) = self.stealable.slot.take() {
            self.deque.push(passed_over);
        }
        Some(value)
    }

    /// Lets the queue go before the slot once, if the slot has gone before it: asked before each `pop`,
    /// they go by turns.
    pub(crate) fn end_streak(&self) {
        if self.streak.get() > 0 {
            self.streak.set(STREAK);
        }
    }

    /// Whether another worker would find something that this one will not get to at once.
    /// `busy`: this worker has something else to run first.
    #[inline]
    pub(crate) fn has_surplus(&self, busy: bool) -> bool {
        match self.deque.len() {
            0 => false,
            1 => busy || !self.stealable.slot.is_empty(),
            _ => true,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.stealable.slot.is_empty() && self.deque.is_empty()
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.deque.len() + usize::from(!self.stealable.slot.is_empty())
    }

    /// Everything, in order: for a worker that leaves.
    pub(crate) fn drain(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.stealable.slot.take().or_else(|| self.deque.pop()))
    }
}

impl<T: Word> Stealable<T> {
    /// Steals a batch from the deque: returns the first, and the others are `into`'s.
    pub(crate) fn steal(&self, into: &RunQueue<T>) -> Option<T> {
        loop {
            match self.stealer.steal_batch_and_pop(&into.deque) {
                Steal::Success(value) => return Some(value),
                Steal::Empty => return None,
                // Somebody else was quicker: "empty" is not to be believed yet.
                Steal::Retry => {}
            }
        }
    }

    /// Takes what stands in the slot: from a worker that is stuck.
    pub(crate) fn steal_slot(&self) -> Option<T> {
        self.slot.take()
    }

    /// Whether more waits in the deque than its worker takes next.
    pub(crate) fn has_surplus(&self) -> bool {
        self.stealer.len() > 1
    }

    /// Whether there is anything at all, the slot included.
    pub(crate) fn has_any(&self) -> bool {
        !self.stealer.is_empty() || !self.slot.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_queue_goes_before_may_be_stolen_meanwhile() {
        let (queue, thief) = (RunQueue::new(true), RunQueue::new(true));
        for number in &[1, 2, 3] {
            queue.push_next(number);
        }
        assert_eq!(queue.pop(), Some(&3));
        queue.push_next(&4);
        queue.end_streak();
        // The queue goes first now, and 4 was to go next.
        assert_eq!(queue.pop(), Some(&1));
        assert_eq!(queue.stealable().steal(&thief), Some(&2));
        assert_eq!(queue.stealable().steal(&thief).or(thief.pop()), Some(&4));
        assert!(queue.is_empty());
    }

    #[test]
    fn a_streak_ends_after_sixteen() {
        let queue = RunQueue::new(true);
        queue.push_back(&0);
        for _ in 0..STREAK {
            queue.push_next(&1);
            assert_eq!(queue.pop(), Some(&1));
        }
        queue.push_next(&1);
        assert_eq!(
            [queue.pop(), queue.pop(), queue.pop()],
            [Some(&0), Some(&1), None]
        );
    }
}
