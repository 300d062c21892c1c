//! Makes tasks: three functions, one for each guarantee under which a future may become a task.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;

use super::context::Context;
use super::header::TaskId;
use super::join::Task;
use super::raw::allocate;
use super::runnable::Runnable;
use super::schedule::Schedule;

/// What a task is made with, besides its future and its scheduler.
#[derive(Debug)]
pub(crate) struct SpawnMeta {
    pub(crate) id: TaskId,
    pub(crate) context: Option<Context>,
    pub(crate) location: &'static Location<'static>,
}

/// A scheduler that passes the right to run only to the thread that made the task.
///
/// # Safety
/// `schedule` must do that: a future that is not `Send` relies on it.
pub(crate) unsafe trait ScheduleHere: Schedule {}

/// Makes a task that any thread may run.
pub(crate) fn task<F, S>(future: F, scheduler: S, meta: SpawnMeta) -> (Runnable, Task<F::Output>)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
    S: Schedule,
{
    // SAFETY: the future is Send and 'static.
    let (runnable, task) =
        unsafe { allocate(future, scheduler, meta.id, meta.context, meta.location) };
    // SAFETY: the output is an `F::Output`, which is Send.
    (runnable, unsafe { Task::new(task) })
}

/// Makes a task that runs only on the thread that makes it.
pub(crate) fn local_task<F, S>(
    future: F,
    scheduler: S,
    meta: SpawnMeta,
) -> (Runnable, Task<F::Output>)
where
    F: Future + 'static,
    F::Output: Send + 'static,
    S: ScheduleHere,
{
    // SAFETY: 'static; not Send, but `ScheduleHere` guarantees the thread.
    let (runnable, task) =
        unsafe { allocate(future, scheduler, meta.id, meta.context, meta.location) };
    // SAFETY: the output is an `F::Output`, which is Send.
    (runnable, unsafe { Task::new(task) })
}

/// Makes a task that runs only on the thread that makes it, and may borrow from that thread.
///
/// # Safety
/// The task must have ended before `'a` does.
pub(crate) unsafe fn root_task<'a, S>(
    future: Pin<Box<dyn Future<Output = ()> + 'a>>,
    scheduler: S,
    meta: SpawnMeta,
) -> (Runnable, Task<()>)
where
    S: ScheduleHere,
{
    // SAFETY: not 'static, but the caller guarantees the order of the ends; not Send, but
    // `ScheduleHere` guarantees the thread.
    let (runnable, task) =
        unsafe { allocate(future, scheduler, meta.id, meta.context, meta.location) };
    // SAFETY: the output is `()`.
    (runnable, unsafe { Task::new(task) })
}
