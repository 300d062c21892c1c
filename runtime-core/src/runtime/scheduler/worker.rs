//! A worker: runs one turn at a time, and sleeps when there is nothing to do.

use std::rc::Rc;
use std::time::Instant;

use super::apart;
use super::by_choice;
use super::context::{self, ThreadKind};
use super::core::Core;
use super::due::Due;
use super::pace::Pace;
use super::registration::HIDDEN;
use super::schedule::closed_error;
use super::shared::print_error;
use super::slow::Stopwatch;
use super::worker_set::Remote;
use crate::runtime::task::handle::TaskHandle;
use crate::runtime::task::memory::give_some_back;
use crate::runtime::task::runnable::Runnable;
use crate::runtime::time::Swept;
use crate::runtime::unnest::afresh;
use crate::sync::atomic::Ordering;
use crate::sync::{Arc, Mutant, broken};

/// What a turn did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Turn {
    /// A task was polled.
    Ran,
    /// There is nothing to do: the worker may sleep.
    Idle,
}

/// Whether a task may be bound to the thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    No,
    Perhaps,
}

/// The part of a worker that only its own loop of turns touches.
#[derive(Debug)]
pub(crate) struct Worker {
    core: Rc<Core>,
    remote: Arc<Remote<Runnable>>,
    /// This worker is counted as searching.
    searching: bool,
    /// The last turn polled the root.
    ran_root: bool,
    /// When the next look around is due.
    pace: Pace,
    /// This worker runs only what is bound to its thread: see `apart`.
    apart: bool,
    /// Whether the next task comes from the local tasks first, or from the queue first.
    local_first: bool,
    due: Due,
    /// The other workers, in the deterministic mode: this thread turns them too.
    siblings: Option<Vec<Worker>>,
}

impl Worker {
    pub(crate) fn new(core: Rc<Core>) -> Worker {
        Worker {
            remote: Arc::clone(&core.shared.workers.remotes[core.index]),
            core,
            searching: false,
            ran_root: false,
            pace: Pace::new(),
            apart: false,
            local_first: true,
            due: Due::new(),
            siblings: None,
        }
    }

    /// Worker 0 of a loop whose workers share one thread, with all the other workers.
    pub(crate) fn with_siblings(core: Rc<Core>, siblings: Vec<Worker>) -> Worker {
        Worker {
            siblings: Some(siblings),
            ..Worker::new(core)
        }
    }

    pub(crate) fn core(&self) -> &Rc<Core> {
        &self.core
    }

    /// The cores of all workers that this thread turns.
    pub(crate) fn cores(&self) -> impl Iterator<Item = &Core> {
        let siblings = self.siblings.iter().flatten();
        std::iter::once(&*self.core).chain(siblings.map(|sibling| &*sibling.core))
    }

    /// Turns and sleeps until `done` returns true. It is called between turns.
    pub(crate) fn drive(&mut self, mut done: impl FnMut() -> bool) {
        let _afresh = afresh();
        if self.siblings.is_some() {
            self.drive_siblings(&mut done);
        } else {
            while !done() {
                if self.turn_alone() == Turn::Idle && !done() {
                    self.sleep();
                }
            }
        }
        if std::mem::take(&mut self.searching) {
            self.core.shared.workers.end_search(self.core.index);
        }
    }

    #[cold]
    fn drive_siblings(&mut self, done: &mut dyn FnMut() -> bool) {
        while !done() {
            if self.turn_one_of_all() == Turn::Idle && !done() {
                self.sleep();
            }
        }
    }

    /// Runs one turn. If there was nothing to do, sleeps until this worker is woken.
    pub(crate) fn turn_or_sleep(&mut self) {
        if self.turn() == Turn::Idle {
            self.sleep();
        }
    }

    /// Polls one task, if any is found. Never blocks.
    pub(crate) fn turn(&mut self) -> Turn {
        match self.siblings {
            Some(_) => self.turn_one_of_all(),
            None => self.turn_alone(),
        }
    }

