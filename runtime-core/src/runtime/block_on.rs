//! Runs a root future to completion, on worker 0 or on a foreign thread.

use std::cell::Cell;
use std::future::Future;
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as PollWith, Poll, ready};

use pin_project_lite::pin_project;

use super::event_loop::EventLoop;
use super::scheduler::context::{self, ThreadKind};
use super::scheduler::deadlock::Deadlock;
use super::scheduler::local_queue::LocalQueue;
use super::scheduler::parker::Parker;
use super::scheduler::schedule::{Bound, closed_error, register};
use super::scheduler::shared::Shared;
use super::scheduler::shutdown::living;
use super::scheduler::worker::Worker;
use super::spawning::next_id;
use super::task::context::Context;
use super::task::handle::TaskHandle;
use super::task::join::Task;
use super::task::runnable::Runnable;
use super::task::spawn::{self, SpawnMeta};
use super::time_hold::TimeHold;
use super::unnest::afresh;
use crate::exceptions::{CancelReason, CancelSource, CancelledError, TaskError};
use crate::sync::{Arc, StdArc};

/// How a root ended.
pub(crate) type RootResult<T> = Result<T, CancelledError>;

/// Carries the root's value, so that the output of the root task is `()` whatever `T` is.
type Output<T> = Rc<Cell<Option<T>>>;

pin_project! {
    /// The future of a root task. (Not an `async` block, which would contain `main` twice.)
    struct Root<F: Future> {
        #[pin]
        main: Option<F>,
        output: Output<F::Output>,
    }
}

impl<F: Future> Future for Root<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut PollWith<'_>) -> Poll<()> {
        let mut this = self.project();
        let main = this.main.as_mut().as_pin_mut();
        let value = ready!(main.expect("a root is polled until it ends").poll(cx));
        // Before the value is stored: if the destructor panics, so does the root.
        this.main.set(None);
        this.output.set(Some(value));
        Poll::Ready(())
    }
}

/// Aborts the process if the engine unwinds while a root runs: the root may borrow from the stack
/// that would be unwound.
struct MustEnd;

impl Drop for MustEnd {
    fn drop(&mut self) {
        eprintln!("asyncio: the engine panicked while a root future was running");
        std::process::abort();
    }
}

/// Runs `main` to completion on worker 0. The caller must be that worker's thread. What `begun`
/// returns, which is given the root's task, is dropped at the end.
///
/// # Errors
/// A deadlock, which only the deterministic mode detects. Every task has been dropped by then.
pub(crate) fn run_root<F: Future, G>(
    worker: &mut Worker,
    main: F,
    context: Option<Context>,
    location: &'static Location<'static>,
    begun: impl FnOnce(TaskHandle) -> G,
) -> Result<RootResult<F::Output>, Deadlock> {
    let core = Rc::clone(worker.core());
    let output: Output<F::Output> = Rc::default();
    let must_end = MustEnd;
    // SAFETY: the root has ended when this function returns, and it does not unwind before
    // (`MustEnd`).
    let (runnable, mut task) = unsafe {
        root(
            &core.shared,
            &core.local_queue,
            main,
            &output,
            context,
            location,
        )
    };
    begin(&core.shared, &core.local_queue, runnable, &task);
    let begun = begun(task.handle());
    worker.drive(|| task.done() || core.shared.is_stalled());
    drop(begun);
    let deadlock = (!task.done()).then(|| end_deadlock(worker, &task));
    core.local_queue.set_root(None);
    std::mem::forget(must_end);
    match deadlock {
        Some(deadlock) => Err(deadlock),
        None => Ok(root_result(&mut task, &output)),
    }
}

/// Ends a loop in which nothing can happen any more: drops every task without another poll.
/// Returns a description of the tasks that were waiting.
#[cold]
fn end_deadlock(worker: &mut Worker, root: &Task<()>) -> Deadlock {
    let shared = Arc::clone(&worker.core().shared);
    let waiting = living(&shared);
    let deadlock = Deadlock::of(&waiting);
    shared.set_abandoning();
    waiting.iter().for_each(|task| task.reference().wake());
    worker.drive(|| root.done());
    deadlock
}

