//! `wait`: waits for some or all of several tasks, without taking their results.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ::futures::stream::{FuturesUnordered, Stream};

use super::sleep::{Sleep, sleep};
use crate::runtime::{CancelWaker, Outcome, Propagation, Raise, Task};

/// Waits until all of `tasks` have ended, or some of them: `asyncio.wait`.
///
/// It returns two lists, the tasks that are done and those that are pending. Await a done task to
/// get its result: an error of a task does not end the wait. Unlike asyncio's sets, the lists are
/// in the order in which the tasks were given. By default it waits for all; see
/// [`return_when`](Wait::return_when) and [`timeout`](Wait::timeout).
///
/// # Cancellation
/// Cancelling the waiting task detaches `tasks`: they keep running. If a task was cancelled by a
/// cause that also cancels the waiting task (the shutdown of the loop, say), the wait does not
/// return it but raises that cancellation.
///
/// # Panics
/// If `tasks` is empty: "Set of Tasks/Futures is empty."
///
/// ```
/// use asyncio::FIRST_COMPLETED;
/// use std::time::Duration;
/// # asyncio::run(async {
/// let quick = asyncio::create_task(async { 1 });
/// let slow = asyncio::create_task(asyncio::sleep(Duration::from_secs(3600)).with_result(2));
///
/// let (done, pending) = asyncio::wait([slow, quick]).return_when(FIRST_COMPLETED).await;
/// for task in done {
///     assert_eq!(task.await.unwrap(), 1);
/// }
/// for task in pending {
///     task.cancel();
/// }
/// # });
/// ```
#[track_caller]
pub fn wait<T>(tasks: impl IntoIterator<Item = Task<T>>) -> Wait<T> {
    let tasks = tasks.into_iter().enumerate();
    let pending: FuturesUnordered<_> = tasks.map(Ending::of).collect();
    assert!(!pending.is_empty(), "Set of Tasks/Futures is empty.");
    Wait {
        pending,
        done: Vec::new(),
        rest: Vec::new(),
        timeout: None,
        return_when: ALL_COMPLETED,
        enough: false,
        raise: None,
        cancel_waker: CancelWaker::default(),
        location: Location::caller(),
    }
}

/// The future of [`wait`].
#[must_use = "futures do nothing unless polled"]
pub struct Wait<T, W = AllCompleted> {
    pending: FuturesUnordered<Ending<T>>,
    done: Vec<(usize, Task<T>)>,
    /// The tasks that were not done when the wait was over.
    rest: Vec<(usize, Task<T>)>,
    timeout: Option<Sleep>,
    return_when: W,
    /// The wait is over: enough tasks have ended, or the timeout has expired.
    enough: bool,
    /// Set when the awaiter is cancelled by the cause that has ended one of the tasks.
    raise: Option<Raise>,
    cancel_waker: CancelWaker,
    location: &'static Location<'static>,
}

/// What a [`wait`] returns: the done tasks and the pending tasks.
pub type DoneAndPending<T> = (Vec<Task<T>>, Vec<Task<T>>);

impl<T, W> Wait<T, W> {
    /// Waits no longer than `timeout`, counted from the first poll. `None` is no limit.
    ///
    /// At the limit, the tasks that are not done are returned as pending: they are not cancelled,
    /// and there is no error. A timeout of zero yields once, as [`sleep`] of zero does.
    ///
    /// ```
    /// use std::time::Duration;
    /// # asyncio::run(async {
    /// let endless = asyncio::create_task(std::future::pending::<()>());
    /// let (done, pending) = asyncio::wait([endless]).timeout(Duration::from_millis(1)).await;
    /// assert_eq!((done.len(), pending.len()), (0, 1));
    /// # });
    /// ```
    #[track_caller]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Wait<T, W> {
        // Not with `map`: inside a closure, the sleep would not record the caller's line.
        self.timeout = None;
        if let Some(timeout) = timeout.into() {
            self.timeout = Some(sleep(timeout));
        }
        self
    }

    /// Sets when to return: [`ALL_COMPLETED`], [`FIRST_COMPLETED`] or [`FIRST_EXCEPTION`].
    ///
    /// ```
    /// use asyncio::FIRST_EXCEPTION;
    /// # asyncio::run(async {
    /// let failing = asyncio::create_task(async { Err::<(), _>("oh no") });
    /// let endless = asyncio::create_task(std::future::pending());
    /// let (done, pending) = asyncio::wait([failing, endless]).return_when(FIRST_EXCEPTION).await;
    /// assert_eq!((done.len(), pending.len()), (1, 1));
    /// # });
    /// ```
    pub fn return_when<V: ReturnWhen<T>>(self, condition: V) -> Wait<T, V> {
        Wait {
            pending: self.pending,
            done: self.done,
            rest: self.rest,
            timeout: self.timeout,
            return_when: condition,
            enough: self.enough,
            raise: self.raise,
            cancel_waker: self.cancel_waker,
            location: self.location,
        }
    }
}

/// A condition of [`Wait::return_when`].
///
/// Do not implement it: it has hidden methods that may change.
pub trait ReturnWhen<T>: Copy + Unpin {
    /// Whether the end of this task ends the wait.
    #[doc(hidden)]
    fn is_met_by(self, task: &mut Task<T>) -> bool;
}

/// The type of [`ALL_COMPLETED`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AllCompleted;

/// The type of [`FIRST_COMPLETED`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FirstCompleted;

/// The type of [`FIRST_EXCEPTION`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct FirstException;

/// Waits until all tasks have ended: `asyncio.ALL_COMPLETED`.
pub const ALL_COMPLETED: AllCompleted = AllCompleted;

