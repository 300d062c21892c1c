//! d3: the kernel's timer fires for a deadline whose timer is cancelled, and which comes again.

use std::task::{Wake, Waker};
use std::time::Duration;

use super::engine::{explore_less_of_a_loop, explore_loop};
use crate::runtime::TimeSettings;
use crate::runtime::modelled::Tick;
use crate::runtime::modelled::driver::Driver;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, Poller, StdArc, thread};

/// The poller takes the expiration (the shot) for a deadline, of which another thread then cancels
/// one of two timers, and waits again (2 threads). It does not wait past the other one.
pub fn a_shot_that_was_taken_is_not_waited_for() {
    explore_loop("d3: a shot that was taken", None, wait_twice);
}

/// The poller handles timers until one stops it, while another thread twice inserts a due timer and
/// cancels it, and then inserts a third one for the same tick, which stops the poller (2 threads).
pub fn a_deadline_that_comes_again_ends_the_wait() {
    explore_less_of_a_loop(1, "d3: a deadline that comes again", None, serve);
}

/// The kernel's timer is believed to be armed after its expiration has been taken.
pub fn without_the_end_of_the_belief() {
    explore_loop("d3 twin", Some(Mutant::TrustTakenShot), wait_twice);
}

/// The same, for a deadline that comes again.
pub fn without_the_end_of_the_belief_in_a_deadline() {
    explore_less_of_a_loop(1, "d3 twin", Some(Mutant::TrustTakenShot), serve);
}

/// Due since the loop was made, at any time of the clock.
const DUE: Tick = Tick(0);

const OPEN: &str = "the loop is not closed";

fn driver() -> Arc<Driver> {
    let poller = StdArc::new(Poller::new(false).expect("a model has no system to fail"));
    Arc::new(Driver::new(poller, 0, TimeSettings::default()))
}

fn wait_twice() {
    let driver = driver();
    let noop = || Waker::noop().clone();
    // In a model a timer of a minute fires at once, although the clock has not reached it.
    let minute = driver.clock.now() + Duration::from_secs(60);
    let minute = driver.clock.to_tick(minute);
    let first = driver.insert(None, minute, noop()).expect(OPEN);
    driver.insert(None, minute, noop());
    let guard = driver.role.take(0).expect("the poller role is free");
    let canceller = {
        let driver = driver.clone();
        thread::spawn(move || driver.cancel(first))
    };
    // A wait that does not end is a deadlock: for each one, a timer is due in a minute.
    driver.wait(&guard, &mut Vec::new());
    driver.wait(&guard, &mut Vec::new());
    driver.role.release(guard);
    canceller
        .join()
        .expect("a panic would have ended the model");
}

struct Stop(Arc<AtomicBool>);

impl Wake for Stop {
    fn wake(self: StdArc<Self>) {
        // Relaxed: the thread that wakes is also the reader.
        self.0.store(true, Ordering::Relaxed);
    }
}

fn serve() {
    let driver = driver();
    let stopped = Arc::new(AtomicBool::new(false));
    let adder = {
        let (driver, stop) = (driver.clone(), StdArc::new(Stop(stopped.clone())));
        thread::spawn(move || {
            for _ in 0..2 {
                let early = driver.insert(None, DUE, Waker::noop().clone()).expect(OPEN);
                driver.cancel(early);
            }
            driver.insert(None, DUE, stop.into());
        })
    };
    let guard = driver.role.take(0).expect("the poller role is free");
    let mut due = Vec::new();
    while !stopped.load(Ordering::Relaxed) {
        driver.wait(&guard, &mut Vec::new());
        drop(driver.expire(&mut due));
        due.drain(..).for_each(Waker::wake);
    }
    driver.role.release(guard);
    adder.join().expect("a panic would have ended the model");
}
