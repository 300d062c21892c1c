//! The readiness word of a source.

use crate::sync::Ready;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutant, broken};

/// A direction of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Write,
}

/// The source is not registered any more: the loop is closed.
const GONE: u64 = 1 << 7;
/// One event. The events are counted in the upper bits of the word.
const TICK: u64 = 1 << 8;

/// The word when an operation looked at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen(u64);

/// What a look at the word shows, for one direction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Look {
    /// An operation may succeed.
    Ready(Seen),
    NotReady,
    /// No event comes any more.
    Gone,
}

#[derive(Debug)]
pub(crate) struct Readiness {
    word: AtomicU64,
}

impl Direction {
    fn bit(self) -> u64 {
        match self {
            Direction::Read => Ready::READ.bits(),
            Direction::Write => Ready::WRITE.bits(),
        }
    }

    /// The bit of the direction's end.
    fn closed_bit(self) -> u64 {
        match self {
            Direction::Read => Ready::READ_CLOSED.bits(),
            Direction::Write => Ready::WRITE_CLOSED.bits(),
        }
    }
}

impl Readiness {
    pub(crate) fn new(ready: Ready) -> Readiness {
        Readiness {
            word: AtomicU64::new(ready.bits()),
        }
    }

    #[inline]
    pub(crate) fn look(&self, direction: Direction) -> Look {
        // Acquire: pairs with the exchange in `add`. What was done before the event that is seen
        // here is done before the operation.
        let word = self.word.load(Ordering::Acquire);
        if word & direction.bit() != 0 {
            Look::Ready(Seen(word))
        } else if word & GONE != 0 {
            Look::Gone
        } else {
            Look::NotReady
        }
    }

    /// An event has come.
    pub(crate) fn add(&self, ready: Ready) {
        let tick = match broken(Mutant::EventWithoutTick) {
            false => TICK,
            true => 0,
        };
        self.update(|word| Some((word | ready.bits()).wrapping_add(tick)));
    }

    /// An operation that looked when the word was `seen` would block: the direction is not ready,
    /// unless an event has come since.
    pub(crate) fn clear(&self, direction: Direction, seen: Seen) {
        let bits = direction.bit() | direction.closed_bit();
        self.update(|word| (word / TICK == seen.0 / TICK).then_some(word & !bits));
    }

    /// The same for an operation that has moved fewer bytes than it had room for: the next one
    /// would block, unless it would find the end of the direction.
    pub(crate) fn clear_unless_closed(&self, direction: Direction, seen: Seen) {
        let (bit, closed) = (direction.bit(), direction.closed_bit());
        let may = |word: u64| word / TICK == seen.0 / TICK && word & closed == 0;
        self.update(|word| may(word).then_some(word & !bit));
    }

    /// No event comes any more. What does not block goes on: each direction is tried once more.
    pub(crate) fn set_gone(&self) {
        self.update(|word| Some((word | Ready::BOTH.bits() | GONE).wrapping_add(TICK)));
    }

    fn update(&self, change: impl FnMut(u64) -> Option<u64>) {
        // AcqRel: an event is published to the operation that sees its bit.
        let _unchanged = self
            .word
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, change);
    }
}
