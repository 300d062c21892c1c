//! The numbers of tasks: unique in the process, whatever loop they belong to.

use crate::runtime::task::header::TaskId;
use crate::sync::StdAtomicU64;
use crate::sync::atomic::Ordering;

/// How many numbers a worker takes at once.
const BLOCK: u64 = 256;

/// How many belong to a loop in the deterministic mode.
const RANGE: u64 = 1 << 32;

/// The next number. Zero is nobody's.
static NEXT: StdAtomicU64 = StdAtomicU64::new(1);

/// The next range of a loop in the deterministic mode, far from the others.
static NEXT_RANGE: StdAtomicU64 = StdAtomicU64::new(1 << 63);

/// Where a loop has its numbers from.
#[derive(Debug)]
pub(crate) enum Ids {
    /// From those of the process.
    Shared,
    /// From a range of its own: there, what other loops do makes no difference.
    Own { first: u64, next: StdAtomicU64 },
}

// Relaxed throughout: a number is only ever compared.
impl Ids {
    pub(crate) fn shared() -> Ids {
        Ids::Shared
    }

    pub(crate) fn own() -> Ids {
        let first = NEXT_RANGE.fetch_add(RANGE, Ordering::Relaxed);
        let next = StdAtomicU64::new(first);
        Ids::Own { first, next }
    }

    /// One number, for a thread that is no worker.
    pub(crate) fn one(&self) -> TaskId {
        TaskId(self.next().fetch_add(1, Ordering::Relaxed))
    }

    /// A block of them for a worker: the first, and the end.
    pub(crate) fn block(&self) -> (u64, u64) {
        let first = self.next().fetch_add(BLOCK, Ordering::Relaxed);
        (first, first + BLOCK)
    }

    /// What a task is called by default, and how a schedule is told from another: the number itself or,
    /// in the deterministic mode, that within the loop, so that it is the same for the same seed.
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
