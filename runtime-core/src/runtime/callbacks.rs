//! Adds callbacks to the callback queue and the callback timers of a loop, for the modules above
//! the engine.

use std::time::Instant;

use super::event_loop::EventLoop;
use super::scheduler::callback_timers::CallbackTimerKey;
use super::scheduler::{schedule, timed};
use super::task::callback::Handle;

/// The registration of a callback in the callback timers of its loop.
#[derive(Clone, Debug)]
pub(crate) struct TimerRegistration {
    event_loop: EventLoop,
    key: CallbackTimerKey,
}

impl EventLoop {
    /// Adds callbacks to the callback queue, in order. Discards them if the loop is closed.
    pub(crate) fn run_calls(&self, calls: Vec<Handle>) {
        schedule::call_soon(self.shared(), calls);
    }

    /// Has a callback added to the callback queue at `when`. Returns `None` if the loop is closed:
    /// the callback has been discarded then.
    pub(crate) fn run_call_at(&self, when: Instant, call: Handle) -> Option<TimerRegistration> {
        let when = self.shared().driver.clock.to_tick(when);
        let key = timed::call_at(self.shared(), when, call)?;
        let event_loop = self.clone();
        Some(TimerRegistration { event_loop, key })
    }
}

impl TimerRegistration {
    /// Removes the callback from the callback timers, if it is not due yet.
    pub(crate) fn cancel(&self) {
        timed::forget(self.event_loop.shared(), self.key);
    }
}
