//! A loop for the models: the real one, except for its poller and its monitor.

use std::rc::Rc;
use std::time::Duration;

use crate::runtime::modelled::context::{self, ThreadKind};
use crate::runtime::modelled::core::Core;
use crate::runtime::modelled::options::Options;
use crate::runtime::modelled::shared::{Shared, WorkerParts};
use crate::runtime::modelled::threads;
use crate::runtime::modelled::worker::Worker;
use crate::runtime::{EventLoop, TimeSettings, Tuning};
use crate::sync::{Arc, Mutant, explore_less, thread};

/// A loop, and the parts of the workers that have not been started yet.
pub(super) struct Loop {
    pub(super) shared: Arc<Shared>,
    parts: std::vec::IntoIter<WorkerParts>,
}

/// The calling thread as a worker of the loop; usually worker 0, as in a `Runner`.
pub(super) struct First {
    pub(super) worker: Worker,
    pub(super) core: Rc<Core>,
    _entered: context::Guard,
}

/// The stack of a thread that makes a loop, in words. Loom's default is 32 KiB, and each timer
/// wheel needs several times that.
const STACK: usize = 0x10000;

/// Explores a model that makes a loop, on a thread with a stack that is large enough.
pub(super) fn explore_loop(name: &str, step: Option<Mutant>, model: fn()) {
    explore_less_of_a_loop(0, name, step, model);
}

/// The same with `fewer` preemptions less.
pub(super) fn explore_less_of_a_loop(fewer: usize, name: &str, step: Option<Mutant>, model: fn()) {
    explore_less(fewer, name, step, move || {
        let thread = thread::Builder::new().stack_size(STACK).spawn(model);
        let thread = thread.expect("a model has no system to fail");
        thread.join().expect("a panic would have ended the model");
    });
}

impl Loop {
    pub(super) fn new(workers: usize) -> Loop {
        Loop::with(options(workers))
    }

    /// The same with a paused clock.
    pub(super) fn paused(workers: usize) -> Loop {
        let mut options = options(workers);
        options.time.paused = true;
        Loop::with(options)
    }

    /// The same, where workers serve what is due before they go to sleep. (Elsewhere they do not:
    /// a timer that is due would hardly ever be found in the poller.)
    pub(super) fn with_early_timers(workers: usize) -> Loop {
        let mut options = options(workers);
        options.tuning.early_timers = true;
        Loop::with(options)
    }

    /// The same, where new tasks go to the stack as soon as one waits in the deque.
    pub(super) fn depth_first(workers: usize) -> Loop {
        let mut options = options(workers);
        options.tuning.depth_first = true;
        Loop::with(options)
    }

    fn with(options: Options) -> Loop {
        let (shared, parts) = Shared::new(options).expect("a model has no system to fail");
        Loop {
            shared: Arc::new(shared),
            parts: parts.into_iter(),
        }
    }

    pub(super) fn handle(&self) -> EventLoop {
        EventLoop::new(Arc::clone(&self.shared))
    }

    /// Makes the calling thread worker 0.
    pub(super) fn enter(&mut self) -> First {
        let parts = self.parts.next().expect("the loop has a worker");
        assert_eq!(parts.index, 0, "worker 0 comes first");
        First::begin(&self.shared, parts)
    }

    /// Starts a thread that is the next worker for one turn. It does not go to sleep, which keeps
    /// the model small.
    pub(super) fn start_turn(&mut self) -> thread::JoinHandle<()> {
        let parts = self.parts.next().expect("the loop has another worker");
        let shared = Arc::clone(&self.shared);
        let builder = thread::Builder::new().stack_size(STACK);
        let thread = builder.spawn(move || {
            let _any = First::begin(&shared, parts).worker.turn();
        });
        thread.expect("a model has no system to fail")
    }

    /// Starts the thread of the next worker.
    pub(super) fn start_worker(&mut self) -> thread::JoinHandle<()> {
        let parts = self.parts.next().expect("the loop has another worker");
        let shared = Arc::clone(&self.shared);
        let builder = thread::Builder::new().stack_size(STACK);
        let thread = builder.spawn(move || threads::work(&shared, parts));
        thread.expect("a model has no system to fail")
    }
}

impl First {
    fn begin(shared: &Arc<Shared>, parts: WorkerParts) -> First {
        shared.workers.remotes[parts.index].parker.bind();
        let core = Rc::new(Core::new(Arc::clone(shared), parts));
        let entered = context::enter(Arc::clone(shared), ThreadKind::Worker(Rc::clone(&core)));
        let _first = shared.workers.idle.arrive();
        First {
            worker: Worker::new(Rc::clone(&core)),
            core,
            _entered: entered,
        }
    }
}

impl Drop for First {
    fn drop(&mut self) {
        if !thread::panicking() {
            self.core.shared.workers.leave(&self.core.queue);
        }
    }
}

/// The options of a loop with `workers` workers.
pub(super) fn options(workers: usize) -> Options {
    Options {
        workers,
        max_blocking_threads: 1,
        blocking_keep_alive: Duration::MAX,
        thread_name: String::from("model"),
        thread_stack_size: Some(STACK),
        on_thread_start: None,
        on_thread_stop: None,
        debug: false,
        portable_poller: false,
        time: TimeSettings::default(),
        max_spare_workers: 0,
        seed: None,
        resolver: None,
        tuning: Tuning {
            early_timers: false,
            depth_first: false,
            ..Tuning::default()
        },
    }
}
