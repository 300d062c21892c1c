//! Where the upper floors turn to with what is nobody's: the loop's lane, and its exception handler.

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
    /// Runs callbacks on the lane, in order. If the loop is closed, or closes before it has come to
    /// them, they run where the lane gives them up: nobody has a handle to ask whether they ran.
    pub(crate) fn call_callbacks(&self, callbacks: Vec<Body>) {
        let here = Location::caller();
        let handles = callbacks.into_iter().map(|callback| {
            let mut callback = Certain(Some(callback));
            Handle::new(Box::new(move || callback.run()), None, here)
        });
        call_soon(self.shared(), handles.collect());
    }

    /// Names the loop, among those that are alive.
    pub(crate) fn address(&self) -> usize {
        Arc::as_ptr(self.shared()).addr()
    }

    /// Tells the exception handler of something that nobody else will hear of.
    pub(crate) fn report(&self, message: &'static str, exception: String) {
        let context = ExceptionContext::new(message).with_exception(exception);
        Shared::report(self.shared(), &context);
    }
}

/// A callback that runs, at the latest when it is dropped.
struct Certain(Option<Body>);

impl Certain {
    fn run(&mut self) {
        self.0.take().into_iter().for_each(|callback| callback());
    }
}

impl Drop for Certain {
    fn drop(&mut self) {
        if let Some(callback) = self.0.take() {
            // Unnested: it may end the next future on this loop, whose callbacks run here as well. Of a
            // panic the message is out, and there is no handler any more.
            unnested(|| catch_panic(callback));
        }
    }
}
