//! Coroutines for threads: submitted from any thread, and their results brought back to it.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ::futures::FutureExt;

use crate::exceptions::{CancelledError, PanicError, TaskError, TimeoutError};
use crate::runtime::{
    Callback, CancelRequest, CancelWaker, Cancellation, Completion, EventLoop, Handover, InVain,
    OwnEnd, Raise, TaskHandle, Unnested, boxed_if_big, ends_with, inherited_context, is_big,
    own_end, requested,
};
use crate::sync::{Arc, StdArc};
use crate::tasks::catch_cancelled;

/// Submits `coro` to a loop from any thread: `asyncio.run_coroutine_threadsafe`.
///
/// It runs as a task of the loop; dropping the future detaches it. On a loop that is closed the
/// coroutine is dropped, and the future is cancelled already, with "Event loop is closed".
///
/// ```
/// use std::time::Duration;
/// # asyncio::run(async {
/// let event_loop = asyncio::get_running_loop();
/// let thread = asyncio::to_thread(move || {
///     let coro = asyncio::sleep(Duration::from_millis(10)).with_result(3);
///     let future = asyncio::run_coroutine_threadsafe(coro, &event_loop);
///     future.result(Duration::from_secs(1))
/// });
/// assert_eq!(thread.await.unwrap().unwrap(), 3);
/// # });
/// ```
#[track_caller]
pub fn run_coroutine_threadsafe<F>(coro: F, event_loop: &EventLoop) -> Future<F::Output>
where
    F: std::future::Future + Send + 'static,
    F::Output: Send + 'static,
{
    boxed_if_big!(F, coro => submit(coro, event_loop))
}

#[track_caller]
fn submit<F>(coro: F, event_loop: &EventLoop) -> Future<F::Output>
where
    F: std::future::Future + Send + 'static,
    F::Output: Send + 'static,
{
    let shared = Arc::new(Shared {
        handover: Handover::new(),
        event_loop: event_loop.clone(),
    });
    let promise = Promise {
        shared: Arc::clone(&shared),
    };
    // On a loop that is closed the promise is dropped with the coroutine, which cancels the future.
    let task = event_loop.try_create_task(keep(promise, coro)).ok();
    Future {
        shared,
        task: task.map(|task| task.handle()),
        raise: None,
        in_vain: InVain::default(),
        cancel_waker: CancelWaker::default(),
    }
}

/// The result of a coroutine that a thread has submitted: `concurrent.futures.Future`.
///
/// A thread waits for it with [`result`](Future::result); a task, of the same loop or of another,
/// awaits it. Either takes the value, which is there once.
///
/// # Cancellation
/// Cancelling a task that awaits it cancels the coroutine, and goes on at once: unlike that of a
/// [`Task`](crate::Task), this await does not wait until the coroutine has ended. Dropping the
/// future cancels nothing.
pub struct Future<T> {
    shared: Arc<Shared<T>>,
    /// None if the loop was closed.
    task: Option<TaskHandle>,
    raise: Option<Raise>,
    in_vain: InVain,
    cancel_waker: CancelWaker,
}

impl<T> Future<T> {
    /// Blocks this thread until the coroutine has ended, for `timeout` at most, and takes its
    /// value. `None` is no limit; a timeout of zero does not wait.
    ///
    /// # Errors
    /// * [`TaskError::TimedOut`]: the coroutine runs on, and can be waited for again; to end it,
    ///   [`cancel`](Future::cancel);
    /// * [`TaskError::Cancelled`], every time;
    /// * [`TaskError::Panicked`], once;
    /// * [`TaskError::InvalidState`] if the value, or the panic, has been taken already.
    ///
    /// # Panics
    /// If it would have to wait on a worker of the same loop, which would wait for itself: await
    /// instead. So would, in the deterministic mode, a function on the loop's pool. And if it would
    /// have to wait without limit on the thread of a runner that is not running and has no other
    /// thread (one worker, or the deterministic mode), where nothing would ever happen; or in a
    /// fork of the loop's process.
    #[track_caller]
    pub fn result(&self, timeout: impl Into<Option<Duration>>) -> Result<T, TaskError> {
        let timeout = timeout.into();
        if let Some(outcome) = self.shared.handover.take() {
            return bare(outcome);
        }
        if timeout == Some(Duration::ZERO) {
            return Err(TimeoutError.into());
        }
        let event_loop = &self.shared.event_loop;
        event_loop.assert_own_process();
        assert!(
            !event_loop.is_on_worker(),
            "result() on a worker of the same loop would wait for itself: await the future instead"
        );
        assert!(
            !event_loop.is_under_seed_here(),
            "result() would wait for itself: in the deterministic mode, functions for the pool run \
             on the thread that turns the loop"
        );
        assert!(
            timeout.is_some() || !event_loop.has_only_this_thread(),
            "result() would wait for ever: no other thread turns the loop's workers, and it is not \
             running; use Runner::run()"
        );
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let outcome = self.wait(deadline);
        outcome.map_or_else(|| Err(TimeoutError.into()), bare)
    }

