//! `run_coroutine_threadsafe`: submits a coroutine to a loop from any thread and returns its
//! result.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ::futures::FutureExt;

use crate::exceptions::{CancelledError, PanicError, TaskError, TimeoutError};
use crate::runtime::{
    Callback, CancelRequest, CancelWaker, Cancellation, Completion, EventLoop, ForeignPolls,
    Handover, Propagation, Raise, TaskHandle, Unnested, boxed_if_big, ends_with, inherited_context,
    is_big, propagation, requested,
};
use crate::sync::{Arc, StdArc};
use crate::tasks::catch_cancelled;

/// Submits `coro` to `event_loop` from any thread: `asyncio.run_coroutine_threadsafe`.
///
/// The coroutine runs as a task of the loop; dropping the returned future detaches it. On a closed
/// loop the coroutine is dropped, and the future is already cancelled, with "Event loop is closed".
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
    // On a closed loop the promise is dropped with the coroutine, and its drop cancels the future.
    let task = event_loop
        .try_create_task(run_coroutine(promise, coro))
        .ok();
    Future {
        shared,
        task: task.map(|task| task.handle()),
        raise: None,
        foreign_polls: ForeignPolls::default(),
        cancel_waker: CancelWaker::default(),
    }
}

/// The result of a coroutine that was submitted from a thread: `concurrent.futures.Future`.
///
/// A thread waits for it with [`result`](Future::result); a task, of the same loop or of another,
/// awaits it. Unlike in Python, both take the value: it can be had once.
///
/// # Cancellation
/// Cancelling a task that awaits this future cancels the coroutine and raises at once. Unlike an
/// await of a [`Task`](crate::Task), it does not wait until the coroutine has ended. Dropping the
/// future cancels nothing.
pub struct Future<T> {
    shared: Arc<Shared<T>>,
    /// `None` if the loop was closed.
    task: Option<TaskHandle>,
    raise: Option<Raise>,
    foreign_polls: ForeignPolls,
    cancel_waker: CancelWaker,
}

impl<T> Future<T> {
    /// Blocks this thread until the coroutine has ended, for `timeout` at most, and takes its
    /// value. `None` is no limit; a timeout of zero does not wait.
    ///
    /// # Errors
    /// * [`TaskError::TimedOut`] if the coroutine has not ended in time. It keeps running and can
    ///   be waited for again; [`cancel`](Future::cancel) ends it;
    /// * [`TaskError::Cancelled`] if it was cancelled, from every call;
    /// * [`TaskError::Panicked`] if it panicked, from the first call only;
    /// * [`TaskError::InvalidState`] if the value, or the panic, was already taken.
    ///
    /// # Panics
    /// If the result is not there yet, `timeout` is not zero, and this call is made
    /// * on a worker of the same loop, which would wait for itself: await the future instead;
    /// * in the deterministic mode, in a function on the loop's pool, which would wait for itself
    ///   too;
    /// * without a limit, on the thread of a runner that is not running and has no other thread
    ///   (one worker, or the deterministic mode): nothing would run the coroutine;
    /// * in a fork of the loop's process.
    #[track_caller]
    pub fn result(&self, timeout: impl Into<Option<Duration>>) -> Result<T, TaskError> {
        let timeout = timeout.into();
        if let Some(outcome) = self.shared.handover.take() {
            return plain(outcome);
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
             on the thread that runs the loop"
        );
        assert!(
            timeout.is_some() || !event_loop.has_only_this_thread(),
            "result() would wait for ever: no other thread runs the loop's workers, and the loop is \
             not running; use Runner::run()"
        );
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let outcome = self.wait(deadline);
        outcome.map_or_else(|| Err(TimeoutError.into()), plain)
    }

    /// Blocks this thread until the outcome is there, or until `deadline`.
    ///
    /// This thread may keep the loop's paused clock from jumping, while it runs a function of the
    /// pool or a `block_on`. It lends these holds back while it waits here: otherwise the clock
    /// could not jump, and a coroutine that sleeps would never end.
    fn wait(&self, deadline: Option<Instant>) -> Option<Outcome<T>> {
        let handover = &self.shared.handover;
        if let Some(lent) = self.shared.event_loop.time_to_lend() {
            let back = StdArc::clone(&lent);
            // The callback queue runs this, so the holds are taken back before the loop's workers
            // park, which is when the clock could jump again.
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
    /// the coroutine has already ended.
    ///
    /// Threads and tasks that wait for the future are woken at once. The coroutine may still clean
    /// up; the value that it returns after that is dropped.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let event_loop = asyncio::get_running_loop();
    /// let endless = std::future::pending::<()>();
    /// let future = asyncio::run_coroutine_threadsafe(endless, &event_loop);
    /// assert!(future.cancel());
    /// assert!(future.await.unwrap_err().is_cancelled());
    /// # });
    /// ```
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.cancel_by(&requested(), |task, error| {
            task.reference().cancel(error.clone());
        })
    }

    /// Whether the coroutine has ended or the future was cancelled.
    #[must_use]
    pub fn done(&self) -> bool {
        self.shared.handover.is_done()
    }

    /// Whether the future was cancelled, or the coroutine ended cancelled.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.shared.handover.is_cancelled()
    }

