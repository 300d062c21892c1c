//! Waiting for time and events: the poller, the timers, and the role of who waits.
//!
//! **An earlier timer while the poller sleeps for a later one.**
//!
//! 1. The sleeper publishes until when it sleeps (`parked_until`), and then looks at the earliest
//!    deadline once more; if that is another, it begins again. Then it arms the kernel's timer.
//! 2. Whoever adds a timer publishes its deadline, then looks at `parked_until`; if the poller
//!    sleeps past the new deadline, it does what the sleeper does, which takes effect on a wait
//!    under way.
//!
//! Each writes one word and then reads the other's, with a `fence(SeqCst)` between: at least one of
//! them sees the other. `parked_until` is written, and the kernel's timer armed, under one lock, so
//! that while the poller sleeps the two agree: a deadline that is not before the one is not before
//! the other. (Were the timer armed for a later one, say because the earliest was cancelled in
//! between, an insertion after that would be missed.)
//!
//! **Whose the poller is.** Its descriptors belong to the threads of the loop, each of which keeps it
//! open ([`Driver::keep_open`]) from before its start to its end, and to the driver until the loop is
//! closed ([`Driver::let_go`]). So they are closed with the last thread, whoever still holds the loop.
//! Only those threads wait in it; everybody else interrupts or arms it, which does nothing after that.
//!
//! **What is believed of things outside**, and who puts an end to the belief. The engine does not ask
//! the system how things stand, it remembers what it has told it; each memory must end with the thing.
//!
//! * `KernelTimer::armed`: for which tick the kernel's timer is armed. It fires once, and is armed for nothing
//!   then; its shot is an edge, which the wait or the look that takes it sees, and nobody after that.
//!   So whoever takes it notes that nothing is armed, when it leaves the bed. (A deadline that
//!   comes a second time for the same tick, after its shot, would else be believed armed; and that
//!   is no matter of what is past: the first may be cancelled, and the second come, at any time between
//!   two looks at the clock.) Who arms between the shot and the note is forgotten: that costs one call
//!   that does the same again, or a wait that ends in vain, and no wake-up is lost.
//! * `parked_until`: that somebody sleeps, and until when. Written under the bed's lock by whoever
//!   arms; ended by the sleeper, under the same lock.
//! * `Shard::next`: the earliest deadline of a wheel. Written under the wheel's lock by whoever changes
//!   it; early at most, never late.
//! * The agenda's alarm is believed to stand in a wheel. Its waker puts an end to that, and a closed
//!   driver, which fires nothing, has refused it: then there is none.
//! * Interrupts are edges of an eventfd that is never read away: each write is one. It ends a wait,
//!   whoever's it is; its cause stands in a word of its own (a parker's token, a queue), which is looked at
//!   after the wait. One that comes late ends another's wait in vain.
//! * What a look took from the poller is gone: it counts as a wait that has ended.
//! * A parker knows its thread by `bind`, each time somebody sits down. One that has ended is unparked in
//!   vain, and the token waits for who sits down next.
//! * Where the system has no timer of its own, the waiter's alarm stands for it: it goes with the wait
//!   that finds it past, and is told like a shot.
//!
//! **A time that stands still.** The holder of the role
//!
//! 1. looks what has come to the poller. If anything has, it leaves: a parker writes one interrupt in
//!    each poll, so that what this look takes may be the only word of an unpark;
//! 2. has time jump if all is quiet, under the lock of the holds, or wakes whoever moves it by hand
//!    and has nothing more to wait for, and leaves;
//! 3. waits for what comes after the look.

use std::io;
use std::task::Waker;
use std::time::{Duration, Instant};

use super::role::{PollerGuard, PollerRole};
use crate::runtime::task::catch_panic::wake_catching;
use crate::runtime::time::{
    AdvanceKey, Caller, Clock, ClockInhibitor, Look, Rearmed, Slack, Swept, Tick, TimerKey, Timers,
};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use crate::sync::{Came, Mutant, Mutex, StdArc, StdWeak, Waiter, broken};

/// The value of `parked_until` while nobody waits.
const AWAKE: u64 = 0;

/// What a wait came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Waited {
    ForSomething,
    /// Nothing is under way, no timer waits, and nobody holds time.
    InVain,
}

/// The sleeper's side of the protocol.
#[derive(Debug)]
struct KernelTimer {
    /// What the kernel's timer is armed for; `NEVER` once its shot has been taken.
    armed: Tick,
    occupied: bool,
}

/// How time is to go.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) slack: Slack,
    /// It stands still, and jumps.
    pub(crate) paused: bool,
}