    /// Blocks this thread. What it holds of a time that stands still is lent back meanwhile: it
    /// would keep the coroutine from its end.
    fn wait(&self, deadline: Option<Instant>) -> Option<Outcome<T>> {
        let handover = &self.shared.handover;
        if let Some(lent) = self.shared.event_loop.time_to_lend() {
            let back = StdArc::clone(&lent);
            // The lane's, so before the loop's workers sleep, and time can jump again.
            let callback: Callback = Box::new(move || back.take_back());
            if handover.add_callback(callback).is_ok() {
                lent.give();
                let outcome = handover.wait(deadline);
                lent.take_back();
                return outcome;
            }
        }
        handover.wait(deadline)
    }

    /// Cancels the future at once, and requests the coroutine's cancellation. Returns `false` if
    /// the coroutine has ended.
    ///
    /// Waiters see it at once. The coroutine may take its time to clean up; what it returns then
    /// is dropped.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.cancel_by(&requested(), |task, error| {
            task.reference().cancel(error.clone());
        })
    }

    /// Whether the coroutine has ended, or the future was cancelled.
    #[must_use]
    pub fn done(&self) -> bool {
        self.shared.handover.is_done()
    }

    /// Whether it was cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.shared.handover.is_cancelled()
    }

    /// Runs `callback` once the future is done, on the loop's lane: never inside this call, and
    /// never two callbacks of a loop at once. It runs in a copy of the caller's context. (After the
    /// loop's close there is no lane: it runs in this call then.)
    pub fn add_done_callback(&self, callback: impl FnOnce(&Future<T>) + Send + 'static)
    where
        T: Send + 'static,
    {
        self.add_callback(Box::new(callback));
    }

    fn add_callback(&self, callback: DoneCallback<T>)
    where
        T: Send + 'static,
    {
        // The future holds itself until it is done and its callbacks have been taken.
        let future = self.second();
        let callback = Unnested::new(callback);
        let context = inherited_context().unwrap_or_default();
        let callback: Callback = Box::new(move || context.run(|| (callback.into_inner())(&future)));
        if let Err(callback) = self.shared.handover.add_callback(callback) {
            self.shared.event_loop.call_callbacks(vec![callback]);
        }
    }

    /// Another handle of the same, for a callback.
    fn second(&self) -> Future<T> {
        Future {
            shared: Arc::clone(&self.shared),
            task: self.task.clone(),
            raise: None,
            in_vain: InVain::default(),
            cancel_waker: CancelWaker::default(),
        }
    }

    /// Cancels it, and the coroutine by `reach`.
    fn cancel_by(
        &self,
        error: &CancelledError,
        reach: impl FnOnce(&TaskHandle, &CancelledError),
    ) -> bool {
        match self.shared.handover.cancel(error.clone()) {
            Cancellation::First(callbacks) => {
                if let Some(task) = &self.task {
                    reach(task, error);
                }
                self.shared.run(callbacks);
                true
            }
            Cancellation::Already => true,
            Cancellation::TooLate => false,
        }
    }
}

