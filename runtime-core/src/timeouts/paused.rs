//! A time that stands still: holding it, and moving it by hand.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::runtime::{Advance, EventLoop};

/// Keeps a time that stands still from jumping, until it is dropped.
#[must_use = "time is let go when the guard is dropped"]
pub struct TimeGuard {
    event_loop: EventLoop,
}

impl EventLoop {
    /// Keeps time from jumping by itself, on a loop that was started paused: until the guard is
    /// dropped, it moves by [`advance`](EventLoop::advance) alone. It holds from here on, also for a
    /// foreign thread that asks. Elsewhere it has no effect.
    ///
    /// Between two `run`s, too, time goes where workers have threads of their own, and with a periodic
    /// task it flies: hold it there if it is to stand.
    ///
    /// A held time is never a deadlock: the deterministic mode waits for whoever holds it.
    pub fn hold_time(&self) -> TimeGuard {
        self.ask_time_to_stand();
        TimeGuard {
            event_loop: self.clone(),
        }
    }

    /// Moves a time that stands still by `by`, counted from the first poll, whether it is held or not.
    /// It goes from timer to timer, and what each wakes runs until nothing more happens, before it
    /// goes on; so does what is due at the end, before the future is over. Time stops at the end of
    /// every `advance` that is under way, and by zero it waits until nothing more happens now.
    ///
    /// It moves the time of this loop, whoever polls it: a task of another loop, or a thread without
    /// one. Somebody has to run the loop meanwhile: a `run`, or workers of its own.
    ///
    /// # Cancellation
    /// Time stops where it is.
    ///
    /// # Panics
    /// If the loop was not started paused, or is closed; also, when it is polled, if it has been closed
    /// meanwhile, and time has not come so far. If the end is beyond the end of time, 584 years after the
    /// loop was made.
    ///
    /// ```
    /// use std::time::Duration;
    /// let mut runner = asyncio::Runner::builder().start_paused(true).build()?;
    /// runner.run(async {
    ///     let event_loop = asyncio::get_running_loop();
    ///     let _held = event_loop.hold_time();
    ///     let sleeper = asyncio::create_task(asyncio::sleep(Duration::from_secs(60)));
    ///     event_loop.advance(Duration::from_secs(59)).await;
    ///     assert!(!sleeper.done());
    ///     event_loop.advance(Duration::from_secs(1)).await;
    ///     sleeper.await.unwrap();
    /// });
    /// # Ok::<_, std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn advance(&self, by: Duration) -> impl Future<Output = ()> + Send + use<> {
        assert!(
            self.is_paused(),
            "EventLoop::advance() moves a time that stands still: build the runner with \
             start_paused(true)"
        );
        assert!(
            !self.is_closed(),
            "EventLoop::advance() moves the time of a loop that is closed"
        );
        Advance::new(self.clone(), by)
    }
}

impl Drop for TimeGuard {
    fn drop(&mut self) {
        self.event_loop.let_time_go();
    }
}

impl fmt::Debug for TimeGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TimeGuard")
    }
}
