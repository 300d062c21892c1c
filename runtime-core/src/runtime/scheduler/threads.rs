//! The threads of a loop: how they start, what a worker's does, and the spares.

use std::io;
use std::rc::Rc;

use super::context::{self, Role};
use super::core::Core;
use super::exception_context::ExceptionContext;
use super::schedule::closed_error;
use super::shared::{Shared, WorkerParts};
use super::worker::Worker;
use crate::runtime::task::quietly::quietly;
use crate::sync::{Arc, thread};

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
        quietly(hook);
    }
}

/// The body of a worker's thread.
pub(crate) fn work(shared: &Arc<Shared>, parts: WorkerParts) {
    let core = at_work(shared, parts, |_| shared.crew.is_stopping());
    shared.crew.idle.depart();
    abandon_rest(&core);
}

/// Starts a spare worker, if a seat is left. Returns the seat.
pub(crate) fn start_spare(shared: &Arc<Shared>) -> Option<usize> {
    let parts = shared.spares.lock().idle.pop()?;
    let seat = parts.index;
    shared.crew.seats[seat].set_dismissed(false);
    match start(shared, &format!("spare-{seat}"), move |shared| {
        work_as_spare(shared, parts)
    }) {
        Ok(thread) => {
            let ended = {
                let mut spares = shared.spares.lock();
                spares.threads.push(thread);
                let (ended, left) = spares.threads.drain(..).partition(thread::is_finished);
                spares.threads = left;
                let ended: Vec<thread::JoinHandle<()>> = ended;
                ended
            };
            // Only joined threads give their stacks back.
            ended.into_iter().for_each(|thread| drop(thread.join()));
            Some(seat)
        }
        Err(error) => {
            // The seat is lost with its parts; the next look tries another.
            let context = ExceptionContext::new("a spare worker could not be started");
            Shared::report(shared, &context.with_exception(error));
            None
        }
    }
}

/// Tells the spare on `seat` to go, as soon as it has nothing that only it can run.
pub(crate) fn dismiss(shared: &Shared, seat: usize) {
    shared.crew.seats[seat].set_dismissed(true);
    shared.crew.seats[seat].parker.unpark();
}

/// A spare works until it is dismissed and its local tasks have ended. What it leaves in its queue
/// goes to the injector; its wheel is served until it is empty, by whoever polls.
fn work_as_spare(shared: &Arc<Shared>, parts: WorkerParts) {
    let core = at_work(shared, parts, |core| {
        let dismissed = shared.crew.seats[core.index].is_dismissed();
        shared.crew.is_stopping() || (dismissed && core.home.tasks().is_empty())
    });
    if shared.crew.is_stopping() {
        shared.crew.idle.depart();
        abandon_rest(&core);
        return;
    }
    shared.crew.leave(&core.queue);
    shared.driver.look_again();
    if shared.crew.is_stopping() {
        // The injector may have been closed before it could take what was left.
        abandon_rest(&core);
        return;
    }
    if let Ok(core) = Rc::try_unwrap(core) {
        shared.spares.lock().idle.push(core.into_parts());
    }
}

/// Sits down, works until `done`, and gets up.
fn at_work(shared: &Arc<Shared>, parts: WorkerParts, done: impl Fn(&Core) -> bool) -> Rc<Core> {
    shared.crew.seats[parts.index].parker.bind();
    let core = Rc::new(Core::new(Arc::clone(shared), parts));
    let _entered = context::enter(Arc::clone(shared), Role::Worker(Rc::clone(&core)));
    shared.crew.idle.arrive();
    Worker::new(Rc::clone(&core)).drive(|| done(&core));
    core
}

/// Drops what a worker still has when it stops: something only after a forced end.
pub(crate) fn abandon_rest(core: &Core) {
    let next = || {
        // What a destructor wakes arrives while this goes on.
        core.home.receive();
        let local = core.home.pop_root().or_else(|| core.home.pop());
        local.or_else(|| core.queue.pop())
    };
    std::iter::from_fn(next).for_each(|task| task.abandon(closed_error()));
}
