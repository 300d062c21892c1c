//! b8: the monitor parks while a worker comes back.

use super::engine::{Loop, explore_loop};
use crate::runtime::modelled::monitor::park_monitor;
use crate::sync::{Arc, Mutant, thread};

/// The monitor parks while the only worker comes (2 threads). It is not parked while the worker is
/// awake.
pub fn a_worker_that_comes_wakes_the_monitor() {
    explore_loop("b8: a worker that comes wakes the monitor", None, come);
}

/// The monitor checks without its fence.
pub fn without_the_fence_of_the_park() {
    explore_loop("b8 twin", Some(Mutant::ParkWithoutFence), come);
}

/// The worker checks without its fence.
pub fn without_the_fence_of_the_worker() {
    explore_loop("b8 twin", Some(Mutant::UnparkWithoutFence), come);
}

/// The worker does not check whether the monitor is parked.
pub fn without_the_look_of_the_worker() {
    explore_loop("b8 twin", Some(Mutant::ArriveSilently), come);
}

fn come() {
    let event_loop = Loop::new(1);
    let monitor = {
        let shared = Arc::clone(&event_loop.shared);
        thread::spawn(move || {
            shared.monitor_parker.bind();
            park_monitor(&shared);
        })
    };
    event_loop.shared.arrive();
    // A monitor that stays parked is a deadlock.
    monitor.join().expect("a panic would have ended the model");
}
