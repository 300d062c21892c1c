//! The children of a gather: a tuple, an array or a vector, as the awaitables were given; and each
//! child with its task and the future that the task runs.

use std::fmt::{self, Debug};
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use super::failure::{FailureGuard, FirstFailure, Unseen};
use crate::exceptions::{CancelledError, TaskError};
use crate::runtime::{NewTask, Outcome, Task, TaskHandle, no_running_loop, spawn_here};
use crate::sync::Arc;

/// The children of a [`Gather`](super::Gather): a tuple, an array or a `Vec` of [`Child`].
///
/// Do not implement it: it has hidden methods that may change.
pub trait Children: Unpin + Sized {
    /// The values of the children, in the same shape.
    type Values;
    /// A `Result` for each child, in the same shape.
    type Results;
    /// The error type of the children.
    type Error;

    #[doc(hidden)]
    fn count(&self) -> usize;

    #[doc(hidden)]
    fn poll_done(&mut self, index: usize, waker: &Waker) -> Poll<()>;

    /// Calls `show` with the task of each child.
    #[doc(hidden)]
    fn each(&self, show: &mut dyn FnMut(&TaskHandle));

    /// Calls `show` with the task and the error of each child that has ended cancelled, until
    /// `show` returns true. Returns whether it did.
    #[doc(hidden)]
    fn each_cancelled(
        &mut self,
        show: &mut dyn FnMut(&TaskHandle, &CancelledError) -> bool,
    ) -> bool;

    /// The values, once all children have ended, or the error of the first child, in their order,
    /// that has failed.
    #[doc(hidden)]
    fn into_values(self) -> Result<Self::Values, Self::Error>;

    #[doc(hidden)]
    fn into_results(self) -> Self::Results;

    /// The error of the child at `index`, which has failed; the others are detached.
    #[doc(hidden)]
    fn into_error(self, index: usize) -> Self::Error;
}

impl<A, E: Debug + From<TaskError> + 'static> Children for Vec<Child<A, E>> {
    type Values = Vec<A>;
    type Results = Vec<Result<A, E>>;
    type Error = E;

    fn count(&self) -> usize {
        self.len()
    }

    fn poll_done(&mut self, index: usize, waker: &Waker) -> Poll<()> {
        self[index].poll_done(waker)
    }

    fn each(&self, show: &mut dyn FnMut(&TaskHandle)) {
        self.iter().for_each(|child| show(&child.handle()));
    }

    fn each_cancelled(
        &mut self,
        show: &mut dyn FnMut(&TaskHandle, &CancelledError) -> bool,
    ) -> bool {
        self.iter_mut().any(|child| child.show_cancelled(show))
    }

    fn into_values(self) -> Result<Vec<A>, E> {
        self.into_iter().map(Child::into_result).collect()
    }

    fn into_results(self) -> Vec<Result<A, E>> {
        self.into_iter().map(Child::into_result).collect()
    }

    fn into_error(mut self, index: usize) -> E {
        failure(self.swap_remove(index))
    }
}

impl<A, E, const N: usize> Children for [Child<A, E>; N]
where
    E: Debug + From<TaskError> + 'static,
{
    type Values = [A; N];
    type Results = [Result<A, E>; N];
    type Error = E;

    fn count(&self) -> usize {
        N
    }

    fn poll_done(&mut self, index: usize, waker: &Waker) -> Poll<()> {
        self[index].poll_done(waker)
    }

    fn each(&self, show: &mut dyn FnMut(&TaskHandle)) {
        self.iter().for_each(|child| show(&child.handle()));
    }

    fn each_cancelled(
        &mut self,
        show: &mut dyn FnMut(&TaskHandle, &CancelledError) -> bool,
    ) -> bool {
        self.iter_mut().any(|child| child.show_cancelled(show))
    }

    fn into_values(self) -> Result<[A; N], E> {
        let values: Result<Vec<A>, E> = self.into_iter().map(Child::into_result).collect();
        let values = values?.try_into();
        Ok(values.unwrap_or_else(|_| unreachable!("as many values as children")))
    }

    fn into_results(self) -> [Result<A, E>; N] {
        self.map(Child::into_result)
    }

    fn into_error(self, index: usize) -> E {
        let child = self.into_iter().nth(index);
        failure(child.expect("the first failure is the index of a child"))
    }
}

