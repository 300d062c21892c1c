//! Results for threads: a coroutine is submitted from any thread, and its result comes back to it.
//!
//! [`Handover`](handover) is the protocol of the one value between a coroutine and whoever waits for
//! it; [`Future`] is what is shown of it.

mod handover;

mod future;

pub use future::{Future, run_coroutine_threadsafe};
