//! The event loop: `call_soon`, `call_later`, `call_at` with the handles that they return, and
//! `block_on`.
//!
//! The counterpart of asyncio's module of the same name. It also re-exports the loop's handle, its
//! metrics and the context of its exception handler.
//!
//! All callbacks of a loop (of `call_soon`, of timers, of finished tasks and futures) run one after
//! the other, in the order in which they became due: never two at once, and never inside the code
//! that registers them. A worker runs them, as it runs tasks. Inside a callback there is a running
//! loop, but no current task. A callback runs in a copy of the context in which it was registered.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::time::{Duration, Instant};

use crate::exceptions::CancelledError;
use crate::runtime::{
    Callback, TimerRegistration, boxed_if_big, inherited_context, is_big, run_foreign,
};

pub use crate::runtime::{
    EnterGuard, EventLoop, ExceptionContext, Handle, Metrics, get_running_loop,
    try_get_running_loop,
};

impl EventLoop {
    /// Schedules `callback` to run soon, after the callbacks that are already due:
    /// `loop.call_soon`.
    ///
    /// Unlike in asyncio, any thread may call this. On a closed loop the callback is dropped, and
    /// the returned handle is already cancelled.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// let event_loop = asyncio::get_running_loop();
    /// for n in 0..3 {
    ///     let sender = sender.clone();
    ///     event_loop.call_soon(move || sender.send(n).unwrap());
    /// }
    /// drop(sender);
    /// # asyncio::sleep(std::time::Duration::from_millis(1)).await;
    /// assert_eq!(receiver.iter().collect::<Vec<_>>(), [0, 1, 2]);
    /// # });
    /// ```
    #[track_caller]
    pub fn call_soon(&self, callback: impl FnOnce() + Send + 'static) -> Handle {
        let handle = new_handle(Box::new(callback));
        self.run_calls(vec![handle.clone()]);
        handle
    }

    /// The same as [`call_soon`](EventLoop::call_soon): `loop.call_soon_threadsafe`.
    ///
    /// In asyncio this is the only variant that other threads may use; here both are.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let done = asyncio::Future::new();
    /// let setter = done.clone();
    /// let event_loop = asyncio::get_running_loop();
    /// std::thread::spawn(move || {
    ///     event_loop.call_soon_threadsafe(move || setter.set_result(42).unwrap());
    /// });
    /// assert_eq!(done.await.unwrap(), 42);
    /// # });
    /// ```
    #[track_caller]
    pub fn call_soon_threadsafe(&self, callback: impl FnOnce() + Send + 'static) -> Handle {
        let handle = new_handle(Box::new(callback));
        self.run_calls(vec![handle.clone()]);
        handle
    }

    /// Schedules `callback` to run after `delay`: `loop.call_later`.
    ///
    /// It never runs early. Timers fire in the order of their instants. A delay of zero is
    /// `call_soon`: the callback runs after those that are already due. A timer that would fire
    /// more than 584 years after the loop was made never fires.
    ///
    /// Unlike in asyncio, any thread may call this. On a closed loop the callback is dropped, and
    /// the returned handle is already cancelled.
    ///
    /// ```
    /// use std::time::Duration;
    /// # asyncio::run(async {
    /// let done = asyncio::Future::new();
    /// let at_last = done.clone();
    /// asyncio::get_running_loop().call_later(Duration::from_millis(1), move || {
    ///     at_last.set_result("time is up").unwrap();
    /// });
    /// assert_eq!(done.await.unwrap(), "time is up");
    /// # });
    /// ```
    #[track_caller]
    pub fn call_later(
        &self,
        delay: Duration,
        callback: impl FnOnce() + Send + 'static,
    ) -> TimerHandle {
        let callback: Callback = Box::new(callback);
        let now = self.time();
        let when = now.checked_add(delay);
        self.schedule_at(when.unwrap_or_else(|| now + A_MILLENNIUM), callback)
    }

    /// Schedules `callback` to run at `when`, by the clock of [`time`](EventLoop::time):
    /// `loop.call_at`.
    ///
    /// If `when` has passed, it runs soon. Otherwise like [`call_later`](EventLoop::call_later).
    ///
    /// ```
    /// use std::time::Duration;
    /// # asyncio::run(async {
    /// let done = asyncio::Future::new();
    /// let setter = done.clone();
    /// let event_loop = asyncio::get_running_loop();
    /// let when = event_loop.time() + Duration::from_millis(1);
    /// let handle = event_loop.call_at(when, move || setter.set_result("time is up").unwrap());
    /// assert_eq!(handle.when(), when);
    /// assert_eq!(done.await.unwrap(), "time is up");
    /// # });
    /// ```
    #[track_caller]
    pub fn call_at(&self, when: Instant, callback: impl FnOnce() + Send + 'static) -> TimerHandle {
        self.schedule_at(when, Box::new(callback))
    }

