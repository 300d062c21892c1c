//! i16: a barrier is aborted or reset while tasks arrive.

use std::future::Future;
use std::pin::Pin;

use super::ring::{poll_once, wait_for};
use crate::locks::{Barrier, BrokenBarrierError};
use crate::sync::{Arc, Mutant, StdArc, explore, thread};

/// Two threads arrive at a barrier for two, which a third aborts (3 threads). Both go on, or both
/// are told that it is broken; and so are all who come later.
pub fn both_meet_or_both_are_sent_away() {
    explore("i16: both meet, or both are sent away", None, abort);
}

/// As before, with one who waits when the others begin, and one who arrives (2 threads). The group
/// goes once, and as a whole.
pub fn a_complete_group_is_not_broken() {
    explore("i16: a complete group is not broken", None, complete);
}

/// Two threads arrive at a barrier for two, which a third resets, and arrive again if they were
/// sent away (3 threads). They are sent away at most once, and meet.
pub fn who_is_sent_away_meets_later() {
    explore("i16: who is sent away meets later", None, reset);
}

/// An abort sends nobody away.
pub fn without_the_wake_of_an_abort() {
    explore("i16 twin", Some(Mutant::AbortSilently), abort);
}

/// The barrier is broken after those who waited have been sent away.
pub fn without_the_lock_of_an_abort() {
    explore("i16 twin", Some(Mutant::BreakInTwoSteps), abort);
}

/// Those of a complete group are told that the barrier is broken.
pub fn without_the_place_in_a_group() {
    explore("i16 twin", Some(Mutant::BreakComplete), complete);
}

/// A reset sends those away as well who come later.
pub fn without_the_end_of_a_reset() {
    explore("i16 twin", Some(Mutant::SendAwayLater), reset);
}

type Place = Result<usize, BrokenBarrierError>;

fn check(places: [Place; 2]) {
    match places {
        [Ok(one), Ok(two)] => assert_eq!(one + two, 1, "a group has gone twice"),
        [Err(_), Err(_)] => {}
        _ => panic!("one goes without another"),
    }
}

fn abort() {
    let barrier = Arc::new(Barrier::new(2));
    let arrive = || {
        let barrier = Arc::clone(&barrier);
        thread::spawn(move || wait_for(barrier.wait()))
    };
    let others = [arrive(), arrive()];
    barrier.abort();
    let places = others.map(|other| other.join().expect("a panic would have ended the model"));
    check(places);
    assert!(barrier.broken(), "the barrier is not broken");
    wait_for(barrier.wait()).expect_err("the barrier is broken");
    assert_eq!(barrier.n_waiting(), 0);
}

fn complete() {
    let barrier = StdArc::new(Barrier::new(2));
    let mut first: Pin<Box<dyn Future<Output = Place> + Send>> = {
        let barrier = StdArc::clone(&barrier);
        Box::pin(async move { barrier.wait().await })
    };
    assert!(poll_once(first.as_mut()).is_pending());
    let arrives = {
        let barrier = StdArc::clone(&barrier);
        thread::spawn(move || wait_for(barrier.wait()))
    };
    barrier.abort();
    let second = arrives.join().expect("a panic would have ended the model");
    check([wait_for(first), second]);
}

/// Arrives until it meets another. Returns its place, and how often it was sent away.
fn meet(barrier: &Barrier) -> (usize, usize) {
    let mut sent_away = 0;
    loop {
        match wait_for(barrier.wait()) {
            Ok(place) => return (place, sent_away),
            Err(_) => sent_away += 1,
        }
        assert!(sent_away <= 1, "one reset sends away twice");
    }
}

fn reset() {
    let barrier = Arc::new(Barrier::new(2));
    let arrive = || {
        let barrier = Arc::clone(&barrier);
        thread::spawn(move || meet(&barrier))
    };
    let others = [arrive(), arrive()];
    barrier.reset();
    let met = others.map(|other| other.join().expect("a panic would have ended the model"));
    let [(one, one_away), (two, two_away)] = met;
    assert_eq!(one + two, 1, "they have not met");
    assert!(
        one_away + two_away <= 1,
        "a group was sent away that was complete"
    );
    assert_eq!(barrier.n_waiting(), 0);
}
