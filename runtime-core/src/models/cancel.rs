//! a2: a task is run while one thread cancels it and another wakes it.

use std::future::poll_fn;
use std::task::{Poll, Waker};

use super::drop_probe::DropProbe;
use super::test_scheduler::TestScheduler;
use crate::exceptions::TaskError;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, Mutex, StdArc, Tally, explore, thread};

/// The runner, a canceller and a waker (3 threads). The future is dropped once, and not while it is
/// polled; the task ends with its value or cancelled, and with its value if the cancel came too
/// late.
pub fn a_task_ends_once() {
    explore("a2: a task ends once", None, model);
}

/// `cancel` drops the future in place instead of scheduling its task.
pub fn without_the_way_through_the_queue() {
    explore("a2 twin", Some(Mutant::CancelInPlace), model);
}

fn model() {
    let scheduler = TestScheduler::new();
    let said = Arc::new(AtomicBool::new(false));
    let dropped = StdArc::new(Tally::default());
    let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
    let mut task = {
        let (said, waker, probe) = (said.clone(), waker.clone(), DropProbe::new(&dropped));
        scheduler.spawn(poll_fn(move |cx| {
            probe.touch();
            let mut waker = waker.lock();
            if waker.is_none() {
                *waker = Some(cx.waker().clone());
            }
            drop(waker);
            match said.load(Ordering::Relaxed) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        }))
    };
    scheduler.run_one();
    let waker = waker.lock().take().expect("stored by the first poll");
    let handle = task.handle();
    let canceller = thread::spawn(move || handle.cancel());
    let sayer = thread::spawn(move || {
        said.store(true, Ordering::Relaxed);
        waker.wake();
    });
    scheduler.run_one();
    scheduler.run_one();
    let accepted = canceller
        .join()
        .expect("a panic would have ended the model");
    sayer.join().expect("a panic would have ended the model");
    scheduler.run_all();
    match task.result() {
        Ok(()) => {}
        Err(TaskError::Cancelled(_)) => assert!(accepted, "cancelled by nobody"),
        Err(other) => panic!("neither a value nor cancelled: {other}"),
    }
    assert_eq!(dropped.count(), 1, "the future was not dropped once");
}
