//! Tests of the end of a loop: submitted work is not lost, waiting does not spin, memory and
//! descriptors are freed, and nothing hangs.
#![expect(
    clippy::async_yields_async,
    reason = "tasks are carried out of the runs that make them"
)]

use asyncio::Runner;

#[path = "ends/callbacks.rs"]
mod callbacks;

#[expect(unsafe_code, reason = "handlers of an exit are set by the C library")]
#[path = "ends/exits.rs"]
mod exits;

#[expect(unsafe_code, reason = "a fork is a call of the C library")]
#[path = "ends/fork.rs"]
mod fork;

#[path = "ends/keeping.rs"]
mod keeping;

#[path = "ends/last_destructors.rs"]
mod last_destructors;

#[path = "ends/leaks.rs"]
mod leaks;

#[path = "ends/roles.rs"]
mod roles;

#[path = "ends/waiting.rs"]
mod waiting;

fn workers(count: usize) -> Runner {
    Runner::builder().workers(count).build().unwrap()
}
