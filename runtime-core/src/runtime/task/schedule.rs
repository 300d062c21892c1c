//! What a scheduler must offer to its tasks. The trait lives under the scheduler, so that neither
//! has to name the other.

use std::any::Any;

use super::callback::Handle;
use super::header::{Header, Wake};
use super::runnable::Runnable;
use super::schedule_face::{Rare, Report};

/// A scheduler, as one task sees it: it stands in the task's allocation.
pub(crate) trait Schedule: Send + Sync + 'static {
    /// Sees to it that the task is run: soon if it was woken, behind the others if it yielded.
    ///
    /// A scheduler of tasks whose futures are not `Send` must hand the right to run to the thread
    /// to which the task belongs.
    fn schedule(&self, task: Runnable, wake: Wake);

    /// Takes the task out of the registry.
    fn release(&self, header: &Header);

    /// Runs a callback on the loop's lane.
    fn call_soon(&self, callback: Handle);

    /// This thread is about to tell of the task's end, after its completer; or it has done so.
    fn count_notifier(&self, begins: bool);

    /// Tells the loop's exception handler.
    fn report(&self, report: Report);

    /// Which loop it is: its address, to be compared.
    fn loop_address(&self) -> usize;

    /// The stamp of the last round of the loop's shutdown.
    fn closing_since(&self) -> u64;

    /// The number by which a task with this id is called, if it has no name.
    fn ordinal(&self, id: u64) -> u64 {
        id
    }
}

impl<S: Schedule> Rare for S {
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
