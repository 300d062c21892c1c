//! The stack of new tasks: a worker with a backlog runs what its tasks make depth first.
//!
//! A tree of tasks in which each makes ten and awaits them has a million leaves after six steps. If
//! new tasks wait behind older ones, all inner tasks run first, and the leaves wait at the same
//! time: the memory of a million tasks. If they run before older ones, a few thousand tasks are
//! alive at a time.
//!
//! But whoever makes ten tasks in a row expects that the first begins first, and new tasks must not
//! keep those waiting that were woken. So:
//!
//! * While no more than [`BACKLOG`] tasks wait in the deque, it takes the new ones too.
//! * Beyond that, new tasks go to the stack, as long as one poll does not make many: those are no
//!   tree, and keep their order.
//! * The deque and the stack take turns, also when the slot has been served long enough.
//! * Thieves take from the stack's other end: the tasks nearest to the root, with the most to do.
//! * Now and then the worker takes from that end, too, so that no task waits for as long as newer
//!   ones keep coming.
//!
//! Only the workers that a loop begins with have a stack: spares and stand-ins are many, and a loop
//! that is closed would keep their buffers.

use std::cell::Cell;

use crate::sync::IS_MODEL;
use crate::sync::queue::{Deque, Steal, Stealer};

/// How many tasks wait in the deque before new ones go to the stack.
pub(crate) const BACKLOG: usize = if IS_MODEL { 0 } else { 128 };

/// How many looks around pass until the oldest task of the stack is served: about a thousand turns.
const LOOKS_TO_OLDEST: u32 = 16;

/// The owner's end.
#[derive(Debug)]
pub(crate) struct Stack<T> {
    deque: Deque<T>,
    oldest: Stealer<T>,
    /// The stack is served before the deque in the next turn.
    turn: Cell<bool>,
    looks: Cell<u32>,
}

impl<T> Stack<T> {
    pub(crate) fn new() -> Stack<T> {
        let deque = Deque::new_lifo();
        Stack {
            oldest: deque.stealer(),
            deque,
            turn: Cell::new(true),
            looks: Cell::new(0),
        }
    }

    pub(crate) fn stealer(&self) -> Stealer<T> {
        self.deque.stealer()
    }

    pub(crate) fn push(&self, value: T) {
        self.deque.push(value);
    }

    /// Whether it is the stack's turn. Asked in turn with the deque.
    pub(crate) fn take_turn(&self) -> bool {
        self.turn.replace(!self.turn.get())
    }

    /// Takes the newest value or, if that is due, the oldest one.
    pub(crate) fn pop(&self) -> Option<T> {
        if self.looks.get() >= LOOKS_TO_OLDEST {
            self.looks.set(0);
            if let Some(value) = self.pop_oldest() {
                return Some(value);
            }
        }
        self.deque.pop()
    }

    fn pop_oldest(&self) -> Option<T> {
        loop {
            match self.oldest.steal() {
                Steal::Success(value) => return Some(value),
                Steal::Empty => return None,
                // A thief won the race.
                Steal::Retry => {}
            }
        }
    }

    pub(crate) fn count_look(&self) {
        self.looks.set(self.looks.get().saturating_add(1));
    }

    pub(crate) fn len(&self) -> usize {
        self.deque.len()
    }
}
