//! The trait through which tasks use their scheduler. It is below the scheduler, so that tasks need
//! not name the scheduler.

use std::any::Any;

use super::callback::Handle;
use super::dyn_schedule::{DynSchedule, Report};
use super::header::{Header, Wake};
use super::runnable::Runnable;

/// A scheduler as one task sees it: a value in the task's allocation.
pub(crate) trait Schedule: Send + Sync + 'static {
    /// Queues the task to be run: soon if it was woken, behind the others if it yielded.
    ///
    /// A scheduler of tasks whose futures are not `Send` must pass the right to run to the thread
    /// to which the task belongs.
    fn schedule(&self, task: Runnable, wake: Wake);

    /// Removes the task from the registry.
    fn unregister(&self, header: &Header);

    /// Adds a callback to the loop's callback queue.
    fn call_soon(&self, callback: Handle);

    /// Counts this thread as one that notifies waiters of the task's end after the completer has;
    /// or, if `begins` is false, ends that.
    fn count_notifier(&self, begins: bool);

    /// Reports an error to the loop's exception handler.
    fn report(&self, report: Report);

    /// The address of the loop, for comparisons.
    fn loop_address(&self) -> usize;

    /// The stamp of the last round of the loop's shutdown; each round has its own.
    fn closing_since(&self) -> u64;

    /// The number in the default name of the task with this id.
    fn ordinal(&self, id: u64) -> u64 {
        id
    }
}

impl<S: Schedule> DynSchedule for S {
    fn call_soon(&self, callback: Handle) {
        Schedule::call_soon(self, callback);
    }

    fn count_notifier(&self, begins: bool) {
        Schedule::count_notifier(self, begins);
    }

    fn report(&self, report: Report) {
        Schedule::report(self, report);
    }

    fn loop_address(&self) -> usize {
        Schedule::loop_address(self)
    }

    fn closing_since(&self) -> u64 {
        Schedule::closing_since(self)
    }

    fn ordinal(&self, id: u64) -> u64 {
        Schedule::ordinal(self, id)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
