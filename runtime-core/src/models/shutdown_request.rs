//! a14: a task's shutdown request comes by two ways at once.

use super::catcher::Catcher;
use crate::exceptions::{CancelledError, Cause};
use crate::sync::{Mutant, explore, thread};

/// The runner, the shutdown, and an awaiter of the same loop that passes its own request
/// on (3 threads). It is counted once, and delivered once.
pub fn the_request_comes_once() {
    explore("a14: the shutdown request comes once", None, two_ways);
}

/// Whether the task has had it is not looked at.
pub fn without_a_look_for_an_earlier_one() {
    explore("a14 twin", Some(Mutant::ShutdownTwice), two_ways);
}

fn two_ways() {
    let catcher = Catcher::new();
    let (one, other) = (catcher.handle(), catcher.handle());
    let shutdown = thread::spawn(move || one.reference().cancel_for_shutdown());
    let awaiter = thread::spawn(move || {
        let cause = Cause::shutdown(other.reference().scheduler().closing_since());
        let error = CancelledError::default().caused_by(cause);
        let _known = other.reference().forward(other.reference(), &error);
    });
    catcher.scheduler.run_one();
    catcher.scheduler.run_one();
    shutdown.join().expect("a panic would have ended the model");
    awaiter.join().expect("a panic would have ended the model");
    catcher.scheduler.run_all();
    assert_eq!(catcher.task.cancelling(), 1, "not once");
    let caught = catcher.caught();
    assert_eq!(caught.len(), 1, "not once");
    assert!(caught[0].cause().is_shutdown(), "it is the shutdown's");
    catcher.end();
}