    /// Runs `future` on this thread, which is not a worker of the loop, and returns its value.
    ///
    /// This thread polls the future, as a task of the loop, while the loop's workers run the other
    /// tasks and the timers. The future need not be `Send` or `'static`. The shutdown of the loop
    /// cancels it.
    ///
    /// It is similar to asyncio's `loop.run_until_complete`, but any thread may call it, and it
    /// does not start the loop: a [`Runner`](crate::Runner) has started it.
    ///
    /// # Errors
    /// [`CancelledError`] if the future ended cancelled; on a closed loop, always.
    ///
    /// # Panics
    /// * if the future panics, with its panic;
    /// * on a worker of the same loop, which would wait for itself: await instead;
    /// * in the deterministic mode, in a function on the loop's pool, which would wait for itself
    ///   too;
    /// * on the thread of a runner that is not running and has no other thread (one worker, or the
    ///   deterministic mode): nothing would run the loop;
    /// * in a fork of the loop's process.
    ///
    /// ```
    /// let runner = asyncio::Runner::builder().workers(2).build()?;
    /// let event_loop = runner.get_loop().clone();
    /// let answer = std::thread::spawn(move || {
    ///     event_loop.block_on(async { asyncio::create_task(async { 42 }).await.unwrap() })
    /// });
    /// assert_eq!(answer.join().unwrap(), Ok(42));
    /// # Ok::<_, std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> Result<F::Output, CancelledError> {
        self.assert_own_process();
        assert!(
            !self.is_on_worker(),
            "EventLoop::block_on() cannot be called on a worker of the same loop: await instead"
        );
        assert!(
            !self.is_under_seed_here(),
            "EventLoop::block_on() would wait for itself: in the deterministic mode, functions for \
             the pool run on the thread that runs the loop"
        );
        assert!(
            !self.has_only_this_thread(),
            "EventLoop::block_on() would wait for ever: no other thread runs the loop's workers, \
             and the loop is not running; use Runner::run()"
        );
        let location = Location::caller();
        boxed_if_big!(F, future => run_foreign(self, future, location))
    }

    #[track_caller]
    fn schedule_at(&self, when: Instant, callback: Callback) -> TimerHandle {
        let handle = new_handle(callback);
        let registration = self.run_call_at(when, handle.clone());
        TimerHandle {
            handle,
            when,
            registration,
        }
    }
}

#[track_caller]
fn new_handle(callback: Callback) -> Handle {
    Handle::new(callback, inherited_context(), Location::caller())
}

/// The handle that `call_later` and `call_at` return: `asyncio.TimerHandle`.
///
/// Clones refer to the same timer. Dropping a handle does not cancel the callback.
///
/// ```
/// use std::time::Duration;
/// # asyncio::run(async {
/// let event_loop = asyncio::get_running_loop();
/// let handle = event_loop.call_later(Duration::from_secs(3600), || unreachable!());
/// handle.cancel();
/// assert!(handle.cancelled());
/// # });
/// ```
#[derive(Clone)]
pub struct TimerHandle {
    handle: Handle,
    when: Instant,
    /// `None` if the loop was already closed.
    registration: Option<TimerRegistration>,
}

impl TimerHandle {
    /// Cancels the callback, as [`Handle::cancel`] does, and removes the timer.
    pub fn cancel(&self) {
        self.handle.cancel();
        if let Some(registration) = &self.registration {
            registration.cancel();
        }
    }

    /// Whether the callback was cancelled, as [`Handle::cancelled`].
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.handle.cancelled()
    }

    /// The instant at which the callback is due, by the loop's clock.
    #[must_use]
    pub fn when(&self) -> Instant {
        self.when
    }
}

impl fmt::Debug for TimerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerHandle")
            .field("when", &self.when)
            .field("created_at", &format_args!("{}", self.handle.location()))
            .field("cancelled", &self.cancelled())
            .finish()
    }
}

/// Replaces a delay whose end an `Instant` cannot represent. A loop's clock counts 584 years, so
/// such a timer never fires.
const A_MILLENNIUM: Duration = Duration::from_secs(1000 * 365 * 24 * 60 * 60);
