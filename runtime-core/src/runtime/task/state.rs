//! The state word of a task: every bit is private to this file, and each transition is one method.
//!
//! ```text
//!                 wake / cancel                    complete
//!   ┌──────┐ ──────────────────▶ ┌───────────┐  (Ready, root dropped, panic)
//!   │ idle │                     │ SCHEDULED │            ┌──────┐
//!   └──────┘ ◀──────┐            └─────┬─────┘      ┌───▶ │ DONE │
//!       ▲           │ idle             │ start      │     └──────┘
//!       │           │ (Parked)         ▼            │
//!       │           │            ┌───────────┐ ─────┘
//!       │           └─────────── │  RUNNING  │
//!       │                        └─────┬─────┘ ◀──┐ wake, cancel: SCHEDULED is
//!       └────────────────────────      └──────────┘ set beside it, and `idle`
//!                                                   answers Again
//! ```
//!
//! Who may do what:
//! * SCHEDULED without RUNNING: the task stands in exactly one queue, or is in the hands of whoever
//!   set the bit and is about to put it there. That hand holds the *right to run* (`Runnable`).
//! * RUNNING: one thread polls the future, or drops it. It alone may touch the future.
//! * DONE: the future is gone. The output belongs to the `Task` handle while HANDLE is set, to the
//!   completer otherwise.
//! * JOINER: the join waker is stored and belongs to the completer; without it the waker's place
//!   belongs to the handle. After DONE the handle never touches that place.
//! * references: one for the loop from birth to completion (it covers every queue entry and the
//!   poll: a task in a queue is not done, so it needs no count of its own), one for the `Task`
//!   handle, one for each waker and each `TaskHandle`.
//!
//! The cancel count stands in the same word as the CANCEL bit, so that `uncancel` withdraws an
//! undelivered request in the same step in which it takes the count to zero.
//!
//! Orders: every transition is one read-modify-write, so that the word has a single history. `wake`
//! releases even where it changes nothing, because the poll that follows must see what happened
//! before *that* wake; `start` acquires it.

use super::transitions::{Cancel, Complete, Detach, Ending, Idle, ShutdownPart, Start};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutant, broken};

const SCHEDULED: u64 = 1 << 0;
const RUNNING: u64 = 1 << 1;
const DONE: u64 = 1 << 2;
const CANCEL: u64 = 1 << 3;
const HANDLE: u64 = 1 << 4;
const JOINER: u64 = 1 << 5;
const CANCELLED: u64 = 1 << 6;
const PANICKED: u64 = 1 << 7;
const WATCHED: u64 = 1 << 8;
const FOREIGN: u64 = 1 << 9;
/// The task has had its part of the shutdown of its loop.
const SHUTDOWN: u64 = 1 << 10;
/// The undelivered request came while the task was suspended: its message stands.
const FIRM: u64 = 1 << 11;
const SILENT: u64 = 1 << 12;
const LATE: u64 = 1 << 13;

const COUNT_ONE: u64 = 1 << 16;
const COUNT_MASK: u64 = 0xffff << 16;
const REFERENCE: u64 = 1 << 32;

/// The word itself.
#[derive(Debug)]
pub(crate) struct State {
    word: AtomicU64,
}

impl State {
    /// A task that has been scheduled for the first time: the loop's reference and the handle's.
    #[inline]
    pub(crate) fn new() -> State {
        State {
            word: AtomicU64::new(SCHEDULED | HANDLE | (2 * REFERENCE)),
        }
    }

    /// Begins a poll. Acquires what every wake so far released.
    #[inline]
    pub(crate) fn start(&self) -> Start {
        let before = self.word.fetch_xor(SCHEDULED | RUNNING, Ordering::AcqRel);
        debug_assert!(before & SCHEDULED != 0, "started without the right to run");
        debug_assert!(before & (RUNNING | DONE) == 0, "started twice");
        if before & CANCEL == 0 {
            Start::Poll
        } else {
            Start::Deliver
        }
    }

    /// Consumes the undelivered request. False if `uncancel` has withdrawn it since `start` looked.
    #[must_use]
    pub(crate) fn take_request(&self) -> bool {
        self.word.fetch_and(!(CANCEL | FIRM), Ordering::AcqRel) & CANCEL != 0
    }

    /// Makes an undelivered request a part of the one that has just been delivered. It stays counted.
    pub(crate) fn absorb_request(&self) {
        self.word.fetch_and(!(CANCEL | FIRM), Ordering::AcqRel);
    }

