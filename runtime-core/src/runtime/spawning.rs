//! The making of tasks: on the current loop, on a given one, and on this thread.

use std::future::Future;
use std::panic::Location;

use super::scheduler::context;
use super::scheduler::core::Core;
use super::scheduler::schedule::{Bound, Stealable, closed_error, register, submit};
use super::scheduler::shared::Shared;
use super::task::cancel;
use super::task::context::Context;
use super::task::current_context::inherited_context;
use super::task::header::TaskId;
use super::task::join::Task;
use super::task::parent::{NoParent, Parent};
use super::task::spawn::{self, SpawnMeta};
use crate::exceptions::CancelledError;
use crate::sync::Arc;

/// The settings of a new task, as collected by `task::Builder`.
#[derive(Debug)]
pub(crate) struct NewTask {
    pub(crate) name: Option<String>,
    pub(crate) context: Option<Context>,
    pub(crate) eager: bool,
    pub(crate) location: &'static Location<'static>,
}

impl NewTask {
    /// The default settings, with the location of the caller (`#[track_caller]`).
    #[track_caller]
    pub(crate) fn here() -> NewTask {
        NewTask {
            name: None,
            context: None,
            eager: false,
            location: Location::caller(),
        }
    }
}

#[track_caller]
pub(crate) fn no_running_loop() -> ! {
    panic!(
        "no running event loop: call this inside asyncio::run(), or enter a loop first with \
         EventLoop::enter()"
    )
}

/// Whether the registry accepted a new task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Registered {
    /// The task is in the registry, and has been scheduled or polled.
    Accepted,
    /// The registry was closed: the future has been dropped, and the task is cancelled.
    Refused,
}

/// Makes a task on the current loop. Returns `None` if this thread has no loop; `coro` has been
/// dropped then.
#[inline]
pub(crate) fn spawn_here<F>(coro: F, new: NewTask) -> Option<Task<F::Output>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let Some(core) = context::core() else {
        let shared = context::current()?;
        return Some(spawn_stealable(&shared, coro, NoParent, new).0);
    };
    Some(spawn_on(&core, coro, NoParent, new).0)
}

/// Whether a task may be polled within the call that makes it: only inside another task, and only
/// up to a limited nesting, because every level uses stack.
fn may_start_eagerly() -> bool {
    cancel::current_pointer().is_some() && cancel::depth() <= MOST_EAGER
}

/// The deepest nesting of polls at which a task is still started eagerly. Small, because the polls
/// of futures may use much stack.
const MOST_EAGER: u32 = 16;

/// Makes a task on a worker. Touches nothing that other workers write, except for the end of the
/// run queue that thieves take from.
// Always: with the settings of `create_task`, most of it is not there.
#[inline(always)]
fn spawn_on<F, P>(core: &Core, coro: F, parent: P, new: NewTask) -> (Task<P::Value>, Registered)
where
    F: Future + Send + 'static,
    P: Parent<F::Output>,
    P::Value: Send,
{
    let (eager, id) = (new.eager, core.next_id());
    let (meta, name) = meta(id, new);
    let (runnable, task) = spawn::task(coro, Stealable::on(core), parent, meta);
    if let Some(name) = name {
        task.set_name(name);
    }
    if core.register(&runnable).is_err() {
        runnable.abandon_unnested(closed_error());
        return (task, Registered::Refused);
    }
    if eager && may_start_eagerly() {
        runnable.run();
    } else {
        core.push_new(runnable);
    }
    (task, Registered::Accepted)
}

/// Makes a task from any thread.
pub(crate) fn spawn_stealable<F, P>(
    shared: &Arc<Shared>,
    coro: F,
    parent: P,
    new: NewTask,
) -> (Task<P::Value>, Registered)
where
    F: Future + Send + 'static,
    P: Parent<F::Output>,
    P::Value: Send,
{
    let here = context::core().filter(|core| Arc::ptr_eq(&core.shared, shared));
    if let Some(core) = here {
        return spawn_on(&core, coro, parent, new);
    }
    let (eager, id) = (new.eager, shared.ids.one());
    let (meta, name) = meta(id, new);
    let (runnable, task) = spawn::task(coro, Stealable::of(shared), parent, meta);
    if let Some(name) = name {
        task.set_name(name);
    }
    if register(shared, &runnable).is_err() {
        runnable.abandon_unnested(closed_error());
        return (task, Registered::Refused);
    }
    if eager && may_start_eagerly() {
        runnable.run();
    } else {
        submit(shared, runnable);
    }
    (task, Registered::Accepted)
}

/// Makes a task that never runs: its future is dropped here, and it is cancelled from the start.
pub(crate) fn spawn_refused<F, P>(
    shared: &Arc<Shared>,
    coro: F,
    parent: P,
    new: NewTask,
    error: CancelledError,
) -> Task<P::Value>
where
    F: Future + Send + 'static,
    P: Parent<F::Output>,
    P::Value: Send,
{
    let (meta, _name) = meta(next_id(shared), new);
    let (runnable, task) = spawn::task(coro, Stealable::of(shared), parent, meta);
    runnable.abandon_unnested(error);
    task
}

/// Makes a local task, which only this thread runs.
///
/// Panics if this thread neither is a worker nor runs a root: no thread would run the task.
#[track_caller]
pub(crate) fn spawn_local<F>(coro: F, new: NewTask) -> Task<F::Output>
where
    F: Future + 'static,
    F::Output: Send + 'static,
{
    let Some(entry) = context::entry() else {
        no_running_loop()
    };
    let shared = Arc::clone(&entry.shared);
    let Some(local_queue) = entry.local_queue() else {
        panic!(
            "no running event loop on this thread: create_local_task() needs a worker, or a thread \
             inside block_on(), to run its task"
        )
    };
    let scheduler = Bound {
        shared: Arc::clone(&shared),
        inbox: Arc::clone(&local_queue.inbox),
    };
    let (meta, name) = meta(next_id(&shared), new);
    let (runnable, task) = spawn::local_task(coro, scheduler, meta);
    if let Some(name) = name {
        task.set_name(name);
    }
    if local_queue.is_closed() || register(&shared, &runnable).is_err() {
        runnable.abandon_unnested(closed_error());
        return task;
    }
    local_queue.push(runnable);
    local_queue.note_task(task.handle());
    task
}

#[inline(always)]
fn meta(id: TaskId, new: NewTask) -> (SpawnMeta, Option<String>) {
    let context = match new.context {
        Some(context) => Some(context),
        None => inherited_context(),
    };
    (
        SpawnMeta {
            id,
            context,
            location: new.location,
        },
        new.name,
    )
}

/// Returns a new task id: on a worker of the loop from that worker's block of ids, elsewhere a
/// single one from the loop.
pub(crate) fn next_id(shared: &Arc<Shared>) -> TaskId {
    context::with(|entry| {
        let core = entry.and_then(|entry| entry.core_of(shared));
        core.map_or_else(|| shared.ids.one(), |core| core.next_id())
    })
}
