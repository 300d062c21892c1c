//! The workers as one crew: what is submitted to them is run by one of them.
//!
//! Generic over what runs, so that the models check this file and not a copy of it. It ties
//! the queues to the idle protocol and the parkers:
//!
//! * **b1** work added while workers go idle: `submit` pushes and then asks `Idle`; `sleep` leaves
//!   the counters and then looks again.
//! * **b2** the last searcher that finds work wakes another, because pushes that came while it
//!   searched relied on it.
//! * **b4** a worker that leaves spills its queue first.

use super::idle::Idle;
use super::parker::{Interrupt, Parker};
use crate::runtime::run_queue::{Injector, RunQueue, Stealable, Word};
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Arc, Mutant, broken};

/// What others see of one worker. Aligned so that no two workers' counters share a line, nor the pair
/// of lines that is fetched at once.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Remote<T> {
    pub(crate) queue: Arc<Stealable<T>>,
    pub(crate) parker: Arc<Parker>,
    /// Counts the beginnings and the ends of polls: odd during one. Written by the worker alone.
    polls: AtomicU64,
    /// The monitor found the worker stuck: its slot may be robbed.
    stuck: AtomicBool,
    /// The worker is to look around before its next turn.
    called: AtomicBool,
    /// The poll that the worker is in has kept its thread for long.
    frozen: AtomicBool,
    /// The worker is inside `blocking`, and belongs to nobody's count.
    away: AtomicBool,
    /// A spare worker on this seat is to go.
    dismissed: AtomicBool,
}

/// Queues, sleeping places and the idle protocol of all workers.
#[derive(Debug)]
pub(crate) struct WorkerSet<T> {
    pub(crate) injector: Injector<T>,
    pub(crate) remotes: Box<[Remote<T>]>,
    /// On the seats from here on nobody has sat yet.
    used: AtomicUsize,
    pub(crate) idle: Idle,
    /// How many are usually at work.
    workers: usize,
    /// Worker 0 runs only what is bound to its thread: see `apart`.
    apart: AtomicBool,
    stopping: AtomicBool,
}

