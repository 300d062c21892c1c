//! The rows about objects that tasks share: locks and queues.

use benches::runtimes::{Channels, Events, Locks, Queues, Semaphores, UnboundedChannels};
use benches::work::sharing as work;

use super::laps::in_a_task;
use crate::sample::Sample;
use crate::workload::Setup;

/// The number of tasks that use the same lock.
const CONTENDERS: usize = 100;

/// The number of permits that they share.
const PERMITS: usize = 10;

/// The number of pairs in the row with many pairs.
const PAIRS: usize = 100;

/// An uncontended lock is taken and released.
///
/// Misleading if the compiler detects that no other task can take the lock. To prevent that, it is
/// taken through the runtime's own functions, and the number under it is used.
pub(crate) fn lock_alone<R: Locks>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::lock_alone::<R>(setup.size)
    })
}

/// A hundred tasks take and release one lock, without a wait in between.
///
/// Misleading about locks that are handed over: if the task with the lock never waits, the lock is
/// contended only between workers that run in parallel.
pub(crate) fn lock_wanted<R: Locks>(setup: Setup) -> Sample {
    let each = (setup.size / CONTENDERS).max(1);
    in_a_task::<R, _, _>(setup.workers, each * CONTENDERS, move || {
        work::lock_wanted::<R>(CONTENDERS, each)
    })
}

/// The same, but each task yields while it has the lock: every release hands the lock over to a
/// task that waits.
///
/// Misleading if a runtime gives the lock to a newly arrived task before the waiting ones: that is
/// faster, and starves them.
pub(crate) fn lock_across_yield<R: Locks>(setup: Setup) -> Sample {
    let each = (setup.size / CONTENDERS).max(1);
    in_a_task::<R, _, _>(setup.workers, each * CONTENDERS, move || {
        work::lock_across_yield::<R>(CONTENDERS, each)
    })
}

/// A hundred tasks share ten permits, and each yields while it has one.
///
/// Misleading in the same way as the lock that is held across a yield.
pub(crate) fn semaphore_across_yield<R: Semaphores>(setup: Setup) -> Sample {
    let each = (setup.size / CONTENDERS).max(1);
    in_a_task::<R, _, _>(setup.workers, each * CONTENDERS, move || {
        work::semaphore_across_yield::<R>(CONTENDERS, PERMITS, each)
    })
}

/// Tasks wait for an event, which is set.
///
/// Misleading about the event alone: the tasks are started, and joined, in the same time.
pub(crate) fn event_for_all<R: Events>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::event_for_all::<R>(setup.size)
    })
}

/// One pair of tasks exchanges a question and an answer, each through the runtime's own queue with
/// room for one.
///
/// Misleading if the two tasks are on two workers: then it measures the wake-ups of the machine.
/// The range over the rounds shows it.
pub(crate) fn channel_ping_pong<R: Channels>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::channel_ping_pong::<R>(1, setup.size)
    })
}

/// The same with a hundred pairs at once, so that no worker parks.
///
/// Misleading if the pairs end at different times: the last ones have a run queue to themselves.
pub(crate) fn channel_ping_pong_pairs<R: Channels>(setup: Setup) -> Sample {
    let each = (setup.size / PAIRS).max(1);
    in_a_task::<R, _, _>(setup.workers, each * PAIRS, move || {
        work::channel_ping_pong::<R>(PAIRS, each)
    })
}

/// One producer and one consumer on one queue with room for some numbers.
///
/// Misleading if the two alternate in batches as large as the queue, on one worker or on two: the
/// scheduler decides that. The range over the rounds shows it.
pub(crate) fn channel_one_to_one<R: Channels>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::channel_one_to_one::<R>(setup.size)
    })
}

/// The same on a queue without a bound.
///
/// Misleading if the producer has put all numbers before the consumer begins: then it measures the
/// memory for them.
pub(crate) fn unbounded_one_to_one<R: UnboundedChannels>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::unbounded_one_to_one::<R>(setup.size)
    })
}

/// Four producers and four consumers on one queue.
///
/// Misleading if producers and consumers alternate in batches as large as the queue: then the cost
/// of one wait is spread over a whole batch. That is due to the scheduler, not to the queue.
pub(crate) fn queue_four_to_four<R: Queues>(setup: Setup) -> Sample {
    let each = (setup.size / 4).max(1);
    in_a_task::<R, _, _>(setup.workers, each * 4, move || {
        work::queue_four_to_four::<R>(each)
    })
}
