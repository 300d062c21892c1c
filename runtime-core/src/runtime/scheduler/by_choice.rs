//! Which task a worker polls next in the deterministic mode.

use super::choices::SchedulingPolicy;
use super::core::Core;
use crate::runtime::task::runnable::Runnable;

/// Takes a task from a source that the choices select.
pub(crate) fn next(core: &Core) -> Option<Runnable> {
    let choices = &core.choices;
    core.local_queue.receive();
    if choices.policy() == SchedulingPolicy::Fifo {
        return next_in_fifo_order(core);
    }
    if choices.one_of(2) == 1 {
        // Moves one task to the back, so that any task of the queue may come next in time.
        core.queue
            .pop()
            .into_iter()
            .for_each(|task| core.queue.push_back(task));
    }
    let workers = &core.shared.workers;
    let elsewhere = || {
        workers.find(
            core.index,
            &core.queue,
            choices.one_of(workers.remotes.len()),
        )
    };
    let first = choices.one_of(4);
    let task = (first..first + 4).find_map(|source| match source % 4 {
        0 => core.local_queue.pop_root_in_turn(),
        1 => core.queue.pop(),
        2 => core.local_queue.pop(),
        _ => elsewhere(),
    });
    let task = task.or_else(|| core.local_queue.pop_root())?;
    core.local_queue.let_pass();
    Some(task)
}

/// Takes the first ready task, in asyncio's order. Tasks that came from elsewhere go to the end of
/// the queue first.
fn next_in_fifo_order(core: &Core) -> Option<Runnable> {
    let workers = &core.shared.workers;
    while let Some(task) = workers.take_share(&core.queue) {
        core.local_queue.push_back(task);
        std::iter::from_fn(|| core.queue.pop()).for_each(|task| core.local_queue.push_back(task));
    }
    core.local_queue.pop()
}
