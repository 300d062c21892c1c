//! d4: two threads change which timer of a wheel is the earliest.

use std::task::Waker;

use super::engine::explore_loop;
use crate::runtime::TimeSettings;
use crate::runtime::modelled::Tick;
use crate::runtime::modelled::driver::Driver;
use crate::sync::{Arc, Mutant, Poller, StdArc, thread};

/// Two threads insert a timer each into one wheel (2 threads). The wheel's next deadline is the
/// earlier of the two.
pub fn the_earlier_of_two_is_the_next() {
    explore_loop("d4: the earlier of two", None, || insert(Others::None));
}

/// The same while a third thread cancels the timer that was the earliest (3 threads).
pub fn the_earlier_of_two_is_the_next_after_a_cancel() {
    let model = || insert(Others::Cancel);
    explore_loop("d4: the earlier of two after a cancel", None, model);
}

/// The next deadline is published outside the wheel's lock.
pub fn without_the_lock_for_the_next_deadline() {
    let step = Some(Mutant::PublishUnlocked);
    explore_loop("d4 twin", step, || insert(Others::None));
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    None,
    Cancel,
}

/// Three deadlines, none of which is reached.
const EARLIEST: Tick = Tick(u64::MAX - 4);
const EARLIER: Tick = Tick(u64::MAX - 3);
const LATER: Tick = Tick(u64::MAX - 2);

const OPEN: &str = "the loop is not closed";

fn insert(others: Others) {
    let poller = StdArc::new(Poller::new(false).expect("a model has no system to fail"));
    let driver = Arc::new(Driver::new(poller, 0, TimeSettings::default()));
    let noop = || Waker::noop().clone();
    let canceller = (others == Others::Cancel).then(|| {
        let earliest = driver.insert(None, EARLIEST, noop()).expect(OPEN);
        let driver = driver.clone();
        thread::spawn(move || driver.cancel(earliest))
    });
    let other = {
        let driver = driver.clone();
        thread::spawn(move || {
            driver.insert(None, EARLIER, noop());
        })
    };
    let late = driver.insert(None, LATER, noop()).expect(OPEN);
    for thread in [other].into_iter().chain(canceller) {
        thread.join().expect("a panic would have ended the model");
    }
    // A cancel that found the lock taken has left its key, and the next visit removes the timer. So
    // the next deadline may be that of a cancelled timer, which is too early, but never too late.
    assert!(
        driver.next_deadline() <= EARLIER,
        "the earlier one waits too long"
    );
    drop(driver.expire(&mut Vec::new()));
    driver.cancel(late);
    assert!(
        driver.next_deadline() <= EARLIER,
        "the earlier one waits too long"
    );
}
