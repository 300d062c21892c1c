//! The untyped handle of a task: every operation that does not involve the output.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context as PollWith, Poll, Waker};

use super::callback::Handle;
use super::cancel::{
    self, ForeignPolls, Propagation, Raise, propagation_to_waiter_of, requested, uncancel,
};
use super::context::Context;
use super::current_context::inherited_context;
use super::header::TaskId;
use super::reference::TaskRef;
use super::transitions::Ending;
use crate::exceptions::{CancelReason, CancelSource, CancelledError};

/// A handle of a task with any type of output: inspects it, cancels it, waits for its end.
///
/// Cheap to clone; equal if both are handles of the same task. A handle keeps the task's memory
/// allocated, but does not keep the task running.
#[derive(Clone, PartialEq, Eq)]
pub struct TaskHandle {
    task: TaskRef,
}

/// A function that is called with its task once that is done. The public call that takes it boxes
/// it first of all, because it may be big.
pub(crate) type DoneCallback = Box<dyn FnOnce(&TaskHandle) + Send>;

/// Identifies a done callback, to remove it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallbackId(u64);

impl CallbackId {
    pub(crate) fn new(key: u64) -> CallbackId {
        CallbackId(key)
    }

    pub(crate) fn key(self) -> u64 {
        self.0
    }
}

impl TaskHandle {
    pub(crate) fn new(task: TaskRef) -> TaskHandle {
        TaskHandle { task }
    }

    /// Whether it is the task that is polled here.
    pub(crate) fn is_current(&self) -> bool {
        cancel::current_pointer() == Some(self.task.pointer())
    }

    pub(crate) fn reference(&self) -> &TaskRef {
        &self.task
    }

    /// As [`Task::cancel`](crate::Task::cancel).
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.task.cancel(requested())
    }

    /// As [`Task::cancel_with`](crate::Task::cancel_with).
    #[track_caller]
    pub fn cancel_with(&self, message: impl Into<Cow<'static, str>>) -> bool {
        self.task.cancel(requested().saying(message))
    }

    /// As [`cancel`](TaskHandle::cancel), because a signal has come. If somebody else has asked
    /// before, it is not the signal that ends the task.
    pub(crate) fn cancel_by_signal(&self, signal: i32) -> bool {
        let source = match self.cancelling() {
            0 => CancelSource::Signal(signal),
            _ => CancelSource::Requested,
        };
        let reason = CancelReason::new(source);
        self.task.cancel(CancelledError::new(reason))
    }

    /// The same with the error that the caller has made. A panic is reported all the same.
    pub(crate) fn cancel_for(&self, error: CancelledError) -> bool {
        self.task.cancel_unaware(error)
    }

    /// As [`Task::cancelling`](crate::Task::cancelling).
    #[must_use]
    pub fn cancelling(&self) -> u32 {
        self.task.header().state.cancelling()
    }

    /// As [`Task::uncancel`](crate::Task::uncancel).
    pub fn uncancel(&self) -> u32 {
        uncancel(&self.task)
    }

    /// Whether the task has ended, in any way.
    #[must_use]
    pub fn done(&self) -> bool {
        self.task.header().state.is_done()
    }

    /// Whether the task ended cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.task.ending() == Some(Ending::Cancelled)
    }

    /// As [`Task::add_done_callback`](crate::Task::add_done_callback).
    #[track_caller]
    pub fn add_done_callback(
        &self,
        callback: impl FnOnce(&TaskHandle) + Send + 'static,
    ) -> CallbackId {
        self.add_callback(Box::new(callback))
    }

    #[track_caller]
    pub(crate) fn add_callback(&self, callback: DoneCallback) -> CallbackId {
        // A reference cycle: the task's wait list holds a handle of the task, until the task is
        // done and its callbacks have been taken.
        let handle = self.clone();
        let call = Handle::new(
            Box::new(move || callback(&handle)),
            inherited_context(),
            Location::caller(),
        );
        CallbackId(self.task.add_callback(call))
    }

    /// As [`Task::remove_done_callback`](crate::Task::remove_done_callback).
    pub fn remove_done_callback(&self, id: CallbackId) -> bool {
        self.task.remove_callback(id.key())
    }

    /// As [`Task::id`](crate::Task::id).
    #[must_use]
    pub fn id(&self) -> TaskId {
        self.task.id()
    }

    /// As [`Task::get_name`](crate::Task::get_name).
    #[must_use]
    pub fn get_name(&self) -> String {
        self.task.name()
    }

    /// As [`Task::set_name`](crate::Task::set_name).
    pub fn set_name(&self, name: impl Into<String>) {
        self.task.header().side_or_new().set_name(name.into());
    }

    /// As [`Task::get_context`](crate::Task::get_context).
    #[must_use]
    pub fn get_context(&self) -> Context {
        self.task.context()
    }

    /// As [`Task::location`](crate::Task::location).
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.task.location()
    }

    /// Waits for the task's end, in any way. Any number of waiters is allowed.
    ///
    /// # Cancellation
    /// Cancelling the waiter does not affect the task. If one cause ends both, above all a
    /// shutdown, the waiter is cancelled instead of completing: it would otherwise treat the task's
    /// end as an event to react to.
    pub fn wait(&self) -> Wait {
        Wait {
            task: self.task.clone(),
            key: None,
            raise: None,
            foreign_polls: ForeignPolls::default(),
        }
    }

    /// Passes a request of the current task, which awaits the outcome of this one, on to this task.
    pub(crate) fn forward(&self, error: &CancelledError) {
        if let Some(awaiter) = cancel::current() {
            let _known = self.task.forward(&awaiter, error);
        }
    }

    /// Reports an error of the task that no caller has retrieved, or can, to the exception handler.
    pub(crate) fn report_unseen(&self, exception: impl Into<Box<dyn Error + Send + Sync>>) {
        self.task.report_unseen(exception.into());
    }

    fn state(&self) -> &'static str {
        match self.task.ending() {
            Some(Ending::Returned) => "finished",
            Some(Ending::Cancelled) => "cancelled",
            Some(Ending::Panicked) => "panicked",
            None if self.task.header().state.is_running() => "running",
            None => "pending",
        }
    }
}

