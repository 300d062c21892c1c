//! The rows about what tasks share: locks and queues.

use benches::runtimes::{Channels, Locks, Queues};
use benches::work::sharing as work;

use super::laps::in_a_task;
use crate::sample::Sample;
use crate::workload::Setup;

/// How many tasks want the same lock.
const RIVALS: usize = 100;

/// How many pairs play ping-pong at once in the row of many.
const PAIRS: usize = 100;

/// A lock that nobody else wants, taken and released.
///
/// It lies if the compiler sees that nobody else can want it: it is taken
/// through the runtime's own functions, and the count under it is used.
pub(crate) fn lock_alone<R: Locks>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::lock_alone::<R>(setup.size)
    })
}

/// A hundred tasks take and release one lock, without a wait in between.
///
/// It lies about locks that are handed over: a task that never waits while it
/// holds the lock meets another one only where two workers run at once.
pub(crate) fn lock_wanted<R: Locks>(setup: Setup) -> Sample {
    let each = (setup.size / RIVALS).max(1);
    in_a_task::<R, _, _>(setup.workers, each * RIVALS, move || {
        work::lock_wanted::<R>(RIVALS, each)
    })
}

/// The same, each task yielding while it holds the lock: every release hands
/// over to a task that waits.
///
/// It lies if a runtime lets a newcomer have the lock before those who wait:
/// that is faster, and starves them.
pub(crate) fn lock_across_yield<R: Locks>(setup: Setup) -> Sample {
    let each = (setup.size / RIVALS).max(1);
    in_a_task::<R, _, _>(setup.workers, each * RIVALS, move || {
        work::lock_across_yield::<R>(RIVALS, each)
    })
}

/// One pair of tasks, a question and an answer, each through the runtime's own
/// queue with room for one.
///
/// It lies if the two are on two workers: it measures the machine's wake-ups
/// then. The range over the rounds shows it.
pub(crate) fn channel_ping_pong<R: Channels>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::channel_ping_pong::<R>(1, setup.size)
    })
}

/// The same with a hundred pairs at once, so that no worker ever sleeps.
///
/// It lies if the pairs end at different times: the last ones have a queue of
/// their own.
pub(crate) fn channel_ping_pong_pairs<R: Channels>(setup: Setup) -> Sample {
    let each = (setup.size / PAIRS).max(1);
    in_a_task::<R, _, _>(setup.workers, each * PAIRS, move || {
        work::channel_ping_pong::<R>(PAIRS, each)
    })
}

/// Four producers and four consumers on one queue.
///
/// It lies if producers and consumers take turns in lots as large as the queue:
/// the cost of a wait is then spread over all of them. That is the runtime's
/// merit, but not the queue's.
pub(crate) fn queue_four_to_four<R: Queues>(setup: Setup) -> Sample {
    let each = (setup.size / 4).max(1);
    in_a_task::<R, _, _>(setup.workers, each * 4, move || {
        work::queue_four_to_four::<R>(each)
    })
}
