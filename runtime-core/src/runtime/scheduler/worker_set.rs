//! The worker set: the queues, parkers and idle protocol of all workers of a loop.
//!
//! Generic over what runs, so that the models check this file and not a copy of it. It ties the
//! queues to the idle protocol and the parkers:
//!
//! * **b1** work is added while workers go idle: `submit` pushes and then asks `Idle`;
//!   `start_sleeping` counts the worker as sleeping, and then looks at the queues again.
//! * **b2** the last searcher that finds work wakes another worker, because pushes that came while
//!   it searched relied on it.
//! * **b4** a worker that leaves spills its queue first.

use super::idle::Idle;
use super::parker::{Interrupt, Parker};
use crate::runtime::run_queue::{Injector, Order, RunQueue, Stealable, Word};
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Arc, Mutant, broken};

/// What others see of one worker. Aligned so that no two workers' counters share a cache line, nor
/// a pair of lines that is fetched together.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Remote<T> {
    pub(crate) queue: Arc<Stealable<T>>,
    pub(crate) parker: Arc<Parker>,
    /// Counts the beginnings and the ends of polls: odd during a poll. Written by the worker alone.
    polls: AtomicU64,
    /// The monitor found the worker stuck: thieves may take its slot.
    stuck: AtomicBool,
    /// The worker must look around before its next turn.
    look_requested: AtomicBool,
    /// The worker's current poll has kept its thread for long.
    frozen: AtomicBool,
    /// The worker is inside `blocking`, and is not counted in `Idle`.
    away: AtomicBool,
    /// The spare worker with this index must leave.
    dismissed: AtomicBool,
}

/// The queues, the parkers and the idle protocol of all workers.
#[derive(Debug)]
pub(crate) struct WorkerSet<T> {
    pub(crate) injector: Injector<T>,
    pub(crate) remotes: Box<[Arc<Remote<T>>]>,
    /// No worker has used the remotes from this index on.
    used: AtomicUsize,
    pub(crate) idle: Idle,
    /// How many workers the loop has, without spares and stand-ins.
    workers: usize,
    /// Worker 0 runs only what is bound to its thread: see `apart`.
    apart: AtomicBool,
    stopping: AtomicBool,
}

impl<T: Word> WorkerSet<T> {
    /// A worker set of `workers` with room for `more` spares and stand-ins, and the queues of all
    /// of them.
    pub(crate) fn new(
        workers: usize,
        more: usize,
        order: Order,
        interrupt: &Interrupt,
    ) -> (WorkerSet<T>, Vec<RunQueue<T>>) {
        // The others have no stack: there may be many of them, and few are ever used.
        let without_stack = Order {
            backlog: None,
            ..order
        };
        let orders = (0..workers + more).map(|queue| match queue < workers {
            true => order,
            false => without_stack,
        });
        let queues: Vec<_> = orders.map(RunQueue::new).collect();
        let remote = |queue: &RunQueue<T>| {
            Arc::new(Remote {
                queue: Arc::clone(queue.stealable()),
                parker: Arc::new(Parker::new(Interrupt::clone(interrupt))),
                polls: AtomicU64::new(0),
                stuck: AtomicBool::new(false),
                look_requested: AtomicBool::new(false),
                frozen: AtomicBool::new(false),
                away: AtomicBool::new(false),
                dismissed: AtomicBool::new(false),
            })
        };
        let workers = WorkerSet {
            injector: Injector::new(),
            remotes: queues.iter().map(remote).collect(),
            idle: Idle::new(workers),
            used: AtomicUsize::new(workers),
            workers,
            apart: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
        };
        (workers, queues)
    }

    /// The remotes that have, or had, a worker.
    pub(crate) fn present(&self) -> &[Arc<Remote<T>>] {
        // Acquire, although a thread that must look at a remote has acquired its owner's push by
        // the idle word.
        &self.remotes[..self.used.load(Ordering::Acquire)]
    }

