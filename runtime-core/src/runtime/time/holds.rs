//! What keeps a time that stands still from jumping.

use crate::sync::StdArc;
use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::clock::Tick;

/// Counts of what is outstanding, shared by a loop's threads. Time jumps when none is, and everybody
/// sleeps.
#[derive(Clone, Debug)]
pub(crate) struct Holds {
    shared: StdArc<Counts>,
}

#[derive(Debug)]
struct Counts {
    /// Tasks on their way to a thread's inbox, foreign threads at work, functions on the pool.
    busy: AtomicUsize,
    /// Guards of `hold_time`.
    asked: AtomicUsize,
    /// How far `advance` lets time go though it is held.
    allowed: AtomicU64,
}

impl Holds {
    pub(crate) fn new() -> Holds {
        let counts = Counts {
            busy: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            allowed: AtomicU64::new(0),
        };
        Holds {
            shared: StdArc::new(counts),
        }
    }

    /// Something is under way that will wake somebody.
    pub(crate) fn begin(&self) {
        self.shared.busy.fetch_add(1, Ordering::AcqRel);
    }

    /// So many of them have arrived. True if none is left.
    pub(crate) fn end(&self, count: usize) -> bool {
        self.shared.busy.fetch_sub(count, Ordering::AcqRel) == count
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.shared.busy.load(Ordering::Acquire) != 0
    }

    /// Somebody asks that time stand still.
    pub(crate) fn ask(&self) {
        self.shared.asked.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn unask(&self) {
        self.shared.asked.fetch_sub(1, Ordering::AcqRel);
    }

    /// Lets time go to `tick`, whoever asks that it stand still.
    pub(crate) fn allow(&self, tick: Tick) {
        self.shared.allowed.fetch_max(tick.0, Ordering::AcqRel);
    }

    /// Whether time may jump to `tick`.
    pub(crate) fn allows(&self, tick: Tick) -> bool {
        self.shared.asked.load(Ordering::Acquire) == 0
            || tick.0 <= self.shared.allowed.load(Ordering::Acquire)
    }
}
