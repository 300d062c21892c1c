//! What the rule tests share: a watchdog, loops of a known size, probes, and panics caught with
//! their place.
#![forbid(unsafe_code)]

#[cfg(doctest)]
mod guide;
mod watchdog;

mod loops;
mod panics;
mod probes;

pub use loops::{begun, from_many_threads, on_workers, until};
pub use panics::{Caught, caught};
pub use probes::{Flag, Log, OnDrop, Polls, blocking_wait, counting_polls, on_drop};
pub use watchdog::{alone, watched};
