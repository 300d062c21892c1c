//! The workloads: from the shared work to a sample.
//!
//! Each says what it measures and what would make its number lie.

mod laps;

pub(crate) mod memory;
pub(crate) mod python;
pub(crate) mod sharing;
pub(crate) mod tasks;
pub(crate) mod threads;
pub(crate) mod timers;
