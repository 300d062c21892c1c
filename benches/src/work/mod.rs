//! The work itself, one function per lap, generic over the runtime.
//!
//! Nothing here reads a clock unless the clock is what is measured: who calls
//! it decides what is timed and how often it is repeated.

mod dice;

pub mod memory;
pub mod sharing;
pub mod tasks;
pub mod threads;
pub mod timers;
