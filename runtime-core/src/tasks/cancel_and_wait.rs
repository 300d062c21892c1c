//! Cancelling a task, and waiting for its end.

use crate::runtime::{Task, TaskHandle, Wait};

impl<T> Task<T> {
    /// Requests the task's cancellation in this call, and returns the task, to be awaited: it has
    /// ended, with all its cleanup, when the await has. asyncio has no counterpart; there one
    /// writes `task.cancel()` and awaits the task in a `try`.
    ///
    /// Awaited, it gives the result: mostly `Err(TaskError::Cancelled(_))`; the value, if the task
    /// was done before, or suppressed the request.
    ///
    /// # Cancellation
    /// As in every await of a task: cancelling the awaiter cancels the task once more, which
    /// interrupts its cleanup, and waits until it has ended.
    ///
    /// ```
    /// use asyncio::{catch_cancelled, create_task};
    /// # asyncio::run(async {
    /// let task = create_task(async {
    ///     let _caught = catch_cancelled(std::future::pending::<()>()).await;
    ///     "cleaned up"
    /// });
    /// asyncio::checkpoint().await;
    /// match task.cancel_and_wait().await {
    ///     Ok(text) => assert_eq!(text, "cleaned up"),
    ///     Err(error) => assert!(error.is_cancelled()), // before its first step
    /// }
    /// # });
    /// ```
    #[track_caller]
    #[must_use = "the wait is an await of the task that is returned"]
    pub fn cancel_and_wait(self) -> Task<T> {
        self.cancel();
        self
    }
}

impl TaskHandle {
    /// Requests the task's cancellation in this call, and waits for its end when the future is
    /// awaited.
    ///
    /// # Cancellation
    /// As in [`wait`](TaskHandle::wait): cancelling the waiter does not affect the task again.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let handle = asyncio::create_task(std::future::pending::<()>()).handle();
    /// handle.cancel_and_wait().await;
    /// assert!(handle.cancelled());
    /// # });
    /// ```
    #[track_caller]
    pub fn cancel_and_wait(&self) -> Wait {
        self.cancel();
        self.wait()
    }
}
