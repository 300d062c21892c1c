//! b8: the poller thread goes to bed while a worker comes back.

use super::engine::{Loop, explore_loop};
use crate::runtime::modelled::watch::park_monitor;
use crate::sync::{Arc, Mutant, thread};

/// The poller thread goes to bed while the only worker comes (2 threads). It is up when the worker is.
pub fn a_worker_that_comes_is_watched() {
    explore_loop("b8: who comes is watched", None, come);
}

/// The poller thread looks without its fence.
pub fn without_the_fence_of_the_park() {
    explore_loop("b8 twin", Some(Mutant::ParkWithoutFence), come);
}

/// The worker looks without its fence.
pub fn without_the_fence_of_the_worker() {
    explore_loop("b8 twin", Some(Mutant::UnparkWithoutFence), come);
}

/// The worker does not look.
pub fn without_the_look_of_the_worker() {
    explore_loop("b8 twin", Some(Mutant::ArriveSilently), come);
}

fn come() {
    let event_loop = Loop::new(1);
    let watch = {
        let shared = Arc::clone(&event_loop.shared);
        thread::spawn(move || {
            shared.watch_parker.bind();
            park_monitor(&shared);
        })
    };
    event_loop.shared.arrive();
    // One that sleeps on is a deadlock.
    watch.join().expect("a panic would have ended the model");
}
