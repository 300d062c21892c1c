//! Whether the cancellation of an awaited task propagates to its awaiter.
//!
//! A task that ended *cancelled* has no value. If another task has cancelled it, its awaiter gets
//! that as an ordinary error. But where the awaiter has a request of its own, or one cause ends
//! both, the awaiter must not go on with an error: it would panic in an `unwrap`, or start its
//! worker anew, in the midst of its own end. It is cancelled instead.

use super::super::reference::TaskRef;
use super::context;
use super::raise::Raise;
use super::request::CancelRequest;
use crate::exceptions::CancelledError;

/// What the cancelled end of an awaited task does to the current task, its awaiter.
#[derive(Debug)]
#[must_use]
pub(crate) enum Propagation {
    /// Nothing: that task was cancelled for a reason of its own.
    None,
    /// The awaiter's own request comes with the next poll, and the awaiter is to wait for it.
    RequestComes,
    /// The awaiter is cancelled: it raises this.
    Raise(Raise),
}

/// Decides whether `error`, with which something on the loop at `loop_address` ended, propagates to
/// the current task.
#[cold]
pub(crate) fn propagation(loop_address: usize, error: &CancelledError) -> Propagation {
    propagation_if(|me| me.scheduler().loop_address() == loop_address, error)
}

/// The same for the end of a task.
#[cold]
pub(crate) fn propagation_from(task: &TaskRef, error: &CancelledError) -> Propagation {
    propagation_if(|me| me.is_of_loop_of(task), error)
}

#[inline]
fn propagation_if(
    is_of_loop: impl FnOnce(&TaskRef) -> bool,
    error: &CancelledError,
) -> Propagation {
    if let Some(claim) = CancelRequest::claim_offered() {
        let error = shared_error(error, &claim);
        return Propagation::Raise(Raise::of_claims(vec![claim], error));
    }
    let end = context::with_current(|me| {
        if me.header().state.has_request() {
            return Propagation::RequestComes;
        }
        let shutdown = error.cause().is_shutdown() && is_of_loop(me);
        if shutdown && me.cancel_for_shutdown() {
            return Propagation::RequestComes;
        }
        if shutdown || me.has_had(error.cause()) {
            return Propagation::Raise(Raise::new(error.clone()));
        }
        Propagation::None
    });
    end.unwrap_or(Propagation::None)
}

/// As [`propagation_to_waiter`], for the end of a task.
pub(crate) fn propagation_to_waiter_from(task: &TaskRef, error: &CancelledError) -> Propagation {
    propagation_to_waiter(task.scheduler().loop_address(), error)
}

/// The same for a task that has ended cancelled, whose output is not at hand: by its last cause.
#[cold]
pub(crate) fn propagation_to_waiter_of(task: &TaskRef) -> Propagation {
    let error = CancelledError::default().caused_by(task.cause());
    propagation_to_waiter(task.scheduler().loop_address(), &error)
}

/// The same for a waiter, which only asks whether something has ended, and gets an answer in any
/// case. The answer is withheld only while the waiter's own request from the same cause is yet to
/// come: a cleanup, which has had its request, can wait for its children.
#[cold]
pub(crate) fn propagation_to_waiter(loop_address: usize, error: &CancelledError) -> Propagation {
    let Some(me) = context::current() else {
        return Propagation::None;
    };
    let cause = error.cause();
    let shutdown = cause.is_shutdown() && me.scheduler().loop_address() == loop_address;
    if !shutdown && !me.has_had(cause) {
        return Propagation::None;
    }
    let comes = context::is_request_offered() || me.header().state.has_request();
    if comes || (shutdown && !me.header().state.has_had_shutdown()) {
        propagation(loop_address, error)
    } else {
        Propagation::None
    }
}

/// Of two errors of one cause the one that has come all the way, if it is known; else the awaiter's
/// own.
pub(crate) fn shared_error(ended: &CancelledError, claim: &CancelRequest) -> CancelledError {
    if ended.cause() == claim.error().cause() && ended.has_detail() {
        ended.clone()
    } else {
        claim.error().clone()
    }
}
