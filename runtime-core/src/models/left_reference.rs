//! i19: a task is woken by waiters that leave their references to it, while it runs and ends.

use super::test_scheduler::TestScheduler;
use crate::runtime::Permits;
use crate::sync::{Arc, Mutant, explore, thread};

/// Two threads release a permit each, and one of them runs the task that waits for both (2
/// threads). The task ends, and is freed.
pub fn a_reference_that_is_left_is_taken() {
    explore("i19: a reference is left", None, leave_and_take);
}

/// A waker leaves its reference when it has scheduled the task.
pub fn without_the_right_to_run() {
    explore("i19 twin", Some(Mutant::LeaveLate), leave_and_take);
}

/// The end of the task leaves the reference where it is.
pub fn without_the_release_of_the_reference() {
    explore("i19 twin", Some(Mutant::KeepReference), leave_and_take);
}

fn leave_and_take() {
    let permits = Arc::new(Permits::new(0));
    let scheduler = TestScheduler::new();
    let task = {
        let permits = Arc::clone(&permits);
        scheduler.spawn(async move {
            permits.acquire(1).await;
            permits.acquire(1).await;
        })
    };
    scheduler.run_all();
    let releases = {
        let permits = Arc::clone(&permits);
        thread::spawn(move || assert!(permits.release(1, 2), "too many permits"))
    };
    assert!(permits.release(1, 2), "too many permits");
    scheduler.run_all();
    releases.join().expect("a panic would have ended the model");
    scheduler.run_all();
    assert!(task.done(), "the task has not ended");
}
