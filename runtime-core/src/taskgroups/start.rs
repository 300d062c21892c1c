//! Waiting until a child says that it is ready.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use ::futures::channel::oneshot::{self, Receiver, Sender};

use crate::exceptions::{CancelSource, CancelledError};
use crate::runtime::{Task, reason_at};

/// By which a child says that it is ready: trio's `TaskStatus`.
///
/// [`TaskGroup::start`](crate::TaskGroup::start) gives it to the child.
#[derive(Debug)]
#[must_use = "the caller of `start` waits until the child has started, or has ended"]
pub struct TaskStatus<S> {
    ready: Sender<S>,
}

impl<S> TaskStatus<S> {
    pub(super) fn new() -> (TaskStatus<S>, Receiver<S>) {
        let (ready, receiver) = oneshot::channel();
        (TaskStatus { ready }, receiver)
    }

    /// The child is ready: the caller of `start` gets `value`, and goes on. If nobody waits any
    /// more, the value is dropped.
    pub fn started(self, value: S) {
        drop(self.ready.send(value));
    }
}

/// A child has ended before it was ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NotStarted;

impl fmt::Display for NotStarted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("child exited without calling TaskStatus::started()")
    }
}

impl Error for NotStarted {}

/// The future of [`TaskGroup::start`](crate::TaskGroup::start).
#[derive(Debug)]
#[must_use = "a child whose start nobody awaits is cancelled"]
pub struct Start<S, U> {
    /// `None` once it is known.
    task: Option<Task<U>>,
    ready: Receiver<S>,
    location: &'static std::panic::Location<'static>,
}

impl<S, U> Start<S, U> {
    pub(super) fn new(task: Task<U>, ready: Receiver<S>) -> Start<S, U> {
        Start {
            location: task.location(),
            task: Some(task),
            ready,
        }
    }
}

impl<S, U> Future for Start<S, U> {
    type Output = Result<S, NotStarted>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let Some(task) = &mut this.task else {
            panic!(
                "the start of the child made at {} was polled after its end",
                this.location
            )
        };
        let mut outcome = match Pin::new(&mut this.ready).poll(cx) {
            Poll::Ready(Ok(value)) => Some(Ok(value)),
            // Without its status the child can only end. As long as it runs, a request goes to it.
            Poll::Ready(Err(_)) | Poll::Pending => None,
        };
        if outcome.is_none() && Pin::new(task).poll(cx).is_ready() {
            // It may have started since.
            let value = this.ready.try_recv().ok().flatten();
            outcome = Some(value.ok_or(NotStarted));
        }
        match outcome {
            Some(outcome) => {
                this.task = None;
                Poll::Ready(outcome)
            }
            None => Poll::Pending,
        }
    }
}

impl<S, U> Drop for Start<S, U> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            let reason = reason_at(CancelSource::TaskGroup, self.location);
            task.handle().cancel_for(CancelledError::new(reason));
        }
    }
}
