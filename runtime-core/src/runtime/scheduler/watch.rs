//! The poller thread: the guarantee that timers and queues are served when no worker does it.
//!
//! Workers poll by themselves (see `Worker::sleep`); a thread that did all the polling would cost
//! two thread switches per event. What workers cannot promise is to *come back*: a task may block. So
//! this thread looks, every millisecond or three, and acts only on what it finds:
//!
//! 1. A worker whose poll has not ended since the last look, with tasks in its queue or slot, is
//!    **stuck**: its slot may be robbed from now on, and a thief is woken.
//! 2. A timer that is overdue by more than a millisecond while the role is free: it takes the role and
//!    fires what is due. What it wakes goes through the injector to a worker that is not stuck.
//! 3. Work in the injector since the last look while a worker sleeps, or nobody in the poller while
//!    all sleep: it wakes one. (By the protocols neither can happen; a guarantee does not rest on
//!    that.)
//!
//! 4. Workers stuck, and work that nobody takes: a **spare worker** is started, on a seat of its own.
//!    It goes when there are fewer stuck workers than spares.
//! 5. Worker 0 stuck for some ten milliseconds: it is told, so that it does not happen to main again
//!    (`apart`), and a spare serves in its place from then on.
//! 6. Work in the injector: every worker is called to look around before its next turn, since it may have
//!    chosen the distance to its next look while turns were short.
//!
//! A worker inside `blocking` is replaced already, and nobody's business here.
//!
//! Looking has a price, because a third thread that wakes up makes the kernel spread the others. So
//! it looks every 1 ms when something was found, every 3 ms while the workers' counters move, and
//! after 300 ms with all of them asleep it goes to bed: the next worker that wakes up wakes it,
//! too. The two orders of "all asleep?" and "in bed?" are closed by a fence on either side.

use std::task::Waker;
use std::time::{Duration, Instant};

use super::role::PollerGuard;
use super::shared::Shared;
use super::threads;
use crate::runtime::task::catch_panic::wake_catching;
use crate::sync::atomic::{Ordering, fence};
use crate::sync::{Arc, Mutant, broken};

const LOOK: Duration = Duration::from_millis(1);
const RELAXED_LOOK: Duration = Duration::from_millis(3);
const QUIET_BEFORE_PARK: Duration = Duration::from_millis(300);
const OVERDUE: Duration = Duration::from_millis(1);

/// The poller thread's number as a holder of the role: behind those of the workers.
fn own_number(shared: &Shared) -> usize {
    shared.workers.remotes.len()
}

/// The body of the poller thread.
pub(crate) fn run(shared: &Arc<Shared>) {
    shared.watch_parker.bind();
    if shared.options.tuning.worker_polls {
        Watch::new(shared).watch();
    } else {
        poll_for_all(shared);
    }
}

/// The dedicated poller that the switch `no-worker-polls` asks for. It gives the role back before it wakes
/// anybody: a waker may be the user's.
fn poll_for_all(shared: &Shared) {
    let mut due = Vec::new();
    while !shared.workers.is_stopping() {
        let held = shared.driver.role.take(own_number(shared));
        let held = held.expect("where the poller thread polls for all, nobody else takes the role");
        if shared.watch_parker.begin_poll() {
            shared.wait(&held, &mut due);
            shared.watch_parker.end_poll();
        }
        let swept = shared.driver.expire(&mut due);
        shared.driver.role.release(held);
        due.drain(..).for_each(wake_catching);
        drop(swept);
    }
}

/// How many looks at work that waits while a worker is stuck, before a spare is started though
/// others are awake.
const LOOKS_BEFORE_SPARE: u32 = 8;

/// For how many looks a worker is stuck before that counts as a stall. (A few may be the kernel's, which
/// lets others run on its processor.)
const STALLED: u32 = 15;

/// How long worker 0 runs only what is bound to its thread, after the last stall.
const TIME_APART: Duration = Duration::from_secs(5);

struct Watch<'a> {
    shared: &'a Arc<Shared>,
    /// The seats of the spares that are at work.
    spares: Vec<usize>,
    /// For how many looks in a row each worker has been stuck.
    stuck: Vec<u32>,
    /// Whether worker 0 was apart at the last look.
    apart: bool,
    /// When a worker has been stuck for long the last time.
    last_stall: Instant,
    /// For how many looks work has waited beside a stuck worker.
    waited: u32,
    /// What the counters said at the last look.
    polls: Vec<u64>,
    injector_waited: bool,
    last_movement: Instant,
    due: Vec<Waker>,
}

