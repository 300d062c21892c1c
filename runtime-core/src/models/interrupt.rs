//! e2: a thread is notified while it enters the wait in the poller.

use std::task::Waker;

use super::engine::explore_loop;
use crate::runtime::TimeSettings;
use crate::runtime::modelled::Tick;
use crate::runtime::modelled::driver::Driver;
use crate::runtime::modelled::parker::{Interrupt, Parker};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, Poller, StdArc, thread};

/// A thread that enters the wait, and one that unparks it (2 threads). The wait returns, and sees
/// what happened before the unpark.
pub fn a_notified_wait_returns() {
    explore_loop("e2: a notified wait returns", None, || wait(Others::None));
}

/// The same while a third thread inserts a timer, which ends one wait as well (3 threads). Neither
/// takes the other's token.
pub fn a_notified_wait_returns_beside_a_timer() {
    let model = || wait(Others::Timer);
    explore_loop("e2: a notified wait returns beside a timer", None, model);
}

/// The unpark first decides what to wake, and leaves the token afterwards.
pub fn without_one_step_for_the_token() {
    let step = Some(Mutant::UnparkInTwoSteps);
    explore_loop("e2 twin", step, || wait(Others::None));
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    None,
    Timer,
}

fn wait(others: Others) {
    let poller = StdArc::new(Poller::new(false).expect("a model has no system to fail"));
    let interrupt: Interrupt = {
        let poller = poller.clone();
        StdArc::new(move || poller.interrupt())
    };
    let driver = Arc::new(Driver::new(poller, 0, TimeSettings::default()));
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
    let adder = (others == Others::Timer).then(|| {
        let driver = driver.clone();
        thread::spawn(move || {
            // Due since the loop was made.
            driver.insert(None, Tick(0), Waker::noop().clone());
        })
    });
    let guard = driver.role.take(0).expect("the poller role is free");
    // Relaxed: only the token orders this against the store. A wait that does not end is a
    // deadlock.
    while !said.load(Ordering::Relaxed) {
        if parker.begin_poll() {
            driver.wait(&guard, &mut Vec::new());
            parker.end_poll();
            drop(driver.expire(&mut Vec::new()));
        }
    }
    driver.role.release(guard);
    for thread in [sayer].into_iter().chain(adder) {
        thread.join().expect("a panic would have ended the model");
    }
}
