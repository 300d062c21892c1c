//! The handle of a loop: the methods that any thread may call, and the making of tasks.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::time::Instant;

use super::scheduler::context::{self, ThreadKind};
use super::scheduler::core::Core;
use super::scheduler::schedule::{Bound, Stealable, closed_error, register, submit};
use super::scheduler::shared::Shared;
use super::scheduler::shutdown::living;
use super::task::cancel;
use super::task::context::Context;
use super::task::current_context::inherited_context;
use super::task::handle::TaskHandle;
use super::task::header::{TaskId, Wake};
use super::task::join::Task;
use super::task::reference::TaskRef;
use super::task::room::{boxed_if_big, is_big};
use super::task::spawn::{self, SpawnMeta};
use crate::exceptions::{LoopClosed, NoRunningLoop};
use crate::sync::atomic::Ordering;
use crate::sync::{Arc, thread};

/// A handle of an event loop: cheap to clone, usable on any thread.
///
/// Unlike asyncio's, a loop has many threads, and every method may be called from any thread,
/// whether it belongs to the loop or not.
///
/// ```
/// let mut runner = asyncio::Runner::new();
/// let event_loop = runner.get_loop().clone();
/// let answer = runner.run(async move {
///     std::thread::spawn(move || event_loop.create_task(async { 42 })).join().unwrap().await
/// });
/// assert_eq!(answer.unwrap(), 42);
/// ```
#[derive(Clone)]
pub struct EventLoop {
    shared: Arc<Shared>,
}

/// Keeps a loop entered on this thread, so that `create_task` and similar functions use it.
#[must_use = "the loop is left when the guard is dropped"]
pub struct EnterGuard {
    _guard: context::Guard,
}

/// Counters of a loop.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Metrics {
    /// The number of workers of the loop.
    pub workers: usize,
    /// The number of polls of tasks since the loop was made.
    pub polls: u64,
    /// How often a worker took work that was not in its own queue.
    pub steals: u64,
    /// How often a worker parked.
    pub parks: u64,
    /// The number of tasks in the injector.
    pub injector_depth: usize,
    /// A hash of the schedule so far in the deterministic mode; zero in the other modes.
    pub schedule: u64,
}

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

impl EventLoop {
    pub(crate) fn new(shared: Arc<Shared>) -> EventLoop {
        EventLoop { shared }
    }

