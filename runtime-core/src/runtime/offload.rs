//! A function on a thread of a pool, and the task that waits for it.
//!
//! ```text
//!            begin (the pool)        end (the pool)               poll
//!   Queued ─────────────────▶ Running ─────────────▶ Returned ─────────▶ Taken
//!     │                          │                   Panicked
//!     │ withdraw                 │ withdraw
//!     ▼                          ▼
//!   Withdrawn                 Unwanted ── end ──▶ Taken, and the value is dropped
//! ```
//!
//! The task's future withdraws when it is dropped, so a cancelled task ends at once: a function that
//! is still queued is dropped there and then, and the pool finds nothing to run; one that runs, runs
//! on. Every transition is one exchange of the stage under its lock, and what comes out of it, be it
//! function, value or waker, is used and dropped after the lock.
//!
//! The task is polled once where it is made: it runs nothing but `Offload::poll`, and without that
//! poll a worker would have to, only to register a waker.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context as PollWith, Poll, Waker};

use super::blocking::{Claim, Function, FunctionPool, Job, Refusal};
use super::event_loop::{EventLoop, next_id};
use super::scheduler::context::{self, ThreadKind};
use super::scheduler::exception_context::ExceptionContext;
use super::scheduler::schedule::{Stealable, closed_error, register, spawn_hidden};
use super::scheduler::shared::Shared;
use super::task::cancel;
use super::task::context::Context;
use super::task::join::Task;
use super::task::spawn::{self, SpawnMeta};
use super::time_hold::TimeHold;
use crate::exceptions::{CancelReason, CancelSource, CancelledError, panic_text};
use crate::sync::{Arc, Mutex, StdArc};

impl EventLoop {
    /// Runs `function` in `context` on a thread of `pool`, or of the loop's own pool. The task ends
    /// when the function has, or when it is cancelled.
    pub(crate) fn offload<F, T>(
        &self,
        pool: Option<&FunctionPool>,
        function: F,
        context: Context,
        location: &'static Location<'static>,
    ) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let shared = self.shared();
        let call = StdArc::new(Call {
            _outstanding: Outstanding::new(shared),
            stage: Mutex::new(CallState::Queued {
                function,
                waker: None,
            }),
            context: context.clone(),
            shared: Arc::clone(shared),
            location,
        });
        let meta = SpawnMeta {
            id: next_id(shared),
            context: Some(context),
            location,
        };
        let scheduler = Stealable::of(shared);
        let job = Job::new(StdArc::clone(&call) as StdArc<dyn Function>);
        let (runnable, task) = spawn::task(Offload { call }, scheduler, meta);
        if register(shared, &runnable).is_err() {
            runnable.abandon_unnested(closed_error());
            return task;
        }
        match submit(shared, pool.unwrap_or(&shared.pool), job) {
            Ok(()) => runnable.run(),
            Err((_job, Refusal::Closed)) => {
                let reason = CancelReason::new(CancelSource::Shutdown);
                let error = CancelledError::new(reason).saying("Executor shutdown has been called");
                runnable.abandon_unnested(error);
            }
            Err((job, Refusal::NoThread(error))) => {
                job.refuse(format!("can't start new thread: {error}"));
                runnable.run();
            }
        }
        task
    }
}

/// Has `job` run by a thread of `pool`; in the deterministic mode on the loop's own, when the seed says
/// so.
fn submit(shared: &Arc<Shared>, pool: &FunctionPool, job: Job) -> Result<(), (Job, Refusal)> {
    if shared.options.seed.is_none() {
        return pool.submit(job);
    }
    let job = PoolJob(Some(pool.submit_by_hand(job)?));
    let _closed = spawn_hidden(shared, async move { job.run() });
    Ok(())
}

/// A job of the pool, as a task of the loop. Dropped unrun, it leaves nothing in the pool's line.
struct PoolJob(Option<Claim<Job>>);

impl PoolJob {
    fn run(mut self) {
        self.0.take().into_iter().for_each(Claim::run);
    }
}

impl Drop for PoolJob {
    fn drop(&mut self) {
        if let Some(job) = self.0.take().and_then(Claim::give_up) {
            job.refuse("Event loop is closed".to_owned());
        }
    }
}

/// A function is on its way, or runs: a time that stands still does not jump meanwhile.
struct Outstanding(Arc<Shared>);

impl Outstanding {
    fn new(shared: &Arc<Shared>) -> Outstanding {
        shared.driver.inhibitor.begin();
        Outstanding(Arc::clone(shared))
    }
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        self.0.driver.inhibitor.end(1);
        self.0.driver.look_again();
    }
}

/// The thread is as one of a pool: it runs no loop and no task.
struct Apart {
    _nobody: cancel::Entered,
    _nowhere: context::Guard,
}

