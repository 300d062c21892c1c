//! A time that stands still: holding it, and moving it by hand.

use std::fmt;
use std::time::Duration;

use crate::runtime::EventLoop;
use crate::tasks::sleep_until;

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
    /// A held time is never a deadlock: the deterministic mode waits for whoever holds it.
    pub fn hold_time(&self) -> TimeGuard {
        self.ask_time_to_stand();
        TimeGuard {
            event_loop: self.clone(),
        }
    }

    /// Moves a time that stands still by `by`, whether it is held or not. It goes from timer to
    /// timer, and what each wakes runs until nothing more happens, before it goes on.
    ///
    /// # Cancellation
    /// Time may still go as far as was asked for.
    ///
    /// # Panics
    /// If the loop was not started paused.
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
    pub async fn advance(&self, by: Duration) {
        assert!(
            self.is_paused(),
            "EventLoop::advance() moves a time that stands still: build the runner with \
             start_paused(true)"
        );
        let Some(when) = self.time().checked_add(by) else {
            panic!("EventLoop::advance() beyond the end of time");
        };
        self.let_time_go_to(when);
        sleep_until(when).exact().await;
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
