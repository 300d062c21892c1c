//! Measures the timers: arming and dropping one, letting one fire, and a timeout that does not
//! expire.
//!
//! Measured inside a task on two workers; one element is one timer. Use it while working on a
//! change: compare a run with the previous run on the same machine, minutes apart. The numbers are
//! misleading
//!
//! - as a ratio between the runtimes, which share a process here and are measured one after the
//!   other: use `compare` for that;
//! - in `sleep_zero`, as a comparison of the same work: asyncio yields once, as Python does, and
//!   tokio waits for its next millisecond;
//! - in `sleep_1_ms`, as the cost of a timer: it is one millisecond of waiting and then a thousand
//!   wake-ups, divided by a thousand, and includes the lateness of the kernel's timer;
//! - in all of them, if anything else runs on the machine, because unparking a worker takes longer
//!   than a hundred timers.

#![forbid(unsafe_code)]

mod side_by_side;

use std::time::Duration;

use benches::runtimes::{Asyncio, Tokio};
use benches::work::timers;
use criterion::Criterion;

use self::side_by_side::{criterion, group, side};

fn main() {
    let mut criterion = criterion();
    sleep_dropped(&mut criterion);
    sleep_zero(&mut criterion);
    timeout_unneeded(&mut criterion);
    sleep_1_ms(&mut criterion);
    criterion.final_summary();
}

/// Timers that are armed by their first poll and then dropped, with a yield after every 64.
fn sleep_dropped(criterion: &mut Criterion) {
    let mut group = group(criterion, "sleep_dropped", 1_000);
    side::<Asyncio, _, _>(&mut group, "asyncio", || {
        timers::register_and_drop::<Asyncio>(1_000)
    });
    side::<Tokio, _, _>(&mut group, "tokio", || {
        timers::register_and_drop::<Tokio>(1_000)
    });
    group.finish();
}

/// Only ten in a lap, because tokio takes ten milliseconds for them.
fn sleep_zero(criterion: &mut Criterion) {
    let mut group = group(criterion, "sleep_zero", 10);
    side::<Asyncio, _, _>(&mut group, "asyncio", || timers::sleep_zero::<Asyncio>(10));
    side::<Tokio, _, _>(&mut group, "tokio", || timers::sleep_zero::<Tokio>(10));
    group.finish();
}

/// `wait_for`, which tokio calls `timeout`, around a future that is ready after one yield.
fn timeout_unneeded(criterion: &mut Criterion) {
    let mut group = group(criterion, "timeout_unneeded", 1_000);
    side::<Asyncio, _, _>(&mut group, "asyncio", || {
        timers::timeout_unneeded::<Asyncio>(1_000)
    });
    side::<Tokio, _, _>(&mut group, "tokio", || {
        timers::timeout_unneeded::<Tokio>(1_000)
    });
    group.finish();
}

/// A thousand tasks that sleep for a millisecond at the same time.
fn sleep_1_ms(criterion: &mut Criterion) {
    const DELAY: Duration = Duration::from_millis(1);
    let mut group = group(criterion, "sleep_1_ms", 1_000);
    side::<Asyncio, _, _>(&mut group, "asyncio", || {
        timers::sleeps_alike::<Asyncio>(1_000, DELAY)
    });
    side::<Tokio, _, _>(&mut group, "tokio", || {
        timers::sleeps_alike::<Tokio>(1_000, DELAY)
    });
    group.finish();
}
