//! The rare questions that a task asks its scheduler, as an object.

use std::any::Any;
use std::error::Error;

use super::callback::Handle;

/// Needed at the end of some tasks only, so a second indirect call does not matter.
pub(crate) trait Rare: Any {
    /// Runs a callback on the loop's lane.
    fn call_soon(&self, callback: Handle);
    /// This thread is about to tell of the task's end, after its completer; or it has done so.
    fn count_notifier(&self, begins: bool);
    /// Tells the loop's exception handler of a panic that nobody has seen.
    fn report(&self, report: Report);
    /// Which loop it is: its address, to be compared.
    fn loop_address(&self) -> usize;
    /// The stamp of the last round of the loop's shutdown.
    fn closing_since(&self) -> u64;
    /// The number by which a task with this id is called, if it has no name.
    fn ordinal(&self, id: u64) -> u64;
    /// The scheduler itself, for who knows its type.
    fn as_any(&self) -> &dyn Any;
}

/// Something that nobody else will ever hear of.
#[derive(Debug)]
pub(crate) struct Report {
    /// asyncio's text: "Task exception was never retrieved".
    pub(crate) message: &'static str,
    /// A `TaskRef`, which stands above this file.
    pub(crate) task: Box<dyn Any>,
    /// What happened.
    pub(crate) exception: Box<dyn Error + Send + Sync>,
}
