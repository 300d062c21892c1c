//! The right to run a task, and what running it means.

use std::ptr::NonNull;
use std::task::{Context as PollWith, Poll, Waker};

use super::cancel::{self, OwnerId, Serial, wake_foreign_wakers};
use super::header::{Header, TaskPointer, Wake};
use super::reference::TaskRef;
use super::transitions::{Ending, PollEnd, Start};
use super::waker::BorrowedWaker;
use crate::exceptions::CancelledError;
use crate::runtime::catch_panic::wake_catching;
use crate::runtime::run_queue::Word;
use crate::runtime::unnest::unnested;
use crate::sync::{Mutant, broken};

/// The right to run a task: SCHEDULED is set, and its owner is the one that will `start` it.
///
/// It carries no reference: the loop's covers it, because a task that has yet to run is not done.
/// Forgetting one leaks its task; there is no `Drop`, since a queue may be dropped anywhere, and a
/// future may not.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a task that is not run is never run again"]
pub(crate) struct Runnable {
    pointer: TaskPointer,
}

// SAFETY: a Runnable of a task that is bound to a thread is handed by its scheduler to that thread
// alone (`Schedule::schedule`); of any other task the future is Send.
unsafe impl Send for Runnable {}

impl Runnable {
    /// # Safety
    /// The caller has just been given the right to run the task (`State::wake`, `State::cancel`,
    /// `PollEnd::Rescheduled`, or its creation).
    pub(crate) unsafe fn from_pointer(pointer: TaskPointer) -> Runnable {
        Runnable { pointer }
    }

    /// The task, to be compared or registered.
    pub(crate) fn pointer(&self) -> TaskPointer {
        self.pointer
    }

    pub(crate) fn header(&self) -> &Header {
        // SAFETY: H5: the right to run is covered by the loop's reference.
        unsafe { self.pointer.as_ref() }
    }

    /// A reference to the task, to speak of it after it has run.
    pub(crate) fn reference(&self) -> TaskRef {
        // SAFETY: H5: the right to run is covered by the loop's reference.
        unsafe { TaskRef::from_borrowed(self.pointer) }
    }

    /// Polls the task once, and does what follows from it.
    pub(crate) fn run(self) {
        if let Some(again) = self.poll_once() {
            again.reschedule();
        }
    }

    /// Gives a task that was woken during its poll back to its scheduler.
    pub(crate) fn reschedule(self) {
        let pointer = self.pointer;
        let schedule = self.header().vtable.schedule;
        // SAFETY: the right to run is ours.
        unsafe { schedule(pointer, Wake::Yielded) }
    }

    /// As [`run`](Runnable::run), but returns the right to run again if the task was woken during
    /// its poll, to a caller that knows where to put it.
    #[inline(always)]
    pub(crate) fn poll_once(self) -> Option<Runnable> {
        let pointer = self.pointer;
        // SAFETY: H5: the right to run is covered by the loop's reference until `idle` or `finish`.
        let header = unsafe { pointer.as_ref() };
        let owner = start(header);
        // SAFETY: as above; `entered` is dropped before the task may be freed.
        let entered = unsafe { cancel::enter(pointer, owner) };
        let ending = if owner == OwnerId::NONE {
            poll(pointer)
        } else {
            deliver(pointer)
        };
        drop(entered);
        match ending {
            Some(ending) => {
                // SAFETY: RUNNING is ours, and the output has been stored.
                unsafe { finish(pointer, ending) }
                None
            }
            None => {
                header.end_poll();
                let rescheduled = header.state.idle() == PollEnd::Rescheduled;
                // `idle` has answered whether the right to run is ours.
                rescheduled.then_some(Runnable { pointer })
            }
        }
    }

    /// As [`abandon`](Runnable::abandon), for a caller that may be inside a destructor of such a
    /// task: nested too deep, the end is put off until the outermost destructor returns.
    pub(crate) fn abandon_unnested(self, error: CancelledError) {
        unnested(|| self.abandon(error));
    }

    /// Ends the task without a poll: its future is dropped here, as by a cancellation.
    pub(crate) fn abandon(self, error: CancelledError) {
        let pointer = self.pointer;
        // SAFETY: as in `run`.
        let header = unsafe { pointer.as_ref() };
        let _not_polled = start(header);
        // SAFETY: as in `run`.
        let entered = unsafe { cancel::enter(pointer, OwnerId::NONE) };
        let ending = cancel_future(pointer, error);
        cancel::end_marks();
        drop(entered);
        // SAFETY: RUNNING is ours, and the output has been stored.
        unsafe { finish(pointer, ending) }
    }
}

// SAFETY: the word is the pointer, and the slot hands it out once: the right to run stays one.
unsafe impl Word for Runnable {
    fn into_word(self) -> NonNull<()> {
        self.pointer.cast()
    }

    /// # Safety
    /// As the trait says.
    unsafe fn from_word(word: NonNull<()>) -> Runnable {
        Runnable {
            pointer: word.cast(),
        }
    }
}

/// Begins a poll. Whose request is delivered with it.
#[inline]
fn start(header: &Header) -> OwnerId {
    match header.state.start() {
        Start::Poll => OwnerId::NONE,
        Start::Deliver => begin_delivery(header),
    }
}

#[cold]
fn begin_delivery(header: &Header) -> OwnerId {
    let take = || header.state.take_request();
    let taken = match header.side() {
        Some(side) => side.begin_delivery(take),
        // A shutdown's request, without a message.
        None => take(),
    };
    if taken { OwnerId::TASK } else { OwnerId::NONE }
}

