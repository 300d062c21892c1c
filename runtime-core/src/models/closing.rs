//! d5: a timer is inserted while the loop is closed.

use super::engine::explore_loop;
use super::fate::Fate;
use crate::runtime::TimeSettings;
use crate::runtime::modelled::Tick;
use crate::runtime::modelled::driver::Driver;
use crate::sync::{Arc, Mutant, Poller, StdArc, thread};

/// Two threads insert a timer each, and the second cancels its own again, while a third closes the
/// loop (3 threads). A timer is refused, or its waker is woken, once; a cancelled one is woken at
/// most once; no waker is kept.
pub fn a_timer_is_refused_or_woken() {
    explore_loop("d5: a timer is refused or woken", None, close);
}

/// A closed wheel accepts a timer.
pub fn without_the_refusal() {
    explore_loop("d5 twin", Some(Mutant::InsertClosed), close);
}

/// Not due before the last tick.
const LATE: Tick = Tick(u64::MAX - 1);

fn close() {
    let poller = StdArc::new(Poller::new(false).expect("a model has no system to fail"));
    let driver = Arc::new(Driver::new(poller, 0, TimeSettings::default()));
    let (kept, given_up) = (Fate::default(), Fate::default());
    let adder = {
        let (driver, waker) = (driver.clone(), kept.waker());
        thread::spawn(move || driver.insert(None, LATE, waker).is_some())
    };
    let closer = {
        let driver = driver.clone();
        thread::spawn(move || driver.close())
    };
    if let Some(key) = driver.insert(None, LATE, given_up.waker()) {
        driver.cancel(key);
    }
    let added = adder.join().expect("a panic would have ended the model");
    closer.join().expect("a panic would have ended the model");
    assert_eq!(kept.woken.count(), usize::from(added), "a timer is left");
    assert_eq!(kept.dropped.count(), 1, "a waker is kept");
    assert!(given_up.woken.count() <= 1, "a timer was woken twice");
    assert_eq!(given_up.dropped.count(), 1, "a waker is kept");
    assert!(driver.is_closed(), "it is closed for good");
    assert_eq!(driver.next_deadline(), Tick::NEVER, "something is left");
}
