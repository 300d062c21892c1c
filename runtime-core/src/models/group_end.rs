//! g1: the last child of a group ends while the group begins to wait, and while it is aborted.

use std::future::ready;

use super::drop_probe::DropProbe;
use super::family::Family;
use super::ring::Ring;
use crate::sync::{Mutant, StdArc, Tally, explore, explore_less, thread};
use crate::taskgroups::modelled::Children;

/// The child, and the group's future (2 threads). The future sees that no child is left, or is
/// woken and sees it then, and what the child did before.
pub fn the_last_child_wakes_the_group() {
    explore("g1: the last child wakes the group", None, leave);
}

/// The thread that runs the child, one that aborts, and the group's future (3 threads). The group
/// ends after the child, which is cancelled once at most.
pub fn an_abort_against_a_child_s_end() {
    let name = "g1: an abort against the end of a child";
    explore_less(1, name, None, abort);
}

/// The future looks for the last child before its waker is registered.
pub fn without_the_waker_first() {
    explore("g1 twin", Some(Mutant::ExitBeforeWaker), leave);
}

/// A child leaves and publishes nothing.
pub fn without_the_release_of_a_child() {
    explore("g1 twin", Some(Mutant::LeaveRelaxed), leave);
}

fn leave() {
    let children = StdArc::new(Children::new());
    let probe = StdArc::new(DropProbe::new(&StdArc::new(Tally::default())));
    let _gate = children.enter().expect("the group is open");
    let child = {
        let (children, probe) = (StdArc::clone(&children), StdArc::clone(&probe));
        thread::spawn(move || {
            probe.touch();
            children.leave(None);
        })
    };
    wait(&children);
    probe.touch();
    child.join().expect("a panic would have ended the model");
}

/// The group's future, after its body.
fn wait(children: &Children) {
    let (ring, waker) = Ring::new();
    while !children.exit(&waker) {
        ring.wait();
    }
}

fn abort() {
    let family = Family::new();
    let child = family.add(ready(())).expect("the group is open");
    let runner = {
        let scheduler = family.scheduler.clone();
        thread::spawn(move || scheduler.run_all())
    };
    let aborter = {
        let family = family.clone();
        thread::spawn(move || family.abort())
    };
    wait(&family.children);
    assert!(child.done(), "the group is over before its child");
    runner.join().expect("a panic would have ended the model");
    aborter.join().expect("a panic would have ended the model");
    assert!(child.cancelling() <= 1, "cancelled twice");
    family.end();
}