    /// The turn of a worker that has its thread for itself.
    #[inline(always)]
    fn turn_alone(&mut self) -> Turn {
        if self.pace.is_look_due() {
            return self.turn_with_look();
        }
        self.usual_turn()
    }

    #[inline(always)]
    fn usual_turn(&mut self) -> Turn {
        // Usually no task here is bound to this thread.
        if self.core.local_queue.is_quiet() {
            if let Some(task) = self.core.queue.pop() {
                self.ran_root = false;
                self.local_first = true;
                self.run_inline(task, Bound::No);
                return Turn::Ran;
            }
        }
        self.unusual_turn()
    }

    fn unusual_turn(&mut self) -> Turn {
        match self.next().or_else(|| self.search()) {
            Some(task) => {
                self.run(task, Bound::Perhaps);
                Turn::Ran
            }
            None => Turn::Idle,
        }
    }

    /// A turn in the deterministic mode: of any one of the workers that has something to do.
    #[cold]
    fn turn_one_of_all(&mut self) -> Turn {
        if self.core.shared.driver.sources.has_any() && self.pace.is_look_due() {
            self.pace.restart();
            self.look_at_sources();
        }
        let mut siblings = self.siblings.take().unwrap_or_default();
        let count = siblings.len() + 1;
        let position = self.core.choices.position();
        let first = self.core.choices.one_of(count);
        let turn = (first..first + count)
            .find_map(|worker| match worker % count {
                0 => self.turn_by_choice(),
                sibling => siblings[sibling - 1].turn_as_current(),
            })
            .unwrap_or(Turn::Idle);
        if turn == Turn::Idle {
            self.core.choices.return_to(position);
        }
        self.siblings = Some(siblings);
        turn
    }

    /// Wakes whom events have come for. They are outside of what a seed repeats.
    fn look_at_sources(&mut self) {
        let driver = &self.core.shared.driver;
        if let Some(guard) = driver.role.take(self.core.index) {
            driver.look(&guard, &mut self.due.wakers);
            driver.role.release(guard);
            self.due.wake_busy(&self.core);
        }
    }

    fn turn_as_current(&mut self) -> Option<Turn> {
        let core = Rc::clone(&self.core);
        let _entered = context::enter(Arc::clone(&core.shared), ThreadKind::Worker(core));
        self.turn_by_choice()
    }

    /// Polls one task, from a source that the choices select.
    fn turn_by_choice(&mut self) -> Option<Turn> {
        let task = by_choice::next(&self.core)?;
        Some(self.run_noted(task))
    }

    fn run_noted(&mut self, task: Runnable) -> Turn {
        let core = &self.core;
        let ordinal = core.shared.ids.ordinal(task.header().id.0);
        let schedule = core.choices.record(core.index, ordinal);
        // Relaxed: a statistic.
        let noted = &core.shared.counters.schedule;
        noted.store(schedule, Ordering::Relaxed);
        self.run(task, Bound::Perhaps);
        Turn::Ran
    }

    /// Returns the next of this worker's own tasks: the root first, but never twice without another
    /// task in between; local tasks and the queue alternate.
    #[inline]
    fn next(&mut self) -> Option<Runnable> {
        let local_queue = &self.core.local_queue;
        local_queue.receive();
        if !std::mem::take(&mut self.ran_root) {
            if let Some(root) = local_queue.pop_root_in_turn() {
                self.ran_root = true;
                return Some(root);
            }
        }
        // Alternates by a flag, not by the number of the turn: a root and a local task that wake
        // each other would always meet the same half of the turns.
        let local = if self.local_first {
            local_queue.pop()
        } else {
            None
        };
        let (was_local, task) = match local {
            Some(task) => (true, Some(task)),
            None => match self.core.queue.pop() {
                Some(task) => (false, Some(task)),
                None => (true, local_queue.pop()),
            },
        };
        if task.is_some() {
            self.local_first = !was_local;
            local_queue.let_pass();
            return task;
        }
        self.next_root()
    }

