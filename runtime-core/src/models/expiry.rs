//! d1: a timer fires while its owner replaces its waker or cancels it.

use std::task::Waker;

use super::engine::explore_loop;
use super::fate::Fate;
use crate::runtime::TimeSettings;
use crate::runtime::modelled::driver::Driver;
use crate::runtime::modelled::{Tick, TimerKey, TimerStatus};
use crate::sync::{Arc, Mutant, Poller, StdArc, thread};

/// The owner replaces the waker of a due timer, while one thread polls and another inserts a timer
/// into the wheel (3 threads). The new waker is woken once, and the old one only if the owner
/// learns that the timer has fired.
pub fn the_new_waker_wins() {
    explore_loop("d1: fired or given a new waker", None, replace_waker);
}

/// The owner cancels a due timer, while one thread polls and another inserts a timer into the wheel
/// (3 threads). The timer fires at most once, never at a visit that begins after the cancel. It is
/// unlinked once, and no other timer with it.
///
/// A cancel that finds the lock taken leaves its key on a list, so the waker itself may be kept
/// until the next visit.
pub fn a_cancelled_timer_stays_silent() {
    explore_loop("d1: fired or cancelled", None, cancel);
}

/// The owner does not learn that the timer has fired for the old waker.
pub fn without_the_word_of_the_shot() {
    explore_loop("d1 twin", Some(Mutant::SkipFireReport), replace_waker);
}

/// A visit ignores the timers that were cancelled while the lock was taken.
pub fn without_the_list_of_the_cancelled() {
    explore_loop("d1 twin", Some(Mutant::ForgetCancelled), cancel);
}

/// Due since the loop was made, at any time of the clock.
const DUE: Tick = Tick(0);

/// Not due before the last tick.
const LATE: Tick = Tick(u64::MAX - 1);

const OPEN: &str = "the loop is not closed";

/// Visits the wheels as the poller does. Returns whether `waker` was among those of due timers.
fn visit(driver: &Driver, waker: &Waker) -> bool {
    let mut due = Vec::new();
    drop(driver.expire(&mut due));
    let fired = due.iter().any(|fired| fired.will_wake(waker));
    due.into_iter().for_each(Waker::wake);
    fired
}

/// Runs the owner's `change` of a timer that wakes `old`, while another thread polls and a third
/// inserts a timer, which stays.
fn meanwhile(old: &Waker, change: impl FnOnce(&Driver, TimerKey)) {
    let poller = StdArc::new(Poller::new(false).expect("a model has no system to fail"));
    let driver = Arc::new(Driver::new(poller, 0, TimeSettings::default()));
    let key = driver.insert(None, DUE, old.clone()).expect(OPEN);
    let poller = {
        let (driver, old) = (driver.clone(), old.clone());
        thread::spawn(move || visit(&driver, &old))
    };
    let neighbour = {
        let driver = driver.clone();
        thread::spawn(move || {
            driver
                .insert(None, LATE, Waker::noop().clone())
                .expect(OPEN)
        })
    };
    change(&driver, key);
    poller.join().expect("a panic would have ended the model");
    let added = neighbour.join();
    let added = added.expect("a panic would have ended the model");
    let waits = driver.set_waker(added, Waker::noop().clone());
    assert_eq!(waits, TimerStatus::Pending, "another timer was cancelled");
    visit(&driver, old);
    assert_eq!(driver.next_deadline(), LATE, "a timer was not unlinked");
}

fn replace_waker() {
    let (old_fate, new_fate) = (Fate::default(), Fate::default());
    let (old, new) = (old_fate.waker(), new_fate.waker());
    let mut waited = false;
    meanwhile(&old, |driver, key| {
        waited = driver.set_waker(key, new.clone()) == TimerStatus::Pending;
        if !waited {
            new.wake_by_ref();
        }
    });
    drop((old, new));
    assert_eq!(new_fate.woken.count(), 1, "the new waker is woken once");
    let too_late = usize::from(!waited);
    assert_eq!(old_fate.woken.count(), too_late, "the old waker was woken");
    assert_eq!(old_fate.dropped.count(), 1, "the old waker is kept");
    assert_eq!(new_fate.dropped.count(), 1, "the new waker is kept");
}

fn cancel() {
    let fate = Fate::default();
    let waker = fate.waker();
    meanwhile(&waker, |driver, key| {
        // Loom switches threads at accesses outside of locks: without this one it never lets the
        // cancel find the lock taken.
        driver.next_deadline();
        driver.cancel(key);
        let fired = visit(driver, &waker);
        assert!(!fired, "a timer fired after its cancel");
    });
    drop(waker);
    assert!(fate.woken.count() <= 1, "a timer fired twice");
    assert_eq!(fate.dropped.count(), 1, "the waker is kept");
}
