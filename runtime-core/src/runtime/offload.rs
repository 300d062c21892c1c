//! Runs a function on a thread of a pool, and a task that waits for its result.
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
//! Dropping the task's future withdraws the call, so a cancelled task ends at once: a function that
//! is still queued is dropped by the withdrawing thread, and the pool finds nothing to run; a
//! function that is running continues to its end. Every transition is one exchange of the stage
//! under its lock. The function, value or waker taken out by it is used and dropped after the lock
//! has been released.
//!
//! The thread that makes the task also polls it once. That poll only runs `Offload::poll`; without
//! it a worker would have to poll the task, only to register a waker.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context as PollWith, Poll, Waker};

use super::blocking::{Claim, Function, FunctionPool, Job, Refusal};
use super::event_loop::EventLoop;
use super::scheduler::context::{self, ThreadKind};
use super::scheduler::exception_context::ExceptionContext;
use super::scheduler::schedule::{Stealable, closed_error, register, spawn_hidden};
use super::scheduler::shared::Shared;
use super::spawning::next_id;
use super::task::cancel;
use super::task::context::Context;
use super::task::join::Task;
use super::task::parent::NoParent;
use super::task::spawn::{self, SpawnMeta};
use super::time_hold::TimeHold;
use crate::exceptions::{CancelReason, CancelSource, CancelledError, panic_text};
use crate::sync::{Arc, Mutex, StdArc};

impl EventLoop {
    /// The loop's own pool.
    pub(crate) fn pool(&self) -> &FunctionPool {
        &self.shared().pool
    }

    /// Runs `function` in `context` on a thread of `pool`, or of the loop's own pool if that is
    /// `None`. The task ends when the function has returned, or when it is cancelled.
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
        let (runnable, task) = spawn::task(Offload { call }, scheduler, NoParent, meta);
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

/// Submits `job` to `pool`. In the deterministic mode a hidden task of the loop runs it, at a time
/// chosen by the seed.
pub(super) fn submit(
    shared: &Arc<Shared>,
    pool: &FunctionPool,
    job: Job,
) -> Result<(), (Job, Refusal)> {
    if shared.options.seed.is_none() {
        return pool.submit(job);
    }
    let job = PoolJob(Some(pool.submit_by_hand(job)?));
    let _closed = spawn_hidden(shared, async move { job.run() });
    Ok(())
}

/// A job of the pool, run by a task of the loop. Dropped before it has run, it removes the job from
/// the pool's line.
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

/// Inhibits the paused clock while a function is queued or running.
pub(super) struct Outstanding(Arc<Shared>);

impl Outstanding {
    pub(super) fn new(shared: &Arc<Shared>) -> Outstanding {
        shared.driver.inhibitor.begin();
        Outstanding(Arc::clone(shared))
    }
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        self.0.driver.inhibitor.end(1);
        self.0.driver.recheck_jump();
    }
}

/// Makes this thread look like a thread of a pool: without a current loop and a current task.
struct LikePoolThread {
    _no_task: cancel::Entered,
    _no_loop: context::Guard,
}

impl LikePoolThread {
    fn new(shared: &Arc<Shared>) -> LikePoolThread {
        LikePoolThread {
            _no_task: cancel::enter_no_task(),
            _no_loop: context::enter(Arc::clone(shared), ThreadKind::Absent),
        }
    }
}

/// One function, and then its result.
struct Call<F, T> {
    _outstanding: Outstanding,
    stage: Mutex<CallState<F, T>>,
    context: Context,
    shared: Arc<Shared>,
    location: &'static Location<'static>,
}

enum CallState<F, T> {
    /// The pool has not begun the function. `waker` is the task's, once it has been polled.
    Queued { function: F, waker: Option<Waker> },
    /// A thread of the pool runs the function. The task still waits.
    Running { waker: Option<Waker> },
    /// The function has returned; the task has not taken the value.
    Returned(T),
    /// The function has panicked, or was refused; the task has not taken the payload.
    Panicked(Box<dyn Any + Send>),
    /// The task stopped waiting while the call was queued: the function has been dropped.
    Withdrawn,
    /// The task stopped waiting while the function ran: `end` drops the result.
    Unwanted,
    /// The result has been taken or dropped.
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
                // Notes the hold of `_outstanding` for this thread, which releases it while the
                // function waits for the loop.
                let _time_hold = TimeHold::on_hold_of_caller(&self.shared);
                // In the deterministic mode this is the loop's own thread, inside a task.
                let seed = self.shared.options.seed;
                let _apart = seed.map(|_| LikePoolThread::new(&self.shared));
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

    /// Stores the result of the function and wakes the task. Drops the result if the task no longer
    /// waits.
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
            "a call that has begun is ended once"
        );
        *stage = CallState::Taken;
        drop(stage);
        if let CallState::Panicked(payload) = outcome {
            self.report(&*payload);
        }
    }

    /// Reports a panic to the exception handler: no task waits for it.
    fn report(&self, payload: &(dyn Any + Send)) {
        let text = panic_text(payload).unwrap_or("a panic that is no text");
        let exception = format!("function called at {}: {text}", self.location);
        let context = ExceptionContext::new("Future exception was never retrieved");
        Shared::report(&self.shared, &context.with_exception(exception));
    }

    fn poll(&self, waker: &Waker) -> Poll<T> {
        // Cloned before the lock is taken, and the old one dropped after it is released: both may
        // run foreign code.
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
            _ => unreachable!("a call is withdrawn only by dropping the future that polls it"),
        }
    }

    /// Ends the task's interest in the result. Drops what is there already; an untaken panic is
    /// reported.
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

/// The future of the task: waits for a call, and withdraws it when dropped.
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