    /// Runs the root a second time in a row, because there is no other task here; but first looks
    /// for one in the injector.
    #[cold]
    fn next_root(&mut self) -> Option<Runnable> {
        let root = self.core.local_queue.pop_root()?;
        match self.core.shared.workers.take_share(&self.core.queue) {
            Some(task) => {
                self.core.local_queue.push(root);
                Some(task)
            }
            None => {
                self.ran_root = true;
                Some(root)
            }
        }
    }

    /// Looks for work in the injector and in the queues of other workers.
    fn search(&mut self) -> Option<Runnable> {
        let workers = &self.core.shared.workers;
        if !self.searching && !workers.idle.begin_search() {
            return None;
        }
        self.searching = true;
        let start = self.core.choices.any();
        let task = workers.find(self.core.index, &self.core.queue, start)?;
        self.local_first = true;
        // Relaxed: a statistic.
        self.core
            .shared
            .counters
            .steals
            .fetch_add(1, Ordering::Relaxed);
        Some(task)
    }

    /// Polls `task`, and wakes a thief if the queue holds more than this worker runs next.
    fn run(&mut self, task: Runnable, bound: Bound) {
        self.run_inline(task, bound);
    }

    #[inline(always)]
    fn run_inline(&mut self, task: Runnable, bound: Bound) {
        if self.searching {
            self.end_search();
        }
        self.remote.tick();
        self.core.begin_poll();
        if self.core.shared.is_unusual() {
            self.run_unusual(task);
        } else if let Some(again) = task.poll_once() {
            match bound {
                // The task is one of this loop's that any worker may run, so this is its
                // scheduler's place for it, without a look for the worker of this thread.
                Bound::No => self.core.push_yielded(again),
                Bound::Perhaps => again.reschedule(),
            }
        }
        self.remote.tick();
        if self.remote.is_look_requested() {
            self.pace.look_next();
        }
        if self.due.is_quiet() {
            self.end_quiet_turn();
        } else {
            self.core.notify_after_poll();
        }
    }

    #[inline(never)]
    fn end_quiet_turn(&mut self) {
        if let Some(too_long) = self.due.end_quiet_turn(&self.core) {
            self.pace.learn(too_long.turns, too_long.took);
            self.core.notify_after_poll();
        }
    }

    #[cold]
    fn end_search(&mut self) {
        self.searching = false;
        self.core.shared.workers.end_search(self.core.index);
    }

    #[cold]
    fn run_unusual(&self, task: Runnable) {
        if self.core.shared.is_abandoning() {
            task.abandon(closed_error());
        } else if self.core.shared.is_debug() {
            self.run_timed(task);
        } else {
            task.run();
        }
    }

    /// A turn that first looks at timers and the injector, which a busy worker would otherwise
    /// never reach.
    #[cold]
    fn turn_with_look(&mut self) -> Turn {
        let requested = self.remote.take_look_request();
        let own = self.ran_root || !self.local_first;
        self.apart = apart::goes(&self.core, own);
        if self.apart {
            return self.turn_apart();
        }
        let now = Instant::now();
        let slow = self.pace.set(now, requested);
        match self.look_around(now, slow) {
            Some(task) => {
                // This worker's own tasks get at least every other turn.
                self.pace.skip_one();
                self.local_first = true;
                self.run(task, Bound::Perhaps);
                Turn::Ran
            }
            None => self.usual_turn(),
        }
    }

    /// A turn of a worker that runs only what is bound to its thread.
    fn turn_apart(&mut self) -> Turn {
        self.pace.look_next();
        if std::mem::take(&mut self.searching) {
            self.core.shared.workers.end_search(self.core.index);
        }
        match apart::next(&self.core, &mut self.ran_root) {
            Some(task) => {
                self.run(task, Bound::Perhaps);
                Turn::Ran
            }
            None => Turn::Idle,
        }
    }

