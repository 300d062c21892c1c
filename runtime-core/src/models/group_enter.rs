//! g3: a child enters a group while the last one leaves, and the group waits.

use super::ring::Ring;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, StdArc, explore, thread};
use crate::taskgroups::modelled::Children;

/// The last child, one that enters, and the group's future (3 threads). The group is over after
/// both, or the new one is refused.
pub fn nobody_enters_a_group_that_is_over() {
    explore("g3: nobody enters a group that is over", None, enter);
}

/// A child enters a group that is over.
pub fn without_a_look_for_the_end() {
    explore("g3 twin", Some(Mutant::EnterTheOver), enter);
}

fn enter() {
    let children = StdArc::new(Children::new());
    let over = Arc::new(AtomicBool::new(false));
    let _gate = children.enter().expect("the group is open");
    let last = {
        let children = StdArc::clone(&children);
        thread::spawn(move || children.leave(None))
    };
    let new = {
        let (children, over) = (StdArc::clone(&children), over.clone());
        thread::spawn(move || {
            if children.enter().is_ok() {
                let is_over = over.load(Ordering::Relaxed);
                assert!(!is_over, "entered a group that is over");
                children.leave(None);
            }
        })
    };
    let (ring, waker) = Ring::new();
    while !children.exit(&waker) {
        ring.wait();
    }
    over.store(true, Ordering::Relaxed);
    last.join().expect("a panic would have ended the model");
    new.join().expect("a panic would have ended the model");
}
