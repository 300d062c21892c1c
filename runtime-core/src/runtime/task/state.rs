//! The state word of a task. Every bit is private to this file; each transition is one method.
//!
//! ```text
//!                                      new task
//!                                          ▼
//!   ┌───────────┐      wake, cancel  ┌───────────┐
//!   │ suspended │ ──────────────────▶│ SCHEDULED │◀─────────┐
//!   └───────────┘                    └─────┬─────┘          │ idle (Rescheduled):
//!         ▲                                │ start          │ a wake or a cancel during
//!         │ idle (Suspended)               ▼                │ the poll has set SCHEDULED
//!         │                          ┌───────────┐          │ beside RUNNING
//!         └──────────────────────────│  RUNNING  │──────────┘
//!                                    └─────┬─────┘
//!                                          │ complete (Ready, dropped by the root, panicked)
//!                                          ▼
//!                                       ┌──────┐
//!                                       │ DONE │
//!                                       └──────┘
//! ```
//!
//! The parts of the word:
//! * **Running** (SCHEDULED, RUNNING). SCHEDULED without RUNNING: the task is in exactly one queue,
//!   or the thread that set the bit is about to put it there. That queue or thread holds the *right
//!   to run* (`Runnable`). RUNNING: one thread polls or drops the future; only it may touch that.
//! * **Ending** (DONE, CANCELLED, PANICKED, SILENT). DONE: the future is gone. The output belongs
//!   to the `Task` handle while HANDLE is set, and to the completer otherwise.
//! * **Observers** (HANDLE, JOINER, WAIT_LIST). JOINER: the join waker is stored and belongs to the
//!   completer. Without JOINER the waker's place belongs to the handle, also after DONE. WAIT_LIST:
//!   the completer must notify the wait list in the side allocation.
//! * **Cancellation** (CANCEL, FIRM, FOREIGN, the cancel count). The count is in the same word as
//!   CANCEL, so that `uncancel` withdraws an undelivered request in the same step in which it takes
//!   the count to zero.
//! * **Shutdown** (SHUTDOWN, LATE): the request of the loop's shutdown, which a task gets once.
//! * **References**: one for the loop until the task has left the registry, one for the `Task`
//!   handle, one for each waker and each `TaskHandle`. The loop's covers every queue entry and the
//!   poll: a task in a queue is not done, so the queue needs no reference of its own.
//!
//! Orders: every transition is one read-modify-write, so that the word has a single history. `wake`
//! releases even if it changes nothing, because the poll that follows must see what happened
//! before *that* wake; `start` acquires it.

use super::transitions::{Cancel, Complete, Detach, Ending, PollEnd, ShutdownRequest, Start};
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutant, broken, ordered};

/// The task is to be polled. With RUNNING: once more, after the poll that is in progress.
const SCHEDULED: u64 = 1 << 0;
/// One thread polls or drops the future, and has the only access to it.
const RUNNING: u64 = 1 << 1;
/// The task has ended: the future is dropped and the output stored. Never cleared.
const DONE: u64 = 1 << 2;
/// A request is counted and not yet delivered: the next poll delivers it. Cleared by DONE.
const CANCEL: u64 = 1 << 3;
/// The `Task` handle exists: the output is its own.
const HANDLE: u64 = 1 << 4;
/// The join waker is stored: the completer takes and wakes it.
const JOINER: u64 = 1 << 5;
/// Set with DONE: the task ended cancelled.
const CANCELLED: u64 = 1 << 6;
/// Set with DONE: the task ended by a panic.
const PANICKED: u64 = 1 << 7;
/// The wait list has been used: the completer notifies it. Never cleared.
const WAIT_LIST: u64 = 1 << 8;
/// Foreign wakers have been registered: a delivery wakes them first. Never cleared.
const FOREIGN: u64 = 1 << 9;
/// The shutdown of the loop has requested the cancellation of the task. Never cleared.
const SHUTDOWN: u64 = 1 << 10;
/// With CANCEL: the undelivered request came while the task was suspended, so its error is kept.
const FIRM: u64 = 1 << 11;
/// A caller cancelled the task after its end, and so knows of it: its panic is not reported.
const SILENT: u64 = 1 << 12;
/// Set before the insertion: the current round of the shutdown leaves the task to the next one.
const LATE: u64 = 1 << 13;

/// Bits 16 to 31: the requests counted and not taken back. Saturates.
const COUNT_ONE: u64 = 1 << 16;
const COUNT_MASK: u64 = 0xffff << 16;
/// Bits 32 to 63: the references.
const REFERENCE: u64 = 1 << 32;

/// The state word.
#[derive(Debug)]
pub(crate) struct State {
    word: AtomicU64,
}