    /// Wakes what is due, and whom events have come for, and takes a share of what waits in the
    /// injector. Returns the first task of that share.
    fn look_around(&mut self, now: Instant, slow: bool) -> Option<Runnable> {
        let shared = &self.core.shared;
        if slow {
            self.core.queue.end_streak();
        }
        self.due.end_if_long(now);
        self.core.queue.count_look();
        let task = shared.workers.take_share(&self.core.queue);
        let driver = &shared.driver;
        let tick = driver.clock.tick_at(now);
        let has_sources = driver.sources.has_any();
        if driver.is_due(tick) || has_sources {
            if let Some(guard) = driver.role.take(self.core.index) {
                if has_sources {
                    driver.look(&guard, &mut self.due.wakers);
                }
                let swept = driver.expire(&mut self.due.wakers);
                driver.role.release(guard);
                self.due.wake_busy(&self.core);
                drop(swept);
            }
        }
        task
    }

    /// Sleeps until there is something to do: in the poller, if the role is free.
    pub(crate) fn sleep(&mut self) {
        if self.apart {
            self.pace.stop();
            return apart::sleep(&self.core);
        }
        // `done`, which is called between the turn and this, may have woken a task of this worker.
        if !self.core.queue.is_empty() || self.core.local_queue.has_ready() {
            return;
        }
        if self.due.serve_timers(&self.core) || give_some_back() {
            return;
        }
        // Not before: a worker that never visits the poller has to look around in time.
        self.pace.stop();
        let shared = &self.core.shared;
        let parker = &self.remote.parker;
        shared.counters.parks.fetch_add(1, Ordering::Relaxed);
        shared
            .workers
            .start_sleeping(self.core.index, std::mem::take(&mut self.searching));
        let driver = &shared.driver;
        let mut guard = driver.role.take(self.core.index);
        let swept = match &guard {
            Some(guard) => {
                self.pace.visited_poller();
                if parker.begin_poll() {
                    shared.wait(guard, &mut self.due.wakers);
                    parker.end_poll();
                }
                driver.expire(&mut self.due.wakers)
            }
            None => {
                // This may be the last worker to go to sleep: then a paused clock may jump.
                driver.recheck_jump();
                parker.park();
                Swept::default()
            }
        };
        if broken(Mutant::ReleaseBeforeAwake) {
            guard
                .take()
                .into_iter()
                .for_each(|guard| driver.role.release(guard));
        }
        let wake_up = shared.workers.idle.wake_up(self.core.index);
        self.searching = wake_up.chosen;
        // Only after this worker counts as awake: otherwise the next holder of the role could make
        // a paused clock jump before the timers that have expired here are woken.
        guard
            .into_iter()
            .for_each(|guard| driver.role.release(guard));
        shared.set_alarm(wake_up.first);
        self.due.wake(&self.core);
        drop(swept);
    }

    /// Polls a task, and reports it if the poll takes long. The callbacks of the callback queue are
    /// timed one by one instead.
    #[cold]
    fn run_timed(&self, task: Runnable) {
        let shared = &self.core.shared;
        let polled = TaskHandle::new(task.reference());
        let stopwatch = Stopwatch::start(shared);
        task.run();
        if polled.id() == HIDDEN {
            return;
        }
        let own = self.ran_root || !self.local_first;
        let local_queue = &self.core.local_queue;
        let waits = local_queue.has_root() && local_queue.inbox.has_any();
        if waits && !own && self.remote.is_frozen() {
            let name = polled.reference().describe();
            print_error(format_args!(
                "<{name}> blocked the thread of run(), and the main coroutine with it"
            ));
        }
        stopwatch.stop(shared, polled.reference().describe());
    }
}
