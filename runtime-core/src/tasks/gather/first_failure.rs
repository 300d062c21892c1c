//! Records the first child of a gather that fails, and wakes the gather.

use std::task::Waker;

use ::futures::task::AtomicWaker;

use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// The index that means that no child has failed.
const NONE: usize = usize::MAX;

/// The state that the children of one gather share with it: the index of the first child that
/// failed, and the waker of the gather.
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

    /// The index of the child that failed first. If there is none yet, registers `waker` to be
    /// woken when there is.
    pub(super) fn poll(&self, waker: &Waker) -> Option<usize> {
        self.first().or_else(|| {
            self.waker.register(waker);
            // Read again: a failure that was reported before the registration has woken no task.
            self.first()
        })
    }

    /// The index of the child that failed first.
    pub(super) fn first(&self) -> Option<usize> {
        // Acquire: pairs with the exchange in `report`.
        match self.first.load(Ordering::Acquire) {
            NONE => None,
            index => Some(index),
        }
    }

    fn report(&self, index: usize) {
        // Release: pairs with the load in `first`. The `AtomicWaker` orders `wake` and `register`:
        // `wake` comes after this exchange, and `register` before the second load in `poll`, so one
        // of the two sees the other.
        let first = self
            .first
            .compare_exchange(NONE, index, Ordering::Release, Ordering::Relaxed);
        if first.is_ok() {
            self.waker.wake();
        }
    }
}

/// Reports the failure of its child when it is dropped, unless it was disarmed because the child
/// has returned a value.
#[derive(Debug)]
pub(super) struct FailureGuard {
    first_failure: Arc<FirstFailure>,
    /// The index of the child; `NONE` after `disarm`.
    index: usize,
}

impl FailureGuard {
    pub(super) fn new(first_failure: &Arc<FirstFailure>, index: usize) -> FailureGuard {
        debug_assert_ne!(index, NONE, "no list is that long");
        FailureGuard {
            first_failure: Arc::clone(first_failure),
            index,
        }
    }

    pub(super) fn disarm(&mut self) {
        self.index = NONE;
    }
}

impl Drop for FailureGuard {
    fn drop(&mut self) {
        if self.index != NONE {
            self.first_failure.report(self.index);
        }
    }
}
