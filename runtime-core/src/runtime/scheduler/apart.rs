//! Worker 0 after a task has frozen the main coroutine: it runs only what is bound to its thread.
//!
//! The main coroutine is bound to the thread of worker 0, and waits as long as a task there blocks.
//! Nothing can be done for it at that moment, but the same can be prevented afterwards:
//!
//! 1. The monitor finds worker 0 stuck in several looks in a row, sets `frozen` on its remote, and
//!    asks it to look around. Or the worker itself comes back from a long `blocking`.
//! 2. When the poll has ended, the worker looks at `frozen`. If another worker might have run that
//!    task, and there is a main coroutine, the worker goes *apart*: it moves its queue to the
//!    injector, now and as long as this lasts, and takes only the main coroutine and local tasks.
//!    It counts as awake while it runs them, and is not counted at all while it sleeps: no thread
//!    wakes it for work, and it never waits in the poller.
//! 3. The monitor starts a spare in its place. It ends this if no spare can be started and either
//!    work waits or there is no other worker; and when no worker has been stuck for some seconds.
//!
//! Meanwhile a hand-over between the main coroutine and a task crosses threads. That is why this
//! does not apply from the start.

use super::core::Core;
use crate::runtime::task::memory::give_some_back;
use crate::runtime::task::runnable::Runnable;

/// Whether the worker is apart in the turn that follows. `own`: the last task that it ran was bound
/// to its thread.
pub(crate) fn goes(core: &Core, own: bool) -> bool {
    let workers = &core.shared.workers;
    if core.index != 0 {
        return false;
    }
    let (main, options) = (core.local_queue.has_root(), &core.shared.options);
    let others = options.workers > 1 || options.spares() > 0;
    if workers.remotes[0].take_frozen() && !own && main && others {
        workers.set_apart(true);
        core.shared.alarm.unpark(&core.shared.driver);
    }
    let apart = main && workers.is_apart();
    core.keep_queue(!apart);
    if apart && !core.queue.is_empty() {
        workers.injector.push_all(core.queue.drain());
        workers.notify();
    }
    apart
}

/// Returns the next task that is bound to the thread: never the main coroutine twice without a
/// local task in between, if one is ready. `ran_main`: on entry, whether the last task was the main
/// coroutine; on return, whether this one is.
pub(crate) fn next(core: &Core, ran_main: &mut bool) -> Option<Runnable> {
    let local_queue = &core.local_queue;
    local_queue.receive();
    let skip = std::mem::take(ran_main);
    let main = if skip {
        None
    } else {
        local_queue.pop_root_in_turn()
    };
    *ran_main = main.is_some();
    let local = || local_queue.pop().inspect(|_| local_queue.let_pass());
    main.or_else(local).or_else(|| {
        let main = local_queue.pop_root();
        *ran_main = main.is_some();
        main
    })
}

/// Sleeps until a task for this thread has arrived.
pub(crate) fn sleep(core: &Core) {
    if core.local_queue.has_ready() || give_some_back() {
        return;
    }
    let shared = &core.shared;
    shared.workers.leave(&core.queue);
    // This may be the last worker to go to sleep: then a paused clock may jump.
    shared.driver.recheck_jump();
    shared.workers.remotes[core.index].parker.park();
    shared.arrive();
}
