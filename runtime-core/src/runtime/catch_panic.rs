//! Runs user code whose panics no caller can receive: wakers, destructors, hooks.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use crate::sync::assert_outside;

/// Wakes `waker`. A panic of a foreign waker is dropped.
pub(crate) fn wake_catching(waker: Waker) {
    catch_panic(|| waker.wake());
}

/// Runs user code and drops its panic, which the panic hook has printed.
pub(crate) fn catch_panic(work: impl FnOnce()) {
    assert_outside();
    if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
        forget_payload(payload);
    }
}

/// Drops the payload of a panic that is not reported. Its destructor may panic as well.
pub(crate) fn forget_payload(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // The payload of the second panic is leaked.
        std::mem::forget(again);
    }
}
