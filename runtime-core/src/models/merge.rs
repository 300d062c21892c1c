//! a16: an awaiter passes a request on while the task begins to handle another.

use super::catcher::Catcher;
use crate::exceptions::{CancelledError, Cause};
use crate::runtime::modelled::transitions::Cancel;
use crate::runtime::{Stamp, TaskHandle};
use crate::sync::atomic::Ordering;
use crate::sync::{Mutant, explore, explore_less, thread};

/// The runner, and an awaiter whose request was made before (2 threads). It does not come again,
/// and the awaiter knows that it has been met.
pub fn what_was_asked_for_before_is_a_part_of_it() {
    explore("a16: an older request is merged", None, pass_on_older);
}

/// The runner, and an awaiter whose request is made meanwhile (2 threads). It comes if it was made
/// after the handler had begun; the awaiter knows that it has been met.
pub fn what_is_asked_for_afterwards_comes() {
    explore("a16: a newer request is delivered", None, pass_on_newer);
}

/// Both at once (3 threads).
pub fn the_older_and_the_newer_are_told_apart() {
    explore_less(2, "a16: the older and the newer", None, pass_on_both);
}

/// The age of a request is not looked at.
pub fn without_the_age_of_the_request() {
    explore("a16 twin", Some(Mutant::DeliverOlder), pass_on_older);
}

/// A newer request is taken for a part of the last delivery.
pub fn without_the_delivery_of_the_newer() {
    explore("a16 twin", Some(Mutant::MergeNewer), pass_on_newer);
}

/// What the handler takes along at its beginning is not noted.
pub fn without_a_note_of_what_is_taken_along() {
    explore("a16 twin", Some(Mutant::MeetTheFirst), pass_on_newer);
}

/// A request that has been passed on to `task`; `None` if that was done.
fn forward(task: &TaskHandle, asked: Stamp) -> Option<Stamp> {
    let error = CancelledError::default().caused_by(Cause::request(asked.0));
    let answer = task.reference().forward(task.reference(), &error);
    (answer != Cancel::Done).then_some(asked)
}

type Awaiter = thread::JoinHandle<(Stamp, bool)>;

/// An awaiter whose own request was made before.
fn older(catcher: &Catcher) -> Awaiter {
    let (task, asked) = (catcher.handle(), Stamp::now());
    thread::spawn(move || {
        forward(&task, asked).expect("it is not done");
        (asked, false)
    })
}

/// An awaiter whose own request is made now; it says whether a handler had begun.
fn newer(catcher: &Catcher) -> Awaiter {
    let (task, began) = (catcher.handle(), catcher.began.clone());
    thread::spawn(move || {
        let after = began.load(Ordering::Acquire);
        let asked = Stamp::now();
        forward(&task, asked).expect("it is not done");
        (asked, after)
    })
}

fn pass_on_older() {
    run(1, |catcher| vec![older(catcher)]);
}

fn pass_on_newer() {
    run(2, |catcher| vec![newer(catcher)]);
}

fn pass_on_both() {
    run(2, |catcher| vec![older(catcher), newer(catcher)]);
}

/// A request is delivered, while others come: at `most` so many are delivered.
fn run(most: usize, awaiters: fn(&Catcher) -> Vec<Awaiter>) {
    let catcher = Catcher::new();
    let awaiters = awaiters(&catcher);
    catcher.handle().cancel();
    catcher.scheduler.run_one();
    catcher.scheduler.run_one();
    let awaiters = awaiters.into_iter().map(thread::JoinHandle::join);
    let awaiters: Vec<_> = awaiters.collect();
    catcher.scheduler.run_all();
    let caught = catcher.caught();
    for awaiter in awaiters {
        let (asked, after) = awaiter.expect("a panic would have ended the model");
        let own = |error: &CancelledError| error.cause() == Cause::request(asked.0);
        let delivered = caught.iter().any(own);
        assert!(delivered || !after, "a request was lost: not delivered");
        let met = catcher.task.reference().has_acknowledged(asked);
        assert!(met, "a request was lost: met, and nobody knows");
    }
    assert!(caught.len() <= most, "an older request interrupts");
    catcher.end();
}
