//! The threads of a loop: how they start, and what those of workers, spares and stand-ins do.

use std::io;
use std::rc::Rc;
use std::time::Instant;

use super::context::{self, ThreadKind};
use super::core::Core;
use super::exception_context::ExceptionContext;
use super::schedule::closed_error;
use super::shared::{Shared, WorkerParts};
use super::stand_ins::{Absence, Replacement};
use super::worker::Worker;
use crate::runtime::catch_panic::catch_panic;
use crate::runtime::task::memory::Keeping;
use crate::sync::{Arc, Mutex, thread};

/// Starts a thread of the loop, with its name, its stack size and its hooks.
///
/// # Errors
/// The error of the system.
pub(crate) fn start(
    shared: &Arc<Shared>,
    suffix: &str,
    body: impl FnOnce(&Arc<Shared>) + Send + 'static,
) -> io::Result<thread::JoinHandle<()>> {
    let options = &shared.options;
    let mut builder = thread::Builder::new().name(format!("{}-{suffix}", options.thread_name));
    if let Some(size) = options.thread_stack_size {
        builder = builder.stack_size(size);
    }
    let shared = Arc::clone(shared);
    // Before the thread starts: the loop may be closed before the thread runs.
    let open = shared.driver.keep_open();
    builder.spawn(move || {
        let _open = open;
        call(shared.options.on_thread_start.as_deref());
        body(&shared);
        call(shared.options.on_thread_stop.as_deref());
    })
}

fn call(hook: Option<&(dyn Fn() + Send + Sync)>) {
    if let Some(hook) = hook {
        // The panic hook has reported a panic of this hook. The thread has work to do.
        catch_panic(hook);
    }
}

/// The body of a worker's thread.
pub(crate) fn work(shared: &Arc<Shared>, parts: WorkerParts) {
    let core = make_core(shared, parts);
    work_until(shared, &core, |_| shared.workers.is_stopping());
    shared.workers.idle.depart();
    abandon_rest(&core);
}

/// Starts a spare worker, if a remote is left for one. Returns its index.
pub(crate) fn start_spare(shared: &Arc<Shared>) -> Option<usize> {
    let remote = shared.spares.lock().last()?.index;
    shared.workers.remotes[remote].set_dismissed(false);
    let body = move |shared: &Arc<Shared>| {
        let parts = take_parts(&shared.spares, remote);
        parts
            .into_iter()
            .for_each(|parts| work_as_spare(shared, parts));
    };
    start_more(shared, remote, "spare", body).then_some(remote)
}

/// Starts a thread for a spare or a stand-in. False if the system refuses.
fn start_more(
    shared: &Arc<Shared>,
    remote: usize,
    kind: &str,
    body: impl FnOnce(&Arc<Shared>) + Send + 'static,
) -> bool {
    shared.workers.open_remote(remote);
    match start(shared, &format!("{kind}-{remote}"), body) {
        Ok(thread) => {
            let ended = {
                let mut threads = shared.more_threads.lock();
                threads.push(thread);
                let (ended, left) = threads.drain(..).partition(thread::is_finished);
                *threads = left;
                let ended: Vec<thread::JoinHandle<()>> = ended;
                ended
            };
            // Only joined threads give their stacks back.
            ended.into_iter().for_each(|thread| drop(thread.join()));
            true
        }
        Err(error) => {
            let message = format!("a {kind} worker could not be started");
            let context = ExceptionContext::new(message).with_exception(error);
            Shared::report(shared, &context);
            false
        }
    }
}

fn take_parts(from: &Mutex<Vec<WorkerParts>>, remote: usize) -> Option<WorkerParts> {
    let mut parts = from.lock();
    let index = parts.iter().position(|parts| parts.index == remote)?;
    Some(parts.swap_remove(index))
}

/// Replaces the worker on `remote`, which goes into `blocking`, by a stand-in.
pub(crate) fn replace(shared: &Arc<Shared>, remote: usize) -> Absence {
    let (absence, replacement) = shared.stand_ins.go_away(remote);
    match replacement {
        Replacement::Recall(next) => shared.workers.remotes[next].parker.unpark(),
        Replacement::Start(next) => {
            let body = move |shared: &Arc<Shared>| {
                let parts = take_parts(&shared.stand_in_parts, next);
                parts
                    .into_iter()
                    .for_each(|parts| work_as_stand_in(shared, parts));
            };
            if !start_more(shared, next, "stand-in", body) {
                shared.stand_ins.fail(next);
            }
        }
        Replacement::None => {}
    }
    absence
}

/// The worker on `remote` is back: dismisses the stand-in that is too many now.
pub(crate) fn end_replacement(shared: &Shared, remote: usize, absence: Absence) {
    if let Some(remote) = shared.stand_ins.come_back(remote, absence) {
        shared.workers.remotes[remote].parker.unpark();
    }
}

