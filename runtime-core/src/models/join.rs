//! a3: a task completes while its handle is awaited, by one waker and then another, or dropped.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::drop_probe::DropProbe;
use super::ring::Ring;
use super::test_scheduler::TestScheduler;
use crate::sync::{Mutant, StdArc, Tally, explore, explore_less, thread};

/// The thread that runs the task, its awaiter, and one that drops a second handle (3 threads). The
/// awaiter is woken by the waker that it registered last, and sees the output completely written.
/// The output is dropped once.
pub fn the_awaiter_gets_the_output() {
    explore_less(1, "a3: the awaiter gets the output", None, await_it);
}

/// The thread that runs the task, and one that registers a waker and then drops the handle (2
/// threads). The output is dropped once, and the waker is not kept.
pub fn a_dropped_handle_drops_the_output() {
    explore("a3: a dropped handle drops the output", None, drop_it);
}

/// DONE is published without the output.
pub fn without_the_release_of_the_output() {
    explore_less(1, "a3 twin", Some(Mutant::DoneBeforeOutput), await_it);
}

fn await_it() {
    let scheduler = TestScheduler::new();
    let dropped = StdArc::new(Tally::default());
    let output = DropProbe::new(&dropped);
    let mut task = scheduler.spawn(async move { output });
    let handle = task.handle();
    let other = thread::spawn(move || drop(handle));
    let awaiter = thread::spawn(move || {
        let (first, waker) = Ring::new();
        let (second, another) = Ring::new();
        let mut polled = task.poll_passive(&mut Context::from_waker(&waker));
        if polled.is_pending() {
            polled = task.poll_passive(&mut Context::from_waker(&another));
        }
        if polled.is_pending() {
            second.wait();
            polled = task.poll_passive(&mut Context::from_waker(&another));
        }
        let Poll::Ready(Ok(output)) = polled else {
            panic!("woken before the end");
        };
        output.touch();
        drop((output, task));
        [first, second]
    });
    scheduler.run_one();
    let rings = awaiter.join();
    let rings = rings.expect("a panic would have ended the model");
    other.join().expect("a panic would have ended the model");
    let kept = rings.iter().any(|ring| StdArc::strong_count(ring) > 1);
    assert!(!kept, "a waker is kept");
    assert_eq!(dropped.count(), 1, "the output was not dropped once");
}

fn drop_it() {
    let scheduler = TestScheduler::new();
    let dropped = StdArc::new(Tally::default());
    let output = DropProbe::new(&dropped);
    let mut output = Some(output);
    let mut task = scheduler.spawn(poll_fn(move |_| Poll::Ready(output.take())));
    let handle = thread::spawn(move || {
        let (ring, waker) = Ring::new();
        let polled = task.poll_passive(&mut Context::from_waker(&waker));
        drop((polled, task, waker));
        ring
    });
    scheduler.run_one();
    let ring = handle.join().expect("a panic would have ended the model");
    assert_eq!(StdArc::strong_count(&ring), 1, "the waker is kept");
    assert_eq!(dropped.count(), 1, "the output was not dropped once");
}
