//! The monitor: serves timers and queues if no worker does.
//!
//! Workers poll by themselves (see `Worker::sleep`); a thread that did all the polling would cost
//! two thread switches per event. But a worker cannot promise that its poll ends: a task may block.
//! So this thread looks at the workers every one to three milliseconds, and acts only on what it
//! finds:
//!
//! 1. A worker whose poll has not ended since the last look is **stuck**: thieves may take its slot
//!    from now on. If its queue or slot holds tasks, another worker is woken to steal them.
//! 2. A timer that is overdue by at least a millisecond while the role is free, or sockets while
//!    the role has been free since the last look: the monitor takes the role and wakes what is due,
//!    and whom events have come for. Tasks that this wakes go through the injector to a worker that
//!    is not stuck.
//! 3. Work that has been in the injector since the last look, or no thread in the poller while all
//!    workers sleep: it wakes a worker. (The protocols exclude both; the guarantee does not rely on
//!    them.)
//! 4. Stuck workers, and work that no worker takes: a **spare worker** is started, with a remote of
//!    its own. A spare is dismissed when there are more spares than stuck workers. While worker 0
//!    is apart, it counts as one more stuck worker.
//! 5. Worker 0 stuck for some fifteen milliseconds: its remote is marked, so that the main
//!    coroutine is not frozen again (`apart`), and a spare takes its place from then on.
//! 6. Work in the injector: every worker is asked to look around before its next turn, since it
//!    may have chosen the distance to its next look while turns were short.
//!
//! A worker inside `blocking` has been replaced already. It is not looked at here.
//!
//! Looking has a price, because a third thread that wakes up makes the kernel spread the others. So
//! the monitor looks every 1 ms while it finds something or the workers' counters do not move, and
//! every 3 ms while they move. When all of them sleep, it parks without a timeout, and the next
//! worker that wakes up sets its alarm (see `alarm`; without one, the monitor parks when all have
//! slept for 300 ms, and that worker unparks it). A fence on either side orders "do all workers
//! sleep?" against "is the monitor parked?": at least one side sees the other.

use std::task::Waker;
use std::time::{Duration, Instant};

use super::alarm::Until;
use super::role::PollerGuard;
use super::shared::Shared;
use super::threads;
use crate::runtime::catch_panic::wake_catching;
use crate::sync::atomic::{Ordering, fence};
use crate::sync::{Arc, Mutant, broken};

const LOOK: Duration = Duration::from_millis(1);
const RELAXED_LOOK: Duration = Duration::from_millis(3);
const QUIET_BEFORE_PARK: Duration = Duration::from_millis(300);
const OVERDUE: Duration = Duration::from_millis(1);

/// The monitor's number as a holder of the role: the one after those of the workers.
fn own_number(shared: &Shared) -> usize {
    shared.workers.remotes.len()
}

/// The body of the monitor's thread.
pub(crate) fn run(shared: &Arc<Shared>) {
    shared.alarm.bind();
    Monitor::new(shared).run();
}

/// For how many looks work waits while a worker is stuck, before a spare is started although other
/// workers are awake.
const LOOKS_BEFORE_SPARE: u32 = 8;

/// For how many looks a worker is stuck before that counts as a stall. (A few may be due to the
/// kernel, which runs other threads on its processor.)
const STALLED: u32 = 15;

/// How long worker 0 runs only what is bound to its thread, after the last stall.
const TIME_APART: Duration = Duration::from_secs(5);

struct Monitor<'a> {
    shared: &'a Arc<Shared>,
    /// The indices of the spares that run.
    spares: Vec<usize>,
    /// For how many looks in a row each worker has been stuck.
    stuck: Vec<u32>,
    /// Whether worker 0 was apart at the last look.
    apart: bool,
    /// When a worker was last stuck for `STALLED` looks or more, or worker 0 went apart.
    last_stall: Instant,
    /// For how many looks work has waited while a worker is stuck.
    waited: u32,
    /// The workers' counts of polls at the last look.
    polls: Vec<u64>,
    injector_waited: bool,
    /// The epoch since which the poller role was free at the last look.
    free_since: Option<u64>,
    last_movement: Instant,
    due: Vec<Waker>,
}