fn failure<A, E: Debug + From<TaskError> + 'static>(child: Child<A, E>) -> E {
    match child.into_result() {
        Ok(_) => unreachable!("a child that was reported as failed has no value"),
        Err(error) => error,
    }
}

/// The children of an empty gather.
impl Children for () {
    type Values = ();
    type Results = ();
    type Error = TaskError;

    fn count(&self) -> usize {
        0
    }

    fn poll_done(&mut self, _: usize, _: &Waker) -> Poll<()> {
        unreachable!("the children are counted")
    }

    fn each(&self, _: &mut dyn FnMut(&TaskHandle)) {}

    fn each_cancelled(&mut self, _: &mut dyn FnMut(&TaskHandle, &CancelledError) -> bool) -> bool {
        false
    }

    fn into_values(self) -> Result<(), TaskError> {
        Ok(())
    }

    fn into_results(self) {}

    fn into_error(self, _: usize) -> TaskError {
        unreachable!("the first failure is the index of a child")
    }
}

macro_rules! children {
    ($count:literal: $($A:ident $at:tt,)+) => {
        impl<E, $($A),+> Children for ($(Child<$A, E>,)+)
        where
            E: Debug + From<TaskError> + 'static,
        {
            type Values = ($($A,)+);
            type Results = ($(Result<$A, E>,)+);
            type Error = E;

            fn count(&self) -> usize {
                $count
            }

            fn poll_done(&mut self, index: usize, waker: &Waker) -> Poll<()> {
                match index {
                    $($at => self.$at.poll_done(waker),)+
                    _ => unreachable!("the children are counted"),
                }
            }

            fn each(&self, show: &mut dyn FnMut(&TaskHandle)) {
                $(show(&self.$at.handle());)+
            }

            fn each_cancelled(
                &mut self,
                show: &mut dyn FnMut(&TaskHandle, &CancelledError) -> bool,
            ) -> bool {
                false $(|| self.$at.show_cancelled(show))+
            }

            fn into_values(self) -> Result<Self::Values, E> {
                Ok(($(self.$at.into_result()?,)+))
            }

            fn into_results(self) -> Self::Results {
                ($(self.$at.into_result(),)+)
            }

            fn into_error(self, index: usize) -> E {
                match index {
                    $($at => failure(self.$at),)+
                    _ => unreachable!("the first failure is the index of a child"),
                }
            }
        }
    };
}

children!(1: A 0,);
children!(2: A 0, B 1,);
children!(3: A 0, B 1, C 2,);
children!(4: A 0, B 1, C 2, D 3,);
children!(5: A 0, B 1, C 2, D 3, F 4,);
children!(6: A 0, B 1, C 2, D 3, F 4, G 5,);
children!(7: A 0, B 1, C 2, D 3, F 4, G 5, H 6,);
children!(8: A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7,);
children!(9: A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8,);
children!(10: A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9,);
children!(11: A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10,);
children!(12: A 0, B 1, C 2, D 3, F 4, G 5, H 6, I 7, J 8, K 9, L 10, M 11,);

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
        Child::start_with(future, verdict, (), eager, spawner)
    }

    /// The same; `life` is dropped with the child's future, after a failure has been reported.
    pub(super) fn start_with<F, V, L>(
        future: F,
        verdict: V,
        life: L,
        eager: bool,
        spawner: &mut Spawner,
    ) -> Child<A, E>
    where
        F: Future + Send + 'static,
        V: Fn(F::Output) -> Result<A, E> + Send + 'static,
        L: Send + 'static,
    {
        let element = Element {
            future,
            verdict,
            guard: FailureGuard::new(&spawner.first_failure, spawner.started),
            life,
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
    /// A spawner that goes on after `started` children, for the call at `location`.
    pub(super) fn at(
        first_failure: &Arc<FirstFailure>,
        location: &'static Location<'static>,
        started: usize,
    ) -> Spawner {
        Spawner {
            first_failure: Arc::clone(first_failure),
            location,
            started,
        }
    }

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
    struct Element<F, V, L> {
        #[pin]
        future: F,
        verdict: V,
        // Dropped after `future`: when the gather is woken, the destructor of `future` has run.
        guard: FailureGuard,
        life: L,
    }
}

impl<F, V, L, A, E> Future for Element<F, V, L>
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
