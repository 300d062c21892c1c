//! The driver: waits for time and events. It holds the poller, the timers and the poller role.
//!
//! **An earlier timer while a thread waits in the poller for a later one.** That thread is the
//! sleeper.
//!
//! 1. The sleeper publishes until when it sleeps (`parked_until`), and then looks at the earliest
//!    deadline once more; if the deadline has changed, it begins again. Then it arms the kernel's
//!    timer.
//! 2. A thread that adds a timer publishes its deadline, and then looks at `parked_until`. If the
//!    sleeper waits past the new deadline, the thread does what the sleeper does, which takes
//!    effect on a wait that is under way.
//!
//! A timer that is not earlier than the deadline that its wheel has published takes neither step.
//! The sleeper does not wait past that one; or the thread that has published it is between its two
//! steps, and what it will do looks at the earliest deadline of that moment.
//!
//! Each thread writes one word and then reads the other's, with a `fence(SeqCst)` between: at least
//! one of them sees the other. `parked_until` is written, and the kernel's timer armed, under one
//! lock, so that during a wait the two agree: a deadline that is not before the one is
//! not before the other. (If the timer were armed for a later deadline, for example because the
//! earliest was cancelled in between, an insertion after that would be missed.)
//!
//! **What keeps the poller open.** The threads of the loop own its descriptors: each keeps the
//! poller open ([`Driver::keep_open`]) from before its start to its end. The driver owns them too
//! until the loop is closed ([`Driver::let_go`]). So they are closed with the last thread, although
//! handles of the loop may still exist. Only those threads wait in the poller. Other threads
//! interrupt or arm it, which does nothing once it is closed.
//!
//! **What the engine remembers of outside state**, and what ends each memory. The engine does not
//! query the system for its state. It remembers what it has set; each memory must end with the
//! state.
//!
//! * `KernelTimer::armed`: the tick for which the kernel's timer is armed. The timer expires once,
//!   and is disarmed then. The expiry is an edge: the wait or the look that takes it sees it, and
//!   no later one does. So the thread that takes it notes that nothing is armed, at the end of its
//!   wait. (Otherwise a second deadline for the same tick, added after the expiry, would be taken
//!   for armed. That the tick is past by then does not prevent this: the first timer may be
//!   cancelled, and the second added, at any time between two looks at the clock.) If another
//!   thread arms the timer between the expiry and the note, the note erases that. The cost is one
//!   redundant call, or a wait that ends in vain; no wake-up is lost.
//! * `parked_until`: that a thread sleeps in the poller, and until when. Written under the lock of
//!   `kernel_timer` by the thread that arms, and reset by the sleeper under the same lock.
//! * `Shard::next`: the earliest deadline of a wheel. Written under the wheel's lock. It is never
//!   late, but may be that of a timer that has been cancelled. The visit to the wheel at that time
//!   ends that memory.
//! * The driver timer of the callback timers is remembered as being on a wheel. Its waker ends
//!   that. A closed driver, which fires nothing, refuses the timer: then none is remembered.
//! * Interrupts are edges of an eventfd that is never read: each write is one edge. It ends a wait,
//!   of whichever thread waits. Its cause is in a word of its own (a parker's token, a queue),
//!   which is looked at after the wait. A late interrupt ends another thread's wait in vain.
//! * What a look takes from the poller is gone: such a look counts as a wait that has ended.
//! * A parker remembers its thread by `bind`, which each thread calls that takes over a remote.
//!   Unparking a thread that has ended does nothing, and the token waits for the next thread.
//! * On a system without a kernel timer, the poller's own timer stands in for it: the wait that
//!   finds it past clears it, and reports that like an expiry.
//!
//! **A paused clock.** The holder of the role
//!
//! 1. looks at what has come to the poller. If anything has, it leaves: a parker writes one
//!    interrupt in each poll, so what this look takes may be the only sign of an unpark;
//! 2. makes the clock jump if all is quiet, under the lock of the clock inhibitor, or wakes the
//!    owner of an advance that has nothing more to wait for; in both cases it leaves;
//! 3. waits for what comes after the look.

use std::io;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::role::{PollerGuard, PollerRole};
use crate::runtime::catch_panic::{catch_panic, wake_catching};
use crate::runtime::reactor::{Sources, WatchList};
use crate::runtime::time::{
    AdvanceKey, Caller, Clock, ClockInhibitor, Grid, Jump, Slack, Swept, Tick, TimerKey,
    TimerStatus, Timers,
};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use crate::sync::{Mutant, Mutex, Poller, PollerEvents, StdArc, StdWeak, broken};

