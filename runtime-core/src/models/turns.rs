//! i2: a waiter is given its turn, and its task does not poll it.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Poll, Waker};

use super::ring::wait_for;
use super::test_scheduler::TestScheduler;
use crate::runtime::Permits;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, Mutex, explore, thread};

/// The thread that releases the permit and runs the task, and one that waits for the permit (2
/// threads). It gets it, though the first in line is a future that the task does not poll.
pub fn a_turn_that_is_not_used_is_passed_on() {
    explore("i2: a turn that is not used is passed on", None, pass_on);
}

/// A turn is given and passed on at the end of a poll, while another thread drops its waiter, and
/// while the task ends (2 threads). The permit is not lost.
pub fn a_turn_whose_waiter_goes_away_is_not_lost() {
    explore("i2: a turn whose waiter goes away", None, drop_beside);
}

/// A turn that is passed on goes to nobody.
pub fn without_the_next_in_line() {
    explore("i2 twin", Some(Mutant::PassOnSilently), pass_on);
}

/// What is granted to a waiter that is dropped is kept.
pub fn without_the_return_of_a_turn() {
    explore("i2 twin", Some(Mutant::KeepTurn), drop_beside);
}

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

fn wait(permits: &Arc<Permits>) -> Wait {
    let permits = Arc::clone(permits);
    Box::pin(async move { permits.acquire(1).await })
}

/// Wakes the task that has left its waker here.
fn wake(kept: &Mutex<Option<Waker>>) {
    let waker = kept.lock().take();
    waker.expect("the task has been polled").wake();
}

fn pass_on() {
    let permits = Arc::new(Permits::new(0));
    let scheduler = TestScheduler::new();
    let over = Arc::new(AtomicBool::new(false));
    let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
    let task = {
        let mut first = Some(wait(&permits));
        let (mut polled, over, kept) = (false, Arc::clone(&over), Arc::clone(&waker));
        scheduler.spawn(poll_fn(move |with| {
            if !polled {
                polled = true;
                *kept.lock() = Some(with.waker().clone());
                let first = first.as_mut().expect("dropped at the end");
                assert!(first.as_mut().poll(with).is_pending());
            }
            // Relaxed: the wake comes after the store, and orders it.
            if !over.load(Ordering::Relaxed) {
                return Poll::Pending;
            }
            first = None;
            Poll::Ready(())
        }))
    };
    scheduler.run_all();
    let waits = {
        let permits = Arc::clone(&permits);
        thread::spawn(move || wait_for(permits.acquire(1)))
    };
    assert!(permits.release(1, 1), "too many permits");
    scheduler.run_all();
    waits.join().expect("a panic would have ended the model");
    over.store(true, Ordering::Relaxed);
    wake(&waker);
    scheduler.run_all();
    assert!(task.done(), "the task has not ended");
    assert!(permits.release(1, 1), "too many permits");
    assert!(permits.try_acquire(1), "the permit is lost");
}

fn drop_beside() {
    let permits = Arc::new(Permits::new(0));
    let scheduler = TestScheduler::new();
    let slot: Arc<Mutex<Option<Wait>>> = Arc::default();
    let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
    let task = {
        let mut first = Some(wait(&permits));
        let (slot, kept) = (Arc::clone(&slot), Arc::clone(&waker));
        scheduler.spawn(poll_fn(move |with| match first.take() {
            Some(mut first) => {
                assert!(first.as_mut().poll(with).is_pending());
                *slot.lock() = Some(first);
                *kept.lock() = Some(with.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }))
    };
    scheduler.run_all();
    let drops = thread::spawn(move || {
        let waiter = slot.lock().take();
        drop(waiter);
    });
    assert!(permits.release(1, 1), "too many permits");
    wake(&waker);
    scheduler.run_all();
    assert!(task.done(), "the task has not ended");
    drops.join().expect("a panic would have ended the model");
    assert!(permits.try_acquire(1), "the permit is lost");
    assert!(!permits.try_acquire(1), "there are two permits");
}
