//! The loop, as asyncio's module of the same name: callbacks, now and later, and who handles errors.
//!
//! All callbacks of a loop (of `call_soon`, of timers, of tasks and futures that are done) run one
//! after the other, in the order in which they became due: never two at once, never inside the
//! code that registers them, and on a worker like a task. In a callback there is a running loop,
//! but no current task. It runs in a copy of the context in which it was registered.

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
    /// Has `callback` called soon, behind the callbacks that wait already: `loop.call_soon`.
    ///
    /// Unlike asyncio's, any thread may call this. On a loop that is closed the callback is dropped,
    /// and its handle is cancelled already.
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

    /// [`call_soon`](EventLoop::call_soon) under the name that asyncio gives to the one variant of it
    /// that other threads may use.
    #[track_caller]
    pub fn call_soon_threadsafe(&self, callback: impl FnOnce() + Send + 'static) -> Handle {
        let handle = new_handle(Box::new(callback));
        self.run_calls(vec![handle.clone()]);
        handle
    }

    /// Has `callback` called after `delay`: `loop.call_later`.
    ///
    /// Never early. Timers fire in the order of their instants; a delay of zero is `call_soon`, behind
    /// what is due already. One that ends more than 584 years after the loop was made never does.
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
        self.appoint(when.unwrap_or_else(|| now + A_MILLENNIUM), callback)
    }

    /// Has `callback` called at `when`, by the clock of [`time`](EventLoop::time): at once if that is
    /// past. Otherwise as [`call_later`](EventLoop::call_later).
    #[track_caller]
    pub fn call_at(&self, when: Instant, callback: impl FnOnce() + Send + 'static) -> TimerHandle {
        self.appoint(when, Box::new(callback))
    }

    /// Runs `future` on this foreign thread, as a task of the loop whose workers serve it meanwhile.
    ///
    /// The future may be neither `Send` nor `'static`. The loop's shutdown cancels it.
    ///
    /// # Errors
    /// If it ended cancelled; on a loop that is closed, always.
    ///
    /// # Panics
    /// On a worker of the loop, which would wait for itself, as would, in the deterministic mode, a
    /// function on the loop's pool; and on the thread of a runner that is not
    /// running and has no other thread (one worker, or the deterministic mode), where nothing would
    /// ever happen. In a fork of the loop's process. If the future panics.
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
             the pool run on the thread that turns the loop"
        );
        assert!(
            !self.has_only_this_thread(),
            "EventLoop::block_on() would wait for ever: no other thread turns the loop's workers, \
             and it is not running; use Runner::run()"
        );
        let location = Location::caller();
        boxed_if_big!(F, future => run_foreign(self, future, location))
    }

    #[track_caller]
    fn appoint(&self, when: Instant, callback: Callback) -> TimerHandle {
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

/// What `call_later` and `call_at` return: asyncio's `TimerHandle`.
///
/// Dropping it leaves the callback to run.
#[derive(Clone)]
pub struct TimerHandle {
    handle: Handle,
    when: Instant,
    /// `None` on a loop that was closed.
    registration: Option<TimerRegistration>,
}

impl TimerHandle {
    /// As [`Handle::cancel`]; the timer is taken out as well.
    pub fn cancel(&self) {
        self.handle.cancel();
        if let Some(registration) = &self.registration {
            registration.cancel();
        }
    }

    /// As [`Handle::cancelled`].
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.handle.cancelled()
    }

    /// When the callback is due.
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

/// For a delay that an `Instant` cannot say: a loop counts 584 years.
const A_MILLENNIUM: Duration = Duration::from_secs(1000 * 365 * 24 * 60 * 60);
