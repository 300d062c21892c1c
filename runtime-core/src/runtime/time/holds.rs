//! What keeps a time that stands still from jumping.
//!
//! Whether it may jump is looked at under a lock, and under that lock it jumps. So
//!
//! * a guard that is asked for under the lock holds time at once;
//! * whoever makes noise counts itself first and then *passes* the lock: either the look has seen
//!   it, or the jump is over before it reads the clock.

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutant, Mutex, StdArc, broken};

use super::clock::{Clock, Tick};

/// What is outstanding, shared by a loop's threads. Time jumps when nothing is, and everybody sleeps.
#[derive(Clone, Debug)]
pub(crate) struct Holds {
    shared: StdArc<Counts>,
}

#[derive(Debug)]
struct Counts {
    /// Tasks on their way to a thread's inbox, foreign threads at work, functions on the pool.
    busy: AtomicUsize,
    /// None where time goes by itself.
    standing: Option<Mutex<Standing>>,
}

/// What decides about a jump.
#[derive(Debug, Default)]
struct Standing {
    /// Guards of `hold_time`.
    asked: usize,
    /// How far `advance` lets time go though it is held.
    allowed: u64,
}

/// What came of a look whether time may jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Look {
    /// Time has jumped, or had come already: something is due.
    Due,
    /// Somebody is at work, or asks that time stand still.
    Held,
    /// Nobody is at work, nobody holds time, and nothing waits for it.
    Nothing,
}

impl Holds {
    pub(crate) fn new(paused: bool) -> Holds {
        let counts = Counts {
            busy: AtomicUsize::new(0),
            standing: paused.then(Mutex::default),
        };
        Holds {
            shared: StdArc::new(counts),
        }
    }

    /// Something is under way that will wake somebody.
    pub(crate) fn begin(&self) {
        self.shared.busy.fetch_add(1, Ordering::AcqRel);
        self.pass();
    }

    /// So many of them have arrived. True if none is left.
    pub(crate) fn end(&self, count: usize) -> bool {
        self.shared.busy.fetch_sub(count, Ordering::AcqRel) == count
    }

    /// Lets a jump under way be over. For whoever has just been counted as at work.
    #[inline]
    pub(crate) fn pass(&self) {
        if let Some(standing) = &self.shared.standing {
            if !broken(Mutant::WakeIntoJump) {
                drop(standing.lock());
            }
        }
    }

    /// Somebody asks that time stand still.
    pub(crate) fn ask(&self) {
        if let Some(standing) = &self.shared.standing {
            standing.lock().asked += 1;
        }
    }

    pub(crate) fn unask(&self) {
        if let Some(standing) = &self.shared.standing {
            standing.lock().asked -= 1;
        }
    }

    /// Lets time go to `tick`, whoever asks that it stand still.
    pub(crate) fn allow(&self, tick: Tick) {
        if let Some(standing) = &self.shared.standing {
            let mut standing = standing.lock();
            standing.allowed = standing.allowed.max(tick.0);
        }
    }

    /// Has `clock` jump to the `next` deadline, if it may.
    pub(crate) fn look(
        &self,
        clock: &Clock,
        quiet: impl Fn() -> bool,
        next: impl Fn() -> Tick,
    ) -> Look {
        let Some(standing) = &self.shared.standing else {
            return Look::Held;
        };
        let mut standing = standing.lock();
        let too_early = broken(Mutant::NextBeforeQuiet).then(&next);
        if self.shared.busy.load(Ordering::Acquire) != 0 || !quiet() {
            return Look::Held;
        }
        // Only now: a worker that has just gone to sleep has left its timers before.
        let next = too_early.unwrap_or_else(next);
        let free = standing.asked == 0;
        if broken(Mutant::JumpUnlocked) {
            drop(standing);
            standing = self.shared.standing.as_ref().expect("as above").lock();
        }
        if next == Tick::NEVER {
            return if free { Look::Nothing } else { Look::Held };
        }
        if !free && next.0 > standing.allowed {
            return Look::Held;
        }
        clock.jump(next);
        Look::Due
    }
}
