//! The handle of a group: to make children, and to end the group.

use std::fmt::{self, Debug};
use std::future::Future;
use std::panic::Location;

use super::limit::Gated;
use super::member::{Group, Member};
use super::start::{Start, TaskStatus};
use super::word::Refusal;
use crate::exceptions::{CancelSource, CancelledError};
use crate::runtime::{NewTask, Parent, Task, boxed_if_big, get_running_loop, is_big, reason_at};
use crate::sync::StdArc;

/// A group of tasks, as its body, its children and any other task see it: `asyncio.TaskGroup`.
///
/// The body of [`task_group`](crate::task_group) is given one. Clones are handles of the same
/// group: any task and any thread may hold one, make children by it and cancel it. A handle may
/// outlive its group.
///
/// `E` is the type of the children's errors.
///
/// ```
/// # asyncio::run(async {
/// let outcome = asyncio::task_group(async |tg| {
///     let group = tg.clone();
///     tg.create_task(async move {
///         group.create_task(async { Err::<(), _>("from a child of a child") });
///         Ok(())
///     });
///     Ok(())
/// });
/// assert_eq!(outcome.await.unwrap_err().errors(), ["from a child of a child"]);
/// # });
/// ```
pub struct TaskGroup<E> {
    pub(super) group: StdArc<Group<E>>,
}

