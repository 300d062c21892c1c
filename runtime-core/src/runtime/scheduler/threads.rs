//! The threads of a loop: how they start, what a worker's does, and those that come beside them.

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
use crate::runtime::task::catch_panic::catch_panic;
use crate::sync::{Arc, Mutex, thread};

/// Starts a thread of the loop, with its name, its stack and its hooks.
///
/// # Errors
/// What the system says.
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
    // Before the thread is there: the loop may be closed until it is.
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
        // A hook that panics has said so; the thread has work to do.
        catch_panic(hook);
    }
}

/// The body of a worker's thread.
pub(crate) fn work(shared: &Arc<Shared>, parts: WorkerParts) {
    let core = sit_down(shared, parts);
    time_hold(shared, &core, |_| shared.workers.is_stopping());
    shared.workers.idle.depart();
    abandon_rest(&core);
}

/// Starts a spare worker, if a seat is left. Returns the seat.
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

/// Starts a thread beside those of the workers, for a seat. False if the system refuses.
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

/// Has somebody serve in the place of the worker on `remote`, which goes into `blocking`.
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
        Replacement::Nobody => {}
    }
    absence
}

/// The worker on `remote` is back, and whoever is too many now goes.
pub(crate) fn end_replacement(shared: &Shared, remote: usize, absence: Absence) {
    if let Some(remote) = shared.stand_ins.come_back(remote, absence) {
        shared.workers.remotes[remote].parker.unpark();
    }
}

/// A stand-in works until it is dismissed and its local tasks have ended; then its thread rests, to be
/// recalled, for as long as threads for blocking calls are kept.
fn work_as_stand_in(shared: &Arc<Shared>, parts: WorkerParts) {
    let remote = parts.index;
    let mut core = sit_down(shared, parts);
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
        let Some(parts) = get_up(core) else { return };
        // Before the seat is anybody's again.
        shared.stand_in_parts.lock().push(parts);
        if shared.stand_ins.end(remote) {
            return;
        }
        match take_parts(&shared.stand_in_parts, remote) {
            Some(again) => core = sit_down(shared, again),
            None => return,
        }
    }
}

/// Rests until the stand-in is recalled. True if the thread is to end instead. It stays where a guard
/// that has been carried out of a task, or forgotten, keeps what the seat consists of.
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

/// Tells the spare on `remote` to go, as soon as it has nothing that only it can run.
pub(crate) fn dismiss(shared: &Shared, remote: usize) {
    shared.workers.remotes[remote].set_dismissed(true);
    shared.workers.remotes[remote].parker.unpark();
}

/// A spare works until it is dismissed and its local tasks have ended.
fn work_as_spare(shared: &Arc<Shared>, parts: WorkerParts) {
    let dismissed = |core: &Core| {
        shared.workers.remotes[core.index].is_dismissed() && core.local_queue.tasks().is_empty()
    };
    let core = sit_down(shared, parts);
    if work_beside(shared, &core, dismissed) == Left::Done {
        let parts = get_up(core);
        shared.spares.lock().extend(parts);
    }
}

/// How a worker has left the crew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    Done,
    Stopping,
}

/// Works until the loop stops, or until `done`. What the worker leaves in its queue goes to the injector;
/// its wheel is served until it is empty, by whoever polls.
fn work_beside(shared: &Arc<Shared>, core: &Rc<Core>, done: impl Fn(&Core) -> bool) -> Left {
    time_hold(shared, core, |core| {
        shared.workers.is_stopping() || done(core)
    });
    if shared.workers.is_stopping() {
        shared.workers.idle.depart();
        abandon_rest(core);
        return Left::Stopping;
    }
    shared.workers.leave(&core.queue);
    shared.driver.look_again();
    if shared.workers.is_stopping() {
        // The injector may have been closed before it could take what was left.
        abandon_rest(core);
        return Left::Stopping;
    }
    Left::Done
}

/// Takes a seat.
fn sit_down(shared: &Arc<Shared>, parts: WorkerParts) -> Rc<Core> {
    shared.workers.remotes[parts.index].parker.bind();
    Rc::new(Core::new(Arc::clone(shared), parts))
}

/// The parts again, for whoever sits here next; none if a guard keeps them.
fn get_up(core: Rc<Core>) -> Option<WorkerParts> {
    Rc::try_unwrap(core).ok().map(Core::into_parts)
}

/// Works until `done`.
fn time_hold(shared: &Arc<Shared>, core: &Rc<Core>, done: impl Fn(&Core) -> bool) {
    let _entered = context::enter(Arc::clone(shared), ThreadKind::Worker(Rc::clone(core)));
    shared.workers.idle.arrive();
    Worker::new(Rc::clone(core)).drive(|| done(core));
}

/// Drops what a worker still has when it stops: something only after a forced end.
pub(crate) fn abandon_rest(core: &Core) {
    let next = || {
        // What a destructor wakes arrives while this goes on.
        core.local_queue.receive();
        let local = core
            .local_queue
            .pop_root()
            .or_else(|| core.local_queue.pop());
        local.or_else(|| core.queue.pop())
    };
    std::iter::from_fn(next).for_each(|task| task.abandon(closed_error()));
}
