//! a8: a request is given back by one thread while its scope is polled on another, by one waker and
//! then another.

use super::ring::Ring;
use crate::exceptions::CancelledError;
use crate::runtime::Stamp;
use crate::runtime::modelled::cancel::scope_request::ScopeRequest;
use crate::sync::{Mutant, StdArc, explore, thread};

/// The scope and the giver (2 threads). A scope that has not seen it is woken, by the waker that it
/// stored last, and sees it then.
pub fn what_is_given_back_is_seen() {
    explore("a8: what is given back is seen", None, give_back);
}

/// The scope is woken before there is anything to be seen.
pub fn without_the_word_before_the_wake() {
    explore("a8 twin", Some(Mutant::WakeBeforeTheWord), give_back);
}

fn give_back() {
    let (first, waker) = Ring::new();
    let (second, another) = Ring::new();
    let request = ScopeRequest::new(Stamp::now(), CancelledError::default(), &waker);
    let giver = {
        let request = StdArc::clone(&request);
        thread::spawn(move || request.give_back())
    };
    if !request.is_given_back() {
        request.register_waker(&another);
        if !request.is_given_back() {
            second.wait();
            assert!(request.is_given_back(), "woken, and nothing to be seen");
        }
    }
    giver.join().expect("a panic would have ended the model");
    drop((first, waker));
}
