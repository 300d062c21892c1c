//! A waker of an awaitable that is woken before a request is delivered.

use std::task::Waker;

use crate::runtime::unnest::Unnested;
use crate::sync::atomic::{AtomicBool, Ordering};

/// The awaitable and its task's list share it; it is on the list until it is woken.
#[derive(Debug)]
pub(crate) struct ForeignWaker {
    /// A foreign one: it may own another awaitable, which has such a waker as well.
    waker: Unnested<Waker>,
    woken: AtomicBool,
}

impl ForeignWaker {
    pub(crate) fn new(waker: Waker) -> ForeignWaker {
        let woken = AtomicBool::new(false);
        let waker = Unnested::new(waker);
        ForeignWaker { waker, woken }
    }

    /// Whether it is on the list still, with this waker.
    pub(crate) fn is_registered_for(&self, waker: &Waker) -> bool {
        // Relaxed: it is woken on the thread that polls its task, and so is this.
        !self.woken.load(Ordering::Relaxed) && self.waker.get().will_wake(waker)
    }

    /// Wakes it, off the list: once it has been polled it is to be put there anew.
    pub(crate) fn wake(&self) {
        self.woken.store(true, Ordering::Relaxed);
        self.waker.get().wake_by_ref();
    }
}
