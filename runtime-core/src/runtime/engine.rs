//! A loop together with its threads: the part of a `Runner` below the public API.

use std::future::Future;
use std::io;
use std::panic::Location;
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::block_on::{RootResult, run_root};
use super::event_loop::EventLoop;
use super::run_queue;
use super::scheduler::choices::Choices;
use super::scheduler::context::{self, ThreadKind};
use super::scheduler::core::Core;
use super::scheduler::loop_ref::LoopRef;
use super::scheduler::monitor;
use super::scheduler::options::Options;
use super::scheduler::shared::{Shared, WorkerParts};
use super::scheduler::shutdown::{Shutdown, shut_down};
use super::scheduler::threads;
use super::scheduler::worker::Worker;
use super::task::context::Context;
use super::task::handle::TaskHandle;
use super::task::memory::Keeping;
use super::time::Stamp;
use crate::exceptions::ShutdownTimeout;
use crate::sync::{Arc, StdArc, thread};

/// Worker 0, which is the thread that made this, and the join handles of the other threads. Not
/// `Send`.
#[derive(Debug)]
pub(crate) struct Engine {
    event_loop: EventLoop,
    worker: Worker,
    threads: Vec<thread::JoinHandle<()>>,
    closed: bool,
    _foreign_loop_ref: StdArc<LoopRef>,
}

impl Engine {
    /// Builds a loop and starts its threads.
    ///
    /// # Errors
    /// An error of the system while creating the poller's descriptors or a thread.
    pub(crate) fn start(options: Options) -> io::Result<Engine> {
        let (shared, parts) = Shared::new(options)?;
        let shared = Arc::new(shared);
        shared.workers.remotes[0].parker.bind();
        let mut parts = parts.into_iter();
        let worker = match shared.options.seed {
            Some(seed) => worker_for_all(&shared, parts.by_ref(), seed),
            None => {
                let first = parts.next().expect("a loop has a worker");
                Worker::new(Rc::new(Core::new(Arc::clone(&shared), first)))
            }
        };
        let mut engine = Engine {
            event_loop: EventLoop::new(Arc::clone(&shared)),
            worker,
            threads: Vec::new(),
            closed: false,
            _foreign_loop_ref: LoopRef::set_foreign(&shared),
        };
        if shared.options.seed.is_some() {
            return Ok(engine);
        }
        make_lazy_statics();
        // If a thread cannot be started, `engine` is dropped, which stops the threads started so
        // far.
        for parts in parts {
            engine.start_thread(&format!("{}", parts.index), move |shared| {
                threads::work(shared, parts);
            })?;
        }
        engine.start_thread("monitor", monitor::run)?;
        Ok(engine)
    }

    fn start_thread(
        &mut self,
        suffix: &str,
        body: impl FnOnce(&Arc<Shared>) + Send + 'static,
    ) -> io::Result<()> {
        let thread = threads::start(self.event_loop.shared(), suffix, body)?;
        self.threads.push(thread);
        Ok(())
    }

    pub(crate) fn event_loop(&self) -> &EventLoop {
        &self.event_loop
    }

