//! The workloads: one function per lap, generic over the runtime.
//!
//! The functions do not read a clock, unless time is what they measure: the caller decides what is
//! timed and how often it is repeated.

mod dice;

pub mod children;
pub mod datagrams;
pub mod memory;
pub mod sharing;
pub mod sockets;
pub mod streams;
pub mod tasks;
pub mod threads;
pub mod timers;
#[cfg(feature = "others")]
pub mod tls;
