//! Critical sections, counted for each thread.

use std::cell::Cell;
use std::marker::PhantomData;
use std::thread;

thread_local! { static DEPTH: Cell<usize> = const { Cell::new(0) } }

/// Stays on its thread, and ends with its value.
#[derive(Debug)]
pub(crate) struct CriticalSection(PhantomData<*const ()>);

impl CriticalSection {
    pub(crate) fn enter() -> CriticalSection {
        DEPTH.set(DEPTH.get() + 1);
        CriticalSection(PhantomData)
    }
}

impl Drop for CriticalSection {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Asserts that this thread may run user code.
#[track_caller]
pub(crate) fn assert_outside() {
    assert!(
        DEPTH.get() == 0 || thread::panicking(),
        "user code is about to run under a lock of the engine, or in the poller's role"
    );
}