    /// Includes `remote` in `present`: a worker is about to use it.
    pub(crate) fn open_remote(&self, remote: usize) {
        self.used.fetch_max(remote + 1, Ordering::AcqRel);
    }

    /// Adds work from a thread that is no worker.
    ///
    /// # Errors
    /// Returns `work` if the injector is closed.
    pub(crate) fn submit(&self, work: T) -> Result<(), T> {
        if broken(Mutant::NotifyBeforePush) {
            self.notify();
            return self.injector.push(work);
        }
        self.injector.push(work)?;
        self.notify();
        Ok(())
    }

    /// Wakes a worker for work that has been added, unless a worker already searches for it.
    pub(crate) fn notify(&self) {
        if let Some(worker) = self.idle.worker_to_wake() {
            self.remotes[worker].parker.unpark();
        }
    }

    /// Like `notify`, for work in the caller's own queue. Called often, so a cheap check comes
    /// first.
    #[inline]
    pub(crate) fn notify_for_surplus(&self) {
        if self.idle.may_wake() {
            self.notify();
        }
    }

    /// Searches everywhere but in the worker's own queue. `start` is the remote to begin with, so
    /// that thieves spread.
    pub(crate) fn find(&self, worker: usize, queue: &RunQueue<T>, start: usize) -> Option<T> {
        let (remotes, sharers) = (self.present(), self.workers);
        if let Some(work) = self.injector.take_batch(queue.deque(), sharers) {
            return Some(work);
        }
        let others = || {
            let all = remotes.iter().enumerate();
            all.cycle()
                .skip(start % remotes.len())
                .take(remotes.len())
                .filter(|(remote, _)| *remote != worker)
        };
        others()
            .find_map(|(_, remote)| remote.queue.steal(queue))
            .or_else(|| others().find_map(|(_, remote)| remote.steal()))
            // A push may have come while the others' queues were searched.
            .or_else(|| self.injector.take_batch(queue.deque(), sharers))
    }

    /// Takes a worker's share of what waits in the injector.
    pub(crate) fn take_share(&self, queue: &RunQueue<T>) -> Option<T> {
        self.injector.take_batch(queue.deque(), self.workers)
    }

    /// Counts the caller, a searcher that has found work, as searching no more. The last one wakes
    /// another, if there is more work.
    pub(crate) fn end_search(&self, worker: usize) {
        if !self.idle.end_search() || broken(Mutant::LastSearcherSilent) {
            return;
        }
        // The caller has what it runs next in hand: all that is in its own queue waits.
        if self.remotes[worker].queue.has_any() || self.has_work() {
            self.notify();
        }
    }

    /// Counts the worker as sleeping. The caller must then park in any case: if there is work after
    /// all, a worker has been woken for it, perhaps this one.
    pub(crate) fn start_sleeping(&self, worker: usize, was_searching: bool) {
        self.idle.start_sleeping(worker, was_searching);
        if !broken(Mutant::SleepWithoutRescan) && self.has_work() {
            self.notify();
        }
    }

    /// Whether work waits that no worker will get to by itself: in the injector, or in a queue
    /// behind another task. (A single task in a queue is the next that its worker runs. A sleeper
    /// that woke up for such a task would chase a task that yields from queue to queue.)
    pub(crate) fn has_work(&self) -> bool {
        !self.injector.is_empty()
            || self
                .present()
                .iter()
                .any(|remote| remote.queue.has_surplus())
    }

    /// Whether any work waits, including the task that a worker would run next.
    pub(crate) fn work_waits(&self) -> bool {
        !self.injector.is_empty() || self.present().iter().any(|remote| remote.queue.has_any())
    }

