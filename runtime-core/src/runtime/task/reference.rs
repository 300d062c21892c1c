//! `TaskRef`: a counted reference to a task, with the operations that any thread may use.

use std::any::Any;
use std::error::Error;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::task::Waker;

use super::callback::Handle;
use super::context::Context;
use super::cycles::Edge;
use super::dyn_schedule::{DynSchedule, Report};
use super::header::{Header, TaskId, TaskPointer, Wake};
use super::registry::Registry;
use super::side::Side;
use super::state::State;
use super::transitions::{Cancel, Ending};
use super::wait_list::WaitList;
use crate::exceptions::{CancelledError, Cause};
use crate::runtime::time::Stamp;
use crate::runtime::turns::TurnList;
use crate::runtime::unnest::drop_unnested;
use crate::sync::atomic::Ordering;
use crate::sync::{Mutant, broken, ordered};

/// Keeps the allocation of a task alive. Offers all operations that do not depend on the type of
/// the output.
pub(crate) struct TaskRef {
    pointer: TaskPointer,
}

// SAFETY: only the header is reachable through a reference. Its fields are atomics, locks and
// statics, except for the join waker, which H4 governs. A future or output that may not cross
// threads is never touched through a reference (H2, H3).
unsafe impl Send for TaskRef {}
// SAFETY: as above.
unsafe impl Sync for TaskRef {}

impl TaskRef {
    /// Takes ownership of one reference.
    ///
    /// # Safety
    /// `pointer` is a task under H1, and the caller owns one reference to it, now the result's.
    pub(crate) unsafe fn from_owned(pointer: TaskPointer) -> TaskRef {
        TaskRef { pointer }
    }

    /// Makes a new reference, while another reference covers the caller.
    ///
    /// # Safety
    /// `pointer` is a task under H1 and alive during the call (H5).
    pub(crate) unsafe fn from_borrowed(pointer: TaskPointer) -> TaskRef {
        // SAFETY: alive during the call.
        let header = unsafe { pointer.as_ref() };
        header.state.retain();
        TaskRef { pointer }
    }

    /// Returns the reference as a plain pointer, which the caller owns.
    pub(crate) fn into_pointer(self) -> TaskPointer {
        ManuallyDrop::new(self).pointer
    }

