//! d3: the kernel's timer fires for a deadline that is cancelled, and comes again.

use std::task::{Wake, Waker};
use std::time::Duration;

use super::engine::{explore_less_of_a_loop, explore_loop};
use crate::runtime::TimeSettings;
use crate::runtime::modelled::Tick;
use crate::runtime::modelled::driver::Driver;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, StdArc, Waiter, thread};

/// The poller takes the shot for a timer that is due, which another thread then cancels, and waits again
/// (2 threads). It does not wait past the timer that is the next.
pub fn a_shot_that_was_taken_is_not_waited_for() {
    explore_loop("d3: a shot that was taken", None, wait_twice);
}

/// The poller serves timers until it is told to stop, while a thread twice adds one that is due and cancels
/// it, and adds a third for the same tick, which tells the poller to stop (2 threads).
pub fn a_deadline_that_comes_again_ends_the_wait() {
    explore_less_of_a_loop(1, "d3: a deadline that comes again", None, serve);
}

/// What the timer was armed for is believed after its shot.
pub fn without_the_end_of_the_belief() {
    explore_loop("d3 twin", Some(Mutant::TrustTakenShot), wait_twice);
}

/// The same, of a deadline that comes again.
pub fn without_the_end_of_the_belief_in_a_deadline() {
    explore_less_of_a_loop(1, "d3 twin", Some(Mutant::TrustTakenShot), serve);
}

/// Due since the loop was made, whatever the clock says.
const DUE: Tick = Tick(0);

const OPEN: &str = "nobody closes the loop";

fn driver() -> Arc<Driver> {
    let waiter = StdArc::new(Waiter::new().expect("a model has no system to fail"));
    Arc::new(Driver::new(waiter, 0, TimeSettings::default()))
}

fn wait_twice() {
    let driver = driver();
    let noop = || Waker::noop().clone();
    let due = driver.insert(None, DUE, noop()).expect(OPEN);
    // In a model a minute comes at once, but for the clock it has not.
    let minute = driver.clock.now() + Duration::from_secs(60);
    driver.insert(None, driver.clock.to_tick(minute), noop());
    let held = driver.role.take(0).expect("nobody else is there");
    let canceller = {
        let driver = driver.clone();
        thread::spawn(move || driver.cancel(due))
    };
    // A wait that goes on is a deadlock: in each, something is due or will be in a minute.
    driver.wait(&held);
    driver.wait(&held);
    driver.role.release(held);
    canceller
        .join()
        .expect("a panic would have ended the model");
}

struct Stop(Arc<AtomicBool>);

impl Wake for Stop {
    fn wake(self: StdArc<Self>) {
        // Relaxed: its reader is the thread that wakes.
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
    let held = driver.role.take(0).expect("nobody else is there");
    let mut due = Vec::new();
    while !stopped.load(Ordering::Relaxed) {
        driver.wait(&held);
        drop(driver.expire(&mut due));
        due.drain(..).for_each(Waker::wake);
    }
    driver.role.release(held);
    adder.join().expect("a panic would have ended the model");
}
