//! The options with which a loop is built.

use std::fmt;
use std::time::Duration;

use super::driver;
use super::tuning::Tuning;
use crate::runtime::{blocking, lookups};
use crate::sync::StdArc;

/// Called on a thread of the loop when the thread starts, or before it ends.
pub(crate) type ThreadHook = StdArc<dyn Fn() + Send + Sync>;

/// The maximum number of workers of a loop. Each is a thread; this many can be started within a
/// second.
pub(crate) const MOST_WORKERS: usize = 1024;
/// The maximum number of stand-ins. The blocking pool may have no limit, but the remotes of the
/// stand-ins are allocated from the start.
const MOST_STAND_INS: usize = 1024;

/// The least stack of a thread that looks names up: the system's modules for that are foreign code.
const LEAST_LOOKUP_STACK: usize = 256 << 10;

/// The options of a loop, as its builder has collected them.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) workers: usize,
    pub(crate) max_blocking_threads: usize,
    pub(crate) blocking_keep_alive: Duration,
    pub(crate) thread_name: String,
    pub(crate) thread_stack_size: Option<usize>,
    pub(crate) on_thread_start: Option<ThreadHook>,
    pub(crate) on_thread_stop: Option<ThreadHook>,
    pub(crate) debug: bool,
    /// The poller of other platforms is used, to test it.
    pub(crate) portable_poller: bool,
    pub(crate) time: driver::Settings,
    pub(crate) max_spare_workers: usize,
    /// All workers run on one thread, and every choice is drawn from this seed.
    pub(crate) seed: Option<u64>,
    /// What is asked for addresses in place of the system.
    pub(crate) resolver: Option<StdArc<dyn lookups::Resolve>>,
    pub(crate) tuning: Tuning,
}

impl Options {
    /// Whether everything that is ready is in one queue, as in asyncio: in the deterministic
    /// mode with one worker.
    pub(crate) fn is_fifo(&self) -> bool {
        self.seed.is_some() && self.workers == 1
    }

    /// Whether one thread turns all the workers.
    pub(crate) fn has_one_thread(&self) -> bool {
        self.workers == 1 || self.seed.is_some()
    }

    /// How many spares there may be. Under a seed there are no other threads.
    pub(crate) fn spares(&self) -> usize {
        self.seed.map_or(self.max_spare_workers, |_| 0)
    }

    /// How many workers may be replaced while they are inside `blocking`.
    pub(crate) fn stand_ins(&self) -> usize {
        let threads = self.max_blocking_threads.min(MOST_STAND_INS);
        self.seed.map_or(threads, |_| 0)
    }

    /// The settings of the pool for blocking functions.
    pub(crate) fn pool(&self) -> blocking::Settings {
        let name = format!("{}-blocking", self.thread_name);
        blocking::Settings {
            max_threads: self.max_blocking_threads,
            keep_alive: self.blocking_keep_alive,
            start: blocking::named(name, self.thread_stack_size),
            on_thread_start: self.on_thread_start.clone(),
            on_thread_stop: self.on_thread_stop.clone(),
        }
    }

    /// The settings of the pool for look-ups of names.
    pub(crate) fn lookup_pool(&self) -> blocking::Settings {
        let stack_size = self.thread_stack_size;
        let stack_size = stack_size.map(|size| size.max(LEAST_LOOKUP_STACK));
        let name = format!("{}-names", self.thread_name);
        blocking::Settings {
            max_threads: lookups::THREADS,
            start: blocking::named(name, stack_size),
            ..self.pool()
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("workers", &self.workers)
            .field("max_blocking_threads", &self.max_blocking_threads)
            .field("blocking_keep_alive", &self.blocking_keep_alive)
            .field("thread_name", &self.thread_name)
            .field("thread_stack_size", &self.thread_stack_size)
            .field("debug", &self.debug)
            .field("portable_poller", &self.portable_poller)
            .field("time", &self.time)
            .field("max_spare_workers", &self.max_spare_workers)
            .field("seed", &self.seed)
            .field("tuning", &self.tuning)
            .finish_non_exhaustive()
    }
}
