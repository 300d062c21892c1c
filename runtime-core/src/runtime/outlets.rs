//! Where the upper floors turn to with what is nobody's: the loop's lane, and its exception handler.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};

use super::event_loop::EventLoop;
use super::scheduler::exception_context::ExceptionContext;
use super::scheduler::schedule::call_soon;
use super::scheduler::shared::Shared;
use super::task::callback::{Body, Handle};
use crate::sync::Arc;

impl EventLoop {
    /// Runs callbacks on the lane, in order; here and now if the loop is closed.
    pub(crate) fn call_on_lane(&self, callbacks: Vec<Body>) {
        if !self.is_closed() {
            let here = Location::caller();
            let handles = callbacks.into_iter();
            let handles = handles.map(|callback| Handle::new(callback, None, here));
            return call_soon(self.shared(), handles.collect());
        }
        for callback in callbacks {
            // Its message is out, and there is no handler any more.
            let _panicked = catch_unwind(AssertUnwindSafe(callback));
        }
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
