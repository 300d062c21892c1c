//! Creates tasks: `create_task`, `create_local_task` and the builder.

use std::future::Future;

use crate::runtime::{
    Context, NewTask, Task, boxed_if_big, is_big, no_running_loop, spawn_here, spawn_local,
};

/// Runs `coro` concurrently, as a task of the running loop: `asyncio.create_task`.
///
/// The task starts soon, on any worker, never inside this call. Unlike in asyncio, it may run in
/// parallel with the caller, and dropping the [`Task`] detaches it: it keeps running. On a closed
/// loop the coroutine is dropped, and the returned task is already cancelled.
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

/// Like [`create_task`], for a future that need not be `Send`: the task stays on this thread.
///
/// Only this thread polls the future and drops it; a wake or a cancellation from another thread is
/// sent to this thread. While this thread is blocked by another task, the local task waits.
///
/// # Panics
/// If no loop is running here, or if this thread does not run code for its loop (it has only
/// [entered](crate::EventLoop::enter) the loop).
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

/// The same as [`create_task`], under asyncio's older name: `asyncio.ensure_future`.
///
/// Unlike asyncio's, it always creates a new task, even if it is given a [`Task`].
///
/// # Panics
/// If no loop is running here.
///
/// ```
/// # asyncio::run(async {
/// assert_eq!(asyncio::ensure_future(async { 42 }).await.unwrap(), 42);
/// # });
/// ```
#[track_caller]
pub fn ensure_future<F>(coro: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    boxed_if_big!(F, coro => create_task(coro))
}

/// Creates tasks with a name, a context of their own or an eager start: the keyword arguments of
/// `asyncio.create_task`.
///
/// ```
/// # asyncio::run(async {
/// let task = asyncio::task::Builder::new().name("fetch").create_task(async { 42 });
/// assert_eq!(task.get_name(), "fetch");
/// assert_eq!(task.await.unwrap(), 42);
/// # });
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it creates a task"]
pub struct Builder {
    name: Option<String>,
    context: Option<Context>,
    eager_start: bool,
}

impl Builder {
    /// A builder with the default settings.
    pub fn new() -> Builder {
        Builder::default()
    }

    /// Sets the name of the task.
    pub fn name(mut self, name: impl Into<String>) -> Builder {
        self.name = Some(name.into());
        self
    }

    /// Runs the task in `context` itself, instead of in a copy of the creator's context.
    ///
    /// ```
    /// asyncio::context_var! { static LEVEL: u32 = 0 }
    /// # asyncio::run(async {
    /// let context = asyncio::copy_context();
    /// let builder = asyncio::task::Builder::new().context(context.clone());
    /// builder.create_task(async { drop(LEVEL.set(1)) }).await.unwrap();
    /// assert_eq!(context.run(|| LEVEL.get()), 1);
    /// assert_eq!(LEVEL.get(), 0);
    /// # });
    /// ```
    pub fn context(mut self, context: Context) -> Builder {
        self.context = Some(context);
        self
    }

    /// Runs the task up to its first suspension before `create_task` returns.
    ///
    /// Outside a task, the new task is scheduled as usual. So it is inside sixteen nested eager
    /// starts, because each level takes a part of the stack.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let builder = asyncio::task::Builder::new().eager_start(true);
    /// assert!(builder.create_task(async { 42 }).done());
    /// # });
    /// ```
    pub fn eager_start(mut self, eager: bool) -> Builder {
        self.eager_start = eager;
        self
    }

    /// Creates the task, as [`create_task`] does.
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

    /// Creates a task that stays on this thread, as [`create_local_task`] does. It does not start
    /// eagerly.
    ///
    /// # Panics
    /// In the same cases as [`create_local_task`].
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
