//! A worker's run queue: the owner's end, and the end from which thieves steal.

use std::cell::Cell;

use super::slot::{Slot, Word};
use crate::sync::Arc;
use crate::sync::queue::{Deque, Steal, Stealer};

/// How many times in a row the slot is served before the deque gets its turn.
const STREAK: u32 = 16;

/// The owner's end. Not `Sync`.
#[derive(Debug)]
pub(crate) struct RunQueue<T> {
    deque: Deque<T>,
    stealable: Arc<Stealable<T>>,
    streak: Cell<u32>,
    /// Whether the slot is used at all.
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
        let deque = Deque::new_fifo();
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

    /// The deque, as a target for batches.
    pub(crate) fn deque(&self) -> &Deque<T> {
        &self.deque
    }

    /// Puts `value` into the slot, to run next. The value that it displaces goes to the back of the
    /// deque.
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

    /// Adds `value` to the back of the deque.
    #[inline]
    pub(crate) fn push_back(&self, value: T) {
        self.deque.push(value);
    }

    /// Takes the value to run now: from the slot, or from the deque if the slot is empty. After
    /// `STREAK` values from the slot in a row, the deque is served first.
    #[inline(always)]
    pub(crate) fn pop(&self) -> Option<T> {
        let mut passes_over = false;
        // A load spares the owner an exchange on an empty slot.
        if !self.stealable.slot.is_empty() {
            let streak = self.streak.get();
            passes_over = streak == STREAK;
            if !passes_over {
                if let Some(value) = self.stealable.slot.exchange() {
                    self.streak.set(streak + 1);
                    return Some(value);
                }
            }
        }
        self.streak.set(0);
        // The one call of this for both cases: so the compiler inlines it.
        let next = self.deque.pop();
        if passes_over {
            return self.pass_over_slot(next);
        }
        next
    }

    /// The deque was served first, with `next`. The value in the slot moves to the back of the
    /// deque: there, thieves may take it while this worker runs something else, perhaps for a long
    /// time.
    #[cold]
    fn pass_over_slot(&self, next: Option<T>) -> Option<T> {
        let in_slot = self.stealable.slot.take();
        match (next, in_slot) {
            (Some(next), Some(passed_over)) => {
                self.deque.push(passed_over);
                Some(next)
            }
            (next, in_slot) => next.or(in_slot),
        }
    }

    /// Makes the next `pop` serve the deque first, if the last one was served from the slot. Called
    /// before each `pop`, it makes slot and deque alternate.
    pub(crate) fn end_streak(&self) {
        if self.streak.get() > 0 {
            self.streak.set(STREAK);
        }
    }

    /// Whether another worker would find something that this worker does not run next. `busy`: this
    /// worker has something else to run first.
    #[inline]
    pub(crate) fn has_surplus(&self, busy: impl FnOnce() -> bool) -> bool {
        match self.deque.len() {
            0 => false,
            1 => busy() || !self.stealable.slot.is_empty(),
            _ => true,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.stealable.slot.is_empty() && self.deque.is_empty()
    }

    /// The number of values in the slot and the deque.
    pub(crate) fn len(&self) -> usize {
        self.deque.len() + usize::from(!self.stealable.slot.is_empty())
    }

    /// Takes every value, in order. For a worker that leaves the worker set.
    pub(crate) fn drain(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.stealable.slot.take().or_else(|| self.deque.pop()))
    }
}

impl<T: Word> Stealable<T> {
    /// Steals a batch from the deque: returns its first value, and pushes the others to `into`.
    pub(crate) fn steal(&self, into: &RunQueue<T>) -> Option<T> {
        loop {
            match self.stealer.steal_batch_and_pop(&into.deque) {
                Steal::Success(value) => return Some(value),
                Steal::Empty => return None,
                // Another thread won the race: the deque may not be empty.
                Steal::Retry => {}
            }
        }
    }

    /// Takes the value in the slot. For stealing from a stuck worker.
    pub(crate) fn steal_slot(&self) -> Option<T> {
        self.slot.take()
    }

    /// Whether the deque holds more than the one value that its worker takes next.
    pub(crate) fn has_surplus(&self) -> bool {
        self.stealer.len() > 1
    }

    /// Whether the deque or the slot holds anything.
    pub(crate) fn has_any(&self) -> bool {
        !self.stealer.is_empty() || !self.slot.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_the_deque_passes_over_may_be_stolen() {
        let (queue, thief) = (RunQueue::new(true), RunQueue::new(true));
        for number in &[1, 2, 3] {
            queue.push_next(number);
        }
        assert_eq!(queue.pop(), Some(&3));
        queue.push_next(&4);
        queue.end_streak();
        // The deque is served first now, although 4 is in the slot.
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