    /// A worker leaves the worker set: moves its queue to the injector, where any worker finds it.
    pub(crate) fn leave(&self, queue: &RunQueue<T>) {
        let early = broken(Mutant::DepartBeforeSpill);
        if early {
            self.idle.depart();
        }
        if !broken(Mutant::LeaveWithoutSpill) {
            self.injector.push_all(queue.drain());
        }
        // Only after the spill: a paused clock would otherwise jump over the tasks in the queue of
        // a worker that is not counted as awake.
        if !early {
            self.idle.depart();
        }
        if !self.injector.is_empty() {
            self.notify();
        }
    }

    /// Relaxed, here and in `set_apart`: a sleeping worker 0 sees a change by its parker's
    /// exchange.
    pub(crate) fn is_apart(&self) -> bool {
        self.apart.load(Ordering::Relaxed)
    }

    pub(crate) fn set_apart(&self, apart: bool) {
        self.apart.store(apart, Ordering::Relaxed);
    }

    /// Makes every worker look around before its next turn.
    pub(crate) fn request_look_of_all(&self) {
        self.present()
            .iter()
            .for_each(|remote| remote.request_look());
    }

    /// Makes every worker stop: sets the flag, and unparks all of them.
    pub(crate) fn stop(&self) {
        // Release: pairs with the load in `is_stopping`, in addition to the parkers' exchanges.
        self.stopping.store(true, Ordering::Release);
        for remote in &self.remotes {
            remote.parker.unpark();
            if broken(Mutant::StopWakesOne) {
                break;
            }
        }
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

impl<T: Word> Remote<T> {
    /// Takes the value in the slot if the monitor found the worker stuck.
    fn steal(&self) -> Option<T> {
        // Relaxed: a hint; the slot is taken by an exchange.
        if self.stuck.load(Ordering::Relaxed) {
            self.queue.steal_slot()
        } else {
            None
        }
    }

    /// Counts the beginning or the end of a poll. Called by the worker itself.
    #[inline]
    pub(crate) fn tick(&self) {
        // Relaxed, and no exchange: there is one writer, and the monitor only compares.
        self.polls
            .store(self.polls.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// The count of beginnings and ends of polls: odd during a poll.
    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    pub(crate) fn set_stuck(&self, stuck: bool) {
        self.stuck.store(stuck, Ordering::Relaxed);
    }

    /// Makes the worker look around before its next turn.
    pub(crate) fn request_look(&self) {
        // Relaxed: a hint. What the worker will find has been published by other words.
        self.look_requested.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_look_requested(&self) -> bool {
        self.look_requested.load(Ordering::Relaxed)
    }

    /// Reads and clears the flag. No exchange: a request that comes at the same time is served by
    /// the look that follows.
    pub(crate) fn take_look_request(&self) -> bool {
        let requested = self.is_look_requested();
        if requested {
            self.look_requested.store(false, Ordering::Relaxed);
        }
        requested
    }

    /// Notes that the worker's current poll has kept its thread for long. The worker looks at the
    /// flag after that poll.
    pub(crate) fn set_frozen(&self) {
        self.frozen.store(true, Ordering::Relaxed);
        self.request_look();
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Relaxed)
    }

    /// Reads and clears the flag of a long poll.
    pub(crate) fn take_frozen(&self) -> bool {
        let frozen = self.is_frozen();
        if frozen {
            self.frozen.store(false, Ordering::Relaxed);
        }
        frozen
    }

    pub(crate) fn set_away(&self, away: bool) {
        // Relaxed, as `stuck`: a hint for the monitor.
        self.away.store(away, Ordering::Relaxed);
    }

    pub(crate) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Asks the spare worker with this index to leave, or clears that for the next one.
    pub(crate) fn set_dismissed(&self, dismissed: bool) {
        // Release: pairs with the load in `is_dismissed`. A sleeping spare is woken by its parker's
        // exchange.
        self.dismissed.store(dismissed, Ordering::Release);
    }

    pub(crate) fn is_dismissed(&self) -> bool {
        self.dismissed.load(Ordering::Acquire)
    }

    pub(crate) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }
}
