//! How a loop schedules its tasks: those that any worker may run, and those bound to one thread.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::task::Poll;

use super::callback_queue::{Pushed, discard};
use super::context;
use super::core::Core;
use super::exception_context::ExceptionContext;
use super::inbox::Inbox;
use super::local_queue;
use super::loop_ref::LoopRef;
use super::registration::{self, HIDDEN};
use super::shared::Shared;
use super::slow::Stopwatch;
use crate::exceptions::{CancelReason, CancelSource, CancelledError, PanicError};
use crate::runtime::catch_panic::catch_panic;
use crate::runtime::task::callback::Handle;
use crate::runtime::task::cancel;
use crate::runtime::task::dyn_schedule::Report;
use crate::runtime::task::handle::TaskHandle;
use crate::runtime::task::header::{Header, Wake};
use crate::runtime::task::parent::NoParent;
use crate::runtime::task::reference::TaskRef;
use crate::runtime::task::registry::{Closed, TaskKind};
use crate::runtime::task::runnable::Runnable;
use crate::runtime::task::schedule::Schedule;
use crate::runtime::task::spawn::{self, ScheduleHere, SpawnMeta};
use crate::sync::{Arc, Mutant, StdArc, broken};

/// The scheduler of a task that any worker may run.
#[derive(Debug)]
pub(crate) struct Stealable {
    loop_ref: StdArc<LoopRef>,
}

impl Stealable {
    /// For a task that is made on a worker.
    #[inline]
    pub(crate) fn on(core: &Core) -> Stealable {
        Stealable {
            loop_ref: StdArc::clone(&core.loop_ref),
        }
    }

    /// For a task of `shared` that is made on any thread.
    pub(crate) fn of(shared: &Arc<Shared>) -> Stealable {
        let own = context::loop_ref().filter(|loop_ref| Arc::ptr_eq(&loop_ref.shared, shared));
        let loop_ref = own.unwrap_or_else(|| LoopRef::foreign(shared));
        Stealable { loop_ref }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.loop_ref.shared
    }
}

/// Adds a task to the queue of the worker that this thread is or, elsewhere, to the injector.
// Not generic, and apart, so that it exists once. Not `&LoopRef`: as soon as the task is passed on,
// it may end elsewhere, and drop the last count.
#[inline(never)]
fn schedule_stealable(loop_ref: &StdArc<LoopRef>, task: Runnable, wake: Wake) {
    let elsewhere =
        context::with(
            |entry| match entry.and_then(|entry| entry.core_of(&loop_ref.shared)) {
                Some(core) => {
                    core.push(task, wake);
                    None
                }
                None => Some(task),
            },
        );
    if let Some(task) = elsewhere {
        schedule_elsewhere(loop_ref, task, wake);
    }
}

#[inline(never)]
fn schedule_elsewhere(loop_ref: &StdArc<LoopRef>, task: Runnable, wake: Wake) {
    if wake == Wake::Woken {
        // The caller that wakes holds a reference to the task, and the task keeps the loop
        // reference.
        return submit(&loop_ref.shared, task);
    }
    // The caller holds no reference to the task: it has left it there, or has polled the task and
    // entered another loop meanwhile. Once it is submitted, the task may end on another thread, and
    // drop the last loop reference.
    let shared = Arc::clone(&loop_ref.shared);
    submit(&shared, task);
}

impl Schedule for Stealable {
    #[inline(always)]
    fn schedule(&self, task: Runnable, wake: Wake) {
        schedule_stealable(&self.loop_ref, task, wake);
    }

    #[inline]
    fn unregister(&self, header: &Header) {
        unregister(self.shared(), header);
    }

    fn call_soon(&self, callback: Handle) {
        call_soon(self.shared(), vec![callback]);
    }

    fn count_notifier(&self, begins: bool) {
        count_notifier(self.shared(), begins);
    }

    fn report(&self, report: Report) {
        report_panic(self.shared(), report);
    }

    fn loop_address(&self) -> usize {
        Arc::as_ptr(self.shared()).addr()
    }

    fn closing_since(&self) -> u64 {
        self.shared().closing_since()
    }

    fn ordinal(&self, id: u64) -> u64 {
        self.shared().ids.ordinal(id)
    }
}

/// The scheduler of a task that only the thread that made it may run.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) shared: Arc<Shared>,
    pub(crate) inbox: Arc<Inbox>,
}

impl Schedule for Bound {
    fn schedule(&self, task: Runnable, wake: Wake) {
        let elsewhere = context::with(|entry| {
            let queued = || entry.map_or(0, context::LoopEntry::queued);
            let local_queue = entry.and_then(context::LoopEntry::local_queue);
            match local_queue.filter(|local_queue| Arc::ptr_eq(&local_queue.inbox, &self.inbox)) {
                Some(local_queue) => {
                    if local_queue.push(task) == local_queue::Pushed::Root && wake == Wake::Yielded
                    {
                        local_queue.step_back(queued());
                    }
                    None
                }
                None => Some(task),
            }
        });
        if let Some(task) = elsewhere {
            // As in `schedule_elsewhere`.
            let _inbox = (wake != Wake::Woken).then(|| Arc::clone(&self.inbox));
            self.inbox.send(task);
        }
    }

    fn unregister(&self, header: &Header) {
        unregister(&self.shared, header);
    }