    pub(crate) fn pointer(&self) -> TaskPointer {
        self.pointer
    }

    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: H5, by the reference that `self` is.
        unsafe { self.pointer.as_ref() }
    }

    pub(crate) fn id(&self) -> TaskId {
        self.header().id
    }

    pub(crate) fn location(&self) -> &'static Location<'static> {
        self.header().location
    }

    /// The turns of the waiters that this task polled last.
    pub(crate) fn turn_list(&self) -> &TurnList {
        &self.header().side_or_new().turns
    }

    /// Wakes the task.
    #[inline]
    pub(crate) fn wake(&self) {
        if self.header().state.wake() {
            // SAFETY: `wake` returned true: this call holds the right to run.
            unsafe { (self.header().vtable.schedule)(self.pointer, Wake::Woken) }
        }
    }

    /// Wakes the task, and gives this reference up: it is left to the task for its next waiter, if
    /// none is there (H6).
    #[inline]
    pub(crate) fn wake_and_leave(self) {
        if !self.header().state.wake() {
            return;
        }
        let (schedule, pointer) = (self.header().vtable.schedule, self.pointer);
        let late = broken(Mutant::LeaveLate);
        let kept = if late { Some(self) } else { self.leave() };
        let wake = kept
            .as_ref()
            .map_or(Wake::WokenUncounted, |_kept| Wake::Woken);
        // SAFETY: `wake` returned true: this call holds the right to run, which covers the task.
        unsafe { schedule(pointer, wake) }
        if late {
            let _kept = kept.and_then(TaskRef::leave);
        }
    }

    /// Leaves this reference to its task, for the caller, who has the right to run it. Returns it
    /// if the task has one already, or has no place for it.
    #[inline]
    fn leave(self) -> Option<TaskRef> {
        let leaves = self.header().side().is_some_and(Side::leave_reference);
        if leaves {
            let _left = self.into_pointer();
            return None;
        }
        Some(self)
    }

    /// Requests a cancellation. Returns false if the task is done: the caller then knows that it
    /// has ended, so a panic of the task is no longer reported.
    pub(crate) fn cancel(&self, error: CancelledError) -> bool {
        let asked = self.cancel_unaware(error);
        if !asked {
            self.header().state.silence();
        }
        asked
    }

    /// The same for a caller that does not look at the end: a panic is reported all the same.
    pub(crate) fn cancel_unaware(&self, error: CancelledError) -> bool {
        let error = error.caused_by(Cause::request(Stamp::now().0));
        self.request(error, State::cancel) != Cancel::Done
    }

    /// Makes the request of the loop's shutdown, which a task gets once. Returns false if it has
    /// had it, or is done.
    pub(crate) fn cancel_for_shutdown(&self) -> bool {
        matches!(
            self.request_of_shutdown(),
            Cancel::Counted | Cancel::Schedule
        )
    }

    fn request_of_shutdown(&self) -> Cancel {
        let state = &self.header().state;
        match self.header().side() {
            // A request without a message is the shutdown's (see `message`), so that the shutdown
            // of a million waiting tasks makes no side allocations.
            None => self.schedule_for(state.cancel_for_shutdown()),
            Some(_) => self.request(self.error_of_shutdown(), State::cancel_for_shutdown),
        }
    }

    fn error_of_shutdown(&self) -> CancelledError {
        CancelledError::default().caused_by(self.cause_of_shutdown())
    }

    fn cause_of_shutdown(&self) -> Cause {
        Cause::shutdown(self.scheduler().closing_since())
    }

    /// Gives back a request that was claimed and not acted on: it is delivered again.
    pub(crate) fn cancel_again(&self, error: CancelledError) {
        let _counted_before = self.request(error, State::cancel_again);
    }

    fn request(&self, error: CancelledError, note: fn(&State) -> Cancel) -> Cancel {
        let header = self.header();
        let answer = header.side_or_new().request(
            error,
            || header.state.has_firm_request(),
            || note(&header.state),
        );
        self.schedule_for(answer)
    }

    /// Passes a request of `awaiter` on to this task, which `awaiter` awaits. Returns `Known` if
    /// the same request has reached this task before, by any way.
    pub(crate) fn forward(&self, awaiter: &TaskRef, error: &CancelledError) -> Cancel {
        self.forward_as(awaiter, error, true)
    }

    /// The same for a parent that has kept the request for a while: it is not part of a delivery
    /// that it has met by chance.
    pub(crate) fn forward_late(&self, parent: &TaskRef, error: &CancelledError) -> Cancel {
        self.forward_as(parent, error, false)
    }

    fn forward_as(&self, awaiter: &TaskRef, error: &CancelledError, merges: bool) -> Cancel {
        let cause = error.cause();
        if cause.is_shutdown() && self.is_of_loop_of(awaiter) {
            return self.request_of_shutdown();
        }
        // The shutdown of one loop is an ordinary request in another loop.
        let unknown = cause.stamp() == 0 || cause.is_shutdown();
        let cause = if unknown {
            Cause::request(Stamp::now().0)
        } else {
            cause
        };
        let state = &self.header().state;
        let answer = self.header().side_or_new().forwarded_request(
            error.clone().caused_by(cause),
            merges,
            || state.has_firm_request(),
            || state.cancel(),
            || state.count_request(),
        );
        self.schedule_for(answer)
    }

    /// Notes that this task awaits `awaited` and passes a request on to it.
    pub(crate) fn awaits(&self, awaited: &TaskRef) -> Edge {
        let awaited = awaited.header().side_or_new();
        self.header().side_or_new().awaits(awaited)
    }

    /// The cause of the last cancellation request. The shutdown of the loop takes precedence over
    /// every other.
    pub(crate) fn cause(&self) -> Cause {
        if self.header().state.has_had_shutdown() {
            return self.cause_of_shutdown();
        }
        self.header().side().map(Side::cause).unwrap_or_default()
    }

    /// For what the task's parent has ended its children; the default if it has none.
    pub(crate) fn cause_of_parent(&self) -> Cause {
        // SAFETY: H5, by the reference that `self` is.
        unsafe { (self.header().vtable.cause_of_parent)(self.pointer) }
    }

    /// Whether the last request had this `cause`.
    pub(crate) fn has_had(&self, cause: Cause) -> bool {
        let side = self.header().side();
        cause.stamp() != 0 && side.is_some_and(|side| side.cause() == cause)
    }

    /// Whether a request with this `cause` has been delivered, by itself or as part of another.
    pub(crate) fn has_met(&self, cause: Cause) -> bool {
        let side = self.header().side();
        side.is_some_and(|side| {
            side.cause() == cause || side.has_claimed_since(Stamp(cause.stamp()))
        })
    }

    fn schedule_for(&self, answer: Cancel) -> Cancel {
        if answer == Cancel::Schedule {
            self.deliver();
        }
        answer
    }

    /// Whether both tasks belong to the same loop.
    pub(crate) fn is_of_loop_of(&self, other: &TaskRef) -> bool {
        self.scheduler().loop_address() == other.scheduler().loop_address()
    }

    fn deliver(&self) {
        if broken(Mutant::CancelInPlace) {
            // SAFETY: none: this is the bug that the model must find.
            unsafe { (self.header().vtable.cancel)(self.pointer, CancelledError::default()) };
        }
        // SAFETY: the answer was `Schedule`: this call holds the right to run.
        unsafe { (self.header().vtable.schedule)(self.pointer, Wake::Woken) }
    }

    /// The message of the request that is being delivered. A request without one is the shutdown's.
    pub(crate) fn offered_error(&self) -> CancelledError {
        let error = self.header().side().and_then(Side::offered_error);
        error.unwrap_or_else(|| self.default_error())
    }

    /// Takes the message of the request that is being delivered, which has been claimed.
    pub(crate) fn take_offered_error(&self) -> CancelledError {
        let error = self.header().side().and_then(Side::take_offered_error);
        error.unwrap_or_else(|| self.default_error())
    }

    /// The error of the request that is being delivered, or is about to be.
    pub(crate) fn error_of_near_request(&self) -> CancelledError {
        let error = self.header().side().and_then(Side::error_of_near_request);
        error.unwrap_or_else(|| self.default_error())
    }

    /// Notes that a request has been claimed at `moment`.
    pub(crate) fn note_claim(&self, moment: Stamp) {
        self.header().side_or_new().note_claim(moment);
    }

    /// Makes the requests that have been made by now part of the delivery that has just been
    /// claimed. Returns the moment.
    pub(crate) fn absorb_request(&self) -> Stamp {
        let state = &self.header().state;
        let side = self.header().side_or_new();
        side.absorb(|| state.absorb_request())
    }

    /// Notes that the requests made by `moment` have been acted on.
    pub(crate) fn acknowledge(&self, moment: Stamp) {
        self.header().side_or_new().acknowledge(moment);
    }

    /// Whether a request made at `moment` has been acted on.
    pub(crate) fn has_acknowledged(&self, moment: Stamp) -> bool {
        self.header()
            .side()
            .is_some_and(|side| side.has_acknowledged(moment))
    }

    fn default_error(&self) -> CancelledError {
        if self.header().state.has_had_shutdown() {
            self.error_of_shutdown()
        } else {
            CancelledError::default()
        }
    }

    /// The task's own context. Makes one if it has none yet.
    pub(crate) fn context(&self) -> Context {
        let word = &self.header().context;
        // Acquire: pairs with the exchange below.
        let acquire = ordered(Ordering::Acquire, Mutant::ContextLoadRelaxed);
        let mut raw = word.load(acquire);
        if raw.is_null() {
            let new = Context::new().into_raw();
            let none = std::ptr::null_mut();
            let publish = ordered(Ordering::AcqRel, Mutant::ContextExchangeRelaxed);
            match word.compare_exchange(none, new, publish, Ordering::Acquire) {
                Ok(_) => raw = new,
                Err(other) => {
                    // SAFETY: made above, and not shared with another thread.
                    drop(unsafe { Context::from_raw(new) });
                    raw = other;
                }
            }
        }
        // SAFETY: the reference belongs to the word and stays so: it is not dropped here.
        let context = ManuallyDrop::new(unsafe { Context::from_raw(raw) });
        Context::clone(&context)
    }

    /// A copy of the task's context for a child. `None` if the context is empty.
    pub(crate) fn context_for_child(&self) -> Option<Context> {
        if self.header().has_no_context() {
            return None;
        }
        self.context().inherited()
    }

    /// Has `callback` added to the callback queue once the task is done. Returns the key that
    /// removes it.
    pub(crate) fn add_callback(&self, callback: Handle) -> u64 {
        let header = self.header();
        let wait_list = &header.side_or_new().wait_list;
        let key = wait_list.add_callback(callback);
        if !header.state.note_wait_list() && !broken(Mutant::ListWithoutLook) {
            self.notify_late(wait_list);
        }
        key
    }

    /// Notifies the wait list after the completer has, or in its place. Counted as a notifier, so
    /// that the registry does not close meanwhile.
    #[cold]
    fn notify_late(&self, wait_list: &WaitList<Handle>) {
        self.scheduler().count_notifier(true);
        self.notify(wait_list);
        self.scheduler().count_notifier(false);
    }

    /// Notifies the wait list of the end, which has been published.
    pub(crate) fn notify(&self, wait_list: &WaitList<Handle>) {
        wait_list.notify(|callback| self.scheduler().call_soon(callback));
    }

    pub(crate) fn remove_callback(&self, key: u64) -> bool {
        self.header()
            .side()
            .is_some_and(|side| side.wait_list.remove_callback(key).is_some())
    }

    /// Registers a waiter for the end of the task. Returns `None` if the task is done.
    pub(crate) fn add_waiter(&self, key: Option<u64>, waker: &Waker) -> Option<u64> {
        let header = self.header();
        if header.state.is_done() {
            return None;
        }
        let wait_list = &header.side_or_new().wait_list;
        let (key, _old) = wait_list.put_waiter(key, waker.clone());
        if header.state.note_wait_list() || broken(Mutant::ListWithoutLook) {
            return Some(key);
        }
        let _own = wait_list.remove_waiter(key);
        None
    }

    pub(crate) fn remove_waiter(&self, key: u64) {
        let side = self.header().side();
        let waker = side.and_then(|side| side.wait_list.remove_waiter(key));
        waker.into_iter().for_each(drop_unnested);
    }

    /// The task's scheduler.
    pub(crate) fn scheduler(&self) -> &dyn DynSchedule {
        // SAFETY: H5.
        let scheduler = unsafe { (self.header().vtable.scheduler)(self.pointer) };
        // SAFETY: it is in the same allocation, which lives as long as `self`.
        unsafe { scheduler.as_ref() }
    }

    pub(crate) fn scheduler_as_any(&self) -> &dyn Any {
        self.scheduler().as_any()
    }

    /// Drops the output on behalf of the completer or the handle. Reports a panic that has not been
    /// retrieved.
    ///
    /// # Safety
    /// The output is the caller's by H3.
    pub(crate) unsafe fn dispose_output(&self) {
        // SAFETY: the caller's promise.
        let unseen = unsafe { (self.header().vtable.dispose)(self.pointer) };
        if let Some(exception) = unseen.filter(|_| !self.header().state.is_silent()) {
            self.report_unseen(exception.into());
        }
    }

    /// Reports an error that no caller has retrieved, or can, to the exception handler.
    pub(crate) fn report_unseen(&self, exception: Box<dyn Error + Send + Sync>) {
        self.scheduler().report(Report {
            message: "Task exception was never retrieved",
            task: Box::new(self.clone()),
            exception,
        });
    }

    /// The name. The default is `Task-` and a number.
    pub(crate) fn name(&self) -> String {
        let given = self.header().side().and_then(Side::name);
        given.unwrap_or_else(|| format!("Task-{}", self.scheduler().ordinal(self.id().0)))
    }

    /// The name and the place where the task was created, for reports.
    pub(crate) fn describe(&self) -> String {
        format!("{} created at {}", self.name(), self.location())
    }

    pub(crate) fn ending(&self) -> Option<Ending> {
        self.header().state.ending()
    }
}

/// References to every task in a registry.
pub(crate) fn living(registry: &Registry<Header>) -> Vec<TaskRef> {
    let mut tasks = Vec::new();
    registry.read(|pointer| {
        // SAFETY: H5: a registered task is alive by the loop's reference. That is released only
        // after the removal, which waits for this reader.
        tasks.push(unsafe { TaskRef::from_borrowed(pointer) });
    });
    tasks
}

impl Clone for TaskRef {
    fn clone(&self) -> TaskRef {
        self.header().state.retain();
        TaskRef {
            pointer: self.pointer,
        }
    }
}

impl Drop for TaskRef {
    #[inline]
    fn drop(&mut self) {
        if self.header().state.release() {
            let free = self.header().vtable.free;
            // SAFETY: H1: `release` returned true: this reference was the last.
            unsafe { free(self.pointer) }
        }
    }
}

impl PartialEq for TaskRef {
    fn eq(&self, other: &TaskRef) -> bool {
        self.pointer == other.pointer
    }
}

impl Eq for TaskRef {}
