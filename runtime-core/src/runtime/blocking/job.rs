//! What the pools of a loop run: calls of functions, their types forgotten.

use std::panic::Location;

use super::pool::{Pool, Work};
use crate::sync::StdArc;

/// A pool of functions.
pub(crate) type FunctionPool = Pool<Job>;

/// A call, whatever its types.
pub(crate) trait Function: Send + Sync + 'static {
    /// Calls it, unless it has been withdrawn. A panic is its outcome.
    fn call(&self);

    /// Ends it uncalled, with the reason as its panic.
    fn refuse(&self, why: String);

    /// Who asked for it.
    fn location(&self) -> &'static Location<'static>;
}

/// A call in a queue.
pub(crate) struct Job(StdArc<dyn Function>);

impl Job {
    pub(crate) fn new(function: StdArc<dyn Function>) -> Job {
        Job(function)
    }

    /// Ends it uncalled.
    pub(crate) fn refuse(self, why: String) {
        self.0.refuse(why);
    }
}

impl Work for Job {
    fn run(self) {
        self.0.call();
    }

    fn location(&self) -> &'static Location<'static> {
        self.0.location()
    }
}
