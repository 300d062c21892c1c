//! Measures the scheduler: starting a task, its turns in the run queue, wake-ups between tasks, and
//! its end.
//!
//! Measured inside a task on two workers; one element is one task, yield or round trip. Use it
//! while working on a change: compare a run with the previous run on the same machine, minutes
//! apart.
//!
//! The numbers are misleading
//!
//! - as a ratio between the runtimes, which share a process and its allocator here and are measured
//!   one after the other: use `compare` for that;
//! - if anything else runs on the machine;
//! - if a worker was parked when it was needed: unparking it takes longer than a thousand tasks.

#![forbid(unsafe_code)]

mod side_by_side;

use benches::runtimes::{Asyncio, Tokio};
use benches::work::tasks;
use criterion::Criterion;

use self::side_by_side::{criterion, group, side};

fn main() {
    let mut criterion = criterion();
    spawn_await(&mut criterion);
    spawn_many(&mut criterion);
    gather(&mut criterion);
    yields(&mut criterion);
    chained(&mut criterion);
    skynet(&mut criterion);
    ping_pong(&mut criterion);
    criterion.final_summary();
}

fn spawn_await(criterion: &mut Criterion) {
    let mut group = group(criterion, "spawn_await", 1_000);
    side::<Asyncio, _, _>(&mut group, "asyncio", || {
        tasks::spawn_and_await::<Asyncio>(1_000)
    });
    side::<Tokio, _, _>(&mut group, "tokio", || {
        tasks::spawn_and_await::<Tokio>(1_000)
    });
    group.finish();
}

fn spawn_many(criterion: &mut Criterion) {
    let mut group = group(criterion, "spawn_many", 10_000);
    side::<Asyncio, _, _>(&mut group, "asyncio", || {
        tasks::spawn_many::<Asyncio>(10_000)
    });
    side::<Tokio, _, _>(&mut group, "tokio", || tasks::spawn_many::<Tokio>(10_000));
    group.finish();
}

fn gather(criterion: &mut Criterion) {
    let mut group = group(criterion, "gather", 10_000);
    side::<Asyncio, _, _>(&mut group, "asyncio", || tasks::gather::<Asyncio>(10_000));
    side::<Tokio, _, _>(&mut group, "tokio", || tasks::gather::<Tokio>(10_000));
    group.finish();
}

fn yields(criterion: &mut Criterion) {
    let mut group = group(criterion, "yield", 100_000);
    side::<Asyncio, _, _>(&mut group, "asyncio", || {
        tasks::yields::<Asyncio>(1_000, 100)
    });
    side::<Tokio, _, _>(&mut group, "tokio", || tasks::yields::<Tokio>(1_000, 100));
    group.finish();
}

fn chained(criterion: &mut Criterion) {
    let mut group = group(criterion, "chained", 1_000);
    side::<Asyncio, _, _>(&mut group, "asyncio", || tasks::chain::<Asyncio>(1_000));
    side::<Tokio, _, _>(&mut group, "tokio", || tasks::chain::<Tokio>(1_000));
    group.finish();
}

fn skynet(criterion: &mut Criterion) {
    let mut group = group(criterion, "skynet", tasks::skynet_tasks(10_000));
    side::<Asyncio, _, _>(&mut group, "asyncio", || tasks::skynet::<Asyncio>(10_000));
    side::<Tokio, _, _>(&mut group, "tokio", || tasks::skynet::<Tokio>(10_000));
    group.finish();
}

fn ping_pong(criterion: &mut Criterion) {
    let mut group = group(criterion, "ping_pong", 1_000);
    side::<Asyncio, _, _>(&mut group, "asyncio", || tasks::ping_pong::<Asyncio>(1_000));
    side::<Tokio, _, _>(&mut group, "tokio", || tasks::ping_pong::<Tokio>(1_000));
    group.finish();
}
