//! The idle protocol: three counters of workers in one word, and a list of the sleeping ones.
//!
//! The word counts the workers that are *awake*, those of them that are *searching*, and those that
//! are *sleeping*. The rule that prevents a lost wake-up:
//!
//! 1. A thread that adds work adds it first, and then reads the word **by an exchange**
//!    ([`Idle::worker_to_wake`]). If a worker is searching, it will find the work. If all workers
//!    are awake, one of them will look for more. Otherwise one sleeping worker is taken off the
//!    list and woken. It counts as awake and searching *at once*, so that the next push skips the
//!    system call.
//! 2. A worker that goes to sleep first counts itself as sleeping, also by an exchange
//!    ([`Idle::start_sleeping`]), and then looks at the queues again.
//!
//! 3. A worker that has found work first counts itself as searching no more, also by an exchange
//!    ([`Idle::end_search`]). If it was the last searcher, it then looks whether there is more
//!    work, because what was added while it searched relied on it, and wakes another worker for
//!    that. If there is none, it wakes nobody: short tasks would send workers round in circles,
//!    each woken by the last one, to find nothing.
//!
//! The same word tells who has to set the monitor's alarm (see `alarm`): the worker whose exchange
//! counts the first awake one after a time in which all of them slept. A worker that was chosen by
//! `worker_to_wake` has been counted by another thread, which may stop before it wakes it. So that
//! thread leaves a note on the list, and the next worker that runs takes it, which may be another.
//!
//! Both exchanges are on one word, so one comes first. If the sleeper's comes first, the adder sees
//! the sleeper in the count and wakes it. If the adder's comes first, the sleeper's exchange has
//! read it (or a later one) and so acquires the push, which the sleeper's second look then finds.
//! The same holds between an adder and a searcher that ends its search.

use std::mem;

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutant, Mutex, broken};

/// One worker that searches for work. It is also counted as awake.
const SEARCHING: u64 = 1;
/// One worker that is awake: it runs a task, searches, or is about to look at the queues.
const AWAKE: u64 = 1 << 16;
/// One worker that sleeps, or is about to: it is on the list of sleepers.
const SLEEPING: u64 = 1 << 32;
/// The width of the counts of searching and of awake workers.
const FIELD: u64 = 0xffff;

/// The state of the idle protocol.
#[derive(Debug)]
pub(crate) struct Idle {
    word: AtomicU64,
    sleepers: Mutex<Sleepers>,
    /// How many workers there are. At most half of them search.
    workers: usize,
}

/// The list of the sleeping workers.
#[derive(Debug)]
struct Sleepers {
    list: Vec<usize>,
    /// A worker was chosen while none was awake, and none has woken up since.
    chosen_first: bool,
}

/// How a worker that sleeps no more has been counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct WakeUp {
    /// By the thread that chose it: as awake and searching. Else by itself, as awake.
    pub(crate) chosen: bool,
    /// It is the first that runs since all slept, and has to set the monitor's alarm.
    pub(crate) first: bool,
}

impl Idle {
    /// No worker is counted yet; each worker calls `arrive`.
    pub(crate) fn new(workers: usize) -> Idle {
        Idle {
            word: AtomicU64::new(0),
            sleepers: Mutex::new(Sleepers {
                list: Vec::with_capacity(workers),
                chosen_first: false,
            }),
            workers,
        }
    }

    /// Counts a worker as awake: it has started, or has entered the loop again. True if it is the
    /// first.
    pub(crate) fn arrive(&self) -> bool {
        let mut sleepers = self.sleepers.lock();
        let before = self.word.fetch_add(AWAKE, Ordering::AcqRel);
        awake(before) == 0 || mem::take(&mut sleepers.chosen_first)
    }

    /// Stops counting an awake worker, which leaves for good or until it enters the loop again.
    pub(crate) fn depart(&self) {
        self.word.fetch_sub(AWAKE, Ordering::AcqRel);
    }