impl State {
    /// The state of a new task: scheduled, with the loop's reference and the handle's.
    #[inline]
    pub(crate) fn new() -> State {
        State {
            word: AtomicU64::new(SCHEDULED | HANDLE | (2 * REFERENCE)),
        }
    }

    /// Begins a poll. The caller must hold the right to run. Acquires what every wake so far
    /// released.
    #[inline]
    pub(crate) fn start(&self) -> Start {
        // SCHEDULED is set, and RUNNING is not. An addition is one instruction that returns the
        // word before; an exclusive or would be a loop.
        let before = self.word.fetch_add(RUNNING - SCHEDULED, Ordering::AcqRel);
        debug_assert!(before & SCHEDULED != 0, "started without the right to run");
        debug_assert!(before & (RUNNING | DONE) == 0, "started twice");
        if before & CANCEL == 0 {
            Start::Poll
        } else {
            Start::Deliver
        }
    }

    /// Takes the undelivered request. False if `uncancel` has withdrawn it since `start`.
    #[must_use]
    pub(crate) fn take_request(&self) -> bool {
        self.word.fetch_and(!(CANCEL | FIRM), Ordering::AcqRel) & CANCEL != 0
    }

    /// Makes an undelivered request part of the one that has just been delivered. It stays counted.
    pub(crate) fn absorb_request(&self) {
        self.word.fetch_and(!(CANCEL | FIRM), Ordering::AcqRel);
    }

    /// Ends a poll that returned `Pending`.
    #[inline]
    pub(crate) fn idle(&self) -> PollEnd {
        // RUNNING is set: see `start`.
        let mut before = self.word.fetch_sub(RUNNING, Ordering::AcqRel);
        if broken(Mutant::ForgetWakeDuringPoll) {
            before &= !SCHEDULED;
            self.word.fetch_and(!SCHEDULED, Ordering::Relaxed);
        }
        debug_assert!(before & RUNNING != 0, "a poll ended that had not begun");
        if before & SCHEDULED == 0 {
            PollEnd::Suspended
        } else {
            PollEnd::Rescheduled
        }
    }

