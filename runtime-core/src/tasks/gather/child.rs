//! One child of a gather: its task, and the future that the task runs.

use std::fmt::{self, Debug};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use super::first_failure::{FailureGuard, FirstFailure};
use super::unseen::Unseen;
use crate::exceptions::{CancelledError, TaskError};
use crate::runtime::{NewTask, Outcome, Task, TaskHandle, no_running_loop, spawn_here};
use crate::sync::Arc;

/// A child of a [`Gather`](super::Gather), which returns an `A` or fails with an `E`.
pub struct Child<A, E: Debug + 'static> {
    task: Task<Output<A, E>>,
}

/// The error is boxed, so that a child does not reserve room for a large error.
type Output<A, E> = Result<A, Box<Unseen<E>>>;

impl<A, E> Child<A, E>
where
    A: Send + 'static,
    E: Debug + Send + 'static,
{
    /// Creates a task for `future`, and polls it within this call if `eager` is true. `verdict`
    /// separates values from errors.
    pub(super) fn start<F, V>(
        future: F,
        verdict: V,
        eager: bool,
        spawner: &mut Spawner,
    ) -> Child<A, E>
    where
        F: Future + Send + 'static,
        V: Fn(F::Output) -> Result<A, E> + Send + 'static,
    {
        let element = Element {
            future,
            verdict,
            guard: FailureGuard::new(&spawner.first_failure, spawner.started),
        };
        spawner.started += 1;
        let new = NewTask {
            eager,
            location: spawner.location,
            ..NewTask::here()
        };
        match spawn_here(element, new) {
            Some(task) => Child { task },
            None => no_running_loop(),
        }
    }
}

impl<A, E: Debug + From<TaskError> + 'static> Child<A, E> {
    pub(super) fn poll_done(&mut self, waker: &Waker) -> Poll<()> {
        self.task.poll_done(waker)
    }

    pub(super) fn handle(&self) -> TaskHandle {
        self.task.handle()
    }

    /// Calls `show` with the child's task and error if the child has ended cancelled, and returns
    /// its answer; otherwise returns false.
    pub(super) fn show_cancelled(
        &mut self,
        show: &mut dyn FnMut(&TaskHandle, &CancelledError) -> bool,
    ) -> bool {
        let handle = self.task.handle();
        match self.task.peek() {
            Some(Outcome::Cancelled(error)) => show(&handle, error),
            _ => false,
        }
    }

    /// Takes the result of a child that has ended.
    pub(super) fn into_result(mut self) -> Result<A, E> {
        match self.task.result() {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(unseen)) => Err(unseen.see()),
            Err(error) => Err(E::from(error)),
        }
    }
}

/// Creates the children of one gather: what they have in common, and how many there are so far.
#[derive(Debug)]
pub struct Spawner {
    first_failure: Arc<FirstFailure>,
    location: &'static Location<'static>,
    started: usize,
}

impl Spawner {
    /// A spawner whose children record the caller's caller as the place where they were created.
    #[track_caller]
    pub(super) fn new(first_failure: &Arc<FirstFailure>) -> Spawner {
        Spawner {
            first_failure: Arc::clone(first_failure),
            location: Location::caller(),
            started: 0,
        }
    }
}

pin_project! {
    /// The future that a child's task runs. (An `async` block would store `future` twice.)
    struct Element<F, V> {
        #[pin]
        future: F,
        verdict: V,
        // Dropped after `future`: when the gather is woken, the destructor of `future` has run.
        guard: FailureGuard,
    }
}

impl<F, V, A, E> Future for Element<F, V>
where
    F: Future,
    V: Fn(F::Output) -> Result<A, E>,
    E: Debug + 'static,
{
    type Output = Output<A, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Output<A, E>> {
        let this = self.project();
        let output = ready!(this.future.poll(cx));
        Poll::Ready(match (this.verdict)(output) {
            Ok(value) => {
                this.guard.disarm();
                Ok(value)
            }
            Err(error) => Err(Box::new(Unseen::new(error))),
        })
    }
}

impl<A, E: Debug + 'static> Debug for Child<A, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.task.fmt(f)
    }
}
