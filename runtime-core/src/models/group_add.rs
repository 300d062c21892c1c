//! g2: a child is added to a group while another thread aborts it.

use std::future::pending;

use super::family::Family;
use crate::sync::{Mutant, explore, thread};

/// Who adds, and who aborts (2 threads). The child is refused, or cancelled once.
pub fn a_child_added_during_an_abort_is_cancelled_once() {
    explore("g2: a child is added during an abort", None, add);
}

/// Who adds a child does not look whether the others have been cancelled.
pub fn without_a_look_at_the_abort() {
    explore("g2 twin", Some(Mutant::AddWithoutLook), add);
}

fn add() {
    let family = Family::new();
    let adder = {
        let family = family.clone();
        thread::spawn(move || family.add(pending()))
    };
    family.abort();
    let added = adder.join().expect("a panic would have ended the model");
    if let Some(child) = added {
        assert_eq!(child.cancelling(), 1, "not cancelled once");
        family.scheduler.run_all();
        assert!(child.cancelled(), "it has been cancelled");
    }
    family.end();
}
