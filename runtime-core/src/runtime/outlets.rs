//! Where the upper floors turn to with what is nobody's: the loop's lane, and its exception handler.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::event_loop::EventLoop;
use super::scheduler::schedule::call_soon;
use super::task::schedule_face::Report;
use super::task::side::Callback;

impl EventLoop {
    /// Runs callbacks on the lane, in order; here and now if the loop is closed.
    pub(crate) fn call_on_lane(&self, callbacks: Vec<Callback>) {
        if !self.is_closed() {
            return call_soon(self.shared(), callbacks);
        }
        for callback in callbacks {
            // Its message is out, and there is no handler any more.
            let _panicked = catch_unwind(AssertUnwindSafe(callback));
        }
    }

    /// Tells the exception handler of something that nobody else will hear of.
    pub(crate) fn report(&self, message: &'static str, exception: String) {
        let task = String::new();
        self.shared().report(&Report {
            message,
            task,
            exception,
        });
    }
}