    /// Runs `main` to completion. The loop stays open after that, until `close`. What `begun`
    /// returns, which is given the task of `main`, is dropped at the end of `main`.
    ///
    /// # Panics
    /// In a deadlock, which only the deterministic mode detects. The loop has been closed by then.
    #[track_caller]
    pub(crate) fn run<F: Future, G>(
        &mut self,
        main: F,
        context: Context,
        location: &'static Location<'static>,
        begun: impl FnOnce(TaskHandle) -> G,
    ) -> RootResult<F::Output> {
        let outcome = {
            let present = Present::enter(&self.worker);
            present.shared.set_running(true);
            run_root(&mut self.worker, main, Some(context), location, begun)
        };
        match outcome {
            Ok(result) => result,
            Err(deadlock) => {
                // The loop has dropped its tasks, and would drop every new one.
                let _complete = self.close(None);
                panic!("{deadlock}")
            }
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Ends every task and joins the threads.
    ///
    /// # Errors
    /// At the deadline: the tasks that were stuck, which are left behind.
    ///
    /// # Panics
    /// Without a limit, if the shutdown runs into a deadlock, unless the thread is already
    /// panicking.
    pub(crate) fn close(&mut self, limit: Option<Duration>) -> Result<(), ShutdownTimeout> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        if !self.event_loop.shared().is_of_this_process() {
            self.leak();
            return Ok(());
        }
        // By real time, not by the loop's clock, which may be paused.
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        let outcome = {
            let _present = Present::enter(&self.worker);
            let outcome = shut_down(&mut self.worker, deadline);
            // Finds tasks only after a forced shutdown.
            self.worker.cores().for_each(threads::abandon_rest);
            outcome
        };
        let (stuck, deadlock) = match outcome {
            Shutdown::Complete => (None, None),
            Shutdown::Forced { stuck } => (Some(stuck), None),
            Shutdown::InDeadlock(deadlock) => (None, Some(deadlock)),
        };
        if stuck.as_ref().is_none_or(Vec::is_empty) {
            self.join();
        }
        // With stuck tasks the threads are not joined: those inside a poll are left behind, and
        // the others end by themselves.
        self.event_loop.shared().give_back();
        if let Some(deadlock) = deadlock.filter(|_| !thread::panicking()) {
            panic!("{deadlock}");
        }
        let limit = limit.unwrap_or_default();
        stuck.map_or(Ok(()), |stuck| Err(ShutdownTimeout { limit, stuck }))
    }

    /// Closes the loop in a fork of the process: waits for nothing and drops nothing.
    ///
    /// The fork has none of the loop's threads, and the locks they held when it was made stay
    /// locked for ever. The poller's descriptors are shared with the parent.
    #[cold]
    fn leak(&mut self) {
        std::mem::forget(std::mem::take(&mut self.threads));
        std::mem::forget(self.event_loop.clone());
        std::mem::forget(Rc::clone(self.worker.core()));
    }

    /// Joins the threads, which have been asked to stop.
    fn join(&mut self) {
        // `join` fails if a thread hook panicked; the panic hook has printed the message. The
        // monitor is the last in the list, and may have started a spare before it ended.
        self.threads
            .drain(..)
            .for_each(|thread| drop(thread.join()));
        let shared = self.event_loop.shared();
        let more = || shared.more_threads.lock().pop();
        // Each of these threads may have started another one.
        std::iter::from_fn(more).for_each(|thread| drop(thread.join()));
    }
}

/// Makes a worker that runs all workers of the loop on this thread: the deterministic mode.
fn worker_for_all(
    shared: &Arc<Shared>,
    parts: impl Iterator<Item = WorkerParts>,
    seed: u64,
) -> Worker {
    let choices = Rc::new(Choices::seeded(seed, shared.options.workers));
    let core = |parts| Core::with_choices(Arc::clone(shared), parts, Rc::clone(&choices));
    let mut cores = parts.map(|parts| Rc::new(core(parts)));
    let first = cores.next().expect("a loop has a worker");
    Worker::with_siblings(first, cores.map(Worker::new).collect())
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _complete = self.close(None);
    }
}

/// Makes the statics that the loop's threads would make when they first need them. If the process
/// forked while one of them is made, a loop in the child would wait for that thread for ever.
fn make_lazy_statics() {
    run_queue::make_lazy_statics();
    let _stamp = Stamp::now();
}

/// Worker 0 has entered the loop and counts as awake in the worker set. Dropping this makes it
/// leave.
struct Present {
    shared: Arc<Shared>,
    core: Rc<Core>,
    _entered: context::Guard,
    _keeping: Option<Keeping>,
}

impl Present {
    fn enter(worker: &Worker) -> Present {
        let core = Rc::clone(worker.core());
        let shared = Arc::clone(&core.shared);
        let entered = context::enter(Arc::clone(&shared), ThreadKind::Worker(Rc::clone(&core)));
        let keeping = shared.options.tuning.task_memory.then(Keeping::begin);
        shared.arrive();
        Present {
            shared,
            core,
            _entered: entered,
            _keeping: keeping,
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.shared.set_running(false);
        self.shared.workers.leave(&self.core.queue);
        self.shared.driver.recheck_jump();
    }
}