    /// Ends a poll that answered `Pending`.
    #[inline]
    pub(crate) fn idle(&self) -> Idle {
        let before = if broken(Mutant::ForgetWakeDuringPoll) {
            self.word
                .fetch_and(!(RUNNING | SCHEDULED), Ordering::AcqRel)
                & !SCHEDULED
        } else {
            self.word.fetch_and(!RUNNING, Ordering::AcqRel)
        };
        debug_assert!(before & RUNNING != 0, "a poll ended that had not begun");
        if before & SCHEDULED == 0 {
            Idle::Parked
        } else {
            Idle::Again
        }
    }

    /// Ends the task: publishes the output, which has been stored before. The loop's reference is
    /// still held: it covers the telling, and the slot in the registry.
    #[inline]
    pub(crate) fn complete(&self, ending: Ending, output_dropped: bool) -> Complete {
        let how = match ending {
            Ending::Returned => DONE,
            Ending::Cancelled => DONE | CANCELLED,
            Ending::Panicked => DONE | PANICKED,
        };
        let mut before = self.word.load(Ordering::Relaxed);
        loop {
            debug_assert!(before & RUNNING != 0, "completed without running");
            debug_assert!(before & DONE == 0, "completed twice");
            let after = (before & !(RUNNING | SCHEDULED | CANCEL)) | how;
            // Release: publishes the output. Acquire: what the handle stored, the join waker.
            let publish = if broken(Mutant::DoneBeforeOutput) {
                Ordering::Relaxed
            } else {
                Ordering::AcqRel
            };
            match self
                .word
                .compare_exchange(before, after, publish, Ordering::Relaxed)
            {
                Ok(_) => {
                    return Complete {
                        joiner: before & JOINER != 0,
                        watched: before & WATCHED != 0,
                        orphan: before & HANDLE == 0 && !output_dropped,
                    };
                }
                Err(now) => before = now,
            }
        }
    }

    /// Notes a wake. True if the caller now holds the right to run the task.
    #[inline]
    #[must_use]
    pub(crate) fn wake(&self) -> bool {
        if broken(Mutant::WakeWithoutRelease) && self.word.load(Ordering::Relaxed) & SCHEDULED != 0
        {
            return false;
        }
        let before = self.word.fetch_or(SCHEDULED, Ordering::AcqRel);
        before & (SCHEDULED | RUNNING | DONE) == 0
    }

    /// Notes a cancellation request.
    pub(crate) fn cancel(&self) -> Cancel {
        self.request(|before| Some(counted(before)))
    }

    /// Notes the task's part of the shutdown of its loop, which it has once: whoever asks again, and an
    /// awaiter that passes its own part on, finds it known.
    pub(crate) fn cancel_for_shutdown(&self) -> Cancel {
        self.request(|before| {
            let first = before & SHUTDOWN == 0 || broken(Mutant::ShutdownTwice);
            first.then_some(counted(before) | SHUTDOWN)
        })
    }

    /// Has a request delivered once more that was claimed, and not acted on. It stands in the count
    /// already; if all were taken back meanwhile, there is none.
    pub(crate) fn cancel_again(&self) -> Cancel {
        self.request(|before| (count(before) != 0).then_some(before))
    }

    /// Counts a request that is no later than the last delivery, and so a part of that. False if the
    /// task is done.
    #[must_use]
    pub(crate) fn count_request(&self) -> bool {
        let mut before = self.word.load(Ordering::Relaxed);
        while before & DONE == 0 {
            match self.exchange(before, counted(before)) {
                Ok(()) => return true,
                Err(now) => before = now,
            }
        }
        false
    }

    /// Has a request delivered, after what `note` makes of the word; nothing if that is `None`.
    fn request(&self, note: impl Fn(u64) -> Option<u64>) -> Cancel {
        let mut before = self.word.load(Ordering::Relaxed);
        loop {
            if before & DONE != 0 {
                return Cancel::Done;
            }
            let Some(counted) = note(before) else {
                return Cancel::Known;
            };
            let suspended = before & (SCHEDULED | RUNNING) == 0;
            let firm = if suspended { FIRM } else { 0 };
            let after = counted | CANCEL | SCHEDULED | firm;
            match self.exchange(before, after) {
                Ok(()) if suspended => return Cancel::Schedule,
                Ok(()) => return Cancel::Counted,
                Err(now) => before = now,
            }
        }
    }

