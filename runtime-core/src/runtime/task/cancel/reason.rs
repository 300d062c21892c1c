//! The reason that a call gives for a cancellation.

use std::panic::Location;

use super::super::header::TaskId;
use super::super::reference::TaskRef;
use super::super::side::Side;
use super::context;
use crate::cancel_reason::{CancelReason, CancelSource, Canceller};
use crate::exceptions::CancelledError;
use crate::sync::StdOnceLock;

impl CancelReason {
    /// The task that cancelled, by its number and its name. `None` if no task did: a thread outside
    /// of the loop, a deadline, a shutdown.
    #[must_use]
    pub fn by(&self) -> Option<(TaskId, &str)> {
        self.canceller().map(|(id, name)| (TaskId(id), name))
    }
}

/// The reason of a call at `location`, by the current task if there is one.
#[inline]
pub(crate) fn reason_at(
    source: CancelSource,
    location: &'static Location<'static>,
) -> CancelReason {
    CancelReason::with(source, context::with_current(canceller), location)
}

/// The error of a request that the caller makes.
#[track_caller]
pub(crate) fn requested() -> CancelledError {
    CancelledError::new(reason_at(CancelSource::Requested, Location::caller()))
}

#[inline]
fn canceller(task: &TaskRef) -> Canceller {
    let id = task.id().0;
    let name = task.header().side().and_then(Side::name);
    Canceller {
        id,
        ordinal: task.scheduler().ordinal(id),
        name: name.map_or_else(StdOnceLock::new, |name| name.into_boxed_str().into()),
    }
}
