//! Critical sections: no user code may run while a thread holds a lock of the engine, or the poller
//! role.
//!
//! A waker's clone, wake and drop, a callback, a value's destructor: each may call into the engine
//! and try to take the lock that is held. That is a deadlock, but only with user code that does so,
//! which most tests do not have. So if debug assertions are on, each thread counts its critical
//! sections, and every place that is about to run user code asserts that there is none
//! ([`assert_outside`]). The engine's own wakers assert it too, although they would not deadlock,
//! so that every test that passes such a place finds a violation. In other builds all of this does
//! nothing.

use std::cell::Cell;
use std::marker::PhantomData;

thread_local! { static DEPTH: Cell<usize> = const { Cell::new(0) } }

/// A critical section of this thread, until it is dropped. Not `Send`.
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
        "user code is about to run while this thread holds a lock of the engine, or the poller role"
    );
}
