//! Makes tasks: three functions, one for each guarantee under which a future may become a task.

use std::future::Future;
use std::pin::Pin;

use super::join::Task;
use super::parent::{NoParent, Parent};
use super::raw::allocate;
use super::runnable::Runnable;
use super::schedule::Schedule;

pub(crate) use super::raw::SpawnMeta;

/// A scheduler that passes the right to run only to the thread that made the task.
///
/// # Safety
/// `schedule` must do that: a future that is not `Send` relies on it.
pub(crate) unsafe trait ScheduleHere: Schedule {}

/// Makes a task that any thread may run.
#[inline]
pub(crate) fn task<F, S, P>(
    future: F,
    scheduler: S,
    parent: P,
    meta: SpawnMeta,
) -> (Runnable, Task<P::Value>)
where
    F: Future + Send + 'static,
    S: Schedule,
    P: Parent<F::Output>,
    P::Value: Send,
{
    // SAFETY: the future is Send and 'static.
    let (runnable, task) = unsafe { allocate(future, scheduler, parent, meta) };
    // SAFETY: the output is a `P::Value`, which is Send.
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
    let (runnable, task) = unsafe { allocate(future, scheduler, NoParent, meta) };
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
    let (runnable, task) = unsafe { allocate(future, scheduler, NoParent, meta) };
    // SAFETY: the output is `()`.
    (runnable, unsafe { Task::new(task) })
}
