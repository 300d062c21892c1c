//! Whether the end of an awaited task is that of its awaiter, too.
//!
//! A task that ended *cancelled* has no value. Somebody else's cancel is news for its awaiter, and an
//! ordinary error. But where the awaiter has a request of its own, or the same cause ends both, the
//! awaiter is not to go on with an error in its hands: it would panic in an `unwrap`, or start its worker
//! anew, in the midst of its own end. It is cancelled then.

use super::cancel;
use super::handle::TaskHandle;
use super::held::Held;
use super::raise::Raise;
use super::reference::TaskRef;
use crate::exceptions::CancelledError;

/// What the end of an awaited task means for the current task, its awaiter.
#[derive(Debug)]
#[must_use]
pub(crate) enum OwnEnd {
    /// Nothing: somebody else has cancelled that task.
    No,
    /// The awaiter's own request comes with the next poll: it is to wait for that.
    Comes,
    /// It is cancelled.
    Now(Raise),
}

/// Looks what the end with `error` of something on the loop at `loop_address` means.
#[cold]
pub(crate) fn own_end(loop_address: usize, error: &CancelledError) -> OwnEnd {
    if let Some(held) = Held::claim() {
        let error = shared_error(error, &held);
        return OwnEnd::Now(Raise::standing_for(vec![held], error));
    }
    let Some(me) = cancel::current() else {
        return OwnEnd::No;
    };
    if me.header().state.has_request() {
        return OwnEnd::Comes;
    }
    let shutdown = error.cause().is_shutdown() && me.scheduler().loop_address() == loop_address;
    if shutdown && me.cancel_for_shutdown() {
        return OwnEnd::Comes;
    }
    if shutdown || me.has_had(error.cause()) {
        return OwnEnd::Now(Raise::new(error.clone()));
    }
    OwnEnd::No
}

/// The same for the end of a task.
pub(crate) fn own_end_with(task: &TaskHandle, error: &CancelledError) -> OwnEnd {
    own_end(task.reference().scheduler().loop_address(), error)
}

/// Whether the end with `error` is the current task's own by its cause alone: who only looks whether
/// something has ended has no use for the task's value, and loses none.
pub(crate) fn has_cause_of_own_end(loop_address: usize, error: &CancelledError) -> bool {
    let same_loop = |task: &TaskRef| {
        let shutdown = error.cause().is_shutdown();
        (shutdown && task.scheduler().loop_address() == loop_address) || task.has_had(error.cause())
    };
    cancel::with_current(same_loop).unwrap_or(false)
}

/// Of two errors of one cause the one that has come all the way; else the awaiter's own.
pub(crate) fn shared_error(ended: &CancelledError, held: &Held) -> CancelledError {
    if ended.cause() == held.error().cause() {
        ended.clone()
    } else {
        held.error().clone()
    }
}
