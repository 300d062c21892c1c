//! g4: a child of a group awaits another, and the group is aborted.

use std::future::pending;

use super::family::Family;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, Mutex, explore_less, thread};

/// Who aborts, and the thread that runs the children (2 threads). The awaiter ends cancelled: it
/// never goes on with the other's cancellation as an error.
pub fn who_awaits_another_child_is_cancelled_with_it() {
    let name = "g4: who awaits another child is cancelled with it";
    explore_less(1, name, None, await_another);
}

/// The cause is noted after the children have been cancelled.
pub fn without_the_cause_first() {
    explore_less(1, "g4 twin", Some(Mutant::CauseAfterRequest), await_another);
}

fn await_another() {
    let family = Family::new();
    let awaited = family.add_task(pending()).expect("the group is open");
    let (slot, went_on) = (
        Arc::new(Mutex::new(Some(awaited))),
        Arc::new(AtomicBool::new(false)),
    );
    let awaiter = {
        let (slot, went_on) = (slot.clone(), went_on.clone());
        family.add(async move {
            let awaited = slot.lock().take().expect("filled before the first poll");
            let _error = awaited.await;
            went_on.store(true, Ordering::Relaxed);
        })
    };
    let awaiter = awaiter.expect("the group is open");
    family.scheduler.run_all();
    let aborter = {
        let family = family.clone();
        thread::spawn(move || family.abort())
    };
    family.scheduler.run_one();
    family.scheduler.run_one();
    aborter.join().expect("a panic would have ended the model");
    family.scheduler.run_all();
    assert!(
        !went_on.load(Ordering::Relaxed),
        "went on in the midst of its own end"
    );
    assert!(awaiter.cancelled(), "it has been cancelled");
    family.end();
}
