//! a4: the last references to a task are released while it is run.

use std::future::poll_fn;
use std::task::{Poll, Waker};

use super::test_scheduler::{TaskScheduler, TestScheduler};
use crate::sync::{Arc, Mutant, Mutex, StdArc, Tally, explore, thread};

/// The thread that runs the task and drops the `Task`, one that wakes it, and one that looks at the
/// task through a handle (3 threads). The allocation is freed once, after the last access.
pub fn the_last_one_frees() {
    explore("a4: the last one frees", None, model);
}

/// The release of a reference does not acquire what other threads did with theirs.
pub fn without_the_acquire_of_the_last() {
    explore("a4 twin", Some(Mutant::ReleaseRelaxed), model);
}

fn model() {
    let scheduler = TestScheduler::new();
    let freed = StdArc::new(Tally::default());
    let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
    let task = {
        let waker = waker.clone();
        let mut woken = false;
        let future = poll_fn(move |cx| match std::mem::replace(&mut woken, true) {
            true => Poll::Ready(()),
            false => {
                *waker.lock() = Some(cx.waker().clone());
                Poll::Pending
            }
        });
        scheduler.spawn_counted(future, &freed)
    };
    scheduler.run_one();
    let waker = waker.lock().take().expect("stored by the first poll");
    let handle = task.handle();
    let sayer = thread::spawn(move || {
        waker.wake_by_ref();
        drop(waker);
    });
    let looker = thread::spawn(move || {
        let place = handle
            .reference()
            .scheduler_as_any()
            .downcast_ref::<TaskScheduler>();
        place.expect("this scheduler").memory.look();
        drop(handle);
    });
    scheduler.run_one();
    drop(task);
    sayer.join().expect("a panic would have ended the model");
    looker.join().expect("a panic would have ended the model");
    scheduler.run_all();
    assert_eq!(freed.count(), 1, "the task was not freed once");
}
