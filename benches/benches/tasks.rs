//! What the scheduler takes: a task's birth, its turns, its hand-over, its end.
//!
//! Measured inside a task on two workers, one element being one task, yield or
//! round trip. For working on one change: compare a run with the run before it
//! on the same machine, minutes apart. It lies about the ratio between the
//! runtimes, which share a process and its allocator here and are measured one
//! after the other: that ratio is `compare`'s to tell. It lies as well if
//! anything else runs on the machine, and if a worker was asleep when it was
//! needed: waking it takes longer than a thousand tasks.

#![forbid(unsafe_code)]

use std::future::Future;
use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::runtimes::{Asyncio, Tasks, Tokio};
use benches::work::tasks;
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};

const WORKERS: usize = 2;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30)
        .configure_from_args();
    spawn_await(&mut criterion);
    spawn_many(&mut criterion);
    yields(&mut criterion);
    chained(&mut criterion);
    skynet(&mut criterion);
    ping_pong(&mut criterion);
    criterion.final_summary();
}

fn spawn_await(criterion: &mut Criterion) {
    let mut group = group(criterion, "spawn_await", 1_000);
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

fn group<'a>(
    criterion: &'a mut Criterion,
    name: &str,
    elements: usize,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(elements as u64));
    group
}

/// Times laps inside a task; starting the runtime and stopping it is not timed.
fn side<R, L, F>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, lap: L)
where
    R: Tasks,
    L: Fn() -> F + Copy + Send + 'static,
    F: Future<Output: Send> + Send + 'static,
{
    group.bench_function(name, |bencher| {
        bencher.iter_custom(|laps| {
            R::run(
                WORKERS,
                async move { R::join(R::spawn(timed(laps, lap))).await },
            )
        });
    });
}

async fn timed<L, F>(laps: u64, lap: L) -> Duration
where
    L: Fn() -> F,
    F: Future,
{
    let begin = Instant::now();
    for _ in 0..laps {
        black_box(lap().await);
    }
    begin.elapsed()
}
