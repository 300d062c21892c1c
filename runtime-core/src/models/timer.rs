//! d2: a timer is inserted while a thread enters the poller until a later one.

use std::task::Waker;
use std::time::Duration;

use super::engine::explore_loop;
use crate::runtime::modelled::driver::Driver;
use crate::runtime::{TimeSettings, modelled::Tick};
use crate::sync::{Arc, Mutant, Poller, StdArc, thread};

/// A thread in the poller, and one that inserts a timer (2 threads). The first does not sleep past
/// it.
pub fn an_earlier_timer_ends_the_wait() {
    explore_loop("d2: an earlier timer", None, || wait(Others::None));
}

/// The same while a third thread cancels the timer that was the earliest (3 threads).
pub fn an_earlier_timer_ends_the_wait_after_a_cancel() {
    let model = || wait(Others::Cancel);
    explore_loop("d2: an earlier timer after a cancel", None, model);
}

/// A timer is inserted without a check how long the thread in the poller sleeps.
pub fn without_the_look_at_the_sleeper() {
    let step = Some(Mutant::ArmWithoutLook);
    explore_loop("d2 twin", step, || wait(Others::None));
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    None,
    Cancel,
}

const OPEN: &str = "the loop is not closed";

/// In a model a timer of a minute fires at once, and one of a day never: see the model's `Poller`.
/// By the engine's clock neither deadline is reached.
fn after(driver: &Driver, minutes: u64) -> Tick {
    let delay = Duration::from_secs(60 * minutes);
    driver.clock.to_tick(driver.clock.now() + delay)
}

const DAY: u64 = 24 * 60;

fn wait(others: Others) {
    let poller = StdArc::new(Poller::new(false).expect("a model has no system to fail"));
    let driver = Arc::new(Driver::new(poller, 1, TimeSettings::default()));
    driver.insert(None, after(&driver, 2 * DAY), Waker::noop().clone());
    let first = driver
        .insert(Some(0), after(&driver, DAY), Waker::noop().clone())
        .expect(OPEN);
    let guard = driver.role.take(0).expect("the poller role is free");
    let adder = {
        let driver = driver.clone();
        thread::spawn(move || {
            driver.insert(None, after(&driver, 1), Waker::noop().clone());
        })
    };
    let canceller = (others == Others::Cancel).then(|| {
        let driver = driver.clone();
        thread::spawn(move || driver.cancel(first))
    });
    // Sleeping past the new timer is a deadlock.
    driver.wait(&guard, &mut Vec::new());
    driver.role.release(guard);
    for thread in [adder].into_iter().chain(canceller) {
        thread.join().expect("a panic would have ended the model");
    }
}
