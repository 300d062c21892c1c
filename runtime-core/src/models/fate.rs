//! A waker that counts how often it is woken and dropped.

use std::task::{Wake, Waker};

use crate::sync::{StdArc, Tally};

/// The counts of a waker.
#[derive(Clone, Default)]
pub(super) struct Fate {
    pub(super) woken: StdArc<Tally>,
    pub(super) dropped: StdArc<Tally>,
}

impl Fate {
    /// Makes a new waker. It and its clones count as one drop, with the last of them.
    pub(super) fn waker(&self) -> Waker {
        Waker::from(StdArc::new(Counted(self.clone())))
    }
}

struct Counted(Fate);

impl Wake for Counted {
    fn wake(self: StdArc<Self>) {
        self.0.woken.add();
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dropped.add();
    }
}
