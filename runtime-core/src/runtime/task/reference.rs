//! A counted reference to a task.

use std::any::Any;
use std::error::Error;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::task::Waker;

use super::callback::Handle;
use super::circles::Edge;
use super::context::Context;
use super::header::{Header, TaskId, TaskPointer, Wake};
use super::registry::Registry;
use super::schedule_face::{Rare, Report};
use super::side::Side;
use super::state::State;
use super::transitions::{Cancel, Ending};
use super::wait_list::WaitList;
use crate::exceptions::{CancelledError, Cause};
use crate::runtime::time::Stamp;
use crate::runtime::unnest::drop_unnested;
use crate::sync::atomic::Ordering;
use crate::sync::{Mutant, broken};

/// Keeps the allocation of a task alive. Everything that any thread may ask of a task, whatever
/// its output is.
pub(crate) struct TaskRef {
    pointer: TaskPointer,
}

// SAFETY: all that is reachable through a reference is the header, whose fields are atomics, locks
// and statics, but for the join waker, which H4 governs. A task whose future or output may
// not cross threads is never touched through a reference (H2, H3).
unsafe impl Send for TaskRef {}
// SAFETY: as above.
unsafe impl Sync for TaskRef {}

impl TaskRef {
    /// Takes over one reference.
    ///
    /// # Safety
    /// `pointer` is a task under H1, and the caller owns one reference to it, now the result's.
    pub(crate) unsafe fn from_owned(pointer: TaskPointer) -> TaskRef {
        TaskRef { pointer }
    }

    /// Makes a reference beside the one that covers the caller.
    ///
    /// # Safety
    /// `pointer` is a task under H1 and alive during the call (H5).
    pub(crate) unsafe fn from_borrowed(pointer: TaskPointer) -> TaskRef {
        // SAFETY: alive during the call.
        let header = unsafe { pointer.as_ref() };
        header.state.retain();
        TaskRef { pointer }
    }

    /// Gives the reference to the caller as a plain pointer.
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

    /// Wakes the task.
    #[inline]
    pub(crate) fn wake(&self) {
        if self.header().state.wake() {
            // SAFETY: `wake` answered that the right to run is ours.
            unsafe { (self.header().vtable.schedule)(self.pointer, Wake::Woken) }
        }
    }

    /// Requests a cancellation. False if the task is done: who has cancelled one that has panicked knows
    /// of it, and nobody else is told.
    pub(crate) fn cancel(&self, error: CancelledError) -> bool {
        let error = error.caused_by(Cause::request(Stamp::now().0));
        let asked = self.request(error, State::cancel) != Cancel::Done;
        if !asked {
            self.header().state.silence();
        }
        asked
    }

    /// The task's part of the shutdown of its loop, which it has once. False if it has had it, or is done.
    pub(crate) fn cancel_for_shutdown(&self) -> bool {
        matches!(
            self.request_of_shutdown(),
            Cancel::Counted | Cancel::Schedule
        )
    }

    fn request_of_shutdown(&self) -> Cancel {
        let state = &self.header().state;
        match self.header().side() {
            // A million tasks that wait get no side allocation for it: see `message`.
            None => self.schedule_for(state.cancel_for_shutdown()),
            Some(_) => self.request(self.error_of_shutdown(), State::cancel_for_shutdown),
        }
    }

    fn error_of_shutdown(&self) -> CancelledError {
        CancelledError::default().caused_by(Cause::shutdown(self.scheduler().closing_since()))
    }

    /// Gives a request back that was claimed, and not acted on.
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