    /// Takes one request back and answers how many are left. At zero an undelivered one is dropped.
    pub(crate) fn uncancel(&self) -> u32 {
        let mut before = self.word.load(Ordering::Relaxed);
        loop {
            let left = count(before);
            if left == 0 || before & DONE != 0 {
                return left;
            }
            let mut after = before - COUNT_ONE;
            let in_two_steps = broken(Mutant::WithdrawInTwoSteps);
            if left == 1 && !in_two_steps && !broken(Mutant::KeepWithdrawn) {
                after &= !(CANCEL | FIRM);
            }
            match self.exchange(before, after) {
                Ok(()) if left == 1 && in_two_steps => {
                    self.word.fetch_and(!(CANCEL | FIRM), Ordering::AcqRel);
                    return 0;
                }
                Ok(()) => return left - 1,
                Err(now) => before = now,
            }
        }
    }

    /// How many requests have been counted and not taken back.
    pub(crate) fn cancelling(&self) -> u32 {
        count(self.word.load(Ordering::Acquire))
    }

    /// Whether the request that waits to be delivered came while the task was suspended: then
    /// its message stands, and otherwise that of the last.
    pub(crate) fn has_firm_request(&self) -> bool {
        self.word.load(Ordering::Acquire) & FIRM != 0
    }

    /// Whether a request waits to be delivered.
    pub(crate) fn has_request(&self) -> bool {
        self.word.load(Ordering::Acquire) & CANCEL != 0
    }

    /// Whether the task has had its part of a shutdown.
    pub(crate) fn has_had_shutdown(&self) -> bool {
        self.word.load(Ordering::Acquire) & SHUTDOWN != 0
    }

    /// The task was made by a cleanup in the shutdown: the round that is under way leaves it alone.
    pub(crate) fn leave_to_next_round(&self) {
        // Relaxed: before the birth, which publishes it.
        self.word.fetch_or(LATE, Ordering::Relaxed);
    }

    /// Whether the round of the shutdown in which the task was born leaves it alone.
    pub(crate) fn is_late(&self) -> bool {
        self.word.load(Ordering::Relaxed) & LATE != 0
    }

    pub(crate) fn shutdown_part(&self) -> ShutdownPart {
        let word = self.word.load(Ordering::Acquire);
        match (word & SHUTDOWN != 0, word & CANCEL != 0) {
            (true, true) => ShutdownPart::Coming,
            (true, false) => ShutdownPart::Met,
            (false, _) if word & LATE != 0 => ShutdownPart::Met,
            (false, _) => ShutdownPart::NotYet,
        }
    }

    /// Somebody has cancelled a task that has panicked, and so knows of it: nobody else is told.
    pub(crate) fn silence(&self) {
        self.word.fetch_or(SILENT, Ordering::Relaxed);
    }

    /// Whether nobody is to be told of the task's panic. Relaxed: it
    /// publishes nothing.
    pub(crate) fn is_silent(&self) -> bool {
        self.word.load(Ordering::Relaxed) & SILENT != 0
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.word.load(Ordering::Acquire) & DONE != 0
    }

    pub(crate) fn is_running(&self) -> bool {
        self.word.load(Ordering::Acquire) & RUNNING != 0
    }

    /// How the task ended, once it is done.
    pub(crate) fn ending(&self) -> Option<Ending> {
        let word = self.word.load(Ordering::Acquire);
        match word & (DONE | CANCELLED | PANICKED) {
            DONE => Some(Ending::Returned),
            state if state & CANCELLED != 0 => Some(Ending::Cancelled),
            state if state & PANICKED != 0 => Some(Ending::Panicked),
            _ => None,
        }
    }

    /// Whether the handle still exists: it may go at any time. Acquire: pairs with `detach`. Where it
    /// is gone the completer drops the output at once, after all that was done with the handle.
    #[inline]
    pub(crate) fn has_handle(&self) -> bool {
        let acquire = match broken(Mutant::HintRelaxed) {
            true => Ordering::Relaxed,
            false => Ordering::Acquire,
        };
        self.word.load(acquire) & HANDLE != 0
    }

    /// Hands the join waker, just stored, to the completer. False if the task is done: the place is
    /// still the handle's.
    #[inline]
    #[must_use]
    pub(crate) fn give_joiner(&self) -> bool {
        self.set_unless_done(JOINER)
    }

