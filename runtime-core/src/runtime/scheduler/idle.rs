//! Who sleeps, and whom to wake: three counters in one word, and a list of sleepers.
//!
//! The word holds how many workers are *awake*, how many of those are *searching*, and how many are
//! *asleep*. The rule that prevents a lost wake-up:
//!
//! 1. Whoever adds work does so first, and then looks at the word **by an exchange**
//!    ([`Idle::worker_to_wake`]). If a worker searches, it will find the work; if all are awake,
//!    one of them will look for more; otherwise one is taken off the list and woken, and counted as
//!    awake and searching *at once*, so that the next push skips the system call.
//! 2. A worker that goes to sleep leaves the counters first, also by an exchange
//!    ([`Idle::start_sleeping`]), and then looks at the queues again.
//!
//! Both exchanges are on one word, so one comes first. If the sleeper's does, the adder sees it
//! asleep and wakes it. If the adder's does, the sleeper's exchange has read it (or a later one)
//! and so acquires the push, which its second look then finds.

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

const SEARCHING: u64 = 1;
const AWAKE: u64 = 1 << 16;
const ASLEEP: u64 = 1 << 32;
const FIELD: u64 = 0xffff;

/// The idle protocol's state.
#[derive(Debug)]
pub(crate) struct Idle {
    word: AtomicU64,
    sleepers: Mutex<Vec<usize>>,
    /// How many workers there are; at most half of them search.
    workers: usize,
}

impl Idle {
    /// All away; each worker says when it comes.
    pub(crate) fn new(workers: usize) -> Idle {
        Idle {
            word: AtomicU64::new(0),
            sleepers: Mutex::new(Vec::with_capacity(workers)),
            workers,
        }
    }

    /// A worker comes: started, or entered again.
    pub(crate) fn arrive(&self) {
        self.word.fetch_add(AWAKE, Ordering::AcqRel);
    }

    /// A worker goes for good, or until it is entered again.
    pub(crate) fn depart(&self) {
        self.word.fetch_sub(AWAKE, Ordering::AcqRel);
    }

    /// Chooses a worker to wake for work that has been added, unless somebody searches already.
    /// The chosen one is counted as awake and searching from now on.
    #[must_use]
    pub(crate) fn worker_to_wake(&self) -> Option<usize> {
        // An exchange, not a load: see the essay.
        let word = self.word.fetch_add(0, Ordering::AcqRel);
        if searching(word) > 0 || word / ASLEEP == 0 {
            return None;
        }
        let mut sleepers = self.sleepers.lock();
        if searching(self.word.load(Ordering::Acquire)) > 0 {
            return None;
        }
        let worker = sleepers.pop()?;
        self.word
            .fetch_sub(ASLEEP - AWAKE - SEARCHING, Ordering::AcqRel);
        Some(worker)
    }

    /// Whether a wake-up seems worth asking for. A stale answer costs parallelism, never a wake-up:
    /// for work in the asker's own queue, which it will get to itself.
    #[inline]
    pub(crate) fn may_wake(&self) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        searching(word) == 0 && word / ASLEEP > 0
    }

    /// A worker without work begins to search, unless enough do.
    #[must_use]
    pub(crate) fn begin_search(&self) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        if 2 * searching(word) >= self.workers as u64 {
            return false;
        }
        self.word.fetch_add(SEARCHING, Ordering::AcqRel);
        true
    }

    /// A searcher has found work. True if it was the last one: it wakes another in its place.
    #[must_use]
    pub(crate) fn end_search(&self) -> bool {
        searching(self.word.fetch_sub(SEARCHING, Ordering::AcqRel)) == 1
    }

    /// A worker goes to sleep; it looks at the queues once more after this.
    pub(crate) fn start_sleeping(&self, worker: usize, was_searching: bool) {
        let mut sleepers = self.sleepers.lock();
        let leaving = AWAKE + if was_searching { SEARCHING } else { 0 };
        self.word.fetch_add(ASLEEP - leaving, Ordering::AcqRel);
        sleepers.push(worker);
    }

    /// A worker that sleeps has work of its own: takes it off the list, if it is still there.
    /// False if somebody has chosen it already: then it is counted as searching.
    #[must_use]
    pub(crate) fn wake_up(&self, worker: usize) -> bool {
        let mut sleepers = self.sleepers.lock();
        let Some(index) = sleepers.iter().position(|sleeper| *sleeper == worker) else {
            return false;
        };
        sleepers.swap_remove(index);
        self.word.fetch_sub(ASLEEP - AWAKE, Ordering::AcqRel);
        true
    }

    /// How many workers are awake.
    pub(crate) fn awake(&self) -> usize {
        ((self.word.load(Ordering::Acquire) / AWAKE) & FIELD) as usize
    }

    /// How many workers are asleep.
    pub(crate) fn asleep(&self) -> usize {
        (self.word.load(Ordering::Acquire) / ASLEEP) as usize
    }

    /// Whether nobody is awake.
    pub(crate) fn all_sleeping(&self) -> bool {
        (self.word.load(Ordering::Acquire) / AWAKE) & FIELD == 0
    }
}

fn searching(word: u64) -> u64 {
    word & FIELD
}
