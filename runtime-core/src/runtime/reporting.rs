//! Access to the callback queue and the exception handler of a loop, for the floors above the
//! engine.

use std::panic::Location;

use super::event_loop::EventLoop;
use super::scheduler::exception_context::ExceptionContext;
use super::scheduler::schedule::call_soon;
use super::scheduler::shared::Shared;
use super::task::callback::{Body, Handle};
use super::task::catch_panic::catch_panic;
use super::unnest::unnested;
use crate::sync::Arc;

impl EventLoop {
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
        call_soon(self.shared(), handles.collect());
    }

    /// The address of the loop: unique among the loops that exist at one time.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(self.shared()).addr()
    }

    /// Reports an error that no caller can receive to the exception handler.
    pub(crate) fn report(&self, message: &'static str, exception: String) {
        let context = ExceptionContext::new(message).with_exception(exception);
        Shared::report(self.shared(), &context);
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
