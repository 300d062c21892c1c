//! Callbacks on the lane of a loop, for the modules above the engine.

use std::time::Instant;

use super::event_loop::EventLoop;
use super::scheduler::callback_timers::CallbackTimerKey;
use super::scheduler::{schedule, timed};
use super::task::callback::Handle;

/// Where a callback stands on the agenda of its loop.
#[derive(Clone, Debug)]
pub(crate) struct TimerRegistration {
    event_loop: EventLoop,
    key: CallbackTimerKey,
}

impl EventLoop {
    /// Runs callbacks on the lane, in order; discards them if the loop is closed.
    pub(crate) fn run_calls(&self, calls: Vec<Handle>) {
        schedule::call_soon(self.shared(), calls);
    }

    /// Runs a callback on the lane at `when`. `None` if the loop is closed, and the callback
    /// discarded.
    pub(crate) fn run_call_at(&self, when: Instant, call: Handle) -> Option<TimerRegistration> {
        let when = self.shared().driver.clock.to_tick(when);
        let key = timed::call_at(self.shared(), when, call)?;
        let event_loop = self.clone();
        Some(TimerRegistration { event_loop, key })
    }
}

impl TimerRegistration {
    /// Takes the callback off the agenda, if it is not due yet.
    pub(crate) fn cancel(&self) {
        timed::forget(self.event_loop.shared(), self.key);
    }
}