/// One poll with nothing to deliver. What is raised and not claimed inside ends the task.
// Always, though `deliver` calls it too: of both calls only the one in `run` is hot.
#[inline(always)]
fn poll(pointer: TaskPointer) -> Option<Ending> {
    let noted = cancel::newest_raise();
    match poll_future(pointer) {
        Poll::Ready(ending) => {
            cancel::end_marks();
            Some(ending)
        }
        Poll::Pending if cancel::is_disturbed() => after_disturbance(pointer, noted),
        Poll::Pending => None,
    }
}

/// The end of a poll in which something was raised, or a request was on its way.
#[cold]
fn after_disturbance(pointer: TaskPointer, noted: Serial) -> Option<Ending> {
    let error = cancel::claim_for_root(noted);
    let ending = error.map(|error| cancel_future(pointer, error));
    cancel::end_marks();
    ending
}

/// One poll with a request to deliver; a task that never started is dropped unpolled.
#[cold]
fn deliver(pointer: TaskPointer) -> Option<Ending> {
    // SAFETY: RUNNING is ours (H5).
    let header = unsafe { pointer.as_ref() };
    if header.is_new() {
        let error = cancel::claim_for_root(cancel::newest_raise()).unwrap_or_default();
        let ending = cancel_future(pointer, error);
        cancel::end_marks();
        return Some(ending);
    }
    wake_foreign_wakers();
    poll(pointer)
}

fn poll_future(pointer: TaskPointer) -> Poll<Ending> {
    // SAFETY: RUNNING is ours (H5).
    let header = unsafe { pointer.as_ref() };
    header.begin_poll();
    // SAFETY: the waker does not outlive this call.
    let waker = unsafe { BorrowedWaker::new(pointer) };
    let mut with = PollWith::from_waker(waker.waker());
    // SAFETY: RUNNING is ours (H2).
    unsafe { (header.vtable.poll)(pointer, &mut with) }
}

fn cancel_future(pointer: TaskPointer, error: CancelledError) -> Ending {
    // SAFETY: RUNNING is ours (H5).
    let header = unsafe { pointer.as_ref() };
    // SAFETY: RUNNING is ours (H2).
    cancel::ending_with(error.clone(), || unsafe {
        (header.vtable.cancel)(pointer, error)
    })
}

/// Ends the task: publishes DONE, notifies the wait list, takes the task out of the registry, drops
/// the loop's reference, and wakes the awaiter of the `Task` handle. (If there is a wait list, that
/// awaiter is notified with it.)
///
/// The wait list comes before the registry, because the shutdown waits for the registry: when it
/// finds no task there, the callbacks of every task are in the callback queue. (See the module
/// documentation of `registry`.)
///
/// # Safety
/// The caller holds RUNNING, and the output has been stored.
unsafe fn finish(pointer: TaskPointer, ending: Ending) {
    // SAFETY: H5, by the loop's reference, which this function gives back.
    let header = unsafe { pointer.as_ref() };
    if let Some(side) = header.side() {
        side.turns.close();
        if side.take_reference() && !broken(Mutant::KeepReference) {
            // SAFETY: H6: RUNNING is ours. It is not the last: the loop's reference is there.
            drop(unsafe { TaskRef::from_owned(pointer) });
        }
    }
    let no_handle = !header.state.has_handle();
    if no_handle && (header.vtable.value_needs_drop || ending != Ending::Returned) {
        // SAFETY: no handle, and none comes back: the output is ours (H3).
        unsafe { dispose(pointer) }
    }
    if broken(Mutant::RemoveBeforeNotify) {
        // SAFETY: the loop's reference is still held.
        unsafe { (header.vtable.unregister)(pointer) }
    }
    let end = header.state.complete(ending, no_handle);
    // SAFETY: `complete` leaves the loop's reference to us.
    let task = unsafe { TaskRef::from_owned(pointer) };
    if end.orphan {
        // SAFETY: no handle is left, and the output is not yet dropped (H3).
        unsafe { task.dispose_output() }
    }
    // SAFETY: H4: JOINER was set when DONE was set, and this is the one completer.
    let waker = end
        .joiner
        .then(|| header.joiner.with_mut(|place| unsafe { (*place).take() }));
    let mut waker = waker.flatten();
    if end.wait_list {
        notify(&task, waker.take());
    }
    // SAFETY: the loop's reference is still held.
    unsafe { (header.vtable.unregister)(pointer) }
    // Before the wake, so that the awaiter finds its reference alone, and frees the task without an
    // exchange.
    drop(task);
    waker.into_iter().for_each(wake_catching);
}

/// # Safety
/// The output is the caller's by H3.
unsafe fn dispose(pointer: TaskPointer) {
    // SAFETY: covered by the loop's reference; not dropped, so it gives none back.
    let task = std::mem::ManuallyDrop::new(unsafe { TaskRef::from_owned(pointer) });
    // SAFETY: the caller's promise.
    unsafe { task.dispose_output() }
}

/// Wakes waiters and adds callbacks to the callback queue, in the order in which they registered.
/// `joiner` is the waker of the task's awaiter, which is one of them.
#[cold]
fn notify(task: &TaskRef, joiner: Option<Waker>) {
    let side = task.header().side_or_new();
    joiner
        .into_iter()
        .for_each(|waker| side.place_joiner_first(waker));
    task.notify(&side.wait_list);
}
