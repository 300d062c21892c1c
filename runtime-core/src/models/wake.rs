//! a1: a task is run while two threads wake it.

use std::future::poll_fn;
use std::task::{Poll, Waker};

use super::test_scheduler::TestScheduler;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, Mutex, StdArc, Tally, explore, thread};

/// The thread that runs the task, and two that wake it (3 threads). Each of the two stores a flag
/// and then wakes; a poll after the last wake sees both flags. The task is polled by one thread at
/// a time, is in the queue at most once, and is polled at most once for each wake.
pub fn no_wake_is_lost() {
    explore("a1: no wake is lost", None, model);
}

/// At its end a poll forgets a wake that arrived while it ran.
pub fn without_the_wake_during_a_poll() {
    explore("a1 twin", Some(Mutant::ForgetWakeDuringPoll), model);
}

/// A wake of a task that is scheduled already publishes nothing.
pub fn without_the_release_of_a_second_wake() {
    explore("a1 twin", Some(Mutant::WakeWithoutRelease), model);
}

fn model() {
    let scheduler = TestScheduler::new();
    let said: Arc<[AtomicBool; 2]> = Arc::default();
    let polls = StdArc::new(Tally::default());
    let wakers: Arc<Mutex<Vec<Waker>>> = Arc::default();
    let task = {
        let (said, polls, wakers) = (said.clone(), polls.clone(), wakers.clone());
        scheduler.spawn(poll_fn(move |cx| {
            polls.add();
            if polls.count() == 1 {
                wakers
                    .lock()
                    .extend([cx.waker().clone(), cx.waker().clone()]);
            }
            // Relaxed: only the wake must order this against the stores.
            match said.iter().all(|said| said.load(Ordering::Relaxed)) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        }))
    };
    scheduler.run_one();
    let wakers = std::mem::take(&mut *wakers.lock());
    let threads = wakers.into_iter().enumerate().map(|(index, waker)| {
        let said = said.clone();
        thread::spawn(move || {
            said[index].store(true, Ordering::Relaxed);
            waker.wake();
        })
    });
    let threads: Vec<_> = threads.collect();
    scheduler.run_one();
    scheduler.run_one();
    for thread in threads {
        thread.join().expect("a panic would have ended the model");
    }
    scheduler.run_all();
    assert!(task.done(), "a wake was lost");
    assert!(polls.count() <= 3, "a poll without a wake");
}
