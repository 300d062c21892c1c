//! Whether the end of an awaited task is that of its awaiter, too.
//!
//! A task that ended *cancelled* has no value. If another task has cancelled it, that is news for
//! its awaiter, and an ordinary error. But where the awaiter has a request of its own, or the same
//! cause ends both, the awaiter must not go on with an error: it would panic in an `unwrap`, or
//! start its worker anew, in the midst of its own end. It is cancelled instead.

use super::super::reference::TaskRef;
use super::context;
use super::raise::Raise;
use super::request::CancelRequest;
use crate::exceptions::CancelledError;

/// What the end of an awaited task means for the current task, its awaiter.
#[derive(Debug)]
#[must_use]
pub(crate) enum OwnEnd {
    /// Nothing: that task was cancelled for a reason of its own.
    No,
    /// The awaiter's own request comes with the next poll, and the awaiter is to wait for it.
    Comes,
    /// The awaiter is cancelled: it raises this.
    Now(Raise),
}

/// Looks what the end with `error` of something on the loop at `loop_address` means.
#[cold]
pub(crate) fn own_end(loop_address: usize, error: &CancelledError) -> OwnEnd {
    own_end_if(|me| me.scheduler().loop_address() == loop_address, error)
}

/// The same for the end of a task.
#[cold]
pub(crate) fn own_end_with(task: &TaskRef, error: &CancelledError) -> OwnEnd {
    own_end_if(|me| me.is_of_loop_of(task), error)
}

#[inline]
fn own_end_if(is_of_loop: impl FnOnce(&TaskRef) -> bool, error: &CancelledError) -> OwnEnd {
    if let Some(claim) = CancelRequest::claim_offered() {
        let error = shared_error(error, &claim);
        return OwnEnd::Now(Raise::of_claims(vec![claim], error));
    }
    let end = context::with_current(|me| {
        if me.header().state.has_request() {
            return OwnEnd::Comes;
        }
        let shutdown = error.cause().is_shutdown() && is_of_loop(me);
        if shutdown && me.cancel_for_shutdown() {
            return OwnEnd::Comes;
        }
        if shutdown || me.has_had(error.cause()) {
            return OwnEnd::Now(Raise::new(error.clone()));
        }
        OwnEnd::No
    });
    end.unwrap_or(OwnEnd::No)
}

/// As [`own_part_to_come`], for the end of a task.
pub(crate) fn own_part_with(task: &TaskRef, error: &CancelledError) -> OwnEnd {
    own_part_to_come(task.scheduler().loop_address(), error)
}

/// The same for a task that has ended cancelled, whose output is not at hand: by its last cause.
#[cold]
pub(crate) fn own_part_of(task: &TaskRef) -> OwnEnd {
    let error = CancelledError::default().caused_by(task.cause());
    own_part_to_come(task.scheduler().loop_address(), &error)
}

/// The same for an awaiter that only asks whether something has ended, and gets an answer in any
/// case. The answer is withheld only while the awaiter's own part in the same cause is yet to come:
/// a cleanup, which has had its part, can wait for its children.
#[cold]
pub(crate) fn own_part_to_come(loop_address: usize, error: &CancelledError) -> OwnEnd {
    let Some(me) = context::current() else {
        return OwnEnd::No;
    };
    let cause = error.cause();
    let shutdown = cause.is_shutdown() && me.scheduler().loop_address() == loop_address;
    if !shutdown && !me.has_had(cause) {
        return OwnEnd::No;
    }
    let comes = context::is_request_offered() || me.header().state.has_request();
    if comes || (shutdown && !me.header().state.has_had_shutdown()) {
        own_end(loop_address, error)
    } else {
        OwnEnd::No
    }
}

/// Of two errors of one cause the one that has come all the way; else the awaiter's own.
pub(crate) fn shared_error(ended: &CancelledError, claim: &CancelRequest) -> CancelledError {
    if ended.cause() == claim.error().cause() {
        ended.clone()
    } else {
        claim.error().clone()
    }
}
