//! User code whose panic has nobody to go to: wakers, destructors, hooks.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use crate::sync::assert_outside;

/// Wakes; a panic of a foreign waker is its own affair, and ends here.
pub(crate) fn wake_catching(waker: Waker) {
    catch_panic(|| waker.wake());
}

/// Runs user code whose panic has nobody to go to.
pub(crate) fn catch_panic(work: impl FnOnce()) {
    assert_outside();
    if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
        forget_payload(payload);
    }
}

/// Drops the payload of a panic that nobody is told of; even its destructor may panic.
pub(crate) fn forget_payload(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // Whoever does this a second time keeps its memory.
        std::mem::forget(again);
    }
}
