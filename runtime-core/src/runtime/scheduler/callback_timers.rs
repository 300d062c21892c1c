//! The callbacks that wait for their time.
//!
//! They stand in one order, that of their instants, whatever thread adds them: the timers of the
//! driver are spread over the wheels of the workers and fire in batches. The driver has one timer
//! for all of them, the *alarm*, for the earliest.
//!
//! 1. Whoever changes which callback is the earliest sets the alarm anew, under the agenda's lock.
//! 2. The alarm moves what is due to the lane, still under that lock: two alarms at once cannot put
//!    an earlier callback behind a later one. Nobody takes these locks in the other order.
//! 3. The lane's task is started after the lock. No callback is run, dropped or woken under it; and the
//!    alarm is set without a look at what others have cancelled in the driver, whose wakers would be
//!    dropped here.

use std::collections::BTreeMap;
use std::task::Waker;

use super::callback_queue::{CallbackQueue, Pushed};
use super::driver::Driver;
use crate::runtime::task::callback::Handle;
use crate::runtime::time::{Tick, TimerKey};
use crate::sync::Mutex;

/// Names a callback on the agenda: its instant, and its number among those of the same instant.
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
    /// Of the callback for which it was set; the timer itself may be later, by the loop's slack.
    when: Tick,
    key: TimerKey,
}

impl CallbackTimers {
    /// Adds a callback. `None` if the loop is closed: the callback is the caller's to discard.
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
        entries.set_alarm(driver, waker);
        Some(key)
    }

    /// Takes a callback out, for the caller to drop. Nothing if it has been due.
    pub(crate) fn remove(
        &self,
        driver: &Driver,
        key: CallbackTimerKey,
        waker: impl FnOnce() -> Waker,
    ) -> Option<Handle> {
        let mut entries = self.entries.lock();
        let removed = entries.waiting.remove(&key);
        entries.set_alarm(driver, waker);
        removed
    }

    /// Moves what is due to the lane.
    pub(crate) fn move_due(
        &self,
        driver: &Driver,
        callback_queue: &CallbackQueue,
        waker: impl FnOnce() -> Waker,
    ) -> Pushed {
        let mut entries = self.entries.lock();
        // It may just have fired: a new one is set for what is left.
        entries.unset_alarm(driver);
        let now = driver.clock.tick();
        let mut due = Vec::new();
        while let Some(first) = entries.waiting.first_entry() {
            if first.key().when > now {
                break;
            }
            due.push(first.remove());
        }
        entries.set_alarm(driver, waker);
        callback_queue.push(due)
    }

    /// Refuses callbacks from now on, and hands out those that wait.
    pub(crate) fn close(&self, driver: &Driver) -> Vec<Handle> {
        let mut entries = self.entries.lock();
        entries.closed = true;
        entries.unset_alarm(driver);
        std::mem::take(&mut entries.waiting).into_values().collect()
    }
}

impl Entries {
    /// Sees to it that the alarm is that of the earliest callback.
    fn set_alarm(&mut self, driver: &Driver, waker: impl FnOnce() -> Waker) {
        let first = self.waiting.first_key_value().map(|(key, _)| key.when);
        // What is beyond counting stays on the agenda, to the end of the loop.
        let first = first.filter(|when| *when != Tick::NEVER);
        if first
            == self
                .driver_timer
                .as_ref()
                .map(|driver_timer| driver_timer.when)
        {
            return;
        }
        self.unset_alarm(driver);
        self.driver_timer = first.and_then(|when| {
            let fires = driver.fires_at(driver.clock.tick(), when);
            // On the wheel of no worker in particular: it is everybody's.
            let key = driver.insert_only(fires, waker())?;
            Some(DriverTimer { when, key })
        });
    }

    fn unset_alarm(&mut self, driver: &Driver) {
        if let Some(driver_timer) = self.driver_timer.take() {
            driver.cancel(driver_timer.key);
        }
    }
}
