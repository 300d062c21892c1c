//! a5: a shutdown and a thread cancel a task, and the thread takes its request back, while it is
//! run.

use super::catcher::Catcher;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, explore, explore_less, thread};

/// The runner, a shutdown and a canceller, who takes its request back (3 threads). The shutdown's
/// is left in the count, and it has been delivered: a request that is taken back takes no other
/// along. (Two cancellers would not do: theirs are noted under one lock, which a shutdown does not
/// take.)
pub fn the_other_request_is_delivered() {
    explore_less(1, "a5: the other request is delivered", None, two_cancel);
}

/// The runner and one canceller, who takes its request back (2 threads). A poll that begins after
/// that delivers nothing.
pub fn a_withdrawn_request_is_not_delivered() {
    explore(
        "a5: a withdrawn request is not delivered",
        None,
        one_cancels,
    );
}

/// `uncancel` takes the count down first, and the request back afterwards.
pub fn without_one_step_for_both() {
    explore_less(1, "a5 twin", Some(Mutant::WithdrawInTwoSteps), two_cancel);
}

/// `uncancel` takes the count down and leaves the request.
pub fn without_the_withdrawal() {
    explore("a5 twin", Some(Mutant::KeepWithdrawn), one_cancels);
}

fn two_cancel() {
    let catcher = Catcher::new();
    let (one, other) = (catcher.handle(), catcher.handle());
    let one = thread::spawn(move || one.reference().cancel_for_shutdown());
    let other = thread::spawn(move || {
        other.cancel();
        other.uncancel();
    });
    catcher.scheduler.run_one();
    catcher.scheduler.run_one();
    one.join().expect("a panic would have ended the model");
    other.join().expect("a panic would have ended the model");
    catcher.scheduler.run_all();
    assert_eq!(catcher.task.cancelling(), 1, "the count is wrong");
    let caught = catcher.caught().len();
    assert!(caught >= 1, "a request was lost");
    assert!(caught <= 2, "a request was delivered twice");
    catcher.end();
}

fn one_cancels() {
    let catcher = Catcher::new();
    let withdrawn = Arc::new(AtomicBool::new(false));
    let canceller = {
        let (task, withdrawn) = (catcher.handle(), withdrawn.clone());
        thread::spawn(move || {
            task.cancel();
            assert_eq!(task.uncancel(), 0, "the count is wrong");
            withdrawn.store(true, Ordering::Release);
        })
    };
    for _ in 0..2 {
        let (late, before) = (withdrawn.load(Ordering::Acquire), catcher.caught().len());
        catcher.scheduler.run_one();
        let delivered = catcher.caught().len() > before;
        assert!(!(late && delivered), "delivered after it was withdrawn");
    }
    canceller
        .join()
        .expect("a panic would have ended the model");
    let before = catcher.caught().len();
    catcher.scheduler.run_all();
    assert_eq!(
        catcher.caught().len(),
        before,
        "delivered after it was withdrawn"
    );
    catcher.end();
}
