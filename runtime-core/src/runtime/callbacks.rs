//! Adds callbacks to the callback queue and the callback timers of a loop, for the modules above
//! the engine.

use std::panic::Location;
use std::time::Instant;

use super::catch_panic::catch_panic;
use super::event_loop::EventLoop;
use super::scheduler::callback_timers::CallbackTimerKey;
use super::scheduler::{schedule, timed};
use super::task::callback::{Body, Handle};
use super::unnest::unnested;

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

    /// Adds callbacks to the callback queue, in order.
    ///
    /// Each of them runs in any case. If the loop is closed, or closes before it has run them, they
    /// run on the thread that discards them: the caller has no handle to ask whether they ran.
    pub(crate) fn call_callbacks(&self, callbacks: Vec<Body>) {
        let here = Location::caller();
        let handles = callbacks.into_iter().map(|callback| {
            let mut callback = RunOnDrop(Some(callback));
            Handle::new(Box::new(move || callback.run()), None, here)
        });
        self.run_calls(handles.collect());
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

/// A callback that runs at the latest when it is dropped.
struct RunOnDrop(Option<Body>);

impl RunOnDrop {
    fn run(&mut self) {
        self.0.take().into_iter().for_each(|callback| callback());
    }
}

impl Drop for RunOnDrop {
    fn drop(&mut self) {
        if let Some(callback) = self.0.take() {
            // Unnested: the callback may end another future of this loop, whose callbacks run here
            // too. A panic is dropped: the panic hook has printed it, and the loop no longer has an
            // exception handler.
            unnested(|| catch_panic(callback));
        }
    }
}
