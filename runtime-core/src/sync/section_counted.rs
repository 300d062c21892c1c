//! Critical sections: while a lock of the engine is held, or the poller's role, no user code may run.
//!
//! A waker's clone, wake and drop, a callback, a value's destructor: each may call the engine again, and
//! take the lock that is held. That is a deadlock, and only for whoever wrote such code. Where
//! assertions are on, each thread counts its critical sections, and what is about to run user code
//! asserts that there is none ([`assert_outside`]): so it does with the tamest waker there is, a
//! task's, and whoever forgets the rule hears of it in every test that comes by. Elsewhere all of this
//! is nothing.

use std::cell::Cell;
use std::marker::PhantomData;

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
        DEPTH.get() == 0 || std::thread::panicking(),
        "user code is about to run under a lock of the engine, or in the poller's role"
    );
}
