//! Runs a workload in laps, timed by a meter.

use std::future::Future;
use std::thread;

use benches::runtimes::Tasks;
use futures::channel::oneshot;

use crate::sample::{Meter, Sample};

/// Runs the laps in a task, as nearly all code of a program runs.
pub(crate) fn in_a_task<R, L, F>(workers: usize, ops: usize, lap: L) -> Sample
where
    R: Tasks,
    L: Fn() -> F + Send + 'static,
    F: Future<Output: Send> + Send + 'static,
{
    R::run(
        workers,
        async move { R::join(R::spawn(laps(ops, lap))).await },
    )
}

/// Runs the laps in the main future, with which `run` is called.
pub(crate) fn in_main<R, L, F>(workers: usize, ops: usize, lap: L) -> Sample
where
    R: Tasks,
    L: Fn() -> F,
    F: Future,
{
    R::run(workers, laps(ops, lap))
}

async fn laps<L, F>(ops: usize, lap: L) -> Sample
where
    L: Fn() -> F,
    F: Future,
{
    let mut meter = Meter::new();
    while meter.wants_more() {
        meter.start();
        lap().await;
        meter.stop(ops);
    }
    meter.sample()
}

/// Takes the sample in a thread outside of the runtime.
pub(crate) async fn from_outside(measure: impl FnOnce() -> Sample + Send + 'static) -> Sample {
    let (done, sample) = oneshot::channel();
    thread::spawn(move || {
        done.send(measure())
            .expect("the main future waits for the sample");
    });
    sample.await.expect("the thread measures")
}