    pub(in crate::runtime) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The address of the loop: unique among the loops that exist at one time.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(self.shared()).addr()
    }

    /// The loop of the current thread, if it has one.
    pub(crate) fn current() -> Option<EventLoop> {
        context::current().map(EventLoop::new)
    }

    /// Makes a task of `coro` on this loop, from any thread.
    ///
    /// On a closed loop the coroutine is dropped, and the returned task is already cancelled with
    /// "Event loop is closed".
    #[track_caller]
    pub fn create_task<F>(&self, coro: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        boxed_if_big!(F, coro => spawn_stealable(&self.shared, coro, NewTask::here()).0)
    }

    /// As [`create_task`](EventLoop::create_task), but returns an error on a closed loop.
    ///
    /// # Errors
    /// [`LoopClosed`]; the coroutine has been dropped.
    #[track_caller]
    pub fn try_create_task<F>(&self, coro: F) -> Result<Task<F::Output>, LoopClosed>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match boxed_if_big!(F, coro => spawn_stealable(&self.shared, coro, NewTask::here())) {
            (task, Registered::Accepted) => Ok(task),
            (_, Registered::Refused) => Err(LoopClosed),
        }
    }

    /// Enters the loop on this thread: `create_task`, `get_running_loop` and similar functions use
    /// it until the guard is dropped. This thread runs nothing for the loop because of it.
    ///
    /// A guard that outlives the `run` in which it was made keeps only the loop entered: the thread
    /// no longer works for the loop, and the tasks it makes are run by the loop's own threads.
    pub fn enter(&self) -> EnterGuard {
        EnterGuard {
            _guard: context::enter(Arc::clone(&self.shared), ThreadKind::AsBelow),
        }
    }

    /// The tasks that have not ended, in the order of their ids.
    #[must_use]
    pub fn all_tasks(&self) -> Vec<TaskHandle> {
        let mut tasks = living(&self.shared);
        tasks.sort_by_key(TaskHandle::id);
        tasks
    }

    /// The current time of the loop's clock.
    #[must_use]
    pub fn time(&self) -> Instant {
        self.shared.driver.clock.now()
    }

    /// Whether the loop's clock is paused: it moves only by jumps, from deadline to deadline.
    pub(crate) fn is_paused(&self) -> bool {
        self.shared.driver.clock.is_paused()
    }

    /// Keeps a paused clock from jumping, until `release_clock`.
    pub(crate) fn hold_clock(&self) {
        self.shared.driver.inhibitor.hold();
    }

    /// Ends one `hold_clock`, and has the poller check whether the clock may jump now.
    pub(crate) fn release_clock(&self) {
        self.shared.driver.inhibitor.release();
        self.shared.driver.recheck_jump();
    }

    /// Whether a `run` is in progress on the loop.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.shared.is_running()
    }

    /// Whether the loop has been closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// Panics in a fork of the process that made the loop. Called before blocking on the loop.
    #[track_caller]
    pub(crate) fn assert_own_process(&self) {
        assert!(
            self.shared.is_of_this_process(),
            "this event loop belongs to the process that made it: in a fork it has no threads and \
             would never make progress; make another loop there"
        );
    }

    /// Whether this is the current thread's loop.
    #[must_use]
    pub fn is_current(&self) -> bool {
        context::with(|entry| entry.is_some_and(|entry| Arc::ptr_eq(&entry.shared, &self.shared)))
    }

    /// Whether this thread is currently working as one of the loop's workers.
    pub(crate) fn is_on_worker(&self) -> bool {
        context::with(|entry| entry.is_some_and(|entry| entry.is_worker_of(&self.shared)))
    }

    /// Whether this is the one thread that runs all workers of the loop in the deterministic mode,
    /// and it is running them now. Where [`is_on_worker`](EventLoop::is_on_worker) is false, it is
    /// then inside a function for the pool.
    pub(crate) fn is_under_seed_here(&self) -> bool {
        let shared = &self.shared;
        let own = thread::current().id() == shared.first_thread;
        let active = shared.is_running() || shared.is_closing();
        own && active && shared.options.seed.is_some() && !shared.is_closed()
    }

    /// Whether no thread would run the loop's workers while this thread blocks on the loop.
    pub(crate) fn has_only_this_thread(&self) -> bool {
        let shared = &self.shared;
        let own = thread::current().id() == shared.first_thread;
        let alone = shared.options.has_one_thread();
        own && alone && !shared.is_running() && !shared.is_closed()
    }

    /// The loop's counters so far.
    #[must_use]
    pub fn metrics(&self) -> Metrics {
        let shared = &self.shared;
        Metrics {
            workers: shared.options.workers,
            polls: shared
                .workers
                .remotes
                .iter()
                .map(|remote| remote.polls() / 2)
                .sum(),
            steals: shared.counters.steals.load(Ordering::Relaxed),
            parks: shared.counters.parks.load(Ordering::Relaxed),
            injector_depth: shared.workers.injector.len(),
            schedule: shared.counters.schedule.load(Ordering::Relaxed),
        }
    }
}

impl<T> Task<T> {
    /// The loop that the task belongs to.
    #[must_use]
    pub fn get_loop(&self) -> EventLoop {
        loop_of(self.reference())
    }
}

impl TaskHandle {
    /// The loop that the task belongs to.
    #[must_use]
    pub fn get_loop(&self) -> EventLoop {
        loop_of(self.reference())
    }
}

