//! i17: tokens of a limiter are borrowed and come back, while borrowers give up or are refused.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use super::drop_probe::DropProbe;
use super::ring::{Ring, poll_once, wait_for};
use crate::locks::CapacityLimiter;
use crate::sync::{Arc, Mutant, StdArc, explore, thread, unless_refused};

/// A borrower brings its token back; the first in line gives up, and the next one is the same
/// borrower once more (3 threads). That one gets the token, and it is there afterwards.
pub fn a_borrower_may_come_again() {
    explore("i17: a borrower may come again", None, come_again);
}

/// Two threads borrow a token on behalf of the same borrower (2 threads). It has one at a time, and
/// both are there afterwards.
pub fn a_borrower_has_one_token_at_a_time() {
    explore(
        "i17: a borrower has one token at a time",
        None,
        borrow_twice,
    );
}

/// A token comes back; the first in line is a borrower that has one meanwhile and is refused, or
/// gives up, and the next one waits (3 threads). That one gets the token.
pub fn a_token_that_is_refused_goes_to_the_next() {
    explore("i17: a token that is refused", None, refuse);
}

/// Who gives up keeps what was granted from the next.
pub fn without_the_return_of_a_token() {
    explore("i17 twin", Some(Mutant::KeepGrant), come_again);
}

/// The token comes back first, and its borrower is forgotten later.
pub fn without_the_lock_of_the_borrowers() {
    explore("i17 twin", Some(Mutant::TokenBeforeBorrower), come_again);
}

/// A borrower is looked for only before it waits.
pub fn without_the_second_look_for_a_borrower() {
    explore("i17 twin", Some(Mutant::BorrowTwice), borrow_twice);
}

/// A token that is refused goes to nobody.
pub fn without_the_return_of_what_is_refused() {
    explore("i17 twin", Some(Mutant::KeepRefused), refuse);
}

type Borrow = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Borrows a token on behalf of `borrower` and brings it back. In line when this returns.
fn wait_in_line(limiter: &StdArc<CapacityLimiter>, borrower: &'static str) -> Borrow {
    let limiter = StdArc::clone(limiter);
    let mut borrow: Borrow = Box::pin(async move {
        drop(limiter.acquire_on_behalf_of(borrower).await);
    });
    assert!(poll_once(borrow.as_mut()).is_pending());
    borrow
}

/// Why a borrower is refused.
const HAS_ONE: &str = "is already holding one";

fn come_again() {
    let limiter = StdArc::new(CapacityLimiter::new(0));
    let mut first = pin!(limiter.acquire_on_behalf_of("a"));
    assert!(poll_once(first.as_mut()).is_pending());
    let (mut other, again) = (wait_in_line(&limiter, "b"), wait_in_line(&limiter, "a"));
    limiter.set_total_tokens(1);
    let Poll::Ready(token) = poll_once(first) else {
        unreachable!("the token is for the first in line");
    };
    let gives_up = thread::spawn(move || poll_once(other.as_mut()).is_ready());
    let waits = thread::spawn(move || wait_for(again));
    drop(token);
    gives_up.join().expect("a panic would have ended the model");
    waits.join().expect("a panic would have ended the model");
    assert_eq!(limiter.borrowed_tokens(), 0, "a token is lost");
    let token = limiter.try_acquire_on_behalf_of("a");
    assert!(token.is_some(), "a token is lost");
}

/// Borrows a token, unless the borrower has one. Returns whether it could.
fn borrow(limiter: &CapacityLimiter, value: &DropProbe) -> bool {
    let token = unless_refused(HAS_ONE, || wait_for(limiter.acquire_on_behalf_of("a")));
    if token.is_some() {
        value.touch();
    }
    token.is_some()
}

fn borrow_twice() {
    let limiter = Arc::new(CapacityLimiter::new(2));
    let value = Arc::new(DropProbe::new(&StdArc::default()));
    let other = {
        let (limiter, value) = (Arc::clone(&limiter), Arc::clone(&value));
        thread::spawn(move || borrow(&limiter, &value))
    };
    let one = borrow(&limiter, &value);
    let two = other.join().expect("a panic would have ended the model");
    assert!(one || two, "both are refused");
    assert_eq!(limiter.available_tokens(), 2, "a token is lost");
}

fn refuse() {
    let limiter = StdArc::new(CapacityLimiter::new(1));
    let back = limiter.try_acquire_on_behalf_of("b").expect("there is one");
    let mut first = pin!(limiter.acquire_on_behalf_of("a"));
    assert!(poll_once(first.as_mut()).is_pending());
    let (mut again, next) = (wait_in_line(&limiter, "a"), wait_in_line(&limiter, "c"));
    limiter.set_total_tokens(2);
    let Poll::Ready(token) = poll_once(first) else {
        unreachable!("the token is for the first in line");
    };
    let is_refused = thread::spawn(move || {
        let (_ring, waker) = Ring::new();
        let mut with = Context::from_waker(&waker);
        let polled = unless_refused(HAS_ONE, || again.as_mut().poll(&mut with));
        assert_ne!(polled, Some(Poll::Ready(())), "it has two tokens");
    });
    let waits = thread::spawn(move || wait_for(next));
    drop(back);
    is_refused
        .join()
        .expect("a panic would have ended the model");
    waits.join().expect("a panic would have ended the model");
    assert_eq!(limiter.borrowed_tokens(), 1, "a token is lost");
    drop(token);
    assert_eq!(limiter.available_tokens(), 2, "a token is lost");
}