/// Time and events of a loop.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) clock: Clock,
    pub(crate) role: PollerRole,
    slack: Slack,
    pub(crate) inhibitor: ClockInhibitor,
    waiter: StdWeak<Waiter>,
    /// Keeps it open until the loop is closed.
    own_waiter: Mutex<Option<StdArc<Waiter>>>,
    timers: Timers,
    parked_until: AtomicU64,
    kernel_timer: Mutex<KernelTimer>,
    closed: AtomicBool,
}

impl Driver {
    pub(crate) fn new(waiter: StdArc<Waiter>, workers: usize, settings: Settings) -> Driver {
        Driver {
            clock: Clock::new(settings.paused),
            inhibitor: ClockInhibitor::new(settings.paused),
            role: PollerRole::new(),
            waiter: StdArc::downgrade(&waiter),
            own_waiter: Mutex::new(Some(waiter)),
            timers: Timers::new(workers),
            slack: settings.slack,
            parked_until: AtomicU64::new(AWAKE),
            kernel_timer: Mutex::new(KernelTimer {
                armed: Tick::NEVER,
                occupied: false,
            }),
            closed: AtomicBool::new(false),
        }
    }

    /// Adds a timer, to the wheel of a worker if one makes it. `None` if the loop is closed. For who
    /// holds no lock: what was cancelled on that wheel is dropped here.
    pub(crate) fn insert(
        &self,
        worker: Option<usize>,
        when: Tick,
        waker: Waker,
    ) -> Option<TimerKey> {
        let inhibitor = Caller::HoldsNothing;
        let key = self.timers.insert(inhibitor, worker, when, waker)?;
        self.tell_of(when, worker.is_some());
        Some(key)
    }

    /// The same for who holds a lock: it runs no user code, if the waker is none.
    pub(crate) fn insert_only(&self, when: Tick, waker: Waker) -> Option<TimerKey> {
        let key = self.timers.insert(Caller::HoldsALock, None, when, waker)?;
        self.tell_of(when, false);
        Some(key)
    }

    /// A timer for `when` has been added: whoever sleeps past it is told.
    #[inline(always)]
    fn tell_of(&self, when: Tick, by_worker: bool) {
        // Pairs with the fence in `arm`.
        fence(Ordering::SeqCst);
        if self.clock.is_paused() {
            // A worker that adds one looks itself, or has the holder look, when it goes to sleep.
            if !by_worker {
                self.look_again();
            }
            return;
        }
        let past = self.parked_until.load(Ordering::Relaxed) > when.0;
        if past && !broken(Mutant::ArmWithoutLook) {
            let mut kernel_timer = self.kernel_timer.lock();
            if kernel_timer.occupied {
                self.arm(&mut kernel_timer);
            }
        }
    }

    /// Has a timer wake `waker` instead.
    pub(crate) fn set_waker(&self, key: TimerKey, waker: Waker) -> Rearmed {
        self.timers.set_waker(key, waker)
    }

    /// Takes a timer out.
    pub(crate) fn cancel(&self, key: TimerKey) {
        self.timers.cancel(key);
    }

    /// When a timer for `when`, made at `now`, fires within the loop's slack. A time that stands still
    /// jumps to the instant itself.
    pub(crate) fn fires_at(&self, now: Tick, when: Tick) -> Tick {
        if self.clock.is_paused() {
            when
        } else {
            self.slack.apply(now, when)
        }
    }

    /// Has a time that stands still go to `when`, and `waker` woken there. `None` if the loop is
    /// closed.
    pub(crate) fn advance_to(&self, when: Tick, waker: Waker) -> Option<AdvanceKey> {
        let key = self.inhibitor.advance_to(when, waker)?;
        if !broken(Mutant::AdvanceWithoutLook) {
            self.look_again();
        }
        Some(key)
    }

