//! Control of a paused clock: `EventLoop::hold_time` and `EventLoop::advance`.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use crate::runtime::{Advance, EventLoop};

/// Keeps a paused clock from jumping, until it is dropped; returned by [`EventLoop::hold_time`].
#[must_use = "the clock may jump again when the guard is dropped"]
pub struct TimeGuard {
    event_loop: EventLoop,
}

impl EventLoop {
    /// Keeps the clock of a loop that was started paused from jumping: until the guard is dropped,
    /// only [`advance`](EventLoop::advance) moves it.
    ///
    /// The hold is in effect when this call returns, also if a foreign thread calls it. On a loop
    /// that was not started paused it has no effect.
    ///
    /// Between two `run`s, the clock jumps too if workers have threads of their own; with a
    /// periodic task it advances without end. Hold it there if it must not move.
    ///
    /// While the clock is held, the deterministic mode reports no deadlock: it waits until the
    /// guard is dropped.
    ///
    /// ```
    /// use std::time::Duration;
    /// let mut runner = asyncio::Runner::builder().start_paused(true).build()?;
    /// runner.run(async {
    ///     let event_loop = asyncio::get_running_loop();
    ///     let begin = event_loop.time();
    ///     let held = event_loop.hold_time();
    ///     let sleeper = asyncio::create_task(asyncio::sleep(Duration::from_secs(60)));
    ///     asyncio::checkpoint().await;
    ///     assert_eq!(event_loop.time(), begin);
    ///     drop(held);
    ///     sleeper.await.unwrap(); // the clock jumps
    ///     assert_eq!(event_loop.time() - begin, Duration::from_secs(60));
    /// });
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn hold_time(&self) -> TimeGuard {
        self.hold_clock();
        TimeGuard {
            event_loop: self.clone(),
        }
    }

    /// Moves a paused clock forward by `by`, counted from the first poll, whether it is held or
    /// not.
    ///
    /// The clock moves from timer to timer. Before each step, everything that the last timer has
    /// woken runs until nothing more can happen; so does everything that is due at the end, before
    /// the future completes. If several `advance`s are in progress, the clock stops at the end of
    /// each. An advance by zero waits until nothing more can happen at the present instant.
    ///
    /// The future moves the clock of this loop, wherever it is polled: also in a task of another
    /// loop, or on a thread without a loop. The loop must be running at that time, in a `run` or on
    /// worker threads of its own.
    ///
    /// # Cancellation
    /// If the future is dropped, the clock stays where it is.
    ///
    /// # Panics
    /// * If the loop was not started paused, or is closed.
    /// * A poll, if the loop was closed before the clock has reached the end.
    /// * If the end is more than 584 years after the loop was made.
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
            "EventLoop::advance() moves a paused clock: build the runner with start_paused(true)"
        );
        assert!(
            !self.is_closed(),
            "EventLoop::advance() cannot move the clock of a closed loop"
        );
        Advance::new(self.clone(), by)
    }
}

impl Drop for TimeGuard {
    fn drop(&mut self) {
        self.event_loop.release_clock();
    }
}

impl fmt::Debug for TimeGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TimeGuard")
    }
}
