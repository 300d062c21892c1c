//! The rare questions that a task asks its scheduler, as an object.

use std::any::Any;

use super::side::Callback;

/// Needed at the end of some tasks only, so a second indirect call does not matter.
pub(crate) trait Rare: Any {
    /// Runs callbacks on the loop's lane, in order.
    fn call_soon(&self, callbacks: Vec<Callback>);
    /// Tells the loop's exception handler of a panic that nobody has seen.
    fn report(&self, report: Report);
    /// The scheduler itself, for who knows its type.
    fn as_any(&self) -> &dyn Any;
}

/// Something that nobody else will ever hear of.
#[derive(Debug)]
pub(crate) struct Report {
    /// asyncio's text: "Task exception was never retrieved".
    pub(crate) message: &'static str,
    /// The task, if it is still there to be asked.
    pub(crate) task: String,
    /// What happened.
    pub(crate) exception: String,
}
