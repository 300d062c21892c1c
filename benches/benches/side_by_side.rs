//! Lets criterion time the laps of both runtimes.

use std::future::Future;
use std::hint::black_box;
use std::time::{Duration, Instant};

use benches::runtimes::Tasks;
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};

const WORKERS: usize = 2;

/// The settings: measurements so short that the load of a shared machine does not change much.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .sample_size(30)
        .configure_from_args()
}

/// A group whose laps have `elements` elements each.
pub(crate) fn group<'a>(
    criterion: &'a mut Criterion,
    name: &str,
    elements: usize,
) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.throughput(Throughput::Elements(elements as u64));
    group
}

/// Times laps of one runtime inside a task; starting and stopping the runtime is not timed.
pub(crate) fn side<R, L, F>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, lap: L)
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