    /// Chooses a sleeping worker to wake for work that has been added, unless a worker is
    /// searching. The chosen one counts as awake and searching from now on.
    #[must_use]
    pub(crate) fn worker_to_wake(&self) -> Option<usize> {
        // An exchange, not a load: see rule 1.
        let word = self.word.fetch_add(0, Ordering::AcqRel);
        if searching(word) > 0 || word / SLEEPING == 0 {
            return None;
        }
        let mut sleepers = self.sleepers.lock();
        if searching(self.word.load(Ordering::Acquire)) > 0 {
            return None;
        }
        let worker = sleepers.list.pop()?;
        let before = self
            .word
            .fetch_sub(SLEEPING - AWAKE - SEARCHING, Ordering::AcqRel);
        if awake(before) == 0 && !broken(Mutant::ForgetFirst) {
            sleepers.chosen_first = true;
        }
        Some(worker)
    }

    /// Whether `worker_to_wake` seems worth calling. A stale answer costs parallelism, but no
    /// wake-up: it is asked only for work in the caller's own queue, which the caller will get to
    /// itself.
    #[inline]
    pub(crate) fn may_wake(&self) -> bool {
        // Not whether a worker searches: it may have ended its search since, without a look at what
        // the caller adds. Only the exchange tells.
        self.word.load(Ordering::Relaxed) >= SLEEPING
    }

    /// Counts a worker without work as searching, unless enough workers search. False if so.
    #[must_use]
    pub(crate) fn begin_search(&self) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        if 2 * searching(word) >= self.workers as u64 {
            return false;
        }
        self.word.fetch_add(SEARCHING, Ordering::AcqRel);
        true
    }

    /// Counts a searcher that has found work as searching no more. True if it was the last searcher
    /// and a worker sleeps: then it must look at the queues once more, and wake a worker if there
    /// is anything.
    #[must_use]
    pub(crate) fn end_search(&self) -> bool {
        let word = self.word.fetch_sub(SEARCHING, Ordering::AcqRel);
        searching(word) == 1 && word >= SLEEPING
    }

    /// Counts a worker as sleeping. The worker must look at the queues once more after this.
    pub(crate) fn start_sleeping(&self, worker: usize, was_searching: bool) {
        let mut sleepers = self.sleepers.lock();
        let leaving = AWAKE + if was_searching { SEARCHING } else { 0 };
        self.word.fetch_add(SLEEPING - leaving, Ordering::AcqRel);
        sleepers.list.push(worker);
    }

    /// Counts a worker that has been woken as awake, if it is still on the list. If it is not, it
    /// has been chosen by `worker_to_wake`: then it already counts as awake and searching.
    pub(crate) fn wake_up(&self, worker: usize) -> WakeUp {
        let mut sleepers = self.sleepers.lock();
        let on_list = sleepers.list.iter().position(|sleeper| *sleeper == worker);
        let alone = on_list.is_some_and(|index| {
            sleepers.list.swap_remove(index);
            let before = self.word.fetch_sub(SLEEPING - AWAKE, Ordering::AcqRel);
            awake(before) == 0
        });
        let chosen = on_list.is_none();
        let first = alone || mem::take(&mut sleepers.chosen_first);
        WakeUp { chosen, first }
    }

    /// How many workers are awake.
    pub(crate) fn awake(&self) -> usize {
        awake(self.word.load(Ordering::Acquire)) as usize
    }

    /// How many workers are sleeping.
    pub(crate) fn sleeping(&self) -> usize {
        (self.word.load(Ordering::Acquire) / SLEEPING) as usize
    }

    /// Whether no worker is awake.
    pub(crate) fn all_sleeping(&self) -> bool {
        awake(self.word.load(Ordering::Acquire)) == 0
    }
}

fn awake(word: u64) -> u64 {
    (word / AWAKE) & FIELD
}

fn searching(word: u64) -> u64 {
    word & FIELD
}
