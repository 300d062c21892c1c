//! Keeps a loop open while a closed connection still sends.

use super::event_loop::EventLoop;
pub(crate) use super::scheduler::flushes::Flush;

impl EventLoop {
    /// The loop waits at its end, for a second at most, until the returned value is dropped.
    pub(crate) fn begin_flush(&self) -> Flush {
        Flush::begin(self.shared())
    }
}
