//! The functions that take a sample of each workload.
//!
//! The comment of each says what it measures, and what makes its number misleading.

mod laps;

pub(crate) mod children;
pub(crate) mod memory;
pub(crate) mod python;
pub(crate) mod sharing;
pub(crate) mod sockets;
pub(crate) mod streams;
pub(crate) mod tasks;
pub(crate) mod threads;
pub(crate) mod timers;
pub(crate) mod tls;
