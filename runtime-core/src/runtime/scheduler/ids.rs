//! The ids of tasks: unique in the process, across loops.

use crate::runtime::task::header::TaskId;
use crate::sync::StdAtomicU64;
use crate::sync::atomic::Ordering;

/// How many ids a worker takes at once.
const BLOCK: u64 = 256;

/// How many ids belong to a loop in the deterministic mode.
const RANGE: u64 = 1 << 32;

/// The next id. Zero is `HIDDEN`.
static NEXT: StdAtomicU64 = StdAtomicU64::new(1);

/// The next range of a loop in the deterministic mode, far from the other ids.
static NEXT_RANGE: StdAtomicU64 = StdAtomicU64::new(1 << 63);

/// Where a loop takes its ids from.
#[derive(Debug)]
pub(crate) enum Ids {
    /// From those of the process.
    Shared,
    /// From a range of its own, which does not depend on what other loops do.
    Own { first: u64, next: StdAtomicU64 },
}

// Relaxed throughout: an id is only compared.
impl Ids {
    pub(crate) fn shared() -> Ids {
        Ids::Shared
    }

    pub(crate) fn own() -> Ids {
        let first = NEXT_RANGE.fetch_add(RANGE, Ordering::Relaxed);
        let next = StdAtomicU64::new(first);
        Ids::Own { first, next }
    }

    /// Returns one id, for a thread that is no worker.
    pub(crate) fn one(&self) -> TaskId {
        TaskId(self.next().fetch_add(1, Ordering::Relaxed))
    }

    /// Returns a block of ids for a worker: the first, and the end.
    pub(crate) fn block(&self) -> (u64, u64) {
        let first = self.next().fetch_add(BLOCK, Ordering::Relaxed);
        (first, first + BLOCK)
    }

    /// The number in a task's default name, and in the hash of a schedule. It is the id or, in the
    /// deterministic mode, the id's place in the loop's own range, which is the same for the same
    /// seed.
    pub(crate) fn ordinal(&self, id: u64) -> u64 {
        match self {
            Ids::Own { first, .. } if id >= *first => id - first + 1,
            _ => id,
        }
    }

    fn next(&self) -> &StdAtomicU64 {
        match self {
            Ids::Shared => &NEXT,
            Ids::Own { next, .. } => next,
        }
    }
}