fn loop_of(task: &TaskRef) -> EventLoop {
    let scheduler = task.scheduler_as_any();
    let stealable = scheduler.downcast_ref::<Stealable>().map(Stealable::shared);
    let bound = || {
        scheduler
            .downcast_ref::<Bound>()
            .map(|scheduler| &scheduler.shared)
    };
    let shared = stealable
        .or_else(bound)
        .expect("a task has one of the two schedulers");
    EventLoop::new(Arc::clone(shared))
}

impl PartialEq for EventLoop {
    fn eq(&self, other: &EventLoop) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }
}

impl Eq for EventLoop {}

impl fmt::Debug for EventLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLoop")
            .field("workers", &self.shared.options.workers)
            .field("running", &self.is_running())
            .field("closed", &self.is_closed())
            .finish()
    }
}

impl fmt::Debug for EnterGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EnterGuard")
    }
}

/// Returns the loop of the current thread.
///
/// # Panics
/// If there is none: call it inside `run`, or enter a loop first.
#[track_caller]
#[must_use]
pub fn get_running_loop() -> EventLoop {
    match EventLoop::current() {
        Some(event_loop) => event_loop,
        None => no_running_loop(),
    }
}

/// Returns the loop of the current thread.
///
/// # Errors
/// [`NoRunningLoop`] if there is none.
pub fn try_get_running_loop() -> Result<EventLoop, NoRunningLoop> {
    EventLoop::current().ok_or(NoRunningLoop)
}

/// Returns the task that runs the current code. `None` in a callback, and outside a loop.
#[must_use]
pub fn current_task() -> Option<TaskHandle> {
    cancel::current().map(TaskHandle::new)
}

/// Whether this thread runs tasks for a loop: as a worker, or inside `block_on`. Always false in a
/// fork of the process that made the loop: the run continues in the parent.
pub(crate) fn is_inside_loop() -> bool {
    context::with(|entry| {
        entry.is_some_and(|entry| entry.is_serving() && entry.shared.is_of_this_process())
    })
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
enum Registered {
    /// The task is in the registry, and has been scheduled or polled.
    Accepted,
    /// The registry was closed: the future has been dropped, and the task is cancelled.
    Refused,
}

/// Makes a task on the current loop. Returns `None` if this thread has no loop; `coro` has been
/// dropped then.
pub(crate) fn spawn_here<F>(coro: F, new: NewTask) -> Option<Task<F::Output>>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let Some(core) = context::core() else {
        let shared = context::current()?;
        return Some(spawn_stealable(&shared, coro, new).0);
    };
    Some(spawn_on(&core, coro, new).0)
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
fn spawn_on<F>(core: &Core, coro: F, new: NewTask) -> (Task<F::Output>, Registered)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let (eager, id) = (new.eager, core.next_id());
    let (meta, name) = meta(id, new);
    let (runnable, task) = spawn::task(coro, Stealable::on(core), meta);
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
        core.push(runnable, Wake::Woken);
    }
    (task, Registered::Accepted)
}

/// Makes a task from any thread.
fn spawn_stealable<F>(shared: &Arc<Shared>, coro: F, new: NewTask) -> (Task<F::Output>, Registered)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let here = context::core().filter(|core| Arc::ptr_eq(&core.shared, shared));
    if let Some(core) = here {
        return spawn_on(&core, coro, new);
    }
    let (eager, id) = (new.eager, shared.ids.one());
    let (meta, name) = meta(id, new);
    let (runnable, task) = spawn::task(coro, Stealable::of(shared), meta);
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

#[inline]
fn meta(id: TaskId, new: NewTask) -> (SpawnMeta, Option<String>) {
    let context = new.context.or_else(inherited_context);
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
pub(in crate::runtime) fn next_id(shared: &Arc<Shared>) -> TaskId {
    context::with(|entry| {
        let core = entry.and_then(|entry| entry.core_of(shared));
        core.map_or_else(|| shared.ids.one(), |core| core.next_id())
    })
}
