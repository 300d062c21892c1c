//! The rows about child processes.
//!
//! In all of them the kernel does most of the work, and it is the same for all. The CPU time is
//! that of the parent only.

use std::sync::Arc;

use benches::runtimes::Processes;
use benches::work::children as work;

use super::laps::in_a_task;
use crate::sample::Sample;
use crate::workload::Setup;

/// A child that does nothing is started and waited for, one after the other.
///
/// Misleading about big parents: this one is small, and what it costs to start a child in another
/// way than by sharing the memory grows with the parent.
pub(crate) fn one_by_one<R: Processes>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::one_by_one::<R>(setup.size)
    })
}

/// Children that do nothing are started by as many tasks, and waited for.
///
/// Misleading about the way of starting: tokio and smol start them in the tasks, which holds up the
/// other tasks of the worker, and asyncio does it on threads of the pool.
pub(crate) fn at_once<R: Processes>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::at_once::<R>(setup.size)
    })
}

/// Data, `setup.size` MiB of it, goes through the pipes of `cat` and back.
///
/// Misleading about the copying: asyncio's writer has a buffer, into which all is copied first.
pub(crate) fn through_cat<R: Processes>(setup: Setup) -> Sample {
    let data: Arc<[u8]> = vec![7; setup.size << 20].into();
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::through_cat::<R>(Arc::clone(&data))
    })
}
