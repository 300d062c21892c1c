//! How the first child that fails is heard of.

use std::task::Waker;

use ::futures::task::AtomicWaker;

use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// No child has failed.
const NONE: usize = usize::MAX;

/// What the children of one gather share with it: who failed first, and whom that wakes.
#[derive(Debug)]
pub(super) struct FirstFailure {
    first: AtomicUsize,
    waker: AtomicWaker,
}

impl FirstFailure {
    pub(super) fn new() -> Arc<FirstFailure> {
        Arc::new(FirstFailure {
            first: AtomicUsize::new(NONE),
            waker: AtomicWaker::new(),
        })
    }

    /// The child that failed first. If there is none yet, `waker` is woken when there is.
    pub(super) fn poll(&self, waker: &Waker) -> Option<usize> {
        self.first().or_else(|| {
            self.waker.register(waker);
            // Again: a wire that tripped before the registration has woken nobody.
            self.first()
        })
    }

    /// The child that failed first.
    pub(super) fn first(&self) -> Option<usize> {
        // Acquire: pairs with the exchange in `trip`.
        match self.first.load(Ordering::Acquire) {
            NONE => None,
            index => Some(index),
        }
    }

    fn trip(&self, index: usize) {
        // Release: pairs with the load in `first`. `wake` and `register` are ordered by the waker's
        // own state, after this exchange here and before that load there.
        let first = self
            .first
            .compare_exchange(NONE, index, Ordering::Release, Ordering::Relaxed);
        if first.is_ok() {
            self.waker.wake();
        }
    }
}

/// Sets the alarm off when it is dropped, unless the child has returned a value.
#[derive(Debug)]
pub(super) struct TripWire {
    first_failure: Arc<FirstFailure>,
    /// The child's number; `NONE` once the wire is cut.
    index: usize,
}

impl TripWire {
    pub(super) fn new(first_failure: &Arc<FirstFailure>, index: usize) -> TripWire {
        debug_assert_ne!(index, NONE, "no list is that long");
        TripWire {
            first_failure: Arc::clone(first_failure),
            index,
        }
    }

    pub(super) fn cut(&mut self) {
        self.index = NONE;
    }
}

impl Drop for TripWire {
    fn drop(&mut self) {
        if self.index != NONE {
            self.first_failure.trip(self.index);
        }
    }
}
