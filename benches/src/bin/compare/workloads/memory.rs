//! The rows about memory.

use std::future::Future;
use std::time::Instant;

use benches::runtimes::{Tasks, Timers};
use benches::work::memory as work;

use crate::machine::{process_cpu, resident_bytes};
use crate::sample::Sample;
use crate::workload::Setup;

/// The growth of the process per task that waits for ever.
///
/// The growth of a queue of tasks that have not run yet would be included, so the tasks are started
/// in small batches. The rounding of the allocator is included: users pay it too.
pub(crate) fn pending<R: Tasks>(setup: Setup) -> Sample {
    R::run(setup.workers, async move {
        R::join(R::spawn(growth(setup.size, work::leave_pending::<R>))).await
    })
}

/// The growth of the process per task that sleeps for an hour.
///
/// As above; the memory of the timers is included.
pub(crate) fn sleeping<R: Timers>(setup: Setup) -> Sample {
    R::run(setup.workers, async move {
        R::join(R::spawn(growth(setup.size, work::leave_sleeping::<R>))).await
    })
}

pub(super) async fn growth<L, F>(count: usize, leave: L) -> Sample
where
    L: Fn(usize) -> F,
    F: Future<Output = ()>,
{
    // Threads, arenas and queues are allocated before the first reading.
    leave(1_000).await;
    let (bytes, begin, cpu) = (resident_bytes(), Instant::now(), process_cpu());
    leave(count).await;
    let (wall, cpu) = (begin.elapsed(), process_cpu() - cpu);
    Sample {
        ns_per_op: wall.as_nanos() as f64 / count as f64,
        cpu_ns_per_op: cpu.as_nanos() as f64 / count as f64,
        bytes_per_op: resident_bytes().saturating_sub(bytes) as f64 / count as f64,
        ops: count,
    }
}