impl<E: Debug + Send + 'static> TaskGroup<E> {
    pub(super) fn new(location: &'static Location<'static>) -> TaskGroup<E> {
        TaskGroup {
            group: StdArc::new(Group::new(get_running_loop(), location)),
        }
    }

    /// Runs `coro` as a child of this group: `TaskGroup.create_task`.
    ///
    /// The child is an ordinary task, which starts soon, on any worker of the group's loop. The
    /// group does not end before it has. An `Err` of the child is for the group: it cancels the
    /// other children and the body, and stands in the group's [`ExceptionGroup`]; awaiting the
    /// [`Task`] then gives [`TaskError::Failed`]. A child that ends cancelled fails nothing. The
    /// handle may be dropped.
    ///
    /// Unlike in asyncio, where it is an error, a group that is being ended, or has ended, drops
    /// `coro` unrun, and returns a task that is cancelled already; its
    /// [reason](CancelledError::reason) is [`CancelSource::TaskGroup`].
    ///
    /// [`ExceptionGroup`]: crate::ExceptionGroup
    /// [`TaskError::Failed`]: crate::TaskError::Failed
    ///
    /// ```
    /// # asyncio::run(async {
    /// let sum = asyncio::task_group(async |tg| {
    ///     let one = tg.create_task(async { Ok::<_, String>(1) });
    ///     let two = tg.create_task(async { Ok(2) });
    ///     Ok(one.await.unwrap() + two.await.unwrap())
    /// });
    /// assert_eq!(sum.await, Ok(3));
    /// # });
    /// ```
    #[track_caller]
    pub fn create_task<F, U>(&self, coro: F) -> Task<U>
    where
        F: Future<Output = Result<U, E>> + Send + 'static,
        U: Send + 'static,
    {
        boxed_if_big!(F, coro => self.spawn(coro, NewTask::here()))
    }

    /// Runs `coro`, which cannot fail, as a child of this group: trio's `start_soon`.
    ///
    /// In all else it is [`create_task`](TaskGroup::create_task).
    ///
    /// ```
    /// # asyncio::run(async {
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// let outcome = asyncio::task_group(async |tg| {
    ///     tg.start_soon(async move { sender.send("done").unwrap() });
    ///     Ok::<_, String>(())
    /// });
    /// assert_eq!(outcome.await, Ok(()));
    /// assert_eq!(receiver.recv(), Ok("done"));
    /// # });
    /// ```
    #[track_caller]
    pub fn start_soon<F>(&self, coro: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(boxed_if_big!(F, coro => self.spawn(coro, NewTask::here())));
    }

    /// Runs a child, and waits until it says that it is ready: trio's `start`.
    ///
    /// The child is made in this call. It is given a [`TaskStatus`], and calls
    /// [`started`](TaskStatus::started) with the value that the future of this call returns. Then
    /// it runs on in the group.
    ///
    /// # Errors
    /// [`NotStarted`](crate::taskgroups::NotStarted) if the child ends before. Its own error is in
    /// the group's.
    ///
    /// # Cancellation
    /// Until the child is ready, a cancellation of the caller is passed on to it, as by awaiting
    /// its task. If the future is dropped before, the child is cancelled.
    ///
    /// ```
    /// use asyncio::taskgroups::TaskStatus;
    /// # asyncio::run(async {
    /// let outcome = asyncio::task_group(async |tg| {
    ///     let port = tg.start(|status: TaskStatus<u16>| async move {
    ///         status.started(8080);
    ///         asyncio::checkpoint().await; // it runs on
    ///         Ok::<_, String>(())
    ///     });
    ///     assert_eq!(port.await.unwrap(), 8080);
    ///     Ok(())
    /// });
    /// outcome.await.unwrap();
    /// # });
    /// ```
    #[track_caller]
    pub fn start<S, U, F>(&self, child: impl FnOnce(TaskStatus<S>) -> F) -> Start<S, U>
    where
        S: Send + 'static,
        U: Send + 'static,
        F: Future<Output = Result<U, E>> + Send + 'static,
    {
        let (status, ready) = TaskStatus::new();
        Start::new(self.create_task(child(status)), ready)
    }

    /// Lets at most `limit` children run from now on; the others wait, in the order
    /// in which they were made. asyncio has a semaphore for this.
    ///
    /// A child that waits belongs to the group like any other: it is waited for, and
    /// cancelled with the others. If more run already, they run on. A child that awaits one that
    /// waits may wait for ever.
    ///
    /// # Panics
    /// If the limit is 0.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let outcome = asyncio::task_group(async |tg| {
    ///     tg.limit(8);
    ///     for _ in 0..1000 {
    ///         tg.create_task(async { Ok::<_, String>(()) });
    ///     }
    ///     Ok(())
    /// });
    /// outcome.await.unwrap();
    /// # });
    /// ```
    #[track_caller]
    pub fn limit(&self, limit: usize) -> &TaskGroup<E> {
        assert!(limit > 0, "the limit of a TaskGroup must be at least 1");
        self.group.children.limit(limit);
        self
    }

    /// Ends the group early, and quietly: `TaskGroup.cancel`.
    ///
    /// All children are cancelled, and so is the body, at its next await that suspends; both may
    /// clean up. A body that still returns a value gives that; for one that was ended by this, the
    /// group gives an [`ExceptionGroup`](crate::ExceptionGroup) without errors, and its
    /// `is_cancelled` is true. Errors are not hidden: those of the cleanups are the group's.
    ///
    /// May be called from anywhere, by the children as well. A group that is being ended, or has
    /// ended, stays as it is.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let outcome = asyncio::task_group(async |tg| {
    ///     let found = tg.clone();
    ///     tg.start_soon(async move { found.cancel() });
    ///     tg.start_soon(std::future::pending());
    ///     Ok::<_, String>("found")
    /// });
    /// assert_eq!(outcome.await, Ok("found"));
    /// # });
    /// ```
    #[track_caller]
    pub fn cancel(&self) {
        if !self.group.children.is_over() && !self.group.children.is_aborted() {
            let reason = reason_at(CancelSource::TaskGroup, Location::caller());
            self.group.children.abort(CancelledError::new(reason));
        }
    }

    fn spawn<F, U>(&self, coro: F, new: NewTask) -> Task<U>
    where
        F: Future + Send + 'static,
        F::Output: 'static,
        Member<E>: Parent<F::Output, Value = U>,
        U: Send + 'static,
    {
        let group = &self.group;
        let gate = match group.children.enter() {
            Ok(gate) => gate,
            Err(refusal) => {
                let error = self.refusal(refusal, new.location);
                let member = Member::refused();
                return group.event_loop.spawn_refused(coro, member, new, error);
            }
        };
        let member = Member::new(group, gate.clone());
        let task = match gate {
            None => group.event_loop.spawn_child(coro, member, new),
            Some(gate) => {
                let child: std::pin::Pin<Box<dyn Future<Output = F::Output> + Send>> =
                    Box::pin(coro);
                let gated = Gated {
                    gate: Some(gate),
                    child,
                };
                group.event_loop.spawn_child(gated, member, new)
            }
        };
        group.children.add(&task.handle());
        task
    }

    #[cold]
    fn refusal(&self, refusal: Refusal, at: &'static Location<'static>) -> CancelledError {
        let error = CancelledError::new(reason_at(CancelSource::TaskGroup, at));
        error.saying(match refusal {
            Refusal::ShuttingDown => "the TaskGroup is shutting down",
            Refusal::Finished => "the TaskGroup is finished",
        })
    }
}

impl<E> Clone for TaskGroup<E> {
    fn clone(&self) -> TaskGroup<E> {
        TaskGroup {
            group: StdArc::clone(&self.group),
        }
    }
}

impl<E> fmt::Debug for TaskGroup<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("word", self.group.children.word())
            .finish_non_exhaustive()
    }
}
