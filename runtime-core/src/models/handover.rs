//! c2: a coroutine completes, a thread waits or times out, and another thread cancels.

use std::task::Poll;
use std::time::{Duration, Instant};

use crate::exceptions::{CancelledError, TaskError};
use crate::runtime::{Cancellation, Completion, Handover};
use crate::sync::{Arc, Mutant, StdArc, Tally, explore, thread};

/// One thread completes and one cancels while a third waits (3 threads). One of the two wins, the
/// waiter sees the winner's outcome, and a value is taken or returned to the completer, once.
pub fn an_outcome_has_one_winner() {
    explore("c2: an outcome has one winner", None, wait_for_the_winner);
}

/// The same, with a waiter that gives up and then cancels itself (3 threads).
pub fn a_wait_that_gives_up_loses_nothing() {
    explore("c2: a wait that gives up loses nothing", None, give_up);
}

/// A task polls while another thread completes (2 threads). It is woken, or sees the outcome.
pub fn a_poll_is_told_of_the_end() {
    explore("c2: a poll learns of the end", None, || {
        let handover = Arc::new(Handover::new());
        let completer = completer(&handover);
        let wakes = StdArc::new(Wakes::default());
        let first = handover.poll(&wakes.clone().into());
        assert!(
            completer.join().expect("no panic"),
            "no other thread ends it"
        );
        if first.is_pending() {
            assert_eq!(wakes.0.count(), 1);
            let second = handover.poll(&wakes.clone().into());
            assert!(matches!(second, Poll::Ready(Ok(1))));
        }
    });
}

/// Two threads wait while another completes (3 threads). Both are notified; one takes the value.
pub fn every_sleeper_is_told() {
    explore("c2: every sleeping thread is notified", None, wait_twice);
}

/// A wait times out at the moment of the completion (2 threads). The value was there in time.
pub fn a_value_at_the_last_moment_is_seen() {
    explore("c2: a value at the last moment", None, wait_to_the_last);
}

/// A thread adds a callback while another completes (2 threads). It is run by one of them, once.
pub fn a_callback_is_run_by_one_of_them() {
    explore("c2: a callback is run by one of them", None, call_back);
}

/// Only one of the sleeping threads is notified.
pub fn without_a_word_to_the_other_sleeper() {
    explore("c2 twin", Some(Mutant::NotifyOneSleeper), wait_twice);
}

/// A wait that times out does not check once more.
pub fn without_the_last_look() {
    explore("c2 twin", Some(Mutant::GiveUpUnseen), wait_to_the_last);
}

/// The check for the end and the adding of a callback are not under one lock.
pub fn without_the_lock_of_a_callback() {
    explore("c2 twin", Some(Mutant::AddCallbackUnlocked), call_back);
}

/// A completion overwrites a cancellation that came after its check.
pub fn without_a_decision_under_the_lock() {
    let broken = Some(Mutant::CompleteUnlocked);
    explore("c2 twin", broken, wait_for_the_winner);
}

/// A sleeping thread is not notified of the end.
pub fn without_a_word_to_the_sleeper() {
    explore(
        "c2 twin",
        Some(Mutant::NotifyNoSleeper),
        wait_for_the_winner,
    );
}

#[derive(Default)]
struct Wakes(Tally);

impl std::task::Wake for Wakes {
    fn wake(self: StdArc<Self>) {
        self.0.add();
    }
}

/// Starts a thread that completes with a value. It returns whether it was in time.
fn completer(handover: &Arc<Handover<u32>>) -> thread::JoinHandle<bool> {
    let handover = Arc::clone(handover);
    thread::spawn(move || match handover.complete(Ok(1)) {
        Completion::First(_) => true,
        Completion::TooLate(outcome) => {
            assert!(matches!(outcome, Ok(1)), "the value comes back");
            false
        }
    })
}

fn cancel(handover: &Handover<u32>) -> bool {
    matches!(
        handover.cancel(CancelledError::default()),
        Cancellation::First(_)
    )
}

fn wait_for_the_winner() {
    let handover = Arc::new(Handover::new());
    let completer = completer(&handover);
    let canceller = {
        let handover = Arc::clone(&handover);
        thread::spawn(move || cancel(&handover))
    };
    let seen = handover.wait(None);
    let completed = completer.join().expect("no panic");
    let cancelled = canceller.join().expect("no panic");
    assert!(completed != cancelled, "one of them wins");
    assert_eq!(matches!(seen, Some(Ok(1))), completed);
    let again = handover.take();
    match again {
        Some(Err(TaskError::InvalidState(_))) => assert!(completed),
        Some(Err(TaskError::Cancelled(_))) => assert!(cancelled),
        other => panic!("a value is seen once, a cancellation for ever: {other:?}"),
    }
}

fn wait_twice() {
    let handover = Arc::new(Handover::new());
    let completer = completer(&handover);
    let other = {
        let handover = Arc::clone(&handover);
        thread::spawn(move || matches!(handover.wait(None), Some(Ok(1))))
    };
    let seen_here = matches!(handover.wait(None), Some(Ok(1)));
    let seen_there = other.join().expect("no panic");
    assert!(
        completer.join().expect("no panic"),
        "no other thread ends it"
    );
    assert!(seen_here != seen_there, "a value is seen once");
}

fn wait_to_the_last() {
    let handover = Arc::new(Handover::new());
    let completer = completer(&handover);
    let soon = Instant::now() + Duration::from_secs(60);
    let seen = handover.wait(Some(soon));
    assert!(matches!(seen, Some(Ok(1))), "it was there in time");
    assert!(
        completer.join().expect("no panic"),
        "no other thread ends it"
    );
}

fn call_back() {
    let handover = Arc::new(Handover::new());
    let ran = StdArc::new(Tally::default());
    let completer = {
        let handover = Arc::clone(&handover);
        thread::spawn(move || match handover.complete(Ok(1)) {
            Completion::First(callbacks) => callbacks.into_iter().for_each(|call| call()),
            Completion::TooLate(_) => panic!("no other thread ends it"),
        })
    };
    let counts = StdArc::clone(&ran);
    if let Err(callback) = handover.add_callback(Box::new(move || counts.add())) {
        callback();
    }
    completer.join().expect("no panic");
    assert_eq!(ran.count(), 1, "the callback was lost");
}

fn give_up() {
    let handover = Arc::new(Handover::new());
    let completer = completer(&handover);
    let other = {
        let handover = Arc::clone(&handover);
        thread::spawn(move || matches!(handover.wait(None), Some(Ok(1))))
    };
    let seen = handover.take();
    let cancelled = seen.is_none() && cancel(&handover);
    let seen_here = matches!(seen, Some(Ok(1)));
    let completed = completer.join().expect("no panic");
    let seen_there = other.join().expect("no panic");
    assert!(completed != cancelled, "one of them wins");
    let times = usize::from(seen_here) + usize::from(seen_there);
    assert_eq!(times, usize::from(completed), "a value is seen once");
}
