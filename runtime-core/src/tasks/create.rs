//! Making tasks.

use std::future::Future;

use crate::runtime::{
    Context, NewTask, Task, boxed_if_big, is_big, no_running_loop, spawn_here, spawn_local,
};

/// Runs `coro` concurrently, as a task of the running loop: `asyncio.create_task`.
///
/// It starts soon, on any worker, never inside this call. Dropping the [`Task`] detaches it. On a
/// loop that is closed the coroutine is dropped, and the task is cancelled already.
///
/// # Panics
/// If no loop is running here.
///
/// ```
/// # asyncio::run(async {
/// let task = asyncio::create_task(async { 42 });
/// assert_eq!(task.await.unwrap(), 42);
/// # });
/// ```
#[track_caller]
pub fn create_task<F>(coro: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match boxed_if_big!(F, coro => spawn_here(coro, NewTask::here())) {
        Some(task) => task,
        None => no_running_loop(),
    }
}

/// As [`create_task`], for a future that is not `Send`: the task stays on this thread.
///
/// Only this thread polls it and drops its future; a wake or a cancellation from elsewhere is sent
/// here. If the thread is stuck in another task, so is this one.
///
/// # Panics
/// If no loop is running here, or if this thread runs nothing for its loop (it has merely entered it).
///
/// ```
/// # asyncio::run(async {
/// let name = std::rc::Rc::new(String::from("local"));
/// let task = asyncio::create_local_task(async move { name.len() });
/// assert_eq!(task.await.unwrap(), 5);
/// # });
/// ```
#[track_caller]
pub fn create_local_task<F>(coro: F) -> Task<F::Output>
where
    F: Future + 'static,
    F::Output: Send + 'static,
{
    boxed_if_big!(F, coro => spawn_local(coro, NewTask::here()))
}

/// [`create_task`] under asyncio's older name.
///
/// Unlike asyncio's, it always makes a task, even of a [`Task`].
///
/// # Panics
/// As [`create_task`].
#[track_caller]
pub fn ensure_future<F>(coro: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    boxed_if_big!(F, coro => create_task(coro))
}

/// Makes a task with extras.
///
/// ```
/// # asyncio::run(async {
/// let task = asyncio::task::Builder::new().name("fetch").create_task(async { 42 });
/// assert_eq!(task.get_name(), "fetch");
/// assert_eq!(task.await.unwrap(), 42);
/// # });
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it makes a task"]
pub struct Builder {
    name: Option<String>,
    context: Option<Context>,
    eager_start: bool,
}

impl Builder {
    /// A task without extras.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Names the task.
    pub fn name(mut self, name: impl Into<String>) -> Builder {
        self.name = Some(name.into());
        self
    }

    /// Runs the task in `context` itself instead of in a copy of the creator's.
    pub fn context(mut self, context: Context) -> Builder {
        self.context = Some(context);
        self
    }

    /// Runs the task up to its first suspension before `create_task` returns. Outside a task it is
    /// scheduled as always; so it is inside the sixteenth of tasks that were started eagerly within
    /// one another, because each level takes its part of the stack.
    pub fn eager_start(mut self, eager: bool) -> Builder {
        self.eager_start = eager;
        self
    }

    /// Makes the task.
    ///
    /// # Panics
    /// If no loop is running here.
    #[track_caller]
    pub fn create_task<F>(self, coro: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match boxed_if_big!(F, coro => spawn_here(coro, self.into_new_task(NewTask::here()))) {
            Some(task) => task,
            None => no_running_loop(),
        }
    }

    /// Makes a task that stays on this thread; it does not start eagerly.
    ///
    /// # Panics
    /// As [`create_local_task`].
    #[track_caller]
    pub fn create_local_task<F>(self, coro: F) -> Task<F::Output>
    where
        F: Future + 'static,
        F::Output: Send + 'static,
    {
        boxed_if_big!(F, coro => spawn_local(coro, self.into_new_task(NewTask::here())))
    }

    fn into_new_task(self, here: NewTask) -> NewTask {
        NewTask {
            name: self.name,
            context: self.context,
            eager: self.eager_start,
            ..here
        }
    }
}