/// The body of a stand-in's thread. It works until it is dismissed and its local tasks have ended.
/// Then the thread rests, and may be recalled, for the keep-alive time of the threads for blocking
/// calls.
fn work_as_stand_in(shared: &Arc<Shared>, parts: WorkerParts) {
    let remote = parts.index;
    let mut core = make_core(shared, parts);
    loop {
        let dismissed = |core: &Core| {
            shared.stand_ins.is_dismissed(remote) && core.local_queue.tasks().is_empty()
        };
        if work_beside(shared, &core, dismissed) == Left::Stopping {
            return;
        }
        if !rest(shared, &core) {
            continue;
        }
        let Some(parts) = reclaim_parts(core) else {
            return;
        };
        // Before another thread can take over the remote.
        shared.stand_in_parts.lock().push(parts);
        if shared.stand_ins.end(remote) {
            return;
        }
        match take_parts(&shared.stand_in_parts, remote) {
            Some(again) => core = make_core(shared, again),
            None => return,
        }
    }
}

/// Rests until the stand-in is recalled. Returns true if the thread must end instead. While a guard
/// that has been carried out of a task, or forgotten, keeps the core alive, the keep-alive time
/// does not end the rest: the parts could not be taken out of the core.
fn rest(shared: &Shared, core: &Rc<Core>) -> bool {
    let remote = core.index;
    if !shared.stand_ins.begin_rest(remote) {
        return false;
    }
    let parker = &shared.workers.remotes[remote].parker;
    let until = Instant::now().checked_add(shared.options.blocking_keep_alive);
    loop {
        let until = until.filter(|_| Rc::strong_count(core) == 1);
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if shared.workers.is_stopping() || left.is_some_and(|left| left.is_zero()) {
            return true;
        }
        match left {
            Some(left) => parker.park_timeout(left),
            None => parker.park(),
        }
        if !shared.stand_ins.rests(remote) {
            return false;
        }
    }
}

/// Asks the spare on `remote` to leave as soon as it has nothing that only it can run.
pub(crate) fn dismiss(shared: &Shared, remote: usize) {
    shared.workers.remotes[remote].set_dismissed(true);
    shared.workers.remotes[remote].parker.unpark();
}

/// The body of a spare's thread. It works until it is dismissed and its local tasks have ended.
fn work_as_spare(shared: &Arc<Shared>, parts: WorkerParts) {
    let dismissed = |core: &Core| {
        shared.workers.remotes[core.index].is_dismissed() && core.local_queue.tasks().is_empty()
    };
    let core = make_core(shared, parts);
    if work_beside(shared, &core, dismissed) == Left::Done {
        let parts = reclaim_parts(core);
        shared.spares.lock().extend(parts);
    }
}

/// How a worker has left the worker set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// It has been dismissed, and its queue is empty: the remote may be used again.
    Done,
    /// The loop stops.
    Stopping,
}

/// Works until the loop stops, or until `done`. Tasks left in the worker's queue go to the
/// injector. Timers left on its wheel are served by the threads that poll.
fn work_beside(shared: &Arc<Shared>, core: &Rc<Core>, done: impl Fn(&Core) -> bool) -> Left {
    work_until(shared, core, |core| {
        shared.workers.is_stopping() || done(core)
    });
    if shared.workers.is_stopping() {
        shared.workers.idle.depart();
        abandon_rest(core);
        return Left::Stopping;
    }
    shared.workers.leave(&core.queue);
    shared.driver.recheck_jump();
    if shared.workers.is_stopping() {
        // The injector may have been closed before it could take what was left.
        abandon_rest(core);
        return Left::Stopping;
    }
    Left::Done
}

/// Makes the core of a worker, and binds the worker's parker to this thread.
fn make_core(shared: &Arc<Shared>, parts: WorkerParts) -> Rc<Core> {
    shared.workers.remotes[parts.index].parker.bind();
    Rc::new(Core::new(Arc::clone(shared), parts))
}

/// Takes the parts out of the core, for the next thread. `None` if a guard keeps the core alive.
fn reclaim_parts(core: Rc<Core>) -> Option<WorkerParts> {
    Rc::try_unwrap(core).ok().map(Core::into_parts)
}

/// Works until `done`.
fn work_until(shared: &Arc<Shared>, core: &Rc<Core>, done: impl Fn(&Core) -> bool) {
    let _keeping = shared.options.tuning.task_memory.then(Keeping::begin);
    let _entered = context::enter(Arc::clone(shared), ThreadKind::Worker(Rc::clone(core)));
    shared.arrive();
    Worker::new(Rc::clone(core)).drive(|| done(core));
}

/// Drops the tasks that a worker still has when it stops. There are some only after a forced end.
pub(crate) fn abandon_rest(core: &Core) {
    let next = || {
        // A destructor may wake further local tasks, which arrive in the inbox meanwhile.
        core.local_queue.receive();
        let local = core
            .local_queue
            .pop_root()
            .or_else(|| core.local_queue.pop());
        local.or_else(|| core.queue.pop())
    };
    std::iter::from_fn(next).for_each(|task| task.abandon(closed_error()));
}
