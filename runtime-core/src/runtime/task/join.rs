//! The typed handle of a task, to await its output.

use std::borrow::Cow;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context as PollWith, Poll, Waker};

use super::cancel::{
    self, ForeignPolls, Forwarding, Propagation, Raise, propagation_from, propagation_to_waiter,
    requested, shared_error, uncancel,
};
use super::context::Context;
use super::handle::{CallbackId, TaskHandle};
use super::header::TaskId;
use super::join_state::{Cancelled, JoinState, detach};
use super::joiner::{Join, Waited};
use super::parent::Outcome;
use super::reference::TaskRef;
use crate::exceptions::{CancelledError, FailedError, InvalidStateError, PanicError, TaskError};

/// A task of the loop: what `asyncio.create_task` returns.
///
/// Await it for its output. It may be awaited through a `&mut` too, and polled again as long as it
/// is pending. **Dropping it detaches the task**, which runs on: tasks are owned by their loop, not
/// by their handles (asyncio's own loop keeps weak references only). A `Task` has one awaiter; any
/// number may use [`TaskHandle::wait`].
///
/// # Cancellation
/// Cancelling a task that awaits this one cancels this one, and waits until it has ended. Then, if
/// it ended cancelled because of that, the cancellation goes on in the awaiter; if it suppressed
/// the request and returned a value, that value is the answer. If *another task* cancelled this
/// one, the awaiter normally sees the ordinary value `Err(TaskError::Cancelled(_))`. If the awaiter
/// is being cancelled too, by a request of its own or by the same shutdown, the await raises that
/// cancellation instead.
///
/// ```
/// # asyncio::run(async {
/// let task = asyncio::create_task(async { 6 * 7 });
/// assert_eq!(task.await.unwrap(), 42);
/// # });
/// ```
pub struct Task<T> {
    /// Dropped by hand: `State::detach` may give its reference back in the same step.
    task: ManuallyDrop<TaskRef>,
    stage: JoinState,
    join: Join,
    output: PhantomData<fn() -> T>,
}

impl<T> Task<T> {
    /// The handle of a task whose output is a `T`.
    ///
    /// # Safety
    /// `task` is the handle's reference, as `raw::allocate` returned it; its output is a `T`, and
    /// may be sent to the thread that takes it.
    pub(super) unsafe fn new(task: TaskRef) -> Task<T> {
        Task {
            task: ManuallyDrop::new(task),
            stage: JoinState::Waiting,
            join: Join::default(),
            output: PhantomData,
        }
    }

    pub(crate) fn reference(&self) -> &TaskRef {
        &self.task
    }

    /// An untyped handle of the same task.
    #[must_use]
    pub fn handle(&self) -> TaskHandle {
        TaskHandle::new(TaskRef::clone(&self.task))
    }

