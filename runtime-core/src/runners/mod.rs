//! Runs a program on an event loop: asyncio's `run` and `Runner`.

mod handled_signals;

mod builder;

mod runner;

pub use builder::Builder;
pub use runner::{Runner, run, try_run};
