//! How far a handle has come with its task.

use super::cancel::{ForeignPolls, Forwarded, Raise};
use super::reference::TaskRef;
use super::transitions::Detach;
use crate::exceptions::CancelledError;
use crate::runtime::unnest::drop_unnested;

#[derive(Debug)]
pub(super) enum JoinState {
    Waiting,
    /// Apart, so that the others cost nothing.
    Cancelled(Box<Cancelled>),
    Taken,
}

/// The awaiter is cancelled, or about to be.
#[derive(Debug)]
pub(super) enum Cancelled {
    /// Its requests have been passed on to the task.
    Forwarded(Forwarded),
    /// The task ended cancelled, and the awaiter's own request is about to come.
    Ended(CancelledError, ForeignPolls),
    /// The task ended cancelled because of them: the awaiter is next.
    Raising(Raise),
}

impl JoinState {
    pub(super) fn take_forwarded(&mut self) -> Forwarded {
        let JoinState::Cancelled(cancelled) = std::mem::replace(self, JoinState::Waiting) else {
            return Forwarded::default();
        };
        match *cancelled {
            Cancelled::Forwarded(forwarded) => forwarded,
            Cancelled::Ended(..) | Cancelled::Raising(_) => unreachable!("an end is not passed on"),
        }
    }

    pub(super) fn has_forwarded(&self) -> bool {
        match self {
            JoinState::Cancelled(cancelled) => matches!(**cancelled, Cancelled::Forwarded(_)),
            _ => false,
        }
    }

    /// Whether the handle has taken what the task ended with.
    pub(super) fn has_taken(&self) -> bool {
        match self {
            JoinState::Waiting => false,
            JoinState::Cancelled(_) => !self.has_forwarded(),
            JoinState::Taken => true,
        }
    }
}

/// Drops a handle whose stage is not `Taken`.
// Not generic, and apart: see `Join::wait`.
#[inline(never)]
pub(super) fn detach(task: TaskRef, stage: &mut JoinState) {
    if stage.has_taken() {
        return;
    }
    if stage.has_forwarded() {
        stage.take_forwarded().acknowledge_suppressed(&task);
    }
    match task.header().state.detach() {
        // The reference has been given back in the same step.
        Detach::Released => drop(task.into_pointer()),
        Detach::DropWaker => {
            // SAFETY: H4: this is the handle, and `detach` has cleared JOINER.
            let waker = task
                .header()
                .joiner
                .with_mut(|place| unsafe { (*place).take() });
            // A foreign one may own the next task, with a joiner of its own.
            waker.into_iter().for_each(drop_unnested);
        }
        // SAFETY: H3: the task is done, and this is its handle.
        Detach::DropOutput => unsafe { task.dispose_output() },
    }
}
