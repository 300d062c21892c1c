//! Protecting a task from the cancellation of its awaiter.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::exceptions::TaskError;
use crate::runtime::Task;

/// Awaits a task, and leaves it running if the awaiter is cancelled: `asyncio.shield`.
///
/// It takes a [`Task`], which runs on detached if the awaiter is cancelled, or a `&mut Task`, which
/// can be awaited again then. The awaiter itself is cancelled all the same.
///
/// ```
/// # asyncio::run(async {
/// let mut important = asyncio::create_task(async { 42 });
/// assert_eq!(asyncio::shield(&mut important).await.unwrap(), 42);
/// # });
/// ```
///
/// # Errors
/// As awaiting the task.
pub fn shield<S: Shieldable>(task: S) -> Shield<S> {
    Shield { task }
}

/// What can be shielded: a [`Task`], and a `&mut Task`.
pub trait Shieldable: Unpin {
    /// What the task returns.
    type Output;

    #[doc(hidden)]
    fn poll_shielded(&mut self, cx: &mut Context<'_>) -> Poll<Result<Self::Output, TaskError>>;
}

impl<T> Shieldable for Task<T> {
    type Output = T;

    fn poll_shielded(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        // Not aware of cancellation: what encloses the shield drops it.
        self.poll_passive(cx)
    }
}

impl<T> Shieldable for &mut Task<T> {
    type Output = T;

    fn poll_shielded(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        self.poll_passive(cx)
    }
}

/// The future of [`shield`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Shield<S> {
    task: S,
}

impl<S: Shieldable> Future for Shield<S> {
    type Output = Result<S::Output, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.task.poll_shielded(cx)
    }
}