/// The value of `parked_until` while no thread waits in the poller.
const AWAKE: u64 = 0;

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Waited {
    /// Something has come or may have come, or the clock has jumped: the caller looks for work.
    LookForWork,
    /// Nothing is under way, no timer waits, and nothing inhibits the clock: nothing can happen any
    /// more.
    Stalled,
}

/// What the kernel's timer is armed for. The thread that waits in the poller and the threads that
/// add timers share it.
#[derive(Debug)]
struct KernelTimer {
    /// The tick for which the kernel's timer is armed; `NEVER` once its expiry has been taken.
    armed: Tick,
    /// A thread waits in the poller in real time, or is about to.
    waiting: bool,
}

/// How the loop's time runs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) slack: Slack,
    /// The clock is paused: it moves only by jumps.
    pub(crate) paused: bool,
}

/// The time and the events of a loop.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) clock: Clock,
    pub(crate) role: PollerRole,
    grid: Grid,
    pub(crate) inhibitor: ClockInhibitor,
    poller: StdWeak<Poller>,
    /// Keeps the poller open until the loop is closed.
    own_poller: Mutex<Option<StdArc<Poller>>>,
    timers: Timers,
    pub(crate) sources: Sources,
    pub(crate) watch_list: WatchList,
    parked_until: AtomicU64,
    kernel_timer: Mutex<KernelTimer>,
    closed: AtomicBool,
}

impl Driver {
    pub(crate) fn new(poller: StdArc<Poller>, workers: usize, settings: Settings) -> Driver {
        let clock = Clock::new(settings.paused);
        Driver {
            timers: Timers::new(workers, clock.tick(), settings.paused),
            clock,
            inhibitor: ClockInhibitor::new(settings.paused),
            role: PollerRole::new(),
            poller: StdArc::downgrade(&poller),
            own_poller: Mutex::new(Some(poller)),
            sources: Sources::default(),
            watch_list: WatchList::default(),
            grid: settings.slack.into(),
            parked_until: AtomicU64::new(AWAKE),
            kernel_timer: Mutex::new(KernelTimer {
                armed: Tick::NEVER,
                waiting: false,
            }),
            closed: AtomicBool::new(false),
        }
    }

    /// Adds a timer, to the wheel of a worker if one makes it. `None` if the loop is closed. The
    /// caller must hold no lock: what was cancelled on that wheel is dropped here.
    #[inline(always)]
    pub(crate) fn insert(
        &self,
        worker: Option<usize>,
        when: Tick,
        waker: Waker,
    ) -> Option<TimerKey> {
        let caller = Caller::HoldsNothing;
        let (key, earlier) = self.timers.insert(caller, worker, when, waker)?;
        self.announce(when, earlier, worker.is_some());
        Some(key)
    }

    /// Like `insert`, for a caller that holds a lock: runs no user code, unless the waker itself
    /// is.
    pub(crate) fn insert_only(&self, when: Tick, waker: Waker) -> Option<TimerKey> {
        let caller = Caller::HoldsALock;
        let (key, earlier) = self.timers.insert(caller, None, when, waker)?;
        self.announce(when, earlier, false);
        Some(key)
    }

    /// Makes a thread that waits in the poller past `when` wake in time: a timer for `when` has
    /// been added. `earlier`: it has changed the published deadline.
    #[inline(always)]
    fn announce(&self, when: Tick, earlier: bool, by_worker: bool) {
        if self.clock.is_paused() {
            // A worker that adds a timer looks itself, or makes the holder of the role look, when
            // it goes to sleep.
            if !by_worker {
                self.recheck_jump();
            }
            return;
        }
        if earlier {
            self.wake_in_time(when);
        }
    }

    #[inline(never)]
    fn wake_in_time(&self, when: Tick) {
        // Pairs with the fence in `arm`.
        fence(Ordering::SeqCst);
        let past = self.parked_until.load(Ordering::Relaxed) > when.0;
        if past && !broken(Mutant::ArmWithoutLook) {
            let mut kernel_timer = self.kernel_timer.lock();
            if kernel_timer.waiting {
                self.arm(&mut kernel_timer);
            }
        }
    }

    /// Whether a timer waits, and will wake what `waker` wakes.
    pub(crate) fn has_waker(&self, key: TimerKey, waker: &Waker) -> bool {
        self.timers.has_waker(key, waker)
    }

    /// Replaces the waker of a timer.
    pub(crate) fn set_waker(&self, key: TimerKey, waker: Waker) -> TimerStatus {
        self.timers.set_waker(key, waker)
    }

