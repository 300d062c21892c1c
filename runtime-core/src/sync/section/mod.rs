//! Critical sections: while a lock of the engine is held, or the poller's role, no user code may run.
//!
//! A waker's clone, wake and drop, a callback, a value's destructor: each may call the engine again, and
//! take the lock that is held. That is a deadlock, and only for whoever wrote such code. Where
//! assertions are on, each thread counts its critical sections, and what is about to run user code
//! asserts that there is none ([`assert_outside`]): so it does with the tamest waker there is, a
//! task's, and whoever forgets the rule hears of it in every test that comes by. Elsewhere all of this
//! is nothing.

#[cfg(any(asyncio_loom, not(debug_assertions)))]
mod disabled;
#[cfg(all(debug_assertions, not(asyncio_loom)))]
mod enabled;

// In a model all threads are one.
#[cfg(any(asyncio_loom, not(debug_assertions)))]
pub(crate) use disabled::{CriticalSection, assert_outside};
#[cfg(all(debug_assertions, not(asyncio_loom)))]
pub(crate) use enabled::{CriticalSection, assert_outside};
