//! `as_completed`: a stream of the results of several tasks, in the order in which they end.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use ::futures::stream::{FusedStream, FuturesUnordered, Stream};

use super::sleep::{Sleep, sleep};
use crate::exceptions::{TaskError, TimeoutError};
use crate::runtime::Task;

/// Returns a stream of the results of `tasks`, in the order in which they end:
/// `asyncio.as_completed`.
///
/// Unlike asyncio's, it is a stream and not an iterator of awaitables. Tasks that ended before its
/// first poll come first, in the order in which they were given.
///
/// # Cancellation
/// Cancelling the consumer, or dropping the stream, detaches the tasks: they keep running.
///
/// ```
/// use futures::StreamExt;
/// use std::time::Duration;
/// # asyncio::run(async {
/// let tasks = [30, 10, 20].map(|ms| {
///     asyncio::create_task(asyncio::sleep(Duration::from_millis(ms)).with_result(ms))
/// });
/// let mut results = asyncio::as_completed(tasks);
/// let mut order = Vec::new();
/// while let Some(result) = results.next().await {
///     order.push(result.unwrap());
/// }
/// assert_eq!(order, [10, 20, 30]);
/// # });
/// ```
pub fn as_completed<T>(tasks: impl IntoIterator<Item = Task<T>>) -> AsCompleted<T> {
    AsCompleted {
        pending: tasks.into_iter().map(|task| Joining { task }).collect(),
        timeout: None,
    }
}

/// The stream of [`as_completed`].
#[must_use = "streams do nothing unless polled"]
pub struct AsCompleted<T> {
    pending: FuturesUnordered<Joining<T>>,
    timeout: Option<Sleep>,
}

impl<T> AsCompleted<T> {
    /// Limits the time for all results together, counted from the first poll. `None` is no limit.
    ///
    /// At the limit, the stream returns the results that are ready, and then ends with one
    /// `Err(TaskError::TimedOut(_))`. The remaining tasks are detached, not cancelled.
    ///
    /// ```
    /// use futures::StreamExt;
    /// use std::time::Duration;
    /// # asyncio::run(async {
    /// let endless = asyncio::create_task(std::future::pending::<()>());
    /// let mut results = asyncio::as_completed([endless]).timeout(Duration::from_millis(1));
    /// assert!(results.next().await.unwrap().unwrap_err().is_timeout());
    /// assert!(results.next().await.is_none());
    /// # });
    /// ```
    #[track_caller]
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> AsCompleted<T> {
        // Not with `map`: inside a closure, the sleep would not record the caller's line.
        self.timeout = None;
        if let Some(timeout) = timeout.into() {
            self.timeout = Some(sleep(timeout));
        }
        self
    }
}

impl<T> Stream for AsCompleted<T> {
    type Item = Result<T, TaskError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Poll::Ready(next) = Pin::new(&mut this.pending).poll_next(cx) {
            return Poll::Ready(next);
        }
        let timed_out = |sleep: &mut Sleep| Pin::new(sleep).poll(cx).is_ready();
        if this.timeout.as_mut().is_some_and(timed_out) {
            // Detaches the tasks, and ends the stream.
            this.pending = FuturesUnordered::new();
            return Poll::Ready(Some(Err(TimeoutError.into())));
        }
        Poll::Pending
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let count = self.pending.len();
        // With a timeout, one error may replace all remaining results.
        let least = if self.timeout.is_some() {
            count.min(1)
        } else {
            count
        };
        (least, Some(count))
    }
}

impl<T> FusedStream for AsCompleted<T> {
    fn is_terminated(&self) -> bool {
        self.pending.is_empty()
    }
}

/// Waits for the result of one task. Unlike an await of the task itself, it does not pass a
/// cancellation on to the task: the code around the stream receives the request.
struct Joining<T> {
    task: Task<T>,
}

impl<T> Future for Joining<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.task.poll_passive(cx)
    }
}

impl<T> fmt::Debug for AsCompleted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted")
            .field("pending", &self.pending.len())
            .finish_non_exhaustive()
    }
}