    /// Removes a timer.
    pub(crate) fn cancel(&self, key: TimerKey) {
        self.timers.cancel(key);
    }

    /// When a timer for `when`, made at `now`, fires within the loop's slack. A paused clock jumps
    /// to `when` itself.
    #[inline]
    pub(crate) fn fires_at(&self, now: Tick, when: Tick) -> Tick {
        if self.clock.is_paused() {
            when
        } else {
            self.grid.apply(now, when)
        }
    }

    /// Advances a paused clock to `when`, and wakes `waker` there. `None` if the loop is closed, or
    /// its clock is not paused.
    pub(crate) fn advance_to(&self, when: Tick, waker: Waker) -> Option<AdvanceKey> {
        let key = self.inhibitor.advance_to(when, waker)?;
        if !broken(Mutant::AdvanceWithoutLook) {
            self.recheck_jump();
        }
        Some(key)
    }

    /// Whether timers are refused: the loop is closed, or about to be.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire: pairs with the store in `close`.
        self.closed.load(Ordering::Acquire)
    }

    /// Refuses timers and advances from now on, and wakes what waits for one. The caller must hold
    /// no lock. A waker left on a wheel would wait for ever, and would keep the loop alive.
    ///
    /// May be called again, and at any time, also while stuck threads still run.
    pub(crate) fn close(&self) {
        // Release, and before a waker is handed out: a timer that is polled with a new waker, after
        // its old one is gone, sees that the loop is closed. (See `Timer`.)
        self.closed.store(true, Ordering::Release);
        self.timers.close().into_iter().for_each(wake_catching);
        self.sources.close().into_iter().for_each(wake_catching);
        self.stop_watching();
        self.inhibitor.close().into_iter().for_each(wake_catching);
    }

    /// Stops the callbacks for descriptors. The caller must hold no lock: it drops them.
    pub(crate) fn stop_watching(&self) {
        for watch in self.watch_list.take() {
            catch_panic(|| watch.stop());
        }
    }

    /// Makes the alarm go off after that time, instead of whenever an earlier call said.
    pub(crate) fn set_alarm(&self, after: Duration) {
        if let Some(poller) = self.poller.upgrade() {
            poller.set_alarm(after).unwrap_or_else(report_failure);
        }
    }

    /// Blocks until the alarm goes off. If it did since the last call, returns at once.
    ///
    /// # Errors
    /// The poller has failed, or is closed.
    pub(crate) fn wait_for_alarm(&self) -> io::Result<()> {
        let poller = self.poller.upgrade();
        poller.ok_or(io::ErrorKind::NotConnected)?.wait_for_alarm()
    }

    /// Keeps the poller open for a thread of the loop, until the result is dropped.
    pub(crate) fn keep_open(&self) -> Option<StdArc<Poller>> {
        self.poller.upgrade()
    }

    /// Drops the driver's own hold on the poller. For a closed loop: the last thread closes the
    /// poller.
    pub(crate) fn let_go(&self) {
        let own = self.own_poller.lock().take();
        drop(own);
    }

    /// Whether a timer is due. Takes no lock.
    pub(crate) fn is_due(&self, now: Tick) -> bool {
        self.timers.next() <= now
    }

    /// The earliest deadline.
    pub(crate) fn next_deadline(&self) -> Tick {
        self.timers.next()
    }

    /// Waits with a paused clock. If something has come to the poller, or all is `quiet`, does not
    /// wait: in the second case the clock jumps to the next deadline, or the waker of an advance
    /// that has ended goes to `due`. Otherwise waits for an interrupt or an event. The caller holds
    /// the role.
    ///
    /// The thread whose work may have been the last to prevent a jump calls `recheck_jump` after
    /// that work; so a jump that is not made here because of it is made at the next call.
    ///
    /// With a `patience`, a wait that nothing can end is given up after that time.
    pub(crate) fn wait_paused(
        &self,
        _held: &PollerGuard,
        quiet: impl Fn() -> bool,
        patience: Option<Duration>,
        due: &mut Vec<Waker>,
    ) -> Waited {
        let events = self.wait_in_poller(true, due);
        if events.any && !broken(Mutant::SwallowInterrupt) {
            return Waited::LookForWork;
        }
        let next = || self.timers.next();
        let jump = self.inhibitor.try_jump(&self.clock, &quiet, next, due);
        match (jump, patience) {
            (Jump::Due, _) => Waited::LookForWork,
            // A registered descriptor may have an event at any time.
            (Jump::NoDeadline, Some(patience)) if !self.sources.has_any() => {
                self.wait_patiently(patience, &quiet, due)
            }
            (Jump::Inhibited | Jump::NoDeadline, _) => {
                let _any = self.wait_in_poller(false, due);
                Waited::LookForWork
            }
        }
    }

    /// Waits for `patience`, and looks again: a timer may have been added at the last moment.
    fn wait_patiently(
        &self,
        patience: Duration,
        quiet: &impl Fn() -> bool,
        due: &mut Vec<Waker>,
    ) -> Waited {
        // Before the timer is armed: when it fires, at least `patience` has passed since.
        let begin = Instant::now();
        self.arm_poller(Some(patience));
        let _any = self.wait_in_poller(false, due);
        let next = || self.timers.next();
        let mut try_jump = || self.inhibitor.try_jump(&self.clock, quiet, next, due);
        let quiet = begin.elapsed() >= patience && try_jump() == Jump::NoDeadline;
        if quiet && due.is_empty() && !self.sources.has_any() {
            return Waited::Stalled;
        }
        Waited::LookForWork
    }

    /// Makes the holder of the role look whether the clock may jump, if it is paused.
    #[inline]
    pub(crate) fn recheck_jump(&self) {
        if self.clock.is_paused() {
            if let Some(poller) = self.poller.upgrade() {
                poller.interrupt();
            }
        }
    }

    /// Waits until an interrupt, a deadline or an event. Moves the wakers of those who wait for the
    /// events to `due`, to be woken outside the role, which the caller holds.
    pub(crate) fn wait(&self, _held: &PollerGuard, due: &mut Vec<Waker>) {
        // If a timer is due, the wait does not block: then there is nothing to arm.
        let at_once = self.is_due(self.clock.tick());
        if !at_once {
            let mut kernel_timer = self.kernel_timer.lock();
            kernel_timer.waiting = true;
            self.arm(&mut kernel_timer);
        }
        let events = self.wait_in_poller(at_once, due);
        let mut kernel_timer = self.kernel_timer.lock();
        kernel_timer.waiting = false;
        if events.timer && !broken(Mutant::TrustTakenShot) {
            kernel_timer.armed = Tick::NEVER;
        }
        self.parked_until.store(AWAKE, Ordering::Relaxed);
    }

    /// Takes the events that have come to the poller, without waiting, as `wait` does.
    pub(crate) fn look(&self, _held: &PollerGuard, due: &mut Vec<Waker>) {
        let events = self.wait_in_poller(true, due);
        if events.timer {
            self.kernel_timer.lock().armed = Tick::NEVER;
        }
    }

    /// Moves the wakers of what is due to `due`, to be woken outside the role. Returns what the
    /// caller must drop outside the role.
    pub(crate) fn expire(&self, due: &mut Vec<Waker>) -> Swept {
        let now = self.clock.tick();
        if self.is_due(now) {
            self.timers.expire(now, due)
        } else {
            Swept::default()
        }
    }

    /// Publishes the earliest deadline in `parked_until`, and arms the kernel's timer for it.
    fn arm(&self, kernel_timer: &mut KernelTimer) {
        let next = loop {
            let next = self.timers.next();
            self.parked_until.store(next.0, Ordering::Relaxed);
            // Pairs with the fence in `announce`.
            fence(Ordering::SeqCst);
            if self.timers.next() == next {
                break next;
            }
        };
        if kernel_timer.armed != next {
            kernel_timer.armed = next;
            let after = (next != Tick::NEVER).then(|| next.since(self.clock.tick()));
            self.arm_poller(after);
        }
    }

    fn arm_poller(&self, after: Option<Duration>) {
        if let Some(poller) = self.poller.upgrade() {
            poller.arm(after).unwrap_or_else(report_failure);
        }
    }

    /// Waits in the poller or, if `at_once`, takes what has come to it without waiting. Dispatches
    /// the events: moves the wakers of those who wait for them to `due`.
    fn wait_in_poller(&self, at_once: bool, due: &mut Vec<Waker>) -> PollerEvents {
        let Some(poller) = self.poller.upgrade() else {
            return PollerEvents::UNKNOWN;
        };
        let mut batch = self.sources.begin_batch();
        let waited = poller.wait(at_once, |key, ready| {
            if !broken(Mutant::LeaveEvents) {
                batch.dispatch(key, ready, due);
            }
        });
        waited.unwrap_or_else(|error| {
            report_failure(error);
            PollerEvents::UNKNOWN
        })
    }
}

/// The descriptors are the loop's own and stay open, so an error here is a failure of the system,
/// not of the engine.
fn report_failure(error: io::Error) {
    eprintln!("asyncio: the poller failed: {error}");
}