    /// Passes a request of `awaiter` on to this task, which that awaits. `Known` if it has come already,
    /// by whichever way.
    pub(crate) fn pass_on(&self, awaiter: &TaskRef, error: &CancelledError) -> Cancel {
        let cause = error.cause();
        if cause.is_shutdown() && self.is_of_loop_of(awaiter) {
            return self.request_of_shutdown();
        }
        // What is the shutdown of the one loop is anybody's request in another.
        let unknown = cause.stamp() == 0 || cause.is_shutdown();
        let cause = if unknown {
            Cause::request(Stamp::now().0)
        } else {
            cause
        };
        let state = &self.header().state;
        let answer = self.header().side_or_new().request_passed_on(
            error.clone().caused_by(cause),
            || state.has_firm_request(),
            || state.cancel(),
            || state.count_request(),
        );
        self.schedule_for(answer)
    }

    /// This task awaits `awaited`, and passes a request on to it.
    pub(crate) fn awaits(&self, awaited: &TaskRef) -> Edge {
        let awaited = awaited.header().side_or_new();
        self.header().side_or_new().awaits(awaited)
    }

    /// What has asked for the task's cancellation last; the shutdown of its loop above all.
    pub(crate) fn cause(&self) -> Cause {
        if self.header().state.has_had_shutdown() {
            return self.error_of_shutdown().cause();
        }
        self.header().side().map(Side::cause).unwrap_or_default()
    }

    /// Whether the last request that has come was of `cause`.
    pub(crate) fn has_had(&self, cause: Cause) -> bool {
        let side = self.header().side();
        cause.stamp() != 0 && side.is_some_and(|side| side.cause() == cause)
    }

    fn schedule_for(&self, answer: Cancel) -> Cancel {
        if answer == Cancel::Schedule {
            self.deliver();
        }
        answer
    }

    /// Whether both tasks are of one loop.
    pub(crate) fn is_of_loop_of(&self, other: &TaskRef) -> bool {
        self.scheduler().loop_address() == other.scheduler().loop_address()
    }

    fn deliver(&self) {
        if broken(Mutant::CancelInPlace) {
            // SAFETY: none: this is the bug that the model is to find.
            unsafe { (self.header().vtable.cancel)(self.pointer, CancelledError::default()) };
        }
        // SAFETY: `cancel` answered that the right to run is ours.
        unsafe { (self.header().vtable.schedule)(self.pointer, Wake::Woken) }
    }

    /// The message of the request that is being delivered. What has none is the shutdown's.
    pub(crate) fn message(&self) -> CancelledError {
        let message = self.header().side().and_then(Side::message);
        message.unwrap_or_else(|| self.message_of_shutdown())
    }

    /// The request has been claimed: the next one has a message of its own.
    pub(crate) fn take_message(&self) -> CancelledError {
        let message = self.header().side().and_then(Side::take_message);
        message.unwrap_or_else(|| self.message_of_shutdown())
    }

    /// A request has been claimed at `moment`.
    pub(crate) fn note_delivery(&self, moment: Stamp) {
        self.header().side_or_new().note_delivery(moment);
    }

    /// What has been asked for by now is a part of the delivery that has just been claimed. Returns
    /// the moment.
    pub(crate) fn absorb_request(&self) -> Stamp {
        let state = &self.header().state;
        let side = self.header().side_or_new();
        side.absorb(|| state.absorb_request())
    }

    /// What had been asked for by `moment` has met somebody.
    pub(crate) fn acknowledge(&self, moment: Stamp) {
        self.header().side_or_new().acknowledge(moment);
    }

    /// Whether what was asked for at `moment` has met somebody.
    pub(crate) fn has_acknowledged(&self, moment: Stamp) -> bool {
        self.header()
            .side()
            .is_some_and(|side| side.has_acknowledged(moment))
    }

    fn message_of_shutdown(&self) -> CancelledError {
        if self.header().state.has_had_shutdown() {
            self.error_of_shutdown()
        } else {
            CancelledError::default()
        }
    }

