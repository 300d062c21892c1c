//! What keeps a time that stands still from jumping, or has it go.
//!
//! Whether it may jump is looked at under a lock, and under that lock it jumps. So
//!
//! * a guard that is asked for under the lock holds time at once;
//! * whoever makes noise counts itself first and then *passes* the lock: either the look has seen
//!   it, or the jump is over before it reads the clock.
//!
//! Time stops at the end of every *advance*, held or not, and an advance is over when all is quiet
//! there: only then has everything run that was due at its end.

use std::task::Waker;

use super::advances::{AdvanceKey, Advances};
use super::clock::{Clock, Tick};
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutant, Mutex, StdArc, broken};

/// What is outstanding, shared by a loop's threads. Time jumps when nothing is, and everybody sleeps.
#[derive(Clone, Debug)]
pub(crate) struct ClockInhibitor {
    shared: StdArc<Counts>,
}

#[derive(Debug)]
struct Counts {
    /// Tasks on their way to a thread's inbox, foreign threads at work, functions on the pool.
    busy: AtomicUsize,
    /// None where time goes by itself.
    paused: Option<Mutex<PausedClock>>,
}

/// What decides about a jump.
#[derive(Debug, Default)]
struct PausedClock {
    /// Guards of `hold_time`.
    asked: usize,
    advances: Advances,
}

/// What came of a look whether time may jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Look {
    /// Time has jumped, or had come already: something is due.
    Due,
    /// Somebody is at work, or asks that time stand still.
    Inhibited,
    /// Nobody is at work, nobody holds time, and nothing waits for it.
    Nothing,
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
        if let Some(paused) = &self.shared.paused {
            if !broken(Mutant::WakeIntoJump) {
                drop(paused.lock());
            }
        }
    }

    /// Somebody asks that time stand still.
    pub(crate) fn ask(&self) {
        if let Some(paused) = &self.shared.paused {
            paused.lock().asked += 1;
        }
    }

    pub(crate) fn unask(&self) {
        if let Some(paused) = &self.shared.paused {
            paused.lock().asked -= 1;
        }
    }

    /// Lets time go to `when`, held or not, and has `waker` woken when it is there and all is quiet.
    /// `None` if the loop is closed.
    pub(crate) fn advance_to(&self, when: Tick, waker: Waker) -> Option<AdvanceKey> {
        let added = self
            .shared
            .paused
            .as_ref()?
            .lock()
            .advances
            .add(when, waker);
        // The waker may be the user's: it is dropped after the lock.
        added.ok()
    }

    /// Has an advance wake `waker` instead. False if it is over.
    pub(crate) fn set_waker(&self, key: AdvanceKey, waker: &Waker) -> bool {
        let Some(paused) = &self.shared.paused else {
            return false;
        };
        let new = waker.clone();
        let left = paused.lock().advances.set_waker(key, new);
        left.is_ok()
    }

    /// An advance is given up.
    pub(crate) fn leave(&self, key: AdvanceKey) {
        if let Some(paused) = &self.shared.paused {
            let waker = paused.lock().advances.remove(key);
            drop(waker);
        }
    }

    /// Ends every advance where time stands, since nobody moves it any more.
    pub(crate) fn close(&self) -> Vec<Waker> {
        let paused = self.shared.paused.as_ref();
        paused.map_or_else(Vec::new, |paused| paused.lock().advances.close())
    }

    /// Has `clock` jump to the `next` deadline or the end of an advance, if it may. Where an advance
    /// is at its end, and nothing more happens there, its waker goes to `due` instead.
    pub(crate) fn look(
        &self,
        clock: &Clock,
        quiet: impl Fn() -> bool,
        next: impl Fn() -> Tick,
        due: &mut Vec<Waker>,
    ) -> Look {
        let Some(paused) = &self.shared.paused else {
            return Look::Inhibited;
        };
        let mut paused = paused.lock();
        let too_early = broken(Mutant::NextBeforeQuiet).then(&next);
        if self.shared.busy.load(Ordering::Acquire) != 0 || !quiet() {
            return Look::Inhibited;
        }
        // Only now: a worker that has just gone to sleep has left its timers before.
        let next = too_early.unwrap_or_else(next);
        let free = paused.asked == 0;
        let (now, end) = (clock.tick(), paused.advances.next());
        if end <= now && next > now {
            paused.advances.end(now, due);
            return Look::Due;
        }
        let to = next.min(end);
        if !free && to > paused.advances.farthest() {
            return Look::Inhibited;
        }
        if to == Tick::NEVER {
            return Look::Nothing;
        }
        if broken(Mutant::JumpUnlocked) {
            drop(paused);
        }
        clock.jump(to);
        Look::Due
    }
}
