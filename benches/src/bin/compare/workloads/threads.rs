//! The rows about threads outside the runtime.

use std::thread;
use std::time::Duration;

use benches::runtimes::{Blocking, Tasks};
use benches::work::threads::{self as work, BusyLoop};
use futures::channel::oneshot;

use super::laps::in_a_task;
use crate::sample::{Meter, Sample};
use crate::workload::Setup;

/// A foreign thread starts tasks in a loop whose workers are all parked.
///
/// Misleading if a worker is still searching after the previous lap. So the thread waits between
/// the laps, until all workers have parked.
pub(crate) fn spawn_into_idle<R: Tasks>(setup: Setup) -> Sample {
    R::run(setup.workers, from_outside::<R>(setup.size))
}

/// A foreign thread starts tasks while every worker is kept busy by four tasks that wake
/// themselves: how soon does a worker check the injector, and how many tasks does it take then?
///
/// The CPU ratio is misleading: it includes the time of the busy tasks, so it is the same as the
/// time ratio. The time would be misleading if a worker ran out of busy tasks now and then; four
/// for each worker prevent that.
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

/// Functions that do nothing are submitted to the blocking pool and awaited.
///
/// Misleading about pools that start a thread for every function: the threads that were started in
/// the first lap serve the others too. The CPU ratio includes these threads.
pub(crate) fn blocking_jobs<R: Blocking>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::blocking_jobs::<R>(setup.size)
    })
}
