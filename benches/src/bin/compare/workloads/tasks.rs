//! The rows about the scheduler.

use benches::runtimes::{Gathers, Groups, Tasks};
use benches::work::tasks as work;

use super::laps::{in_a_task, in_main};
use crate::sample::Sample;
use crate::workload::Setup;

/// The number of yields of each task in the row `yield`.
const YIELDS: usize = 1_000;

/// A task is started and awaited, then the next: the whole cost of a short task, with the switch to
/// it and back.
///
/// Misleading if a second worker steals the task now and then: two wake-ups across cores cost fifty
/// times as much as the rest. The range over the rounds shows it.
pub(crate) fn spawn_and_await<R: Tasks>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::spawn_and_await::<R>(setup.size)
    })
}

/// Many tasks are started, then all awaited: a run queue is filled and emptied, by more than one
/// worker if the runtime distributes the tasks.
///
/// Misleading about the tasks themselves if the other worker is parked: then the time to unpark it
/// is included. The CPU ratio does not include that time.
pub(crate) fn spawn_many<R: Tasks>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::spawn_many::<R>(setup.size)
    })
}

/// Many futures are gathered, each ready after one yield: a task for each, one pass through the run
/// queue, and the values in order.
///
/// Misleading about gathering alone: the tasks are included, on every runtime. As with many tasks,
/// it may include the time to unpark a worker.
pub(crate) fn gather<R: Gathers>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::gather::<R>(setup.size)
    })
}

/// The number of children of each group.
const CHILDREN: usize = 1_000;

/// A group of a thousand tasks that do nothing, waited for as a whole; then the next.
///
/// Misleading about groups whose tasks wait: here most have ended when the next is made. As with
/// many tasks, it may include the time to unpark a worker.
pub(crate) fn group<R: Groups>(setup: Setup) -> Sample {
    let groups = setup.size.div_ceil(CHILDREN);
    in_a_task::<R, _, _>(setup.workers, groups * CHILDREN, move || {
        work::groups::<R>(groups, CHILDREN)
    })
}

/// Tasks that only yield: the cost of one pass through the run queue.
///
/// Misleading if a runtime runs a task that yields again before the others: then it measures a
/// function call. All of these runtimes move the task to the back of the queue.
pub(crate) fn yields<R: Tasks>(setup: Setup) -> Sample {
    let ops = setup.size * YIELDS;
    in_a_task::<R, _, _>(setup.workers, ops, move || {
        work::yields::<R>(setup.size, YIELDS)
    })
}

/// Each task starts the next and ends; the last one signals.
///
/// There is never more than one task to run. If a runtime unparks a second worker for it, the time
/// alone is misleading; the CPU ratio shows it.
pub(crate) fn chain<R: Tasks>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::chain::<R>(setup.size)
    })
}

/// A tree of tasks with ten children each, whose leaves are summed: many tasks are started before
/// any is awaited, and the workers have to distribute them.
///
/// Misleading if memory is not reused between the laps: the first lap, which is not counted, pays
/// for new pages.
pub(crate) fn skynet<R: Tasks>(setup: Setup) -> Sample {
    // The tree is complete, so its size is rounded down to a power of ten.
    let leaves = 10_usize.pow(setup.size.ilog10());
    let ops = work::skynet_tasks(leaves);
    in_a_task::<R, _, _>(setup.workers, ops, move || work::skynet::<R>(leaves))
}

/// Two tasks exchange a question and an answer, each through a new oneshot channel of the crate
/// `futures`: two wake-ups of a waiting task.
///
/// Misleading about a runtime's own channels, which may be faster or slower. If the two tasks are
/// on two workers, it measures the wake-ups of the machine.
pub(crate) fn ping_pong<R: Tasks>(setup: Setup) -> Sample {
    in_a_task::<R, _, _>(setup.workers, setup.size, move || {
        work::ping_pong::<R>(setup.size)
    })
}

/// The main future starts and awaits tasks one at a time, as small programs do.
///
/// It shows where the main future runs: on a worker, or on a separate thread, to which every switch
/// has to cross. Misleading if the workers spin before they park: then the CPU ratio shows the cost
/// of the short time.
pub(crate) fn main_hand_overs<R: Tasks>(setup: Setup) -> Sample {
    in_main::<R, _, _>(setup.workers, setup.size, move || {
        work::spawn_and_await::<R>(setup.size)
    })
}
