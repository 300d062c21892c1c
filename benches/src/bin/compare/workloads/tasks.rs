//! The scheduler's rows.

use benches::runtimes::{Gathers, Tasks};
use benches::work::tasks as work;

use super::laps::{in_a_task, in_main};
use crate::sample::Sample;
use crate::workload::Setup;

/// How often each task of the row `yield` yields.
const YIELDS: usize = 1_000;

/// A task is started and awaited, then the next: the shortest life of a task,
/// with the hand-over to it and back.
///
/// It lies if a second worker steals the task now and then: two wake-ups across
/// cores cost fifty times what is measured. The range over the rounds shows it.
pub(crate) fn spawn_and_await<R: Tasks>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::spawn_and_await::<R>(setup.size)
    })
}

/// Many tasks are started, then all awaited: a queue that fills and is emptied,
/// by more than one worker where the runtime sees to that.
///
/// It lies about the tasks themselves where the other worker is asleep: part of
/// it is then how fast a sleeper is woken. The CPU ratio leaves that out.
pub(crate) fn spawn_many<R: Tasks>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::spawn_many::<R>(setup.size)
    })
}

/// Many futures are gathered, each ready after one yield: a task for each, a
/// turn of the queue, and the values in order.
///
/// It lies about gathering alone: the tasks are part of it, on every runtime.
/// As with the many tasks, some of it may be the waking of a worker.
pub(crate) fn gather<R: Gathers>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::gather::<R>(setup.size)
    })
}

/// Tasks that do nothing but let the others go first: the cost of one turn of
/// the queue.
///
/// It lies if a runtime lets a yielding task run again before the others: it
/// then measures a function call. All of these send it to the back.
pub(crate) fn yields<R: Tasks>(setup: Setup) -> Sample {
    let ops = setup.size * YIELDS;
    in_a_task::<R, _, _>(setup.workers, ops, move || {
        work::yields::<R>(setup.size, YIELDS)
    })
}

/// Each task starts the next and ends; the last one signals.
///
/// There is never more than one task to run: it lies about a runtime that wakes
/// a second worker for it, unless the CPU ratio is read as well.
pub(crate) fn chain<R: Tasks>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::chain::<R>(setup.size)
    })
}

/// A tree of tasks with ten children each, summed up: much is started before
/// anything is awaited, and work is found on every worker.
///
/// It lies if memory does not come back between the laps: the first lap, which
/// is not counted, pays for fresh pages.
pub(crate) fn skynet<R: Tasks>(setup: Setup) -> Sample {
    // The tree is full, so its size is the power of ten next below.
    let leaves = 10_usize.pow(setup.size.ilog10());
    let ops = work::skynet_tasks(leaves);
    in_a_task::<R, _, _>(setup.workers, ops, move || work::skynet::<R>(leaves))
}

/// A question and its answer between two tasks, each through a fresh oneshot
/// channel of the crate `futures`: two wake-ups of a waiting task.
///
/// It lies about a runtime's own channels, which may be faster or slower; and
/// if the two tasks end up on two workers, it measures the machine's wake-ups.
pub(crate) fn ping_pong<R: Tasks>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::ping_pong::<R>(setup.size)
    })
}

/// Tasks started and awaited one at a time by the main future: what a small
/// program does all day.
///
/// It tells where the main future lives: on a worker, or on a thread of its own
/// that every hand-over has to cross to. It lies if the workers spin before
/// they sleep: then the CPU ratio shows what the short time has cost.
pub(crate) fn main_hand_overs<R: Tasks>(setup: Setup) -> Sample {
    in_main::<R, _, _>(setup.workers, setup.size, move || {
        work::spawn_and_await::<R>(setup.size)
    })
}
