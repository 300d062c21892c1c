//! e3: time stands still, and the holder of the role looks whether it may jump.

use super::engine::explore_loop;
use crate::runtime::TimeSettings;
use crate::runtime::modelled::driver::Driver;
use crate::runtime::modelled::parker::{Interrupt, Parker};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, StdArc, Waiter, thread};

/// A thread that looks whether time may jump and then waits, and one that notifies it (2 threads).
/// The wait returns, and what was said before is seen.
pub fn a_notified_look_returns() {
    explore_loop("e3: a notified look returns", None, || look(Others::None));
}

/// The same while a third thread asks for a look as well (3 threads). Neither eats the other's token.
pub fn a_notified_look_returns_beside_another() {
    let model = || look(Others::Look);
    explore_loop("e3: a notified look returns beside another", None, model);
}

/// The look takes the interrupt out of the poller, and the wait after it begins nevertheless.
pub fn without_the_interrupt_that_was_there() {
    let step = Some(Mutant::SwallowInterrupt);
    explore_loop("e3 twin", step, || look(Others::None));
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    None,
    Look,
}

/// A driver whose time stands still, and its poller.
fn standing() -> (Arc<Driver>, StdArc<Waiter>) {
    let waiter = StdArc::new(Waiter::new().expect("a model has no system to fail"));
    let settings = TimeSettings {
        paused: true,
        ..TimeSettings::default()
    };
    let driver = Driver::new(StdArc::clone(&waiter), 1, settings);
    (Arc::new(driver), waiter)
}

fn look(others: Others) {
    let (driver, waiter) = standing();
    let interrupt: Interrupt = StdArc::new(move || waiter.interrupt());
    let parker = Arc::new(Parker::new(interrupt));
    parker.bind();
    let said = Arc::new(AtomicBool::new(false));
    let sayer = {
        let (parker, said) = (parker.clone(), said.clone());
        thread::spawn(move || {
            said.store(true, Ordering::Relaxed);
            parker.unpark();
        })
    };
    let other = (others == Others::Look).then(|| {
        let driver = driver.clone();
        thread::spawn(move || driver.look_again())
    });
    let held = driver.role.take(0).expect("nobody else is there");
    // Relaxed: the token alone orders this against the store. A wait that goes on is a deadlock.
    while !said.load(Ordering::Relaxed) {
        if parker.begin_poll() {
            let _nothing_due = driver.wait_paused(&held, || true, None);
            parker.end_poll();
        }
    }
    driver.role.release(held);
    for thread in [sayer].into_iter().chain(other) {
        thread.join().expect("a panic would have ended the model");
    }
}
