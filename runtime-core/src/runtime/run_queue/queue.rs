//! A worker's run queue: the owner's end, and the end from which thieves steal.

use std::cell::Cell;

use super::slot::{Slot, Word};
use super::stack::Stack;
use crate::sync::queue::{Deque, Steal, Stealer};
use crate::sync::{Arc, Mutant, broken};

/// How many times in a row the slot is served before the deque gets its turn.
const STREAK: u32 = 16;

/// Added to the streak while the stack may hold anything. So one comparison tells whether the slot
/// or the deque can be served without further questions.
const STACKED: u32 = 1 << 16;

/// In which order a run queue returns what is pushed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    /// The value that `push_next` pushed last comes first.
    pub(crate) lifo: bool,
    /// If more values than this wait in the deque, new ones go to a stack. `None`: there is none.
    pub(crate) backlog: Option<usize>,
}

impl Order {
    /// With the slot, and without a stack.
    #[allow(dead_code, reason = "for tests and models")]
    pub(crate) const SLOT: Order = Order {
        lifo: true,
        backlog: None,
    };
}

/// The owner's end. Not `Sync`.
#[derive(Debug)]
pub(crate) struct RunQueue<T> {
    deque: Deque<T>,
    stack: Option<Stack<T>>,
    /// How many values wait in the deque before new ones go to the stack.
    backlog: usize,
    stealable: Arc<Stealable<T>>,
    /// How many values in a row the slot has served; plus `STACKED`.
    streak: Cell<u32>,
    /// Whether the slot is used at all.
    lifo: bool,
}

/// The thieves' end.
#[derive(Debug)]
pub(crate) struct Stealable<T> {
    stealer: Stealer<T>,
    stack: Option<Stealer<T>>,
    slot: Slot<T>,
}