    /// Schedules `callback` to run when the future is done.
    ///
    /// The loop's callback queue runs it: never inside this call, and never two callbacks of a loop
    /// at once. It runs in a copy of the caller's context. (A closed loop has no callback queue:
    /// the callback runs inside this call then.)
    ///
    /// ```
    /// # asyncio::run(async {
    /// let event_loop = asyncio::get_running_loop();
    /// let future = asyncio::run_coroutine_threadsafe(async { 42 }, &event_loop);
    /// let called = asyncio::Future::new();
    /// let setter = called.clone();
    /// future.add_done_callback(move |future| setter.set_result(future.done()).unwrap());
    /// assert!(called.await.unwrap());
    /// # });
    /// ```
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
        // A reference cycle, until the future is done and its callbacks have been taken.
        let future = self.another_handle();
        let callback = Unnested::new(callback);
        let context = inherited_context().unwrap_or_default();
        let callback: Callback = Box::new(move || context.run(|| (callback.into_inner())(&future)));
        if let Err(callback) = self.shared.handover.add_callback(callback) {
            self.shared.event_loop.call_callbacks(vec![callback]);
        }
    }

    /// Another handle of the same future, for a callback.
    fn another_handle(&self) -> Future<T> {
        Future {
            shared: Arc::clone(&self.shared),
            task: self.task.clone(),
            raise: None,
            foreign_polls: ForeignPolls::default(),
            cancel_waker: CancelWaker::default(),
        }
    }

    /// Cancels the future, and the coroutine's task with `cancel_task`. Returns `false` if the
    /// coroutine has already ended.
    fn cancel_by(
        &self,
        error: &CancelledError,
        cancel_task: impl FnOnce(&TaskHandle, &CancelledError),
    ) -> bool {
        match self.shared.handover.cancel(error.clone()) {
            Cancellation::First(callbacks) => {
                if let Some(task) = &self.task {
                    cancel_task(task, error);
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
            // The cancellation was raised and caught, and this future is awaited again: return the
            // outcome.
            this.raise = None;
            return this.shared.handover.poll(cx.waker()).map(plain);
        }
        if let Poll::Ready(outcome) = this.shared.handover.poll(cx.waker()) {
            return this.end(plain(outcome), cx);
        }
        let forwarded = CancelRequest::offered()
            .filter(|request| this.cancel_by(request.error(), TaskHandle::forward));
        let Some(request) = forwarded else {
            this.cancel_waker.register_waker(cx.waker());
            // Polled again: if `cancel_by` refused the request, the outcome is there by now.
            return this.shared.handover.poll(cx.waker()).map(plain);
        };
        let claim = request.claim();
        let error = claim.error().clone();
        this.raise(Raise::of_claims(vec![claim], error), cx)
    }
}

impl<T> Future<T> {
    /// Returns the outcome, unless the coroutine was cancelled and the awaiter is being cancelled
    /// too (by the same cause, or by a request of its own): then raises that cancellation.
    fn end(
        &mut self,
        outcome: Result<T, TaskError>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, TaskError>> {
        let Err(TaskError::Cancelled(error)) = &outcome else {
            return Poll::Ready(outcome);
        };
        match propagation(self.shared.event_loop.address(), error) {
            Propagation::Raise(raise) => self.raise(raise, cx),
            Propagation::RequestComes if self.foreign_polls.try_again(cx.waker()) => {
                self.cancel_waker.register_waker(cx.waker());
                Poll::Pending
            }
            Propagation::RequestComes | Propagation::None => Poll::Ready(outcome),
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

/// The user's callback. The public method that takes it boxes it first, because it may be big.
type DoneCallback<T> = Box<dyn FnOnce(&Future<T>) + Send>;

/// How the coroutine ended. `Unnested`, because its value may own the next future, whose value owns
/// one, and so on.
type Outcome<T> = Result<Unnested<T>, TaskError>;

fn plain<T>(outcome: Outcome<T>) -> Result<T, TaskError> {
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

    /// Reports a panic that was never retrieved to the loop's exception handler.
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

/// The coroutine's side of the future. Dropped before it is completed, it cancels the future.
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
        // The coroutine was dropped before its first poll: the future ends as its task does.
        self.complete(Err(ends_with().unwrap_or_default().into()));
    }
}

/// Runs `coro`, and completes the promise with its outcome.
async fn run_coroutine<F>(promise: Promise<F::Output>, coro: F)
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