impl Watch<'_> {
    fn new(shared: &Arc<Shared>) -> Watch<'_> {
        let polls: Vec<_> = shared
            .workers
            .remotes
            .iter()
            .map(|remote| remote.polls())
            .collect();
        let last_movement = Instant::now();
        Watch {
            shared,
            spares: Vec::new(),
            stuck: vec![0; polls.len()],
            apart: false,
            last_stall: last_movement,
            waited: 0,
            polls,
            injector_waited: false,
            last_movement,
            due: Vec::new(),
        }
    }

    fn watch(&mut self) {
        let mut pause = LOOK;
        while !self.shared.workers.is_stopping() {
            self.shared.watch_parker.park_timeout(pause);
            let moved = self.any_moved();
            let acted = self.look();
            if moved {
                self.last_movement = Instant::now();
            }
            pause = if acted || !moved { LOOK } else { RELAXED_LOOK };
            if self.shared.workers.idle.all_sleeping() {
                pause = RELAXED_LOOK;
                if self.last_movement.elapsed() >= QUIET_BEFORE_PARK {
                    park_monitor(self.shared);
                    self.last_movement = Instant::now();
                }
            }
        }
    }

    fn any_moved(&self) -> bool {
        let remotes = self.shared.workers.present().iter();
        remotes
            .zip(&self.polls)
            .any(|(remote, polls)| remote.polls() != *polls)
    }

    /// One look at everything. True if there was something to do.
    fn look(&mut self) -> bool {
        let stuck = self.look_at_workers();
        let overdue = self.serve_overdue_timers();
        let forgotten = self.look_at_injector();
        let unmanned = self.look_at_poller();
        let spare = self.look_at_spares();
        stuck || overdue || forgotten || unmanned || spare
    }

    /// Starts a spare for a stuck worker, or lets one go.
    fn look_at_spares(&mut self) -> bool {
        let workers = &self.shared.workers;
        let stuck = workers.present().iter().filter(|remote| remote.is_stuck());
        // Worker 0 serves nobody while it is apart.
        let (stuck, apart) = (stuck.count(), workers.is_apart());
        let wanted = stuck + usize::from(apart);
        if self.spares.len() > wanted {
            if let Some(remote) = self.spares.pop() {
                threads::dismiss(self.shared, remote);
            }
        }
        let waits = wanted > 0 && workers.work_waits();
        self.waited = if waits { self.waited + 1 } else { 0 };
        let nobody_left = stuck >= workers.idle.awake() && workers.idle.asleep() == 0;
        let needed = waits && (nobody_left || self.waited > LOOKS_BEFORE_SPARE);
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

    /// Worker 0 takes any task again.
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

    /// The poller's duty for timers, when it is nobody's.
    fn serve_overdue_timers(&mut self) -> bool {
        let driver = &self.shared.driver;
        let deadline = driver.next_deadline();
        if driver.clock.tick().since(deadline) < OVERDUE {
            return false;
        }
        let held: Option<PollerGuard> = driver.role.take(own_number(self.shared));
        let Some(held) = held else { return false };
        let swept = driver.expire(&mut self.due);
        driver.role.release(held);
        self.due.drain(..).for_each(wake_catching);
        drop(swept);
        true
    }

    fn look_at_injector(&mut self) -> bool {
        let waits = !self.shared.workers.injector.is_empty();
        let forgotten = waits && std::mem::replace(&mut self.injector_waited, waits);
        self.injector_waited = waits;
        if waits {
            // Busy workers may be in the middle of many long turns.
            self.shared.workers.call_all();
        }
        if forgotten {
            self.shared.workers.notify();
        }
        forgotten
    }

    /// All asleep, and nobody in the poller: a worker that is woken goes there.
    fn look_at_poller(&self) -> bool {
        let workers = &self.shared.workers;
        let unmanned = workers.idle.all_sleeping() && self.shared.driver.role.holder().is_none();
        if unmanned {
            workers.notify();
        }
        unmanned
    }
}

/// Sleeps until a worker wakes up, if all of them sleep.
pub(crate) fn park_monitor(shared: &Shared) {
    shared.watch_parked.store(true, Ordering::Relaxed);
    // Pairs with the fence in `Shared::unpark_monitor`: a worker that wakes up sees the word, or is seen here.
    if !broken(Mutant::ParkWithoutFence) {
        fence(Ordering::SeqCst);
    }
    // Between two runs of a lone worker there is nobody to guard.
    let deserted = shared.workers.idle.awake() + shared.workers.idle.asleep() == 0;
    let manned = deserted || shared.driver.role.holder().is_some();
    if shared.workers.idle.all_sleeping() && manned && !shared.workers.is_stopping() {
        shared.watch_parker.park();
    }
    shared.watch_parked.store(false, Ordering::Relaxed);
}
