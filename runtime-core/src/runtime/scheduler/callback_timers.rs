//! Callback timers: the callbacks that wait for their time.
//!
//! They are kept in the order of their instants, whichever thread adds them. (The timers of the
//! driver do not keep this order: they are spread over the wheels of the workers and expire in
//! batches.) The driver has one timer for all of them, the *driver timer*, for the earliest.
//!
//! 1. A thread that changes which callback is the earliest resets the driver timer, under the lock
//!    of the callback timers.
//! 2. When the driver timer fires, what is due moves to the callback queue, still under that lock:
//!    so two firings at once cannot put an earlier callback behind a later one. No thread takes
//!    these two locks in the other order.
//! 3. The task that drains the callback queue is started after the lock. No callback is run,
//!    dropped or woken under it. The driver timer is set without a look at what has been cancelled
//!    in the driver: the wakers found there would be dropped under this lock.

use std::collections::BTreeMap;
use std::task::Waker;

use super::callback_queue::{CallbackQueue, Pushed};
use super::driver::Driver;
use crate::runtime::task::callback::Handle;
use crate::runtime::time::{Tick, TimerKey};
use crate::sync::Mutex;

/// Names a callback timer: its instant, and its number among those of the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CallbackTimerKey {
    when: Tick,
    number: u64,
}

/// The callbacks of `call_at` that are not due yet.
#[derive(Debug, Default)]
pub(crate) struct CallbackTimers {
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    waiting: BTreeMap<CallbackTimerKey, Handle>,
    last_number: u64,
    driver_timer: Option<DriverTimer>,
    closed: bool,
}

/// The timer in the driver.
#[derive(Debug)]
struct DriverTimer {
    /// The instant of the callback for which it was set. The timer itself may fire later, by the
    /// loop's slack.
    when: Tick,
    key: TimerKey,
}

impl CallbackTimers {
    /// Adds a callback. `None` if the loop is closed: the caller must discard the callback.
    pub(crate) fn add(
        &self,
        driver: &Driver,
        when: Tick,
        call: Handle,
        waker: impl FnOnce() -> Waker,
    ) -> Option<CallbackTimerKey> {
        let mut entries = self.entries.lock();
        if entries.closed {
            return None;
        }
        entries.last_number += 1;
        let key = CallbackTimerKey {
            when,
            number: entries.last_number,
        };
        entries.waiting.insert(key, call);
        entries.set_driver_timer(driver, waker);
        Some(key)
    }

    /// Removes a callback, which the caller must drop. `None` if it has been due.
    pub(crate) fn remove(
        &self,
        driver: &Driver,
        key: CallbackTimerKey,
        waker: impl FnOnce() -> Waker,
    ) -> Option<Handle> {
        let mut entries = self.entries.lock();
        let removed = entries.waiting.remove(&key);
        entries.set_driver_timer(driver, waker);
        removed
    }

    /// Moves the callbacks that are due to the callback queue.
    pub(crate) fn move_due(
        &self,
        driver: &Driver,
        callback_queue: &CallbackQueue,
        waker: impl FnOnce() -> Waker,
    ) -> Pushed {
        let mut entries = self.entries.lock();
        // It may have just fired: a new one is set for what is left.
        entries.unset_driver_timer(driver);
        let now = driver.clock.tick();
        let mut due = Vec::new();
        while let Some(first) = entries.waiting.first_entry() {
            if first.key().when > now {
                break;
            }
            due.push(first.remove());
        }
        entries.set_driver_timer(driver, waker);
        callback_queue.push(due)
    }

    /// Refuses callbacks from now on, and returns those that wait.
    pub(crate) fn close(&self, driver: &Driver) -> Vec<Handle> {
        let mut entries = self.entries.lock();
        entries.closed = true;
        entries.unset_driver_timer(driver);
        std::mem::take(&mut entries.waiting).into_values().collect()
    }
}

impl Entries {
    /// Sets the driver timer for the earliest callback, if it is not.
    fn set_driver_timer(&mut self, driver: &Driver, waker: impl FnOnce() -> Waker) {
        let first = self.waiting.first_key_value().map(|(key, _)| key.when);
        // A callback at `Tick::NEVER` waits until the end of the loop, without a timer.
        let first = first.filter(|when| *when != Tick::NEVER);
        if first
            == self
                .driver_timer
                .as_ref()
                .map(|driver_timer| driver_timer.when)
        {
            return;
        }
        self.unset_driver_timer(driver);
        self.driver_timer = first.and_then(|when| {
            let fires = driver.fires_at(driver.clock.tick(), when);
            // Not on the wheel of a worker: the timer belongs to all threads.
            let key = driver.insert_only(fires, waker())?;
            Some(DriverTimer { when, key })
        });
    }

    fn unset_driver_timer(&mut self, driver: &Driver) {
        if let Some(driver_timer) = self.driver_timer.take() {
            driver.cancel(driver_timer.key);
        }
    }
}