/// Runs `main` to completion on this foreign thread, beside the loop's workers.
pub(crate) fn run_foreign<F: Future>(
    event_loop: &EventLoop,
    main: F,
    location: &'static Location<'static>,
) -> RootResult<F::Output> {
    let shared = event_loop.shared();
    let nothing_to_interrupt = StdArc::new(|| ());
    let parker = Arc::new(Parker::new(nothing_to_interrupt));
    parker.bind();
    let local_queue = Rc::new(LocalQueue::new(
        Arc::clone(&parker),
        shared.driver.inhibitor.clone(),
        false,
    ));
    let _entered = context::enter(
        Arc::clone(shared),
        ThreadKind::Root(Rc::clone(&local_queue)),
    );
    let _time_hold = TimeHold::begin(shared);
    let output: Output<F::Output> = Rc::default();
    let must_end = MustEnd;
    // SAFETY: as in `run_root`.
    let (runnable, mut task) = unsafe { root(shared, &local_queue, main, &output, None, location) };
    begin(shared, &local_queue, runnable, &task);
    drive(shared, &local_queue, &parker, || task.done());
    local_queue.set_root(None);
    end_local_tasks(shared, &local_queue, &parker);
    local_queue.close();
    std::mem::forget(must_end);
    root_result(&mut task, &output)
}

/// # Safety
/// The task must have ended before `main`'s borrows do.
unsafe fn root<F: Future>(
    shared: &Arc<Shared>,
    local_queue: &LocalQueue,
    main: F,
    output: &Output<F::Output>,
    context: Option<Context>,
    location: &'static Location<'static>,
) -> (Runnable, Task<()>) {
    let future = Box::pin(Root {
        main: Some(main),
        output: Rc::clone(output),
    });
    let scheduler = Bound {
        shared: Arc::clone(shared),
        inbox: Arc::clone(&local_queue.inbox),
    };
    let meta = SpawnMeta {
        id: next_id(shared),
        context,
        location,
    };
    // SAFETY: the caller's promise.
    unsafe { spawn::root_task(future, scheduler, meta) }
}

fn begin(shared: &Arc<Shared>, local_queue: &LocalQueue, runnable: Runnable, task: &Task<()>) {
    local_queue.set_root(Some(task.reference().pointer()));
    match register(shared, &runnable) {
        Ok(()) => {
            local_queue.push(runnable);
        }
        Err(_closed) => runnable.abandon(closed_error()),
    }
}

/// Runs the tasks bound to this thread until `done` returns true.
fn drive(shared: &Shared, local_queue: &LocalQueue, parker: &Parker, done: impl Fn() -> bool) {
    let _afresh = afresh();
    while !done() {
        local_queue.receive();
        let local = || local_queue.pop().inspect(|_| local_queue.let_pass());
        let task = local_queue.pop_root_in_turn().or_else(local);
        match task.or_else(|| local_queue.pop_root()) {
            Some(task) if shared.is_abandoning() => task.abandon(closed_error()),
            Some(task) => task.run(),
            None => TimeHold::rest(shared, || parker.park()),
        }
    }
}

/// Cancels the local tasks of this thread, which is about to leave, and runs them to completion: no
/// other thread may run them.
fn end_local_tasks(shared: &Shared, local_queue: &LocalQueue, parker: &Parker) {
    loop {
        let tasks = local_queue.tasks();
        if tasks.is_empty() {
            return;
        }
        tasks.iter().for_each(|task| {
            let reason = CancelReason::new(CancelSource::Shutdown);
            task.reference().cancel(CancelledError::new(reason));
        });
        drive(shared, local_queue, parker, || {
            tasks.iter().all(|task| task.done())
        });
    }
}

fn root_result<T>(task: &mut Task<()>, output: &Output<T>) -> RootResult<T> {
    match task.result() {
        Ok(()) => Ok(output
            .take()
            .expect("a root that returned has stored its value")),
        Err(TaskError::Cancelled(error)) => Err(error),
        Err(other) => resume_unwind(other.into_panic()),
    }
}