    /// Requests the task's cancellation. Returns `false` if it is done.
    ///
    /// The request is delivered at the task's next await that suspends; the task may clean up, and
    /// may suppress it. A task that never started never runs. Any thread may call this.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.task.cancel(requested())
    }

    /// As [`cancel`](Task::cancel), with a message for the code that catches it.
    #[track_caller]
    pub fn cancel_with(&self, message: impl Into<Cow<'static, str>>) -> bool {
        self.task.cancel(requested().saying(message))
    }

    /// How many requests have been made and not taken back by [`uncancel`](Task::uncancel).
    #[must_use]
    pub fn cancelling(&self) -> u32 {
        self.task.header().state.cancelling()
    }

    /// Takes one request back and returns how many are left; at zero, one that is undelivered is
    /// dropped. Has no effect on a task that is done.
    pub fn uncancel(&self) -> u32 {
        uncancel(&self.task)
    }

    /// Whether the task has ended, in whichever way.
    #[must_use]
    pub fn done(&self) -> bool {
        self.task.header().state.is_done()
    }

    /// Whether the task ended cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.handle().cancelled()
    }

    /// Takes the output of a task that is done.
    ///
    /// # Errors
    /// [`TaskError::InvalidState`] while the task is not done, and once its output has been taken;
    /// otherwise as awaiting it.
    pub fn result(&mut self) -> Result<T, TaskError> {
        if matches!(self.stage, JoinState::Taken) {
            return Err(InvalidStateError::new("Result has been taken already.").into());
        }
        if !self.done() {
            return Err(InvalidStateError::new("Result is not set.").into());
        }
        outcome_to_result(self.take())
    }

    /// Runs `callback` by the loop's callback queue once the task is done: never inside the caller,
    /// and never two callbacks of a loop at once. It runs in a copy of the caller's context.
    #[track_caller]
    pub fn add_done_callback(
        &self,
        callback: impl FnOnce(&TaskHandle) + Send + 'static,
    ) -> CallbackId {
        self.handle().add_callback(Box::new(callback))
    }

    /// Removes a callback. Returns `false` if it has run, or been removed, already.
    pub fn remove_done_callback(&self, id: CallbackId) -> bool {
        self.task.remove_callback(id.key())
    }

    /// The task's number: unique in the process, in no particular order.
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.task.id()
    }

    /// The task's name; by default `Task-` and its number. In the deterministic mode that is its
    /// number within the loop, so the same seed gives the same names.
    #[must_use]
    pub fn get_name(&self) -> String {
        self.task.name()
    }

    /// Names the task.
    pub fn set_name(&self, name: impl Into<String>) {
        self.task.header().side_or_new().set_name(name.into());
    }

    /// The context in which the task runs.
    #[must_use]
    pub fn get_context(&self) -> Context {
        self.task.context()
    }

    /// Where the task was created.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.task.location()
    }

    /// Polls for the end, and forwards nothing to the task: for `shield`, and for the combinators.
    pub(crate) fn poll_passive(&mut self, cx: &mut PollWith<'_>) -> Poll<Result<T, TaskError>> {
        if matches!(self.stage, JoinState::Cancelled(_)) && !self.stage.has_forwarded() {
            return self.poll_cancelled(cx);
        }
        match self.poll_outcome(cx.waker()) {
            Poll::Ready(outcome) => self.end(outcome, cx),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Polls for the end, and leaves the output where it is: the task may be given back.
    pub(crate) fn poll_done(&mut self, waker: &Waker) -> Poll<()> {
        if self.done() || !self.join.register_apart(&self.task, waker) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// A look at the output. None while the task is not done, and once it has been taken.
    pub(crate) fn peek(&mut self) -> Option<&Outcome<T>> {
        if !self.done() {
            return None;
        }
        let header = self.task.header();
        // SAFETY: the task is done, and this is its handle (H3).
        let outcome = unsafe { (header.vtable.output)(self.task.pointer()) };
        // SAFETY: the output's type is `new`'s promise; it stays in its place as long as this
        // handle is borrowed, and so is neither dropped nor taken.
        unsafe { outcome.cast::<Outcome<T>>().as_ref() }
    }

    /// What it means for the current task, which has waited for the end alone, that this one has
    /// ended cancelled. The output stays where it is.
    pub(crate) fn propagation_to_waiter(&mut self) -> Propagation {
        let loop_address = self.task.scheduler().loop_address();
        match self.peek() {
            Some(Outcome::Cancelled(error)) => propagation_to_waiter(loop_address, error),
            _ => Propagation::None,
        }
    }

    fn poll_outcome(&mut self, waker: &Waker) -> Poll<Outcome<T>> {
        if matches!(self.stage, JoinState::Taken) {
            polled_again(&self.task)
        }
        self.poll_done(waker).map(|()| self.take())
    }

    fn take(&mut self) -> Outcome<T> {
        let stage = std::mem::replace(&mut self.stage, JoinState::Taken);
        if let JoinState::Cancelled(cancelled) = stage {
            match *cancelled {
                // It was caught, and now the task is asked once more: it ended cancelled.
                Cancelled::Raising(raise) => return Outcome::Cancelled(raise.into_error()),
                Cancelled::Ended(error, _) => return Outcome::Cancelled(error),
                Cancelled::Forwarded(forwarded) => forwarded.acknowledge_suppressed(&self.task),
            }
        }
        self.take_output()
    }

    #[inline(always)]
    fn take_output(&mut self) -> Outcome<T> {
        self.stage = JoinState::Taken;
        let mut outcome: Option<Outcome<T>> = None;
        let header = self.task.header();
        // SAFETY: the task is done, and this is its handle (H3); `new` promises the output's type.
        unsafe { (header.vtable.take)(self.task.pointer(), (&raw mut outcome).cast()) }
        outcome.expect("a task that is done has an output until its handle takes it")
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut PollWith<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if !matches!(this.stage, JoinState::Waiting) {
            return this.poll_unusual(cx);
        }
        if !this.done() {
            match this.join.wait(&this.task, cx.waker()) {
                Waited::Pending => return Poll::Pending,
                Waited::Done => {}
                Waited::Requested => return this.forward_request(cx),
                Waited::ForItself => return this.poll_unusual(cx),
            }
        }
        let outcome = this.take_output();
        this.end(outcome, cx)
    }
}

impl<T> Task<T> {
    #[cold]
    fn poll_unusual(&mut self, cx: &mut PollWith<'_>) -> Poll<Result<T, TaskError>> {
        match self.stage {
            JoinState::Cancelled(_) => self.poll_cancelled(cx),
            JoinState::Waiting => {
                let error = InvalidStateError::new("Task cannot await on itself");
                Poll::Ready(Err(error.into()))
            }
            JoinState::Taken => polled_again(&self.task),
        }
    }

    #[inline]
    fn end(&mut self, outcome: Outcome<T>, cx: &mut PollWith<'_>) -> Poll<Result<T, TaskError>> {
        match outcome {
            Outcome::Cancelled(error) => self.end_cancelled(error, ForeignPolls::default(), cx),
            outcome => Poll::Ready(outcome_to_result(outcome)),
        }
    }

    /// The task ended cancelled: so does its awaiter, if that ended the task or has the same cause.
    #[cold]
    fn end_cancelled(
        &mut self,
        error: CancelledError,
        mut polls: ForeignPolls,
        cx: &mut PollWith<'_>,
    ) -> Poll<Result<T, TaskError>> {
        match propagation_from(&self.task, &error) {
            Propagation::Raise(raise) => self.raise(raise, cx),
            Propagation::RequestComes if polls.try_again(cx.waker()) => {
                self.join.cancel_waker.register_waker(cx.waker());
                self.stage = JoinState::Cancelled(Box::new(Cancelled::Ended(error, polls)));
                Poll::Pending
            }
            Propagation::RequestComes | Propagation::None => {
                self.stage = JoinState::Taken;
                Poll::Ready(Err(error.into()))
            }
        }
    }

    /// Passes a request that has reached this await on to the task.
    #[inline]
    fn forward(&mut self, cx: &mut PollWith<'_>) -> Poll<Result<T, TaskError>> {
        self.join.cancel_waker.register_waker(cx.waker());
        if cancel::offered_owner() == cancel::OwnerId::NONE {
            return Poll::Pending;
        }
        self.forward_request(cx)
    }

    #[cold]
    fn forward_request(&mut self, cx: &mut PollWith<'_>) -> Poll<Result<T, TaskError>> {
        let mut forwarded = self.stage.take_forwarded();
        let passed = forwarded.forward(&self.task);
        if !forwarded.is_empty() {
            self.stage = JoinState::Cancelled(Box::new(Cancelled::Forwarded(forwarded)));
        }
        match passed {
            Forwarding::On | Forwarding::InACycle => Poll::Pending,
            // Its value is the answer, and the request waits for the next await.
            Forwarding::TooLate => Pin::new(self).poll(cx),
        }
    }

    /// Waits for the end of a task to which requests have been passed on, and raises them.
    #[cold]
    fn poll_cancelled(&mut self, cx: &mut PollWith<'_>) -> Poll<Result<T, TaskError>> {
        if self.stage.has_forwarded() && self.poll_done(cx.waker()).is_pending() {
            return self.forward(cx);
        }
        let JoinState::Cancelled(cancelled) =
            std::mem::replace(&mut self.stage, JoinState::Waiting)
        else {
            unreachable!("the caller has looked");
        };
        let forwarded = match *cancelled {
            Cancelled::Raising(raise) => return self.raise(raise, cx),
            Cancelled::Ended(error, polls) => return self.end_cancelled(error, polls, cx),
            Cancelled::Forwarded(forwarded) => forwarded,
        };
        let error = match self.take_output() {
            Outcome::Cancelled(error) => error,
            outcome => {
                forwarded.acknowledge_suppressed(&self.task);
                return Poll::Ready(outcome_to_result(outcome));
            }
        };
        let claims = forwarded.into_raised();
        match claims.first() {
            Some(first) => {
                let error = shared_error(&error, first);
                self.raise(Raise::of_claims(claims, error), cx)
            }
            None => self.end_cancelled(error, ForeignPolls::default(), cx),
        }
    }

    /// Raises what the task ended with, once; polled again, it returns that as an error.
    fn raise(&mut self, mut raise: Raise, cx: &mut PollWith<'_>) -> Poll<Result<T, TaskError>> {
        if let Poll::Ready(error) = raise.poll_once(cx.waker()) {
            self.stage = JoinState::Taken;
            return Poll::Ready(Err(error.into()));
        }
        self.stage = JoinState::Cancelled(Box::new(Cancelled::Raising(raise)));
        Poll::Pending
    }
}

impl<T> Drop for Task<T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: `self.task` is not used again.
        let task = unsafe { ManuallyDrop::take(&mut self.task) };
        if !matches!(self.stage, JoinState::Taken) {
            detach(task, &mut self.stage);
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.handle().fmt(f)
    }
}

#[cold]
fn polled_again(task: &TaskRef) -> ! {
    panic!("the handle of {} was polled after its end", task.describe())
}

fn outcome_to_result<T>(outcome: Outcome<T>) -> Result<T, TaskError> {
    match outcome {
        Outcome::Returned(value) => Ok(value),
        Outcome::Failed => Err(TaskError::Failed(FailedError)),
        Outcome::Cancelled(error) => Err(error.into()),
        Outcome::Panicked(payload) => Err(PanicError::new(*payload).into()),
    }
}
