//! The handle of a loop: the methods that any thread may call.

use std::fmt;
use std::future::Future;
use std::time::Instant;

use super::scheduler::context::{self, ThreadKind};
use super::scheduler::schedule::{Bound, Stealable};
use super::scheduler::shared::Shared;
use super::scheduler::shutdown::living;
use super::spawning::{NewTask, Registered, no_running_loop, spawn_refused, spawn_stealable};
use super::task::cancel;
use super::task::handle::TaskHandle;
use super::task::join::Task;
use super::task::parent::{NoParent, Parent};
use super::task::reference::TaskRef;
use super::task::room::{boxed_if_big, is_big};
use crate::exceptions::{CancelledError, LoopClosed, NoRunningLoop};
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
        boxed_if_big!(F, coro => {
            spawn_stealable(&self.shared, coro, NoParent, NewTask::here()).0
        })
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
        let new = NewTask::here();
        match boxed_if_big!(F, coro => spawn_stealable(&self.shared, coro, NoParent, new)) {
            (task, Registered::Accepted) => Ok(task),
            (_, Registered::Refused) => Err(LoopClosed),
        }
    }

    /// Makes a task with a parent, on this loop, from any thread.
    pub(crate) fn spawn_child<F, P>(&self, coro: F, parent: P, new: NewTask) -> Task<P::Value>
    where
        F: Future + Send + 'static,
        P: Parent<F::Output>,
        P::Value: Send,
    {
        spawn_stealable(&self.shared, coro, parent, new).0
    }

    /// Drops `coro`, and makes a task that is cancelled with `error` already.
    pub(crate) fn spawn_refused<F, P>(
        &self,
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
        spawn_refused(&self.shared, coro, parent, new, error)
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
