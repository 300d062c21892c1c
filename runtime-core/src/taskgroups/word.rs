//! The state word of a group: how many children there are, and whether it takes more.
//!
//! ```text
//!            enter, leave            abort                 exit: children are left
//!   open ──────────────────▶ open ──────────▶ aborted        │
//!    │                        (no child may enter)           ▼
//!    └── exit: no child is left ──▶ over ◀── leave: the last ── exiting
//! ```
//!
//! `exiting` and `aborted` are bits, and go together: a group that is exiting takes children as
//! long as one is left; one that is aborted takes none. It is **over** when it is exiting and no
//! child is left. Then it stays so: no child may enter.

use std::fmt;

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutant, broken, ordered};

/// The body has ended, and the group's future waits for the last child.
const EXITING: u64 = 1;
/// The children are being cancelled.
const ABORTED: u64 = 2;
/// The number of children that run has been limited at some time.
const LIMITED: u64 = 4;
/// One child.
const ONE: u64 = 8;

/// The word.
pub(crate) struct Word(AtomicU64);

/// Why a child may not enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    ShuttingDown,
    Finished,
}

/// What a child finds that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct Leave {
    /// It was the last one, and the group's future waits for it.
    pub(crate) over: bool,
    /// Others may wait to run in its place.
    pub(crate) limited: bool,
}

impl Word {
    pub(crate) fn new() -> Word {
        Word(AtomicU64::new(0))
    }

    /// Counts a child that is about to be made. Says whether the number of those that run is
    /// limited.
    pub(crate) fn enter(&self) -> Result<bool, Refusal> {
        let mut before = self.0.load(Ordering::Relaxed);
        loop {
            if is_over(before) && !broken(Mutant::EnterTheOver) {
                return Err(Refusal::Finished);
            }
            if before & ABORTED != 0 {
                return Err(Refusal::ShuttingDown);
            }
            // Relaxed: the child is published by the list and the scheduler, not by this count.
            match self.0.compare_exchange_weak(
                before,
                before + ONE,
                Ordering::Relaxed,
                Ordering::Relaxed,
            ) {
                Ok(_) => return Ok(before & LIMITED != 0),
                Err(now) => before = now,
            }
        }
    }

    /// A child has ended.
    pub(crate) fn leave(&self) -> Leave {
        // Release: what the child did comes before the group's end. Acquire: the last one passes
        // that on, for all; pairs with the others' Release, and with `exit`.
        let publish = ordered(Ordering::AcqRel, Mutant::LeaveRelaxed);
        let before = self.0.fetch_sub(ONE, publish);
        debug_assert!(before >= ONE, "a child leaves that has not entered");
        Leave {
            over: is_over(before - ONE),
            limited: before & LIMITED != 0,
        }
    }

    /// The children are about to be cancelled.
    pub(crate) fn abort(&self) {
        // AcqRel: orders nothing by itself; the list has its lock.
        self.0.fetch_or(ABORTED, Ordering::AcqRel);
    }

    /// The body has ended. True if no child is left: then the group is over. Otherwise the last
    /// child to leave finds it over.
    pub(crate) fn exit(&self) -> bool {
        // Acquire: pairs with the Release in `leave`.
        let before = self.0.fetch_or(EXITING, Ordering::AcqRel);
        before < ONE
    }

    /// From now on, children that enter and leave look at the limit.
    pub(crate) fn limit(&self) {
        self.0.fetch_or(LIMITED, Ordering::AcqRel);
    }

    /// How many children there are.
    pub(crate) fn count(&self) -> usize {
        // Relaxed: exact only under the lock of the limit, behind which every change comes to it.
        usize::try_from(self.0.load(Ordering::Relaxed) / ONE).unwrap_or(usize::MAX)
    }

    pub(crate) fn is_over(&self) -> bool {
        is_over(self.0.load(Ordering::Acquire))
    }

    pub(crate) fn is_aborted(&self) -> bool {
        self.0.load(Ordering::Acquire) & ABORTED != 0
    }
}

fn is_over(word: u64) -> bool {
    word & EXITING != 0 && word < ONE
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.0.load(Ordering::Relaxed);
        f.debug_struct("Word")
            .field("children", &(word / ONE))
            .field("exiting", &(word & EXITING != 0))
            .field("aborted", &(word & ABORTED != 0))
            .finish()
    }
}
