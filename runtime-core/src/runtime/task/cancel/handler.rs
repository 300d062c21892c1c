//! What an awaitable does with a request that it handles itself, instead of raising it later.

use super::super::reference::TaskRef;
use super::context::{self, OwnerId, Serial};
use super::raise::handle_marks;
use super::request::{CancelRequest, collect_claims};
use crate::exceptions::CancelledError;
use crate::runtime::time::Stamp;
use crate::sync::{Mutant, broken};

/// Claims and acknowledges the request on its way and every raise newer than `noted`: together they
/// are one cancellation. For an aware awaitable whose inner future has just answered `Pending`.
#[inline]
pub(crate) fn claim_and_acknowledge(noted: Serial) -> Option<CancelledError> {
    if context::is_disturbed() {
        handle(noted)
    } else {
        None
    }
}

#[cold]
fn handle(noted: Serial) -> Option<CancelledError> {
    let raised = handle_marks(noted);
    let own = CancelRequest::claim_offered().map(|claim| {
        let error = claim.error().clone();
        claim.acknowledge();
        error
    });
    raised.or(own)
}

/// Claims for the root what is on its way, or else what is raised. The task ends with it, so no
/// delivery is noted.
pub(crate) fn claim_for_root(noted: Serial) -> Option<CancelledError> {
    let error = match context::offered_owner() {
        OwnerId::NONE => return handle_marks(noted),
        OwnerId::TASK => context::with_current(TaskRef::take_offered_error)?,
        _scope => CancelledError::default(),
    };
    context::set_offered(OwnerId::NONE);
    Some(error)
}

/// A handler, or a cleanup, begins: what the task was asked for before is a part of its cause.
/// Returns the moment.
pub(crate) fn begin_handler() -> Option<Stamp> {
    Some(context::current()?.absorb_request())
}

/// Drops a body whose cancellation is about to be handled. The claims in it were asked for before
/// the handler begins, and are a part of what it handles; so is what has come to the task by then.
#[cold]
pub(crate) fn drop_handled(drop_body: impl FnOnce()) {
    let claims = collect_claims(true, || context::hidden(drop_body));
    claims.into_iter().for_each(CancelRequest::acknowledge);
    if let (Some(task), Some(moment)) = (context::current(), begin_handler()) {
        if !broken(Mutant::MeetTheFirst) {
            task.acknowledge(moment);
        }
    }
}