impl<T: Word> RunQueue<T> {
    pub(crate) fn new(order: Order) -> RunQueue<T> {
        let deque = Deque::new_fifo();
        let stack = order.backlog.map(|_| Stack::new());
        let stealable = Arc::new(Stealable {
            stealer: deque.stealer(),
            stack: stack.as_ref().map(Stack::stealer),
            slot: Slot::new(),
        });
        RunQueue {
            deque,
            stack,
            backlog: order.backlog.unwrap_or(usize::MAX),
            stealable,
            streak: Cell::new(0),
            lifo: order.lifo,
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

    /// Whether a new value goes to the stack: many wait, and one of them in the slot. (If the slot
    /// is empty, the value goes there, and runs next in any case.)
    #[inline(always)]
    pub(crate) fn stacks_new(&self) -> bool {
        !self.stealable.slot.is_empty() && self.deque.len() > self.backlog
    }

    /// Adds a new value to the stack.
    pub(crate) fn push_to_stack(&self, value: T) {
        match &self.stack {
            Some(stack) => {
                self.streak.set(self.streak.get() | STACKED);
                stack.push(value);
            }
            None => self.push_next(value),
        }
    }

    /// Adds `value` to the back of the deque.
    #[inline]
    pub(crate) fn push_back(&self, value: T) {
        self.deque.push(value);
    }

    /// Takes the value to run now: from the slot, or from the deque if the slot is empty. After
    /// `STREAK` values from the slot in a row, the deque is served first. A stack that is not empty
    /// takes turns with the deque.
    #[inline(always)]
    pub(crate) fn pop(&self) -> Option<T> {
        // A load spares the owner an exchange on an empty slot.
        if !self.stealable.slot.is_empty() {
            let streak = self.streak.get();
            if streak < STREAK {
                if let Some(value) = self.stealable.slot.exchange() {
                    self.streak.set(streak + 1);
                    return Some(value);
                }
            }
        }
        let streak = self.streak.get();
        if streak != 0 {
            if streak >= STREAK {
                return self.pop_after_streak();
            }
            self.streak.set(0);
        }
        self.deque.pop()
    }

    /// The same at the end of a streak, or if the stack may hold anything.
    #[inline(never)]
    fn pop_after_streak(&self) -> Option<T> {
        if self.is_stacked() {
            return self.pop_stacked();
        }
        self.streak.set(0);
        let next = self.deque.pop();
        self.pass_over_slot(next)
    }

    fn pop_stacked(&self) -> Option<T> {
        let stack = self.stack.as_ref()?;
        let streak = self.streak.get();
        if streak < STACKED + STREAK {
            if let Some(value) = self.stealable.slot.take() {
                self.streak.set(streak + 1);
                return Some(value);
            }
        }
        self.streak.set(STACKED);
        let from_stack = || {
            let value = stack.pop();
            if value.is_none() {
                self.streak.set(0);
            }
            value
        };
        let next = match stack.take_turn() {
            true => from_stack().or_else(|| self.deque.pop()),
            false => self.deque.pop().or_else(from_stack),
        };
        self.pass_over_slot(next)
    }

    /// The deque or the stack was served first, with `next`. The value in the slot moves to the
    /// back of the deque: there, thieves may take it while this worker runs something else, perhaps
    /// for a long time.
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
        let streak = self.streak.get();
        if streak % STACKED > 0 {
            self.streak.set(streak - streak % STACKED + STREAK);
        }
    }

    /// Counts a look around: after some, the oldest value of the stack is served.
    pub(crate) fn count_look(&self) {
        if let Some(stack) = self.stack.as_ref().filter(|_| self.is_stacked()) {
            stack.count_look();
        }
    }

    /// Whether the stack may hold anything.
    #[inline]
    fn is_stacked(&self) -> bool {
        self.streak.get() >= STACKED
    }

    /// The number of values in the stack.
    pub(crate) fn stacked(&self) -> usize {
        self.stack.as_ref().map_or(0, Stack::len)
    }

    /// Whether another worker would find something that this worker does not run next. `busy`: this
    /// worker has something else to run first.
    #[inline]
    pub(crate) fn has_surplus(&self, busy: impl FnOnce() -> bool) -> bool {
        match self.deque.len() {
            0 => self.has_stack() && self.has_stacked_surplus(busy),
            1 => self.has_stack() || busy() || !self.stealable.slot.is_empty(),
            _ => true,
        }
    }

    /// The same while the deque is empty.
    #[cold]
    fn has_stacked_surplus(&self, busy: impl FnOnce() -> bool) -> bool {
        match self.stacked() {
            0 => false,
            1 => busy() || !self.stealable.slot.is_empty(),
            _ => true,
        }
    }

    #[inline]
    fn has_stack(&self) -> bool {
        self.is_stacked() && !broken(Mutant::StackSilently)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.stealable.slot.is_empty() && self.deque.is_empty() && self.stacked() == 0
    }

    /// The number of values in the slot, the deque and the stack.
    pub(crate) fn len(&self) -> usize {
        self.deque.len() + self.stacked() + usize::from(!self.stealable.slot.is_empty())
    }

    /// Takes every value, in order. For a worker that leaves the worker set.
    pub(crate) fn drain(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| {
            let next = self.stealable.slot.take().or_else(|| self.deque.pop());
            next.or_else(|| self.stack.as_ref().and_then(Stack::pop))
        })
    }
}

impl<T: Word> Stealable<T> {
    /// Steals a batch from the deque or, if that is empty, from the old end of the stack: returns
    /// its first value, and pushes the others to `into`.
    pub(crate) fn steal(&self, into: &RunQueue<T>) -> Option<T> {
        steal_batch(&self.stealer, into).or_else(|| steal_batch(self.stack.as_ref()?, into))
    }

    /// Takes the value in the slot. For stealing from a stuck worker.
    pub(crate) fn steal_slot(&self) -> Option<T> {
        self.slot.take()
    }

    /// Whether the worker of this queue has more to do than the one value that it takes next.
    pub(crate) fn has_surplus(&self) -> bool {
        let stacked = match broken(Mutant::LookPastStack) {
            true => 0,
            false => self.stacked(),
        };
        match self.stealer.len() + stacked {
            0 => false,
            1 => !self.slot.is_empty(),
            _ => true,
        }
    }

    /// Whether the deque, the stack or the slot holds anything.
    pub(crate) fn has_any(&self) -> bool {
        !self.stealer.is_empty() || !self.slot.is_empty() || self.stacked() > 0
    }

    fn stacked(&self) -> usize {
        self.stack.as_ref().map_or(0, Stealer::len)
    }
}

/// Makes the static of crossbeam's that counts the threads which look into deques.
pub(crate) fn make_lazy_statics() {
    let (empty, into) = (Deque::<()>::new_fifo(), Deque::new_fifo());
    let _nothing = empty.stealer().steal_batch_and_pop(&into);
}