/// Waits until a task has ended, with any outcome: `asyncio.FIRST_COMPLETED`.
///
/// More than one task may be done when the wait returns.
pub const FIRST_COMPLETED: FirstCompleted = FirstCompleted;

/// Waits until a task has returned an `Err` or panicked; if no task does, until all have ended:
/// `asyncio.FIRST_EXCEPTION`.
///
/// Only for tasks that return a `Result`. As in asyncio, a cancelled task does not end the wait.
///
/// ```compile_fail
/// # asyncio::run(async {
/// let plain = asyncio::create_task(async { 42 }); // not a `Result`
/// asyncio::wait([plain]).return_when(asyncio::FIRST_EXCEPTION).await;
/// # });
/// ```
pub const FIRST_EXCEPTION: FirstException = FirstException;

impl<T> ReturnWhen<T> for AllCompleted {
    fn is_met_by(self, _: &mut Task<T>) -> bool {
        false
    }
}

impl<T> ReturnWhen<T> for FirstCompleted {
    fn is_met_by(self, _: &mut Task<T>) -> bool {
        true
    }
}

impl<T, E> ReturnWhen<Result<T, E>> for FirstException {
    fn is_met_by(self, task: &mut Task<Result<T, E>>) -> bool {
        matches!(
            task.peek(),
            Some(Outcome::Returned(Err(_)) | Outcome::Panicked(_))
        )
    }
}

impl<T, W: ReturnWhen<T>> Future for Wait<T, W> {
    type Output = DoneAndPending<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<DoneAndPending<T>> {
        let this = &mut *self;
        if let Some(raise) = &mut this.raise {
            if raise.poll_once(cx.waker()).is_pending() {
                return Poll::Pending;
            }
            // The cancellation was raised and caught, and this future is awaited again: return the
            // tasks.
            return Poll::Ready(this.finish());
        }
        this.enough = this.enough || this.is_enough(cx);
        if !this.enough {
            return Poll::Pending;
        }
        match this.propagate(cx) {
            Some(raise) => {
                this.raise = raise;
                this.cancel_waker.register_waker(cx.waker());
                Poll::Pending
            }
            None => Poll::Ready(this.finish()),
        }
    }
}

impl<T, W: ReturnWhen<T>> Wait<T, W> {
    /// Whether enough tasks have ended, or the timeout has expired.
    fn is_enough(&mut self, cx: &mut Context<'_>) -> bool {
        if self.pending.is_empty() {
            return true;
        }
        while let Poll::Ready(Some((index, mut task))) = Pin::new(&mut self.pending).poll_next(cx) {
            let enough = self.return_when.is_met_by(&mut task);
            self.done.push((index, task));
            if enough || self.pending.is_empty() {
                return true;
            }
        }
        let timed_out = |sleep: &mut Sleep| Pin::new(sleep).poll(cx).is_ready();
        self.timeout.as_mut().is_some_and(timed_out)
    }
}

impl<T, W> Wait<T, W> {
    /// Checks whether one of the tasks was ended by a cause that is about to end the awaiter too (a
    /// shutdown, say). Then the wait must not return: a supervisor that waits for its worker tasks
    /// would restart them in the middle of its own end.
    ///
    /// `None`: no such task, return the lists. `Some(Some(raise))`: raise now. `Some(None)`: stay
    /// pending, the awaiter's own request comes with its next poll.
    fn propagate(&mut self, cx: &mut Context<'_>) -> Option<Option<Raise>> {
        self.sort();
        self.done
            .iter_mut()
            .find_map(|(_, task)| match task.propagation_to_waiter() {
                Propagation::Raise(mut raise) => {
                    let _pending = raise.poll_once(cx.waker());
                    Some(Some(raise))
                }
                Propagation::RequestComes => Some(None),
                Propagation::None => None,
            })
    }

    /// Moves the tasks out of `pending`: those that are done by now to `done`, the others to
    /// `rest`.
    fn sort(&mut self) {
        let rest = std::mem::take(&mut self.pending).into_iter();
        let rest = rest.map(|ending| ending.task.expect("it was pending"));
        let (done, rest): (Vec<_>, Vec<_>) = rest.partition(|(_, task)| task.done());
        self.done.extend(done);
        self.rest.extend(rest);
    }

    fn finish(&mut self) -> DoneAndPending<T> {
        let lists = [&mut self.done, &mut self.rest].map(std::mem::take);
        assert!(
            lists.iter().any(|list| !list.is_empty()),
            "the wait made at {} was polled after its end",
            self.location
        );
        let in_order = |mut list: Vec<(usize, Task<T>)>| {
            list.sort_unstable_by_key(|(index, _)| *index);
            list.into_iter().map(|(_, task)| task).collect()
        };
        let [done, rest] = lists.map(in_order);
        (done, rest)
    }
}

/// Waits for the end of one task, and returns the task, with its result, and its index.
struct Ending<T> {
    /// `None` once the task was returned.
    task: Option<(usize, Task<T>)>,
}

impl<T> Ending<T> {
    fn of(task: (usize, Task<T>)) -> Ending<T> {
        Ending { task: Some(task) }
    }
}

impl<T> Future for Ending<T> {
    type Output = (usize, Task<T>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<(usize, Task<T>)> {
        let ended = |(_, task): &mut (usize, Task<T>)| task.poll_done(cx.waker()).is_ready();
        match self.task.take_if(ended) {
            Some(task) => Poll::Ready(task),
            None => Poll::Pending,
        }
    }
}

impl<T, W> fmt::Debug for Wait<T, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("done", &self.done.len())
            .field("pending", &self.pending.len())
            .finish_non_exhaustive()
    }
}
