//! Waiting for time and events: the poller, the timers, and the role of who waits.
//!
//! **An earlier timer while the poller sleeps for a later one.**
//!
//! 1. The sleeper publishes until when it sleeps (`asleep_until`), then looks at the earliest
//!    deadline again and arms the kernel's timer for that.
//! 2. Whoever adds a timer publishes its deadline, then looks at `asleep_until`; if the poller
//!    sleeps past the new deadline it arms the kernel's timer anew, which takes effect on a wait under
//!    way.
//!
//! Each writes one word and then reads the other's, with a `fence(SeqCst)` between: at least one of
//! them sees the other. Both arm under one lock, and always for the earliest deadline as it stands
//! then, so that the last to arm is right.

use std::io;
use std::task::Waker;

use super::role::{Held, Role};
use crate::runtime::time::{Clock, Slack, Tick, TimerKey, Timers};
use crate::sync::atomic::{AtomicU64, Ordering, fence};
use crate::sync::{Mutant, Mutex, StdArc, broken};
use crate::sys::Waiter;

/// The value of `asleep_until` while nobody waits.
const AWAKE: u64 = 0;

/// Time and events of a loop.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) clock: Clock,
    pub(crate) role: Role,
    pub(crate) slack: Slack,
    waiter: StdArc<Waiter>,
    timers: Timers,
    asleep_until: AtomicU64,
    /// What the kernel's timer is armed for.
    armed: Mutex<Tick>,
}

impl Driver {
    pub(crate) fn new(waiter: StdArc<Waiter>, workers: usize, slack: Slack) -> Driver {
        Driver {
            clock: Clock::new(),
            role: Role::new(),
            waiter,
            timers: Timers::new(workers),
            slack,
            asleep_until: AtomicU64::new(AWAKE),
            armed: Mutex::new(Tick::NEVER),
        }
    }

    /// Adds a timer, to the wheel of a worker if one makes it.
    pub(crate) fn insert(&self, worker: Option<usize>, when: Tick, waker: Waker) -> TimerKey {
        let key = self.timers.insert(worker, when, waker);
        // Pairs with the fence in `wait`.
        fence(Ordering::SeqCst);
        if self.asleep_until.load(Ordering::Relaxed) > when.0 && !broken(Mutant::ArmWithoutLook) {
            self.arm();
        }
        key
    }

    /// Has a timer wake `waker` instead. False if it has fired.
    pub(crate) fn set_waker(&self, key: TimerKey, waker: &Waker) -> bool {
        self.timers.set_waker(key, waker)
    }

    /// Takes a timer out.
    pub(crate) fn cancel(&self, key: TimerKey) {
        self.timers.cancel(key);
    }

    /// Whether a timer is due, at a look without locks.
    pub(crate) fn is_due(&self, now: Tick) -> bool {
        self.timers.next() <= now
    }

    /// The earliest deadline.
    pub(crate) fn next_deadline(&self) -> Tick {
        self.timers.next()
    }

    /// Waits until an interrupt, a deadline or an event. For the holder of the role.
    pub(crate) fn wait(&self, _held: &Held) {
        let until = self.timers.next();
        self.asleep_until.store(until.0, Ordering::Relaxed);
        // Pairs with the fence in `insert`.
        fence(Ordering::SeqCst);
        self.arm();
        let at_once = self.is_due(self.clock.tick());
        self.report(self.waiter.wait(at_once));
        self.asleep_until.store(AWAKE, Ordering::Relaxed);
    }

    /// Moves the wakers of what is due to `due`.
    pub(crate) fn expire(&self, due: &mut Vec<Waker>) {
        let now = self.clock.tick();
        if self.is_due(now) {
            self.timers.expire(now, due);
        }
    }

    /// Arms the kernel's timer for the earliest deadline.
    fn arm(&self) {
        let mut armed = self.armed.lock();
        let next = self.timers.next();
        if *armed == next {
            return;
        }
        *armed = next;
        let after = (next != Tick::NEVER).then(|| next.since(self.clock.tick()));
        self.report(self.waiter.arm(after));
    }

    /// The descriptors are ours and stay open, so an error here is a broken promise of the system.
    fn report(&self, result: io::Result<()>) {
        if let Err(error) = result {
            eprintln!("asyncio: the poller failed: {error}");
        }
    }
}
