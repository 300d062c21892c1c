//! b7: another thread wakes tasks that are bound to one thread.

use std::future::poll_fn;
use std::task::{Poll, Waker};

use super::engine::{Loop, explore_less_of_a_loop};
use crate::runtime::{NewTask, spawn_local};
use crate::sync::{Arc, Mutant, Mutex, StdArc, Tally, thread};

/// Two local tasks wait, and another thread wakes both while their worker goes to sleep (2
/// threads). Both run.
pub fn what_is_sent_is_received() {
    explore(None);
}

/// The inbox sets its flag before it has the task.
pub fn without_the_push_before_the_word() {
    explore(Some(Mutant::AnyBeforePush));
}

/// The inbox clears its flag outside the lock, when another task may have come.
pub fn without_the_lock_for_the_word() {
    explore(Some(Mutant::ClearUnlocked));
}

/// The thread of the inbox is not woken.
pub fn without_the_wake_of_the_thread() {
    explore(Some(Mutant::SendSilently));
}

fn explore(step: Option<Mutant>) {
    let name = if step.is_some() {
        "b7 twin"
    } else {
        "b7: what is sent is received"
    };
    explore_less_of_a_loop(1, name, step, send);
}

fn send() {
    let mut event_loop = Loop::new(1);
    let mut first = event_loop.enter();
    let wakers: Arc<Mutex<Vec<Waker>>> = Arc::default();
    let ran = StdArc::new(Tally::default());
    for _ in 0..2 {
        let (wakers, ran) = (wakers.clone(), ran.clone());
        let mut waits = true;
        let task = poll_fn(move |cx| {
            if std::mem::replace(&mut waits, false) {
                wakers.lock().push(cx.waker().clone());
                return Poll::Pending;
            }
            ran.add();
            Poll::Ready(())
        });
        spawn_local(task, NewTask::here());
    }
    let _turns = [first.worker.turn(), first.worker.turn()];
    let wakers = std::mem::take(&mut *wakers.lock());
    let sender = thread::spawn(move || wakers.into_iter().for_each(Waker::wake));
    // A task that is forgotten is a deadlock.
    first.worker.drive(|| ran.count() == 2);
    sender.join().expect("a panic would have ended the model");
}
