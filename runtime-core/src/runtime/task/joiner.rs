//! The place of a task for the waker of its awaiter, as the task's handle uses it.

use std::task::Waker;

use super::cancel::{self, CancelWaker};
use super::reference::TaskRef;
use super::side::Side;

/// What a handle knows of its awaiter.
#[derive(Debug, Default)]
pub(super) struct Join {
    /// The waker in the join place, by data and vtable. Its clone there keeps the address in use.
    registered: (usize, usize),
    pub(super) cancel_waker: CancelWaker,
}

/// What a wait for the end of a task has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waited {
    Pending,
    Done,
    /// A request has reached this await.
    Requested,
    /// The task is the one that is polled on this thread.
    ForItself,
}

impl Join {
    /// Waits for the end of `task`, which was not done a moment ago.
    // Not generic, and apart, so that the poll before it saves few registers.
    #[inline(never)]
    pub(super) fn wait(&mut self, task: &TaskRef, waker: &Waker) -> Waited {
        if cancel::current_pointer() == Some(task.pointer()) {
            return Waited::ForItself;
        }
        if !self.register(task, waker) {
            return Waited::Done;
        }
        self.cancel_waker.register_waker(waker);
        match cancel::offered_owner() {
            cancel::OwnerId::NONE => Waited::Pending,
            _ => Waited::Requested,
        }
    }

    #[inline(never)]
    pub(super) fn register_apart(&mut self, task: &TaskRef, waker: &Waker) -> bool {
        self.register(task, waker)
    }

    /// Puts `waker` into the join place. False if the task is done.
    #[inline(always)]
    fn register(&mut self, task: &TaskRef, waker: &Waker) -> bool {
        let header = task.header();
        if header.state.has_joiner() {
            if self.registered == identity(waker) {
                return true;
            }
            if !header.state.take_joiner() {
                return false;
            }
        }
        // What is there already, callbacks above all, comes before this awaiter.
        header.side().into_iter().for_each(Side::place_joiner);
        let new = waker.clone();
        self.registered = identity(&new);
        // SAFETY: H4: this is the handle, and JOINER is clear.
        let _old = header
            .joiner
            .with_mut(|place| unsafe { (*place).replace(new) });
        if header.state.give_joiner() {
            return true;
        }
        // SAFETY: H4: the task was done before JOINER was set, so the place is still the handle's.
        let _own = header.joiner.with_mut(|place| unsafe { (*place).take() });
        false
    }
}

fn identity(waker: &Waker) -> (usize, usize) {
    let vtable = std::ptr::from_ref(waker.vtable()).addr();
    (waker.data().addr(), vtable)
}
