//! What the pools of a loop run: calls of functions, with their types erased.

use std::panic::Location;

use super::pool::{Pool, Work};
use crate::sync::StdArc;

/// A pool that calls functions.
pub(crate) type FunctionPool = Pool<Job>;

/// A call of a function, with its types erased.
pub(crate) trait Function: Send + Sync + 'static {
    /// Calls the function, unless the call has been withdrawn. A panic becomes the outcome of the
    /// call.
    fn call(&self);

    /// Ends the call without calling the function. The outcome is a panic with the text `why`.
    fn refuse(&self, why: String);

    /// Where the call was requested.
    fn location(&self) -> &'static Location<'static>;
}

/// A call in a queue.
pub(crate) struct Job(StdArc<dyn Function>);

impl Job {
    pub(crate) fn new(function: StdArc<dyn Function>) -> Job {
        Job(function)
    }

    /// Ends the call without calling the function: see [`Function::refuse`].
    pub(crate) fn refuse(self, why: String) {
        self.0.refuse(why);
    }
}

/// Names a function that has not ended.
pub(crate) fn describe(location: &'static Location<'static>) -> String {
    format!("blocking function called at {location}")
}

impl Work for Job {
    fn run(self) {
        self.0.call();
    }

    fn location(&self) -> &'static Location<'static> {
        self.0.location()
    }
}