    /// Ends the task: publishes the output, which has been stored before. The loop's reference is
    /// kept: it covers the notification of waiters and the registry's slot.
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
            // Release: publishes the output. Acquire: the join waker, which the handle has stored.
            let publish = ordered(Ordering::AcqRel, Mutant::DoneBeforeOutput);
            match self
                .word
                .compare_exchange(before, after, publish, Ordering::Relaxed)
            {
                Ok(_) => {
                    return Complete {
                        joiner: before & JOINER != 0,
                        wait_list: before & WAIT_LIST != 0,
                        orphan: before & HANDLE == 0 && !output_dropped,
                    };
                }
                Err(now) => before = now,
            }
        }
    }

    /// Wakes. True if the caller now holds the right to run the task.
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

    /// Counts a cancellation request, to be delivered by the next poll.
    pub(crate) fn cancel(&self) -> Cancel {
        self.request(|before| Some(counted(before)))
    }

    /// Counts the request of the loop's shutdown, once. Further calls return `Known`, also if an
    /// awaiter forwards the shutdown's request.
    pub(crate) fn cancel_for_shutdown(&self) -> Cancel {
        self.request(|before| {
            let first = before & SHUTDOWN == 0 || broken(Mutant::ShutdownTwice);
            first.then_some(counted(before) | SHUTDOWN)
        })
    }

    /// Requests another delivery of a request that was claimed and given back. It is counted
    /// already. Does nothing if all requests have been taken back meanwhile.
    pub(crate) fn cancel_again(&self) -> Cancel {
        self.request(|before| (count(before) != 0).then_some(before))
    }

    /// Counts a request that is no later than the last delivery, and so part of that delivery.
    /// False if the task is done.
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

    /// Changes the word by `note` and has a request delivered. Nothing if `note` returns `None`.
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

    /// Takes one request back and returns how many are left. At zero an undelivered one is
    /// withdrawn.
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

    /// The number of requests that have been counted and not taken back.
    pub(crate) fn cancelling(&self) -> u32 {
        count(self.word.load(Ordering::Acquire))
    }

    /// Whether the undelivered request came while the task was suspended: then its error is kept;
    /// otherwise a later request replaces the error.
    pub(crate) fn has_firm_request(&self) -> bool {
        self.word.load(Ordering::Acquire) & FIRM != 0
    }

    /// Whether there is an undelivered request.
    pub(crate) fn has_request(&self) -> bool {
        self.word.load(Ordering::Acquire) & CANCEL != 0
    }

    /// Whether the shutdown of the loop has requested the task's cancellation.
    pub(crate) fn has_had_shutdown(&self) -> bool {
        self.word.load(Ordering::Acquire) & SHUTDOWN != 0
    }

    /// Marks a new task that the current round of the shutdown must leave alone.
    pub(crate) fn leave_to_next_round(&self) {
        // Relaxed: the insertion into the registry, which follows, publishes it.
        self.word.fetch_or(LATE, Ordering::Relaxed);
    }

    /// Whether the round of the shutdown in which the task was made leaves it alone.
    pub(crate) fn is_late(&self) -> bool {
        self.word.load(Ordering::Relaxed) & LATE != 0
    }

    /// The progress of the task's shutdown request.
    pub(crate) fn shutdown_request(&self) -> ShutdownRequest {
        let word = self.word.load(Ordering::Acquire);
        match (word & SHUTDOWN != 0, word & CANCEL != 0) {
            (true, true) => ShutdownRequest::Pending,
            (true, false) => ShutdownRequest::Delivered,
            (false, _) if word & LATE != 0 => ShutdownRequest::Delivered,
            (false, _) => ShutdownRequest::None,
        }
    }

    /// Notes that a caller has cancelled the task, found it done, and so knows of a panic.
    pub(crate) fn silence(&self) {
        self.word.fetch_or(SILENT, Ordering::Relaxed);
    }

    /// Whether the task's panic is not reported. Relaxed: it publishes nothing.
    pub(crate) fn is_silent(&self) -> bool {
        self.word.load(Ordering::Relaxed) & SILENT != 0
    }

    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        self.word.load(Ordering::Acquire) & DONE != 0
    }

    /// Whether the task has been woken since its poll began, as a hint. Relaxed: nothing follows
    /// from it but when turns are passed on.
    pub(crate) fn is_scheduled(&self) -> bool {
        self.word.load(Ordering::Relaxed) & SCHEDULED != 0
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

    /// Whether the `Task` handle exists; it may be dropped at any time. Acquire: pairs with
    /// `detach`. If it is gone, the completer drops the output, after all that the handle did.
    #[inline]
    pub(crate) fn has_handle(&self) -> bool {
        let acquire = ordered(Ordering::Acquire, Mutant::HintRelaxed);
        self.word.load(acquire) & HANDLE != 0
    }

    /// Gives the join waker, just stored, to the completer. False if the task is done: its place
    /// still belongs to the handle.
    #[inline]
    #[must_use]
    pub(crate) fn give_joiner(&self) -> bool {
        self.set_unless_done(JOINER)
    }

    /// Takes the join waker's place back, to store another waker. False if the task is done.
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

    /// Announces an entry of the wait list. False if the task is done.
    #[must_use]
    pub(crate) fn note_wait_list(&self) -> bool {
        self.set_unless_done(WAIT_LIST)
    }

    /// Announces foreign wakers in the side allocation.
    pub(crate) fn note_foreign(&self) {
        self.word.fetch_or(FOREIGN, Ordering::AcqRel);
    }

    pub(crate) fn has_foreign(&self) -> bool {
        self.word.load(Ordering::Acquire) & FOREIGN != 0
    }

    /// Drops the `Task` handle.
    #[inline]
    pub(crate) fn detach(&self) -> Detach {
        let mut before = self.word.load(Ordering::Acquire);
        loop {
            if before & DONE != 0 {
                return Detach::DropOutput;
            }
            let had_joiner = before & JOINER != 0;
            let bare = before & !(HANDLE | JOINER);
            // The task is not done, so the loop's reference exists: this one is not the last.
            let after = if had_joiner { bare } else { bare - REFERENCE };
            // Release: pairs with the Acquire in `complete`, whose caller drops the output, and in
            // `has_handle`.
            let publish = ordered(Ordering::AcqRel, Mutant::DetachRelaxed);
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

    /// Adds a reference. Relaxed: the caller holds one already.
    #[inline]
    pub(crate) fn retain(&self) {
        let before = self.word.fetch_add(REFERENCE, Ordering::Relaxed);
        // After 2^31 forgotten references, before the count overflows.
        if before >= u64::MAX / 2 {
            std::process::abort();
        }
    }

    /// Releases a reference. True if it was the last: the caller must free the task.
    #[inline]
    #[must_use]
    pub(crate) fn release(&self) -> bool {
        // The only holder needs no read-modify-write: no other thread can reach the word.
        // Acquire: pairs with the Release in the decrements of the others.
        let acquire = ordered(Ordering::Acquire, Mutant::ReleaseRelaxed);
        if self.word.load(acquire) / REFERENCE == 1 {
            return true;
        }
        let both = ordered(Ordering::AcqRel, Mutant::ReleaseRelaxed);
        self.word.fetch_sub(REFERENCE, both) / REFERENCE == 1
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
        // Release: pairs with the Acquire in `start` of the poll that delivers the request.
        let publish = ordered(Ordering::AcqRel, Mutant::RequestRelaxed);
        self.word
            .compare_exchange(before, after, publish, Ordering::Relaxed)
            .map(drop)
    }
}

/// The word with its cancel count increased, unless that is at its maximum.
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
