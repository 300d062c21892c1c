//! b8: the monitor parks while a worker comes back, or is woken.

use super::engine::{Loop, explore_loop};
use crate::runtime::modelled::alarm::Until;
use crate::runtime::modelled::monitor::park_monitor;
use crate::sync::{Arc, Mutant, spin, thread};

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

/// The monitor parks while the only worker sleeps, and is woken by another thread (3 threads). It
/// is not parked while the worker is awake.
pub fn a_worker_that_is_woken_sets_the_alarm() {
    explore_loop("b8: a worker that is woken sets the alarm", None, be_woken);
}

/// The thread that wakes the worker does not note that it is the first.
pub fn without_the_note_of_the_first() {
    explore_loop("b8 twin", Some(Mutant::ForgetFirst), be_woken);
}

fn be_woken() {
    let mut event_loop = Loop::new(1);
    let mut first = event_loop.enter();
    let monitor = {
        let shared = Arc::clone(&event_loop.shared);
        thread::spawn(move || {
            shared.alarm.bind();
            while shared.workers.idle.all_sleeping() {
                // It does not park before the worker is in the poller.
                park_monitor(&shared, Until::Alarm);
                spin();
            }
        })
    };
    let waker = {
        let shared = Arc::clone(&event_loop.shared);
        thread::spawn(move || shared.workers.notify())
    };
    // If the thread comes before the worker sleeps, it wakes nobody.
    event_loop.shared.workers.remotes[0].parker.unpark();
    first.worker.sleep();
    monitor.join().expect("a panic would have ended the model");
    waker.join().expect("a panic would have ended the model");
}

fn come() {
    let event_loop = Loop::new(1);
    let monitor = {
        let shared = Arc::clone(&event_loop.shared);
        thread::spawn(move || {
            shared.alarm.bind();
            park_monitor(&shared, Until::Alarm);
        })
    };
    event_loop.shared.arrive();
    // A monitor that stays parked is a deadlock.
    monitor.join().expect("a panic would have ended the model");
}
