//! The rows about threads outside of the runtime.

use std::thread;
use std::time::Duration;

use benches::runtimes::{Blocking, Tasks};
use benches::work::threads::{self as work, BusyLoop};
use futures::channel::oneshot;

use super::laps::in_a_task;
use crate::sample::{Meter, Sample};
use crate::workload::Setup;

/// A foreign thread starts tasks in a loop whose workers all sleep.
///
/// It lies if a worker is still looking for work after the lap before: the
/// thread waits between the laps until all have gone to sleep.
pub(crate) fn spawn_into_idle<R: Tasks>(setup: Setup) -> Sample {
    R::run(setup.workers, from_outside::<R>(setup.size))
}

/// A foreign thread starts tasks while every worker is kept busy by four tasks
/// that wake themselves: how soon does a worker look outside, and how much does
/// it take then?
///
/// The CPU ratio lies: the busy tasks' time is in it, so it is the time ratio
/// once more. And it lies if the busy tasks leave a worker without work now and
/// then; four for each worker see to that.
pub(crate) fn spawn_into_busy<R: Tasks>(setup: Setup) -> Sample {
    R::run(setup.workers, async {
        let busy = BusyLoop::start::<R>(4 * setup.workers);
        let sample = from_outside::<R>(setup.size).await;
        drop(busy);
        sample
    })
}

async fn from_outside<R: Tasks>(size: usize) -> Sample {
    let spawner = R::spawner();
    let (done, sample) = oneshot::channel();
    thread::spawn(move || {
        let mut meter = Meter::new();
        while meter.wants_more() {
            thread::sleep(Duration::from_millis(2));
            meter.start();
            work::spawn_from_outside::<R>(&spawner, size);
            meter.stop(size);
        }
        done.send(meter.sample())
            .expect("the main future waits for the sample");
    });
    sample.await.expect("the foreign thread measures")
}

/// Functions that do nothing, handed to the blocking pool and awaited.
///
/// It lies about pools that start a thread for every function: the threads
/// started in the first lap are there for the others. The CPU ratio counts the
/// threads too.
pub(crate) fn blocking_jobs<R: Blocking>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::blocking_jobs::<R>(setup.size)
    })
}
