//! Debug mode: reports polls and callbacks that occupy their worker for too long.

use std::time::Duration;

use super::event_loop::EventLoop;

impl EventLoop {
    /// Whether the loop is in debug mode.
    #[must_use]
    pub fn get_debug(&self) -> bool {
        self.shared().is_debug()
    }

    /// Switches debug mode on or off. `Runner::builder().debug(…)` or `ASYNCIO_DEBUG=1` set the
    /// initial value.
    ///
    /// In debug mode a poll of a task, or a callback, that takes longer than
    /// [`slow_callback_duration`](EventLoop::slow_callback_duration) is reported on standard error,
    /// with the place where it was created. Unlike asyncio's debug mode it rejects no call from
    /// another thread: all of them are safe.
    pub fn set_debug(&self, debug: bool) {
        self.shared().set_debug(debug);
    }

    /// How long a poll or a callback may take before debug mode reports it. The default is 0.1 s.
    #[must_use]
    pub fn slow_callback_duration(&self) -> Duration {
        self.shared().slow_callback_duration()
    }

    /// Sets how long a poll or a callback may take before debug mode reports it.
    pub fn set_slow_callback_duration(&self, duration: Duration) {
        self.shared().set_slow_callback_duration(duration);
    }
}