impl Monitor<'_> {
    fn new(shared: &Arc<Shared>) -> Monitor<'_> {
        let polls: Vec<_> = shared
            .workers
            .remotes
            .iter()
            .map(|remote| remote.polls())
            .collect();
        let last_movement = Instant::now();
        Monitor {
            shared,
            spares: Vec::new(),
            stuck: vec![0; polls.len()],
            apart: false,
            last_stall: last_movement,
            waited: 0,
            polls,
            injector_waited: false,
            free_since: None,
            last_movement,
            due: Vec::new(),
        }
    }

    fn run(&mut self) {
        let mut pause = LOOK;
        while !self.shared.workers.is_stopping() {
            if !pause.is_zero() {
                self.shared.alarm.park_timeout(pause);
            }
            let moved = self.any_moved();
            let acted = self.look();
            if moved {
                self.last_movement = Instant::now();
            }
            pause = if acted || !moved { LOOK } else { RELAXED_LOOK };
            if self.shared.workers.idle.all_sleeping() {
                pause = RELAXED_LOOK;
                let needed = self.is_needed() || !self.shared.alarm.exists;
                let patience = if needed {
                    QUIET_BEFORE_PARK
                } else {
                    Duration::ZERO
                };
                if self.last_movement.elapsed() >= patience {
                    let until = if needed {
                        Until::NextWake
                    } else {
                        Until::Alarm
                    };
                    park_monitor(self.shared, until);
                    self.last_movement = Instant::now();
                    // A worker has been awake for some milliseconds, unless the alarm went off in
                    // vain. Another look soon tells whether it is stuck.
                    self.look_at_workers();
                    let in_vain = self.shared.workers.idle.all_sleeping();
                    pause = if in_vain { Duration::ZERO } else { LOOK };
                }
            }
        }
    }

    /// Whether a look is needed although all workers sleep: what was begun has an end that only
    /// another look finds. Workers that wake up for short times would put it off for ever. So then
    /// the monitor parks only if all have slept for long, and until the next of them wakes up.
    fn is_needed(&self) -> bool {
        let stuck = self.stuck.iter().any(|looks| *looks > 0);
        stuck || self.apart || self.injector_waited || !self.spares.is_empty()
    }

    fn any_moved(&self) -> bool {
        let remotes = self.shared.workers.present().iter();
        remotes
            .zip(&self.polls)
            .any(|(remote, polls)| remote.polls() != *polls)
    }

    /// Looks at everything once. True if there was something to do.
    fn look(&mut self) -> bool {
        let stuck = self.look_at_workers();
        let overdue = self.serve_what_is_due();
        let forgotten = self.look_at_injector();
        let no_poller = self.look_at_poller();
        let spare = self.look_at_spares();
        stuck || overdue || forgotten || no_poller || spare
    }

    /// Starts a spare for a stuck worker, or dismisses one.
    fn look_at_spares(&mut self) -> bool {
        let workers = &self.shared.workers;
        let stuck = workers.present().iter().filter(|remote| remote.is_stuck());
        // Worker 0 runs no stealable task while it is apart.
        let (stuck, apart) = (stuck.count(), workers.is_apart());
        let wanted = stuck + usize::from(apart);
        if self.spares.len() > wanted {
            if let Some(remote) = self.spares.pop() {
                threads::dismiss(self.shared, remote);
            }
        }
        let waits = wanted > 0 && workers.work_waits();
        self.waited = if waits { self.waited + 1 } else { 0 };
        let all_stuck = stuck >= workers.idle.awake() && workers.idle.sleeping() == 0;
        let needed = waits && (all_stuck || self.waited > LOOKS_BEFORE_SPARE);
        let goes_apart = apart && !std::mem::replace(&mut self.apart, apart);
        self.apart = apart;
        if goes_apart {
            self.last_stall = Instant::now();
        }
        if (needed || goes_apart) && wanted > self.spares.len() {
            match threads::start_spare(self.shared) {
                Some(remote) => {
                    self.spares.push(remote);
                    self.waited = 0;
                }
                None if needed || self.shared.options.workers == 1 => self.end_apart(),
                None => {}
            }
            return true;
        }
        if apart && self.last_stall.elapsed() > TIME_APART {
            self.end_apart();
        }
        stuck > 0
    }

    /// Makes worker 0 run any task again.
    fn end_apart(&self) {
        let workers = &self.shared.workers;
        workers.set_apart(false);
        workers.remotes[0].parker.unpark();
    }

    fn look_at_workers(&mut self) -> bool {
        let workers = &self.shared.workers;
        let mut acted = false;
        let remotes = workers.present().iter().zip(&mut self.polls);
        for ((remote, before), looks) in remotes.zip(&mut self.stuck) {
            let polls = remote.polls();
            let stuck = polls == *before && polls % 2 == 1 && !remote.is_away();
            *before = polls;
            if stuck != remote.is_stuck() {
                remote.set_stuck(stuck);
            }
            *looks = if stuck { *looks + 1 } else { 0 };
            if *looks == STALLED {
                remote.set_frozen();
            }
            if *looks >= STALLED {
                self.last_stall = Instant::now();
            }
            if stuck && remote.queue.has_any() {
                workers.notify();
                acted = true;
            }
        }
        acted
    }

    /// Wakes overdue timers, and takes the events of descriptors, if the poller role is free and no
    /// worker has taken it since the last look: none serves them.
    fn serve_what_is_due(&mut self) -> bool {
        let driver = &self.shared.driver;
        let deadline = driver.next_deadline();
        let overdue = driver.clock.tick().since(deadline) >= OVERDUE;
        let epoch = driver.role.free_since();
        let unserved = epoch.is_some() && epoch == std::mem::replace(&mut self.free_since, epoch);
        let events = unserved && driver.sources.has_any();
        if !overdue && !events {
            return false;
        }
        let guard: Option<PollerGuard> = driver.role.take(own_number(self.shared));
        let Some(guard) = guard else { return false };
        if events {
            driver.look(&guard, &mut self.due);
        }
        let swept = driver.expire(&mut self.due);
        driver.role.release(guard);
        self.free_since = driver.role.free_since();
        let any = overdue || !self.due.is_empty();
        self.due.drain(..).for_each(wake_catching);
        drop(swept);
        any
    }

    fn look_at_injector(&mut self) -> bool {
        let waits = !self.shared.workers.injector.is_empty();
        let forgotten = waits && std::mem::replace(&mut self.injector_waited, waits);
        self.injector_waited = waits;
        if waits {
            // Busy workers may be in the middle of many long turns.
            self.shared.workers.request_look_of_all();
        }
        if forgotten {
            self.shared.workers.notify();
        }
        forgotten
    }

    /// If all workers sleep and none is in the poller, wakes one: it will go to the poller.
    fn look_at_poller(&self) -> bool {
        let workers = &self.shared.workers;
        let no_poller = workers.idle.all_sleeping() && self.shared.driver.role.holder().is_none();
        if no_poller {
            workers.notify();
        }
        no_poller
    }
}

/// Parks the monitor until its alarm goes off, or the next worker wakes up, if all workers sleep
/// and one of them polls.
pub(crate) fn park_monitor(shared: &Shared, until: Until) {
    shared.alarm.begin_park(until);
    // Release: a worker that sees this sees also until when.
    shared.monitor_parked.store(true, Ordering::Release);
    // Pairs with the fence in `Shared::set_alarm`: either a worker that wakes up sees
    // `monitor_parked`, or this thread sees that the worker is awake.
    if !broken(Mutant::ParkWithoutFence) {
        fence(Ordering::SeqCst);
    }
    // Between two runs of a loop with one worker, no worker is counted: none needs a monitor.
    let none_counted = shared.workers.idle.awake() + shared.workers.idle.sleeping() == 0;
    let has_poller = none_counted || shared.driver.role.holder().is_some();
    if shared.workers.idle.all_sleeping() && has_poller && !shared.workers.is_stopping() {
        shared.alarm.park(&shared.driver);
    }
    shared.monitor_parked.store(false, Ordering::Relaxed);
}
