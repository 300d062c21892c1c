//! What became of a waker: how often it was woken, and dropped.

use std::task::{Wake, Waker};

use crate::sync::{StdArc, Tally};

#[derive(Clone, Default)]
pub(super) struct Fate {
    pub(super) woken: StdArc<Tally>,
    pub(super) dropped: StdArc<Tally>,
}

impl Fate {
    /// A waker of its own, whose clones count as one with it.
    pub(super) fn waker(&self) -> Waker {
        Waker::from(StdArc::new(Witnessed(self.clone())))
    }
}

struct Witnessed(Fate);

impl Wake for Witnessed {
    fn wake(self: StdArc<Self>) {
        self.0.woken.add();
    }
}

impl Drop for Witnessed {
    fn drop(&mut self) {
        self.0.dropped.add();
    }
}