impl<T> std::future::Future for Future<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some(raise) = &mut this.raise {
            if raise.poll_once(cx.waker()).is_pending() {
                return Poll::Pending;
            }
            // It has been raised, and this is awaited once more: here is what there is.
            this.raise = None;
            return this.shared.handover.poll(cx.waker()).map(bare);
        }
        if let Poll::Ready(outcome) = this.shared.handover.poll(cx.waker()) {
            return this.end(bare(outcome), cx);
        }
        let passed_on = CancelRequest::offered()
            .filter(|request| this.cancel_by(request.error(), TaskHandle::pass_on));
        let Some(request) = passed_on else {
            this.cancel_waker.register_waker(cx.waker());
            // Unless the coroutine could not be cancelled any more: the outcome is there then.
            return this.shared.handover.poll(cx.waker()).map(bare);
        };
        let claim = request.claim();
        let error = claim.error().clone();
        this.raise(Raise::of_claims(vec![claim], error), cx)
    }
}

impl<T> Future<T> {
    /// The outcome is there. A coroutine that was cancelled may have been so by what ends its
    /// awaiter, too.
    fn end(
        &mut self,
        outcome: Result<T, TaskError>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, TaskError>> {
        let Err(TaskError::Cancelled(error)) = &outcome else {
            return Poll::Ready(outcome);
        };
        match own_end(self.shared.event_loop.address(), error) {
            OwnEnd::Now(raise) => self.raise(raise, cx),
            OwnEnd::Comes if self.in_vain.try_again(cx.waker()) => {
                self.cancel_waker.register_waker(cx.waker());
                Poll::Pending
            }
            OwnEnd::Comes | OwnEnd::No => Poll::Ready(outcome),
        }
    }

    fn raise(&mut self, raise: Raise, cx: &mut Context<'_>) -> Poll<Result<T, TaskError>> {
        let raise = self.raise.insert(raise);
        let _pending = raise.poll_once(cx.waker());
        Poll::Pending
    }
}

impl<T> fmt::Debug for Future<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Future")
            .field("state", &self.shared.handover)
            .field("task", &self.task)
            .finish()
    }
}

/// What the user gives. Boxed by the public call that takes it, before anything else: it may be
/// big.
type DoneCallback<T> = Box<dyn FnOnce(&Future<T>) + Send>;

/// What becomes of the coroutine. Its value may own the next future, whose value owns one, and so
/// on.
type Outcome<T> = Result<Unnested<T>, TaskError>;

fn bare<T>(outcome: Outcome<T>) -> Result<T, TaskError> {
    outcome.map(Unnested::into_inner)
}

/// What the future and the coroutine share.
struct Shared<T> {
    handover: Handover<Unnested<T>>,
    event_loop: EventLoop,
}

impl<T> Shared<T> {
    fn run(&self, callbacks: Vec<Callback>) {
        if !callbacks.is_empty() {
            self.event_loop.call_callbacks(callbacks);
        }
    }

    /// Reports a panic that has not been seen.
    fn report(&self, outcome: Option<Outcome<T>>) {
        if let Some(Err(TaskError::Panicked(panic))) = outcome {
            let message = "Future exception was never retrieved";
            self.event_loop.report(message, panic.to_string());
        }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        self.report(self.handover.take());
    }
}

/// The coroutine's side. Dropped before it is kept, it cancels the future.
struct Promise<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Promise<T> {
    fn complete(&self, outcome: Outcome<T>) {
        match self.shared.handover.complete(outcome) {
            Completion::First(callbacks) => self.shared.run(callbacks),
            Completion::TooLate(outcome) => self.shared.report(Some(outcome)),
        }
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        if self.shared.handover.is_done() {
            return;
        }
        // The coroutine ends before its first step: with what its task ends with.
        self.complete(Err(ends_with().unwrap_or_default().into()));
    }
}

/// Runs `coro`, and keeps the promise.
async fn keep<F>(promise: Promise<F::Output>, coro: F)
where
    F: std::future::Future<Output: 'static>,
{
    let coro = AssertUnwindSafe(catch_cancelled(coro));
    match coro.catch_unwind().await {
        Ok(Ok(value)) => promise.complete(Ok(Unnested::new(value))),
        Ok(Err(cancelled)) => {
            promise.complete(Err(cancelled.clone().into()));
            cancelled.raise().await
        }
        Err(payload) => promise.complete(Err(PanicError::new(payload).into())),
    }
}
