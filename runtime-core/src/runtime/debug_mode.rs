//! Debug mode: complaints about what keeps its worker for too long.

use std::time::Duration;

use super::event_loop::EventLoop;

impl EventLoop {
    /// Whether the loop is in debug mode.
    #[must_use]
    pub fn get_debug(&self) -> bool {
        self.shared().is_debug()
    }

    /// Switches debug mode on or off. It begins as `Runner::builder().debug(…)` or `ASYNCIO_DEBUG=1`
    /// say.
    ///
    /// In debug mode a poll of a task, or a callback, that takes longer than
    /// [`slow_callback_duration`](EventLoop::slow_callback_duration) is named on standard error, with
    /// the place where it was created. Unlike asyncio's it refuses no call from another thread: all of
    /// them are safe.
    pub fn set_debug(&self, debug: bool) {
        self.shared().set_debug(debug);
    }

    /// How long a poll or a callback may take before debug mode complains: 0.1 s at first.
    #[must_use]
    pub fn slow_callback_duration(&self) -> Duration {
        self.shared().slow_callback_duration()
    }

    /// Sets how long a poll or a callback may take before debug mode complains.
    pub fn set_slow_callback_duration(&self, duration: Duration) {
        self.shared().set_slow_callback_duration(duration);
    }
}