impl Apart {
    fn new(shared: &Arc<Shared>) -> Apart {
        Apart {
            _nobody: cancel::enter_nobody(),
            _nowhere: context::enter(Arc::clone(shared), ThreadKind::Absent),
        }
    }
}

/// One function, and what comes of it.
struct Call<F, T> {
    _outstanding: Outstanding,
    stage: Mutex<CallState<F, T>>,
    context: Context,
    shared: Arc<Shared>,
    location: &'static Location<'static>,
}

enum CallState<F, T> {
    Queued { function: F, waker: Option<Waker> },
    Running { waker: Option<Waker> },
    Returned(T),
    Panicked(Box<dyn Any + Send>),
    Withdrawn,
    Unwanted,
    Taken,
}

impl<F, T> Function for Call<F, T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    fn call(&self) {
        if let Some(function) = self.begin() {
            let call = || {
                // What it holds, it holds on this thread: to be lent while it waits for the loop.
                let _time_hold = TimeHold::on_hold_of_caller(&self.shared);
                // In the deterministic mode this is the loop's own thread, inside a task.
                let _apart = self.shared.options.seed.map(|_| Apart::new(&self.shared));
                self.context.run(function)
            };
            let outcome = catch_unwind(AssertUnwindSafe(call));
            self.end(match outcome {
                Ok(value) => CallState::Returned(value),
                Err(payload) => CallState::Panicked(payload),
            });
        }
    }

    fn refuse(&self, why: String) {
        if let Some(function) = self.begin() {
            drop(function);
            self.end(CallState::Panicked(Box::new(why)));
        }
    }

    fn location(&self) -> &'static Location<'static> {
        self.location
    }
}

impl<F, T> Call<F, T> {
    /// Takes the function, unless it has been withdrawn.
    fn begin(&self) -> Option<F> {
        let mut stage = self.stage.lock();
        match std::mem::replace(&mut *stage, CallState::Taken) {
            CallState::Queued { function, waker } => {
                *stage = CallState::Running { waker };
                Some(function)
            }
            other => {
                *stage = other;
                None
            }
        }
    }

    /// Stores what came of the function, and wakes who waits for it.
    fn end(&self, outcome: CallState<F, T>) {
        let mut stage = self.stage.lock();
        if let CallState::Running { waker } = &mut *stage {
            let waker = waker.take();
            *stage = outcome;
            drop(stage);
            waker.into_iter().for_each(Waker::wake);
            return;
        }
        debug_assert!(
            matches!(*stage, CallState::Unwanted),
            "nobody else ends a call"
        );
        *stage = CallState::Taken;
        drop(stage);
        if let CallState::Panicked(payload) = outcome {
            self.report(&*payload);
        }
    }

    /// Tells of a panic that nobody waits for.
    fn report(&self, payload: &(dyn Any + Send)) {
        let text = panic_text(payload).unwrap_or("a panic that is no text");
        let exception = format!("function called at {}: {text}", self.location);
        let context = ExceptionContext::new("Future exception was never retrieved");
        Shared::report(&self.shared, &context.with_exception(exception));
    }

    fn poll(&self, waker: &Waker) -> Poll<T> {
        // Cloned before the lock, and dropped after it: both may be foreign code.
        let new = waker.clone();
        let _old;
        let mut stage = self.stage.lock();
        if let CallState::Queued { waker: place, .. } | CallState::Running { waker: place } =
            &mut *stage
        {
            _old = place.replace(new);
            return Poll::Pending;
        }
        let outcome = std::mem::replace(&mut *stage, CallState::Taken);
        drop(stage);
        match outcome {
            CallState::Returned(value) => Poll::Ready(value),
            CallState::Panicked(payload) => resume_unwind(payload),
            _ => unreachable!("a call is withdrawn by the drop of what polls it"),
        }
    }

    /// Nobody waits any more.
    fn withdraw(&self) {
        let mut stage = self.stage.lock();
        let next = match *stage {
            CallState::Queued { .. } => CallState::Withdrawn,
            CallState::Running { .. } => CallState::Unwanted,
            _ => CallState::Taken,
        };
        let before = std::mem::replace(&mut *stage, next);
        drop(stage);
        if let CallState::Panicked(payload) = before {
            self.report(&*payload);
        }
    }
}

/// Waits for a call, and withdraws it when it is dropped.
struct Offload<F, T> {
    call: StdArc<Call<F, T>>,
}

impl<F, T> Future for Offload<F, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut PollWith<'_>) -> Poll<T> {
        self.call.poll(cx.waker())
    }
}

impl<F, T> Drop for Offload<F, T> {
    fn drop(&mut self) {
        self.call.withdraw();
    }
}
