//! a13: a waiter or a callback is registered with a task while it completes.

use std::future::{Future, ready};
use std::pin::pin;
use std::task::Context;

use super::ring::Ring;
use super::test_scheduler::TestScheduler;
use crate::sync::{Mutant, StdArc, Tally, explore, explore_less, thread};

/// The thread that runs the task, one that waits for its end, and one that registers a callback (3
/// threads). The waiter is woken or finds the end at once, and the callback is called, once.
pub fn who_comes_during_the_end_is_told() {
    explore_less(1, "a13: registered during the end", None, || {
        come(true, true);
    });
}

/// The waiter does not check for the end again.
pub fn without_another_look_of_the_waiter() {
    explore("a13 twin", Some(Mutant::ListWithoutLook), || {
        come(true, false);
    });
}

/// A thread that registers a callback does not check for the end.
pub fn without_a_look_after_the_callback() {
    explore("a13 twin", Some(Mutant::ListWithoutLook), || {
        come(false, true);
    });
}

fn come(waits: bool, calls: bool) {
    let scheduler = TestScheduler::new();
    let called = StdArc::new(Tally::default());
    let task = scheduler.spawn(ready(()));
    let waiter = waits.then(|| {
        let task = task.handle();
        thread::spawn(move || {
            let (ring, waker) = Ring::new();
            let mut end = pin!(task.wait());
            let mut cx = Context::from_waker(&waker);
            while end.as_mut().poll(&mut cx).is_pending() {
                ring.wait();
            }
            assert!(task.done(), "woken before the end");
        })
    });
    let caller = calls.then(|| {
        let (task, called) = (task.handle(), called.clone());
        thread::spawn(move || {
            task.add_done_callback(move |task| {
                assert!(task.done(), "called before the end");
                called.add();
            });
        })
    });
    scheduler.run_one();
    for thread in waiter.into_iter().chain(caller) {
        thread.join().expect("a panic would have ended the model");
    }
    assert_eq!(called.count(), usize::from(calls), "not called once");
}
