//! Where the monitor parks: until an alarm goes off, or until it is unparked.
//!
//! A worker that wakes up may be stuck a moment later, and only another thread can see that. To
//! wake the monitor each time would cost more than most of those workers do before they sleep
//! again. So the worker sets an alarm, a timer of the kernel, for some milliseconds later. The next
//! one that wakes up sets it back, as long as all workers have slept in between: while they only
//! wake up for short times, the monitor sleeps on.
//!
//! 1. Only the **first** worker that is awake after a time in which all slept sets the alarm. The
//!    word of the idle protocol tells which one that is. (If any worker did, one that wakes up
//!    every now and then would put off the alarm while another is stuck.)
//! 2. So as long as a worker is awake and the monitor is parked, the alarm is set, and goes off
//!    [`AFTER`] after the first of them woke up, at the latest. A worker that is not the first
//!    relies on that.
//! 3. What the alarm is set to is remembered, and written under a lock while it is set. If it goes
//!    off late enough, it is left as it is: workers that wake up a hundred thousand times a second
//!    set it four hundred times. A first worker sees what the first one before it remembered: that
//!    one has gone to sleep since, by an exchange on the same word.
//!
//! While something is under way whose end the monitor has to find (`Monitor::is_needed`), it looks
//! on, and parks only when all have slept for long, until the next worker wakes up.
//!
//! An alarm that goes off while all sleep wakes the monitor once in vain. Without an alarm (the
//! portable poller has none), each worker that wakes up unparks the monitor.

use std::time::Duration;

use super::driver::Driver;
use super::parker::Parker;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sys::MonotonicClock;

/// How long after a worker has woken up the alarm goes off.
const AFTER: Duration = Duration::from_millis(5);

/// An alarm that goes off sooner than this is set back.
const SOONEST: Duration = Duration::from_micros(2500);

/// The alarm must not be set any more.
const ENDED: u64 = u64::MAX;

/// How long the monitor parks if the alarm fails.
const WITHOUT: Duration = Duration::from_millis(3);

/// Until when the monitor parks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Until {
    /// Some time after a worker has woken up.
    Alarm,
    /// Until a worker wakes up.
    NextWake,
}

/// The place where the monitor parks.
#[derive(Debug)]
pub(crate) struct Alarm {
    parker: Parker,
    clock: MonotonicClock,
    /// When the alarm goes off, or went off, by `clock`; or `ENDED`. Written under `setting`.
    set_to: AtomicU64,
    /// Held while the alarm is set.
    setting: Mutex<()>,
    /// The monitor parks until the next worker wakes up. Published by the flag that it is parked.
    until_next_wake: AtomicBool,
    /// Whether there is an alarm.
    pub(crate) exists: bool,
}

impl Alarm {
    pub(crate) fn new(parker: Parker, exists: bool) -> Alarm {
        Alarm {
            parker,
            clock: MonotonicClock::start(),
            set_to: AtomicU64::new(0),
            setting: Mutex::new(()),
            until_next_wake: AtomicBool::new(false),
            exists,
        }
    }

    /// Binds this to the calling thread, which alone may park here.
    pub(crate) fn bind(&self) {
        self.parker.bind();
    }

    /// The monitor is about to park.
    pub(crate) fn begin_park(&self, until: Until) {
        self.until_next_wake
            .store(until == Until::NextWake, Ordering::Relaxed);
    }

    /// Sleeps until the alarm goes off, or `unpark` is called.
    pub(crate) fn park(&self, driver: &Driver) {
        if !self.exists {
            self.parker.park();
        } else if driver.wait_for_alarm().is_err() {
            self.parker.park_timeout(WITHOUT);
        }
    }

    /// Sleeps until `unpark` is called, for `timeout` at most.
    pub(crate) fn park_timeout(&self, timeout: Duration) {
        self.parker.park_timeout(timeout);
    }

    /// A worker has woken up. `first`: no worker was awake.
    pub(crate) fn set(&self, driver: &Driver, first: bool) {
        if !self.exists {
            self.parker.unpark();
        } else if self.until_next_wake.load(Ordering::Relaxed) {
            self.unpark(driver);
        } else if first {
            // Relaxed: see step 3.
            let set_to = self.set_to.load(Ordering::Relaxed);
            let now = self.clock.now();
            if set_to.saturating_sub(now) < SOONEST.as_nanos() as u64 {
                self.set_back(driver, now);
            }
        }
    }

    #[cold]
    fn set_back(&self, driver: &Driver, now: u64) {
        let _setting = self.setting.lock();
        if self.set_to.load(Ordering::Relaxed) != ENDED {
            let set_to = now + AFTER.as_nanos() as u64;
            self.set_to.store(set_to, Ordering::Relaxed);
            driver.set_alarm(AFTER);
        }
    }

    /// Wakes the monitor at once. (A worker that wakes up at the same time may put that off, by
    /// [`AFTER`] at most.)
    pub(crate) fn unpark(&self, driver: &Driver) {
        self.go_off(driver, 0);
    }

    /// Wakes the monitor at once, to end. No worker sets the alarm back after this.
    pub(crate) fn end(&self, driver: &Driver) {
        self.go_off(driver, ENDED);
    }

    fn go_off(&self, driver: &Driver, remembered: u64) {
        self.parker.unpark();
        if self.exists {
            let _setting = self.setting.lock();
            self.set_to.store(remembered, Ordering::Relaxed);
            driver.set_alarm(Duration::ZERO);
        }
    }
}