    /// The task's own context; one is made if it has none yet.
    pub(crate) fn context(&self) -> Context {
        let word = &self.header().context;
        // Acquire: pairs with the exchange below.
        let acquire = match broken(Mutant::ContextLoadRelaxed) {
            true => Ordering::Relaxed,
            false => Ordering::Acquire,
        };
        let mut raw = word.load(acquire);
        if raw.is_null() {
            let new = Context::new().into_raw();
            let none = std::ptr::null_mut();
            let publish = match broken(Mutant::ContextExchangeRelaxed) {
                true => Ordering::Relaxed,
                false => Ordering::AcqRel,
            };
            match word.compare_exchange(none, new, publish, Ordering::Acquire) {
                Ok(_) => raw = new,
                Err(other) => {
                    // SAFETY: made above, and not shared.
                    drop(unsafe { Context::from_raw(new) });
                    raw = other;
                }
            }
        }
        // SAFETY: the word's own reference, which stays the word's: it is not dropped here.
        let context = ManuallyDrop::new(unsafe { Context::from_raw(raw) });
        Context::clone(&context)
    }

    /// A copy of the task's context for a child, if there is anything to copy.
    pub(crate) fn context_for_child(&self) -> Option<Context> {
        if self.header().context.load(Ordering::Acquire).is_null() {
            return None;
        }
        let context = self.context();
        (!context.is_empty()).then(|| context.copy())
    }

    /// Runs `callback` on the lane once the task is done. The key removes it.
    pub(crate) fn add_callback(&self, callback: Handle) -> u64 {
        let header = self.header();
        let wait_list = &header.side_or_new().wait_list;
        let key = wait_list.add_callback(callback);
        if !header.state.watch() && !broken(Mutant::ListWithoutLook) {
            self.notify_late(wait_list);
        }
        key
    }

    /// Tells of the end after the completer, perhaps what that one leaves to this thread. Counted, so
    /// that the loop does not close meanwhile.
    #[cold]
    fn notify_late(&self, wait_list: &WaitList<Handle>) {
        self.scheduler().count_notifier(true);
        self.notify(wait_list);
        self.scheduler().count_notifier(false);
    }

    /// Tells everybody of the end, which has been published.
    pub(crate) fn notify(&self, wait_list: &WaitList<Handle>) {
        wait_list.notify(|callback| self.scheduler().call_soon(callback));
    }

    pub(crate) fn remove_callback(&self, key: u64) -> bool {
        self.header()
            .side()
            .is_some_and(|side| side.wait_list.remove_callback(key).is_some())
    }

    /// Registers a waiter for the end. `None` if the task is done.
    pub(crate) fn add_waiter(&self, key: Option<u64>, waker: &Waker) -> Option<u64> {
        let header = self.header();
        if header.state.is_done() {
            return None;
        }
        let wait_list = &header.side_or_new().wait_list;
        let (key, _old) = wait_list.put_waiter(key, waker.clone());
        if header.state.watch() || broken(Mutant::ListWithoutLook) {
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
    pub(crate) fn scheduler(&self) -> &dyn Rare {
        // SAFETY: H5.
        let scheduler = unsafe { (self.header().vtable.scheduler)(self.pointer) };
        // SAFETY: it stands in the same allocation, and lives as long.
        unsafe { scheduler.as_ref() }
    }

    pub(crate) fn scheduler_as_any(&self) -> &dyn Any {
        self.scheduler().as_any()
    }

    /// Drops the output on the completer's or the last handle's behalf; tells of a panic that
    /// nobody has seen.
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

    /// Tells the exception handler of an error that nobody has seen, or will.
    pub(crate) fn report_unseen(&self, exception: Box<dyn Error + Send + Sync>) {
        self.scheduler().report(Report {
            message: "Task exception was never retrieved",
            task: Box::new(self.clone()),
            exception,
        });
    }

    /// The name, which by default is `Task-` and a number.
    pub(crate) fn name(&self) -> String {
        let given = self.header().side().and_then(Side::name);
        given.unwrap_or_else(|| format!("Task-{}", self.scheduler().ordinal(self.id().0)))
    }

    /// Name and create location, for reports.
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
        // SAFETY: H5: what is registered is alive by the loop's reference, which is given back only
        // after the death, and the death waits for this reader.
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
            // SAFETY: H1: `release` answered that this reference was the last.
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
