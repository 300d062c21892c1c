//! The clock inhibitor: decides when a paused clock may jump, and makes it jump.
//!
//! One lock covers both the decision and the jump. So
//!
//! * a guard of `hold_time`, counted under the lock, stops the clock at once;
//! * a thread that begins work first counts itself as busy and then *passes* through the lock
//!   (takes and releases it): either the decision has seen the count, or the jump is over before
//!   the thread reads the clock.
//!
//! The clock stops at the end of every *advance*, whether it is held or not. An advance is over
//! when all threads are quiet at its end: only then has everything run that was due there.

use std::task::Waker;

use super::advances::{AdvanceKey, Advances};
use super::clock::{Clock, Tick};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutant, Mutex, StdArc, broken};

/// The counts of outstanding work, shared by a loop's threads. A paused clock jumps when there is
/// none and all workers sleep.
#[derive(Clone, Debug)]
pub(crate) struct ClockInhibitor {
    shared: StdArc<Counts>,
}

#[derive(Debug)]
struct Counts {
    /// Tasks in the inboxes of threads, foreign threads that run a root, workers inside a blocking
    /// call, and functions on the pool.
    busy: AtomicUsize,
    /// `None` if the clock is not paused.
    paused: Option<Mutex<PausedClock>>,
}

/// The rest of what decides about a jump.
#[derive(Debug, Default)]
struct PausedClock {
    /// The number of guards of `hold_time`.
    holds: usize,
    advances: Advances,
}

/// The result of [`ClockInhibitor::try_jump`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Jump {
    /// The clock has jumped to a deadline, or an advance has ended: something is due.
    Due,
    /// A thread is working, or a guard of `hold_time` holds the clock.
    Inhibited,
    /// No thread is working, no guard holds the clock, and there is no deadline to jump to.
    NoDeadline,
}

impl ClockInhibitor {
    pub(crate) fn new(paused: bool) -> ClockInhibitor {
        let counts = Counts {
            busy: AtomicUsize::new(0),
            paused: paused.then(Mutex::default),
        };
        ClockInhibitor {
            shared: StdArc::new(counts),
        }
    }

    /// Counts one piece of outstanding work: the clock does not jump until `end`. A jump in
    /// progress is over when this returns.
    pub(crate) fn begin(&self) {
        self.shared.busy.fetch_add(1, Ordering::AcqRel);
        self.pass();
    }

    /// Ends `count` pieces of outstanding work. Returns true if none is left.
    pub(crate) fn end(&self, count: usize) -> bool {
        self.shared.busy.fetch_sub(count, Ordering::AcqRel) == count
    }

    /// Waits until a jump in progress is over. A thread calls this after it has been counted as
    /// working.
    #[inline]
    pub(crate) fn pass(&self) {
        if let Some(paused) = &self.shared.paused {
            if !broken(Mutant::WakeIntoJump) {
                drop(paused.lock());
            }
        }
    }

    /// Counts a guard of `hold_time`: keeps the clock from jumping beyond the advances.
    pub(crate) fn hold(&self) {
        if let Some(paused) = &self.shared.paused {
            paused.lock().holds += 1;
        }
    }

    /// Ends one `hold`.
    pub(crate) fn release(&self) {
        if let Some(paused) = &self.shared.paused {
            paused.lock().holds -= 1;
        }
    }

    /// Adds an advance: the clock may move up to `when`, even if it is held, and `waker` is woken
    /// when it is there and all threads are quiet. Returns `None` if the loop is closed, or its
    /// clock is not paused.
    pub(crate) fn advance_to(&self, when: Tick, waker: Waker) -> Option<AdvanceKey> {
        let added = self
            .shared
            .paused
            .as_ref()?
            .lock()
            .advances
            .add(when, waker);
        // A refused waker may be the user's: it is dropped here, after the lock.
        added.ok()
    }

    /// Replaces the waker of an advance. Returns false if the advance is over.
    pub(crate) fn set_waker(&self, key: AdvanceKey, waker: &Waker) -> bool {
        let Some(paused) = &self.shared.paused else {
            return false;
        };
        let new = waker.clone();
        let left = paused.lock().advances.set_waker(key, new);
        left.is_ok()
    }

    /// Removes an advance whose future is dropped.
    pub(crate) fn leave(&self, key: AdvanceKey) {
        if let Some(paused) = &self.shared.paused {
            let waker = paused.lock().advances.remove(key);
            drop(waker);
        }
    }

    /// Removes every advance, wherever the clock is, and refuses new ones: the clock of a closed
    /// loop no longer moves. Returns the wakers, to be woken outside every lock.
    pub(crate) fn close(&self) -> Vec<Waker> {
        let paused = self.shared.paused.as_ref();
        paused.map_or_else(Vec::new, |paused| paused.lock().advances.close())
    }

    /// Makes `clock` jump to the `next` deadline or to the end of an advance, if nothing inhibits
    /// it. If an advance is at its end already and no deadline is due there, moves its waker to
    /// `due` instead.
    pub(crate) fn try_jump(
        &self,
        clock: &Clock,
        quiet: impl Fn() -> bool,
        next: impl Fn() -> Tick,
        due: &mut Vec<Waker>,
    ) -> Jump {
        let Some(paused) = &self.shared.paused else {
            return Jump::Inhibited;
        };
        let mut paused = paused.lock();
        let too_early = broken(Mutant::NextBeforeQuiet).then(&next);
        if self.shared.busy.load(Ordering::Acquire) != 0 || !quiet() {
            return Jump::Inhibited;
        }
        // Read only after `quiet`: a worker that has just gone to sleep has added its timers
        // before that.
        let next = too_early.unwrap_or_else(next);
        let free = paused.holds == 0;
        let (now, end) = (clock.tick(), paused.advances.next());
        if end <= now && next > now {
            paused.advances.end(now, due);
            return Jump::Due;
        }
        let to = next.min(end);
        if !free && to > paused.advances.farthest() {
            return Jump::Inhibited;
        }
        if to == Tick::NEVER {
            return Jump::NoDeadline;
        }
        if broken(Mutant::JumpUnlocked) {
            drop(paused);
        }
        clock.jump(to);
        Jump::Due
    }
}