impl<T: Word> WorkerSet<T> {
    /// A crew of `workers` with room for `more`, and the queues of all of them.
    pub(crate) fn new(
        workers: usize,
        more: usize,
        lifo: bool,
        interrupt: &Interrupt,
    ) -> (WorkerSet<T>, Vec<RunQueue<T>>) {
        let queues: Vec<_> = (0..workers + more).map(|_| RunQueue::new(lifo)).collect();
        let remote = |queue: &RunQueue<T>| Remote {
            queue: Arc::clone(queue.stealable()),
            parker: Arc::new(Parker::new(Interrupt::clone(interrupt))),
            polls: AtomicU64::new(0),
            stuck: AtomicBool::new(false),
            called: AtomicBool::new(false),
            frozen: AtomicBool::new(false),
            away: AtomicBool::new(false),
            dismissed: AtomicBool::new(false),
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

    /// The seats on which somebody sits, or has sat.
    pub(crate) fn present(&self) -> &[Remote<T>] {
        // Acquire, though whoever must look at a seat has acquired its owner's push by the idle word.
        &self.remotes[..self.used.load(Ordering::Acquire)]
    }

    /// Somebody is going to sit on `remote`.
    pub(crate) fn open_remote(&self, remote: usize) {
        self.used.fetch_max(remote + 1, Ordering::AcqRel);
    }

    /// Adds work from a thread that is no worker, or gives it back if the crew has been closed.
    pub(crate) fn submit(&self, work: T) -> Result<(), T> {
        if broken(Mutant::NotifyBeforePush) {
            self.notify();
            return self.injector.push(work);
        }
        self.injector.push(work)?;
        self.notify();
        Ok(())
    }

    /// Wakes a worker for work that has been added, unless one is already looking for it.
    pub(crate) fn notify(&self) {
        if let Some(worker) = self.idle.worker_to_wake() {
            self.remotes[worker].parker.unpark();
        }
    }

    /// The same for work in the caller's own queue: asked for often, so looked at cheaply first.
    #[inline]
    pub(crate) fn notify_for_surplus(&self) {
        if self.idle.may_wake() {
            self.notify();
        }
    }

    /// Looks for work everywhere but in the worker's own queue. `start`: where to begin, so that
    /// thieves spread.
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
            // A push may have come while the others were looked at.
            .or_else(|| self.injector.take_batch(queue.deque(), sharers))
    }

    /// Takes a worker's share of what waits in the injector.
    pub(crate) fn take_share(&self, queue: &RunQueue<T>) -> Option<T> {
        self.injector.take_batch(queue.deque(), self.workers)
    }

    /// A searcher has found work.
    pub(crate) fn end_search(&self) {
        if self.idle.end_search() && !broken(Mutant::LastSearcherSilent) {
            self.notify();
        }
    }

    /// A worker says that it sleeps. It must go to its parker then, whatever happens: if there is
    /// work after all, somebody has been woken for it, perhaps the worker itself.
    pub(crate) fn start_sleeping(&self, worker: usize, was_searching: bool) {
        self.idle.start_sleeping(worker, was_searching);
        if !broken(Mutant::SleepWithoutRescan) && self.has_work() {
            self.notify();
        }
    }

    /// Whether anything waits that no worker will get to by itself: in the injector, or behind
    /// something else in a queue. (A single task in a queue is its worker's next: a sleeper that
    /// woke up for it would chase a task that yields from queue to queue.)
    pub(crate) fn has_work(&self) -> bool {
        !self.injector.is_empty()
            || self
                .present()
                .iter()
                .any(|remote| remote.queue.has_surplus())
    }

    /// Whether anything at all waits: also what its worker would run next, if it came to it.
    pub(crate) fn work_waits(&self) -> bool {
        !self.injector.is_empty() || self.present().iter().any(|remote| remote.queue.has_any())
    }

    /// A worker leaves: what it has is everybody's.
    pub(crate) fn leave(&self, queue: &RunQueue<T>) {
        let early = broken(Mutant::DepartBeforeSpill);
        if early {
            self.idle.depart();
        }
        if !broken(Mutant::LeaveWithoutSpill) {
            self.injector.push_all(queue.drain());
        }
        // Only now: where time stands still, it would jump over what is in the queue.
        if !early {
            self.idle.depart();
        }
        if !self.injector.is_empty() {
            self.notify();
        }
    }

    /// Relaxed, both: a worker 0 that sleeps is woken for a change by its parker's exchange.
    pub(crate) fn is_apart(&self) -> bool {
        self.apart.load(Ordering::Relaxed)
    }

    pub(crate) fn set_apart(&self, apart: bool) {
        self.apart.store(apart, Ordering::Relaxed);
    }

    /// Has every worker look around before its next turn.
    pub(crate) fn call_all(&self) {
        self.present().iter().for_each(Remote::call);
    }

    /// Tells every worker to stop.
    pub(crate) fn stop(&self) {
        // Release: pairs with the load in `is_stopping`, beside the parkers' exchanges.
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
    /// Takes the slot of a worker that the monitor found stuck.
    fn steal(&self) -> Option<T> {
        // Relaxed: a hint; the slot is taken by an exchange.
        if self.stuck.load(Ordering::Relaxed) {
            self.queue.steal_slot()
        } else {
            None
        }
    }

    /// The worker begins or ends a poll.
    #[inline]
    pub(crate) fn tick(&self) {
        // Relaxed, and no exchange: one writer, and the monitor only compares.
        self.polls
            .store(self.polls.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// The count of beginnings and ends of polls: odd during one.
    pub(crate) fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    pub(crate) fn set_stuck(&self, stuck: bool) {
        self.stuck.store(stuck, Ordering::Relaxed);
    }

    /// Has the worker look around before its next turn.
    pub(crate) fn call(&self) {
        // Relaxed: a hint. What there is to be seen has been published by other words.
        self.called.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_called(&self) -> bool {
        self.called.load(Ordering::Relaxed)
    }

    /// Takes the call. No exchange: one that comes just now is met by the look that follows.
    pub(crate) fn take_call(&self) -> bool {
        let called = self.is_called();
        if called {
            self.called.store(false, Ordering::Relaxed);
        }
        called
    }

    /// The poll that the worker is in keeps its thread for long: it looks at that afterwards.
    pub(crate) fn set_frozen(&self) {
        self.frozen.store(true, Ordering::Relaxed);
        self.call();
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::Relaxed)
    }

    /// Takes the word of a long poll.
    pub(crate) fn take_frozen(&self) -> bool {
        let frozen = self.is_frozen();
        if frozen {
            self.frozen.store(false, Ordering::Relaxed);
        }
        frozen
    }

    pub(crate) fn set_away(&self, away: bool) {
        // Relaxed, as `stuck`: the monitor only looks.
        self.away.store(away, Ordering::Relaxed);
    }

    pub(crate) fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Tells the spare worker on this seat to go, or welcomes the next one.
    pub(crate) fn set_dismissed(&self, dismissed: bool) {
        // Release; a sleeping spare sees it by its parker's exchange.
        self.dismissed.store(dismissed, Ordering::Release);
    }

    pub(crate) fn is_dismissed(&self) -> bool {
        self.dismissed.load(Ordering::Acquire)
    }

    pub(crate) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }
}