    fn call_soon(&self, callback: Handle) {
        call_soon(&self.shared, vec![callback]);
    }

    fn count_notifier(&self, begins: bool) {
        count_notifier(&self.shared, begins);
    }

    fn report(&self, report: Report) {
        report_panic(&self.shared, report);
    }

    fn loop_address(&self) -> usize {
        Arc::as_ptr(&self.shared).addr()
    }

    fn closing_since(&self) -> u64 {
        self.shared.closing_since()
    }

    fn ordinal(&self, id: u64) -> u64 {
        self.shared.ids.ordinal(id)
    }
}

// SAFETY: `schedule` hands the right to run to the inbox's thread, or to the local queue that has
// that inbox, which is reached through a thread-local of the same thread.
unsafe impl ScheduleHere for Bound {}

/// Adds a task to the injector. If the loop is closed, ends the task here: its future is Send.
pub(crate) fn submit(shared: &Arc<Shared>, task: Runnable) {
    if let Err(task) = shared.workers.submit(task) {
        task.abandon_unnested(closed_error());
    }
}

/// The error with which a task ends that is scheduled on a closed loop.
pub(crate) fn closed_error() -> CancelledError {
    let reason = CancelReason::new(CancelSource::LoopClosed);
    CancelledError::new(reason).saying("Event loop is closed")
}

fn unregister(shared: &Arc<Shared>, header: &Header) {
    if let Some(place) = header.place() {
        shared.registry.remove(place, header.into());
        header.clear_slot();
        if !broken(Mutant::SkipEndNotification) {
            shared.notify_end(header);
        }
    }
}

fn count_notifier(shared: &Shared, begins: bool) {
    if begins {
        shared.registry.begin_notifying();
    } else {
        shared.registry.end_notifying();
        shared.notify_shutdown();
    }
}

/// Registers a task that is made on any thread.
///
/// # Errors
/// The registry is closed.
pub(crate) fn register(shared: &Arc<Shared>, task: &Runnable) -> Result<(), Closed> {
    context::with(
        |entry| match entry.and_then(|entry| entry.core_of(shared)) {
            Some(core) => core.register(task),
            None => {
                let hidden = task.header().id == HIDDEN;
                let kind = if hidden {
                    TaskKind::Hidden
                } else {
                    TaskKind::Ordinary
                };
                registration::register(shared, task, || {
                    shared.registry.insert_foreign(task.pointer(), kind)
                })
            }
        },
    )
}

/// Runs callbacks on the callback queue, in order. If the loop is closed, discards them.
pub(crate) fn call_soon(shared: &Arc<Shared>, calls: Vec<Handle>) {
    follow(shared, shared.callback_queue.push(calls));
}

/// Does what a push to the callback queue leaves to its caller.
pub(crate) fn follow(shared: &Arc<Shared>, pushed: Pushed) {
    match pushed {
        Pushed::Served => {}
        Pushed::Unserved(tasks) => (0..tasks).for_each(|_| spawn_drain(shared)),
        Pushed::Refused(calls) => discard(calls),
    }
}

/// Makes a task that drains the callback queue.
fn spawn_drain(shared: &Arc<Shared>) {
    let drain = {
        let shared = Arc::clone(shared);
        poll_fn(move |cx| {
            if shared.callback_queue.drain(|call| run_call(&shared, call)) {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(())
        })
    };
    if spawn_hidden(shared, drain).is_err() {
        shared.callback_queue.close();
    }
}

/// Makes a task that `all_tasks` does not show.
///
/// # Errors
/// The registry is closed: the future has been dropped.
pub(crate) fn spawn_hidden(
    shared: &Arc<Shared>,
    future: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Closed> {
    let meta = SpawnMeta {
        id: HIDDEN,
        context: None,
        location: Location::caller(),
    };
    let (runnable, task) = spawn::task(future, Stealable::of(shared), NoParent, meta);
    drop(task);
    if let Err(closed) = register(shared, &runnable) {
        runnable.abandon_unnested(closed_error());
        return Err(closed);
    }
    Stealable::of(shared).schedule(runnable, Wake::Woken);
    Ok(())
}

/// Runs one callback. In it there is a running loop, and no current task.
fn run_call(shared: &Arc<Shared>, call: Handle) {
    let _no_task = cancel::enter_no_task();
    let stopwatch = Stopwatch::start(shared);
    let Some(body) = call.take() else { return };
    let end = catch_unwind(AssertUnwindSafe(|| call.context().run(body)));
    stopwatch.stop(
        shared,
        format_args!("callback registered at {}", call.location()),
    );
    if let Err(payload) = end {
        let panic = PanicError::new(payload);
        let context = ExceptionContext::new("Exception in callback");
        let context = context.with_handle(call).with_exception(panic);
        Shared::report(shared, &context);
        context.drop_catching();
    } else {
        // Perhaps the last reference to its context, whose values are the user's.
        catch_panic(|| drop(call));
    }
}

/// Reports a task's panic to the exception handler.
fn report_panic(shared: &Arc<Shared>, report: Report) {
    let context = ExceptionContext::new(report.message).with_exception(report.exception);
    let context = match report.task.downcast::<TaskRef>() {
        Ok(task) => context.with_task(TaskHandle::new(*task)),
        Err(_unknown) => context,
    };
    Shared::report(shared, &context);
    context.drop_catching();
}
