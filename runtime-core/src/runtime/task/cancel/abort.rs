//! The end of a family: a group that ends its body and all of its children, for one cause.
//!
//! The members of a family may await each other. One of them that finds another ended by the
//! group's cause is about to be ended by it, too, and is not to go on with an error in the midst of
//! that. But the members run on several threads, so its own part may not have reached it yet.
//! Whether it is about to come is known before anything else: [`Abort::begin`] comes first, then
//! the scope of the body is due, and then the children are cancelled.

use std::cell::RefCell;

use super::super::reference::TaskRef;
use super::context;
use crate::exceptions::Cause;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{StdArc, lasting};

/// For what a group ends its body and its children.
#[derive(Debug, Default)]
pub(crate) struct Abort {
    /// The word of the cause; 0 until there is one.
    cause: AtomicU64,
}

impl Abort {
    /// Begins the end. False if it has begun already, for another cause.
    pub(crate) fn begin(&self, cause: Cause) -> bool {
        let word = cause.to_word();
        // Release: pairs with the Acquire in `cause`.
        self.cause
            .compare_exchange(0, word, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// The cause; the default if there is none yet.
    #[inline]
    pub(crate) fn cause(&self) -> Cause {
        // Acquire: pairs with the exchange in `begin`.
        Cause::from_word(self.cause.load(Ordering::Acquire))
    }
}

// The groups whose bodies are polled on this thread, the innermost last, each with its nesting of
// polls.
lasting! { static BODIES: RefCell<Vec<(u32, StdArc<Abort>)>> = RefCell::new(Vec::new()) }

/// Polls the body of a group that had not been aborted when the poll began. If it is by now, its
/// request comes with the next poll.
pub(crate) fn in_body_of<R>(abort: &StdArc<Abort>, poll: impl FnOnce() -> R) -> R {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            // The bodies further in have left, also after a panic.
            let _left = BODIES.with(|bodies| bodies.borrow_mut().pop());
        }
    }
    let body = (context::depth(), StdArc::clone(abort));
    BODIES.with(|bodies| bodies.borrow_mut().push(body));
    let _leave = Leave;
    poll()
}

/// What a task knows of the end of its family for a cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FamilyEnd {
    /// It is not ended for that cause.
    No,
    /// The task's own request is about to come.
    Comes,
    /// The task has had it. It may have come at this moment: then it has not been delivered.
    Met,
}

/// Whether a group around this await, or the group that the task belongs to, is ended for `cause`.
pub(super) fn family_end(task: &TaskRef, cause: Cause) -> FamilyEnd {
    if cause == Cause::default() {
        return FamilyEnd::No;
    }
    let (depth, mut around) = (context::depth(), false);
    BODIES.with(|bodies| {
        let bodies = bodies.borrow();
        let mut here = bodies.iter().filter(|(at, _)| *at == depth);
        around = here.any(|(_, abort)| abort.cause() == cause);
    });
    if around {
        FamilyEnd::Comes
    } else if task.cause_of_parent() != cause {
        FamilyEnd::No
    } else if task.has_met(cause) {
        FamilyEnd::Met
    } else {
        FamilyEnd::Comes
    }
}