fn steal_batch<T>(from: &Stealer<T>, into: &RunQueue<T>) -> Option<T> {
    loop {
        match from.steal_batch_and_pop(&into.deque) {
            Steal::Success(value) => return Some(value),
            Steal::Empty => return None,
            // Another thread won the race: it may not be empty.
            Steal::Retry => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_the_deque_passes_over_may_be_stolen() {
        let (queue, thief) = (RunQueue::new(Order::SLOT), RunQueue::new(Order::SLOT));
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
        let queue = RunQueue::new(Order::SLOT);
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

    const WITH_STACK: Order = Order {
        lifo: true,
        backlog: Some(2),
    };

    fn push_new(queue: &RunQueue<&'static u32>, value: &'static u32) {
        if !queue.stacks_new() {
            return queue.push_next(value);
        }
        queue.push_to_stack(value);
    }

    /// A queue with 2 in its slot, 0, 0 and 1 in its deque, and 3 to 6 in its stack.
    fn stacked() -> RunQueue<&'static u32> {
        let queue = RunQueue::new(WITH_STACK);
        for number in &[0, 0] {
            queue.push_back(number);
        }
        for number in &[1, 2, 3, 4, 5, 6] {
            push_new(&queue, number);
        }
        queue
    }

    #[test]
    fn beyond_a_backlog_new_values_take_turns_with_older_ones() {
        let queue = stacked();
        assert_eq!(queue.len(), 8);
        let all: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(all, [&2, &6, &0, &5, &0, &4, &1, &3]);
        assert!(queue.is_empty());
        // The stack is empty: new values go to the deque again.
        push_new(&queue, &1);
        push_new(&queue, &2);
        push_new(&queue, &3);
        assert_eq!(
            [queue.pop(), queue.pop(), queue.pop()],
            [Some(&3), Some(&1), Some(&2)]
        );
    }

    #[test]
    fn a_drain_leaves_nothing_in_the_stack() {
        let queue = stacked();
        assert_eq!(queue.drain().count(), 8);
        assert!(queue.is_empty());
    }

    #[test]
    fn the_stack_gets_its_turn_although_the_slot_is_always_full() {
        let queue = stacked();
        for _ in 0..200 {
            assert!(queue.pop().is_some());
            queue.push_next(&8);
        }
        assert_eq!(queue.stacked(), 0);
    }

    #[test]
    fn the_end_of_a_poll_tells_thieves_of_the_stack() {
        let (queue, thief) = (stacked(), RunQueue::new(WITH_STACK));
        while !queue.stealable.stealer.is_empty() {
            let _stolen = queue.stealable().steal(&thief);
        }
        assert!(queue.has_surplus(|| false));
        while queue.stacked() > 1 {
            let _stolen = queue.stealable().steal(&thief);
        }
        // One in the slot, one in the stack.
        assert!(queue.has_surplus(|| false));
        queue.push_back(&7);
        assert_eq!(queue.pop(), Some(&2));
        // One in the deque, one in the stack.
        assert!(queue.has_surplus(|| false));
    }

    #[test]
    fn the_oldest_value_of_the_stack_is_served_now_and_then() {
        let queue = stacked();
        for _ in 0..100 {
            queue.count_look();
        }
        assert_eq!([queue.pop(), queue.pop()], [Some(&2), Some(&3)]);
    }

    #[test]
    fn a_thief_takes_the_older_half_of_the_stack() {
        let (queue, thief) = (stacked(), RunQueue::new(WITH_STACK));
        let mut steal = || {
            let first = queue.stealable().steal(&thief)?;
            Some(std::iter::once(first).chain(thief.drain()).collect())
        };
        let mut batches: Vec<Vec<_>> = std::iter::from_fn(&mut steal).collect();
        // In which order a batch comes is crossbeam's choice.
        batches.iter_mut().for_each(|batch| batch.sort());
        assert_eq!(batches.concat(), [&0, &0, &1, &3, &4, &5, &6]);
        assert_eq!((queue.pop(), queue.pop()), (Some(&2), None));
    }

    #[test]
    fn a_streak_of_the_slot_ends_beside_a_stack_too() {
        let queue = stacked();
        for _ in 0..STREAK {
            queue.push_next(&8);
            assert_eq!(queue.pop(), Some(&8));
        }
        queue.push_next(&9);
        assert_eq!(queue.pop(), Some(&6));
        let rest: Vec<_> = queue.drain().collect();
        assert_eq!(rest[..5], [&0, &0, &1, &2, &9]);
    }
}
