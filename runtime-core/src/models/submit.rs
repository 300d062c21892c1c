//! c1, c3: a foreign thread submits a task, while a worker goes to sleep or the loop closes.

use std::task::{Context, Poll};

use super::drop_probe::DropProbe;
use super::engine::{Loop, explore_loop};
use super::ring::Ring;
use crate::exceptions::TaskError;
use crate::runtime::modelled::shutdown::close;
use crate::sync::{Mutant, StdArc, Tally, thread};

/// A thread submits a task to a worker that goes to sleep, and waits for the result (2 threads).
pub fn a_submitted_task_is_run_and_its_result_comes_back() {
    explore_loop("c1: submitted, run and back", None, submit);
}

/// A thread submits a task while the loop closes (2 threads). The task is refused, or ends: in each
/// case its future is dropped once.
pub fn a_task_submitted_while_its_loop_closes_is_not_forgotten() {
    explore_loop(
        "c3: submitted while the loop closes",
        None,
        submit_and_close,
    );
}

/// The notification is sent before the push.
pub fn without_the_push_before_the_word() {
    explore_loop("c1 twin", Some(Mutant::NotifyBeforePush), submit);
}

/// The closed flag is checked outside the lock under which the push happens.
pub fn without_the_lock_of_a_push() {
    explore_loop("c3 twin", Some(Mutant::PushUnlocked), submit_and_close);
}

fn submit() {
    let mut event_loop = Loop::new(1);
    let worker = event_loop.start_worker();
    let mut task = event_loop.handle().create_task(async { 42 });
    let (ring, waker) = Ring::new();
    let mut polled = task.poll_passive(&mut Context::from_waker(&waker));
    if polled.is_pending() {
        ring.wait();
        polled = task.poll_passive(&mut Context::from_waker(&waker));
    }
    assert!(matches!(polled, Poll::Ready(Ok(42))), "a wrong result");
    event_loop.shared.workers.stop();
    worker.join().expect("a panic would have ended the model");
}

fn submit_and_close() {
    let event_loop = Loop::new(1);
    let dropped = StdArc::new(Tally::default());
    let submitter = {
        let (handle, probe) = (event_loop.handle(), DropProbe::new(&dropped));
        thread::spawn(move || handle.try_create_task(async move { probe.touch() }))
    };
    close(&event_loop.shared);
    let submitted = submitter.join();
    if let Ok(mut task) = submitted.expect("a panic would have ended the model") {
        let result = task.result();
        assert!(
            matches!(result, Err(TaskError::Cancelled(_))),
            "the task is forgotten"
        );
    }
    assert_eq!(dropped.count(), 1, "the future was not dropped once");
}
