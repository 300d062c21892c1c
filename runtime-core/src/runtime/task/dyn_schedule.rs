//! `DynSchedule`: the methods of a scheduler that tasks rarely call, as a trait object.

use std::any::Any;
use std::error::Error;

use super::callback::Handle;

/// Called at the end of some tasks only, so a second indirect call does not matter.
pub(crate) trait DynSchedule: Any {
    /// Adds a callback to the loop's callback queue.
    fn call_soon(&self, callback: Handle);
    /// Counts this thread as one that notifies waiters of the task's end after the completer has;
    /// or, if `begins` is false, ends that.
    fn count_notifier(&self, begins: bool);
    /// Reports a panic that has not been retrieved to the loop's exception handler.
    fn report(&self, report: Report);
    /// The address of the loop, for comparisons.
    fn loop_address(&self) -> usize;
    /// The stamp of the last round of the loop's shutdown.
    fn closing_since(&self) -> u64;
    /// The number in the default name of the task with this id.
    fn ordinal(&self, id: u64) -> u64;
    /// The scheduler itself, for callers that know its type.
    fn as_any(&self) -> &dyn Any;
}

/// An error of a task that no caller can receive.
#[derive(Debug)]
pub(crate) struct Report {
    /// asyncio's text: "Task exception was never retrieved".
    pub(crate) message: &'static str,
    /// A `TaskRef`. Its module is above this one, which therefore cannot name it.
    pub(crate) task: Box<dyn Any>,
    /// The error.
    pub(crate) exception: Box<dyn Error + Send + Sync>,
}
