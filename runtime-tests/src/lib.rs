//! Helpers of the tests: a watchdog, loops with a known number of workers, probes, and panics that
//! are caught with their location.
#![forbid(unsafe_code)]

#[cfg(doctest)]
mod guide;
mod watchdog;

mod loops;
mod panics;
mod probes;
mod python;
mod strace;

pub use loops::{begun, from_many_threads, on_workers, soon, until};
pub use panics::{Caught, caught};
pub use probes::{Flag, Log, OnDrop, Polls, blocking_wait, counting_polls, on_drop};
pub use python::newest_python;
pub use strace::{Trace, under_strace};
pub use watchdog::{alone, watched};