impl Hash for TaskHandle {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.task.pointer().hash(state);
    }
}

impl fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("name", &self.get_name())
            .field("state", &self.state())
            .field("created_at", &format_args!("{}", self.location()))
            .finish()
    }
}

/// The future of [`TaskHandle::wait`].
#[must_use = "futures do nothing unless polled"]
#[derive(Debug)]
pub struct Wait {
    task: TaskRef,
    key: Option<u64>,
    /// The cancellation of the waiter, if the cause that ended the task ends the waiter too.
    raise: Option<Box<Raise>>,
    foreign_polls: ForeignPolls,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut PollWith<'_>) -> Poll<()> {
        if let Some(raise) = &mut self.raise {
            return raise.poll_once(cx.waker()).map(drop);
        }
        self.key = self.task.add_waiter(self.key, cx.waker());
        if self.key.is_some() {
            Poll::Pending
        } else if self.task.ending() == Some(Ending::Cancelled) {
            self.end_cancelled(cx.waker())
        } else {
            Poll::Ready(())
        }
    }
}

impl Wait {
    #[cold]
    fn end_cancelled(&mut self, waker: &Waker) -> Poll<()> {
        match propagation_to_waiter_of(&self.task) {
            Propagation::Raise(mut raise) => {
                let _pending = raise.poll_once(waker);
                self.raise = Some(Box::new(raise));
                Poll::Pending
            }
            Propagation::RequestComes if self.foreign_polls.try_again(waker) => Poll::Pending,
            Propagation::RequestComes | Propagation::None => Poll::Ready(()),
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.task.remove_waiter(key);
        }
    }
}

impl fmt::Debug for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskRef({})", self.id())
    }
}