    /// Whether timers are refused: the loop is closed, or about to be.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        // Acquire: pairs with the store in `close`.
        self.closed.load(Ordering::Acquire)
    }

    /// Refuses timers and advances from now on, and wakes whoever waits for one: for who holds no
    /// lock. What waited on a wheel would wait for ever, and would keep the loop.
    ///
    /// May be called again, and at any time, also while threads that are stuck still run.
    pub(crate) fn close(&self) {
        // Release, and before a waker is given away: who is polled with another waker at the place of
        // one that is gone sees that the loop is closed. (See `Timer`.)
        self.closed.store(true, Ordering::Release);
        self.timers.close().into_iter().for_each(wake_catching);
        self.inhibitor.close().into_iter().for_each(wake_catching);
    }

    /// Keeps the poller open for a thread of the loop.
    pub(crate) fn keep_open(&self) -> Option<StdArc<Waiter>> {
        self.waiter.upgrade()
    }

    /// The loop is closed: the poller goes with the last thread.
    pub(crate) fn let_go(&self) {
        let own = self.own_waiter.lock().take();
        drop(own);
    }

    /// Whether a timer is due, at a look without locks.
    pub(crate) fn is_due(&self, now: Tick) -> bool {
        self.timers.next() <= now
    }

    /// The earliest deadline.
    pub(crate) fn next_deadline(&self) -> Tick {
        self.timers.next()
    }

    /// Waits where time stands still: until an interrupt or an event, or, if all is `quiet`, not at
    /// all: time jumps to the next deadline, or whom an advance wakes goes to `due`. For the holder of
    /// the role.
    ///
    /// Whoever may have made the last noise calls `look_again`, after it is over; so a jump that is
    /// not made here because of it is made at the next call.
    ///
    /// With a `patience`, a wait for what may never come ends after so long.
    pub(crate) fn wait_paused(
        &self,
        _held: &PollerGuard,
        quiet: impl Fn() -> bool,
        patience: Option<Duration>,
        due: &mut Vec<Waker>,
    ) -> Waited {
        let came = self.look_or_wait(true);
        if came.anything && !broken(Mutant::SwallowInterrupt) {
            return Waited::ForSomething;
        }
        let next = || self.timers.next();
        let mut look = || self.inhibitor.look(&self.clock, &quiet, next, due);
        match (look(), patience) {
            (Look::Due, _) => Waited::ForSomething,
            (Look::Nothing, Some(patience)) => self.wait_patiently(patience, &mut look),
            (Look::Inhibited, _) | (Look::Nothing, None) => {
                let _any = self.look_or_wait(false);
                Waited::ForSomething
            }
        }
    }

    /// Waits for so long, and looks again: a timer may have come at the last moment.
    fn wait_patiently(&self, patience: Duration, mut look: impl FnMut() -> Look) -> Waited {
        // Before the timer: when it has fired, so much has passed since.
        let begin = Instant::now();
        self.arm_waiter(Some(patience));
        let _any = self.look_or_wait(false);
        if begin.elapsed() >= patience && look() == Look::Nothing {
            return Waited::InVain;
        }
        Waited::ForSomething
    }

    /// Has the holder of the role look whether time may jump, if it stands still.
    #[inline]
    pub(crate) fn look_again(&self) {
        if self.clock.is_paused() {
            if let Some(waiter) = self.waiter.upgrade() {
                waiter.interrupt();
            }
        }
    }

    /// Waits until an interrupt, a deadline or an event. For the holder of the role.
    pub(crate) fn wait(&self, _held: &PollerGuard) {
        {
            let mut kernel_timer = self.kernel_timer.lock();
            kernel_timer.occupied = true;
            self.arm(&mut kernel_timer);
        }
        let at_once = self.is_due(self.clock.tick());
        let came = self.look_or_wait(at_once);
        let mut kernel_timer = self.kernel_timer.lock();
        kernel_timer.occupied = false;
        if came.timer && !broken(Mutant::TrustTakenShot) {
            kernel_timer.armed = Tick::NEVER;
        }
        self.parked_until.store(AWAKE, Ordering::Relaxed);
    }

    /// Moves the wakers of what is due to `due`, to be woken outside the role, and hands out what is to
    /// be dropped there.
    pub(crate) fn expire(&self, due: &mut Vec<Waker>) -> Swept {
        let now = self.clock.tick();
        if self.is_due(now) {
            self.timers.expire(now, due)
        } else {
            Swept::default()
        }
    }

    /// Publishes the earliest deadline as the sleeper's, and arms the kernel's timer for it.
    fn arm(&self, kernel_timer: &mut KernelTimer) {
        let next = loop {
            let next = self.timers.next();
            self.parked_until.store(next.0, Ordering::Relaxed);
            // Pairs with the fence in `insert`.
            fence(Ordering::SeqCst);
            if self.timers.next() == next {
                break next;
            }
        };
        if kernel_timer.armed != next {
            kernel_timer.armed = next;
            let after = (next != Tick::NEVER).then(|| next.since(self.clock.tick()));
            self.arm_waiter(after);
        }
    }

    fn arm_waiter(&self, after: Option<Duration>) {
        if let Some(waiter) = self.waiter.upgrade() {
            waiter.arm(after).unwrap_or_else(complain);
        }
    }

    /// Waits in the poller, or only looks there.
    fn look_or_wait(&self, at_once: bool) -> Came {
        let Some(waiter) = self.waiter.upgrade() else {
            return Came::UNKNOWN;
        };
        waiter.wait(at_once).unwrap_or_else(|error| {
            complain(error);
            Came::UNKNOWN
        })
    }
}

/// The descriptors are ours and stay open, so an error here is a broken promise of the system.
fn complain(error: io::Error) {
    eprintln!("asyncio: the poller failed: {error}");
}
