//! a5: a shutdown and a thread cancel a task, and the thread takes its request back, while it is run.

use std::future::poll_fn;
use std::task::{Poll, Waker};

use super::desk::Desk;
use crate::runtime::TaskHandle;
use crate::runtime::{Task, intercept, note};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, Mutex, StdArc, Tally, explore, explore_less, thread};

/// The runner, a shutdown and a canceller, who takes its request back (3 threads). The shutdown's is left
/// in the count, and it has been delivered: a request that is taken back takes no other along. (Two
/// cancellers would not do: theirs are noted under one lock, which a shutdown does not take.)
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

/// A task that catches every cancellation until it is told to end.
struct Catcher {
    desk: Desk,
    task: Task<()>,
    caught: StdArc<Tally>,
    ends: Arc<AtomicBool>,
    waker: Waker,
}

impl Catcher {
    /// The task has been polled once: before that a cancellation would drop it unpolled.
    fn new() -> Catcher {
        let desk = Desk::new();
        let caught = StdArc::new(Tally::default());
        let ends = Arc::new(AtomicBool::new(false));
        let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
        let task = {
            let (caught, ends, waker) = (caught.clone(), ends.clone(), waker.clone());
            desk.spawn(poll_fn(move |cx| {
                *waker.lock() = Some(cx.waker().clone());
                if intercept(note()).is_some() {
                    caught.add();
                }
                match ends.load(Ordering::Relaxed) {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                }
            }))
        };
        desk.run_one();
        let waker = waker.lock().take().expect("stored by the first poll");
        Catcher {
            desk,
            task,
            caught,
            ends,
            waker,
        }
    }

    fn handle(&self) -> TaskHandle {
        self.task.handle()
    }

    fn end(self) {
        self.ends.store(true, Ordering::Relaxed);
        self.waker.wake();
        self.desk.run_all();
        assert!(self.task.done(), "it was told to end");
    }
}

fn two_cancel() {
    let catcher = Catcher::new();
    let (one, other) = (catcher.handle(), catcher.handle());
    let one = thread::spawn(move || one.reference().cancel_for_shutdown());
    let other = thread::spawn(move || {
        other.cancel();
        other.uncancel();
    });
    catcher.desk.run_one();
    catcher.desk.run_one();
    one.join().expect("a panic would have ended the model");
    other.join().expect("a panic would have ended the model");
    catcher.desk.run_all();
    assert_eq!(catcher.task.cancelling(), 1, "the count is wrong");
    let caught = catcher.caught.count();
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
        let (late, before) = (withdrawn.load(Ordering::Acquire), catcher.caught.count());
        catcher.desk.run_one();
        let delivered = catcher.caught.count() > before;
        assert!(!(late && delivered), "delivered after it was withdrawn");
    }
    canceller
        .join()
        .expect("a panic would have ended the model");
    let before = catcher.caught.count();
    catcher.desk.run_all();
    assert_eq!(
        catcher.caught.count(),
        before,
        "delivered after it was withdrawn"
    );
    catcher.end();
}
