//! Worker 0 after a task has frozen the main coroutine: it runs only what is bound to its thread.
//!
//! The main coroutine is bound to the thread of worker 0, and waits as long as a task there blocks. Nothing
//! can be done for it at that moment, but it need not happen again:
//!
//! 1. The monitor finds worker 0 stuck, look after look, says so on its seat (`frozen`), and calls it; or
//!    the worker itself comes back from a long `blocking`.
//! 2. When the poll has ended, the worker looks. If that was a task that others might have run, and a main
//!    coroutine is there, it goes *apart*: it gives its queue away, now and as long as this lasts, and
//!    takes only main and local tasks. It counts as awake while it runs them, and as nothing while it
//!    sleeps: nobody wakes it for work, and it never waits in the poller.
//! 3. The monitor has a spare serve in its place. It ends this where none is to be had and work waits, and
//!    when for some seconds no worker was stuck.
//!
//! A hand-over between main and a task crosses threads meanwhile, which is why this is no rule from the
//! start.

use super::core::Core;
use crate::runtime::task::runnable::Runnable;

/// Whether the worker is to be apart, in the turn that follows. `own`: what it ran last was bound to its
/// thread.
pub(crate) fn goes(core: &Core, own: bool) -> bool {
    let workers = &core.shared.workers;
    if core.index != 0 {
        return false;
    }
    let (main, options) = (core.local_queue.has_root(), &core.shared.options);
    // Without the monitor nobody would end this.
    let others = options.tuning.worker_polls && (options.workers > 1 || options.spares() > 0);
    if workers.remotes[0].take_frozen() && !own && main && others {
        workers.set_apart(true);
        core.shared.unpark_monitor();
    }
    let apart = main && workers.is_apart();
    core.keep_queue(!apart);
    if apart && !core.queue.is_empty() {
        workers.injector.push_all(core.queue.drain());
        workers.notify();
    }
    apart
}

/// The next that is bound to the thread: never main twice without a local task in between, if one is
/// ready. `ran_main`: whether the last was main; and now, whether this is.
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

/// Sleeps until something for this thread has arrived.
pub(crate) fn sleep(core: &Core) {
    if core.local_queue.has_ready() {
        return;
    }
    let shared = &core.shared;
    shared.workers.leave(&core.queue);
    // This may be the last that falls asleep, and time may jump then.
    shared.driver.look_again();
    shared.workers.remotes[core.index].parker.park();
    shared.arrive();
}