    /// Takes the join waker's place back, to store another. False if the task is done.
    #[must_use]
    pub(crate) fn take_joiner(&self) -> bool {
        let mut before = self.word.load(Ordering::Relaxed);
        loop {
            if before & DONE != 0 {
                // Acquires the output: the caller goes on to read it.
                self.word.load(Ordering::Acquire);
                return false;
            }
            match self.exchange(before, before & !JOINER) {
                Ok(()) => return true,
                Err(now) => before = now,
            }
        }
    }

    /// Whether a join waker is stored.
    #[inline]
    pub(crate) fn has_joiner(&self) -> bool {
        self.word.load(Ordering::Relaxed) & JOINER != 0
    }

    /// Announces waiters or callbacks in the side allocation. False if the task is done.
    #[must_use]
    pub(crate) fn watch(&self) -> bool {
        self.set_unless_done(WATCHED)
    }

    /// Announces wakers other than the task's own in the side allocation.
    pub(crate) fn note_foreign(&self) {
        self.word.fetch_or(FOREIGN, Ordering::AcqRel);
    }

    pub(crate) fn has_foreign(&self) -> bool {
        self.word.load(Ordering::Acquire) & FOREIGN != 0
    }

    /// The `Task` handle goes.
    #[inline]
    pub(crate) fn detach(&self) -> Detach {
        let mut before = self.word.load(Ordering::Acquire);
        loop {
            if before & DONE != 0 {
                return Detach::DropOutput;
            }
            let had_joiner = before & JOINER != 0;
            let bare = before & !(HANDLE | JOINER);
            // Not done: the loop's reference is there, so this is never the last one.
            let after = if had_joiner { bare } else { bare - REFERENCE };
            // Release: pairs with the Acquire in `complete`, whose caller drops the output, and in
            // `has_handle`.
            let publish = match broken(Mutant::DetachRelaxed) {
                true => Ordering::Relaxed,
                false => Ordering::AcqRel,
            };
            match self
                .word
                .compare_exchange(before, after, publish, Ordering::Acquire)
            {
                Ok(_) if had_joiner => return Detach::DropWaker,
                Ok(_) => return Detach::Released,
                Err(now) => before = now,
            }
        }
    }

    /// One more reference. Relaxed: whoever makes it holds one already.
    #[inline]
    pub(crate) fn retain(&self) {
        let before = self.word.fetch_add(REFERENCE, Ordering::Relaxed);
        // Wakers forgotten four thousand million times: no count survives that.
        if before >= u64::MAX / 2 {
            std::process::abort();
        }
    }

    /// Gives a reference back. True if it was the last: the caller frees the task.
    #[inline]
    #[must_use]
    pub(crate) fn release(&self) -> bool {
        if broken(Mutant::ReleaseRelaxed) {
            return self.word.fetch_sub(REFERENCE, Ordering::Relaxed) / REFERENCE == 1;
        }
        // The only holder needs no read-modify-write: nobody else can reach the word.
        // Acquire pairs with the release in the decrements of the others.
        if self.word.load(Ordering::Acquire) / REFERENCE == 1 {
            return true;
        }
        self.word.fetch_sub(REFERENCE, Ordering::AcqRel) / REFERENCE == 1
    }

    #[inline]
    fn set_unless_done(&self, bit: u64) -> bool {
        let mut before = self.word.load(Ordering::Acquire);
        loop {
            if before & DONE != 0 {
                return false;
            }
            match self.word.compare_exchange(
                before,
                before | bit,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return true,
                Err(now) => before = now,
            }
        }
    }

    fn exchange(&self, before: u64, after: u64) -> Result<(), u64> {
        // Release: pairs with the Acquire in `start`, of who meets the request.
        let publish = match broken(Mutant::RequestRelaxed) {
            true => Ordering::Relaxed,
            false => Ordering::AcqRel,
        };
        self.word
            .compare_exchange(before, after, publish, Ordering::Relaxed)
            .map(drop)
    }
}

/// The word with one request more in its count, which stops at its greatest.
fn counted(word: u64) -> u64 {
    if word & COUNT_MASK == COUNT_MASK {
        word
    } else {
        word + COUNT_ONE
    }
}

fn count(word: u64) -> u32 {
    ((word & COUNT_MASK) / COUNT_ONE) as u32
}
