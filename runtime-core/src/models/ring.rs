//! A waker that rings a bell, for threads of a model that wait for a task.

use std::task::{Wake, Waker};

use crate::sync::{Bell, StdArc};

/// The bell on which such a thread waits.
pub(super) struct Ring(Bell);

impl Wake for Ring {
    fn wake(self: StdArc<Self>) {
        self.0.ring();
    }
}

impl Ring {
    pub(super) fn new() -> (StdArc<Ring>, Waker) {
        let ring = StdArc::new(Ring(Bell::new()));
        (ring.clone(), ring.into())
    }

    /// Waits until the waker is woken.
    pub(super) fn wait(&self) {
        self.0.wait();
    }
}
