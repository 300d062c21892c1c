//! One request of a scope: what the scope and its claim share.

use std::task::Waker;

use super::context::OwnerId;
use crate::exceptions::{CancelledError, Cause};
use crate::runtime::catch_panic::wake_catching;
use crate::runtime::time::Stamp;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutant, Mutex, StdArc, broken};

/// One delivery of a scope. Its address names the owner of the request.
#[derive(Debug)]
pub(crate) struct ScopeRequest {
    /// The error of the request, with the moment at which the scope asked for it.
    error: CancelledError,
    /// The request has not arrived: the scope is to deliver another.
    given_back: AtomicBool,
    /// The scope has ended, or has made another request: this one ends with it.
    over: AtomicBool,
    /// Wakes the task that polls the scope.
    waker: Mutex<Option<Waker>>,
}

impl ScopeRequest {
    pub(crate) fn new(asked: Stamp, error: CancelledError, waker: &Waker) -> StdArc<ScopeRequest> {
        StdArc::new(ScopeRequest {
            error: error.caused_by(Cause::request(asked.0)),
            given_back: AtomicBool::new(false),
            over: AtomicBool::new(false),
            waker: Mutex::new(Some(waker.clone())),
        })
    }

    pub(crate) fn owner_id(&self) -> OwnerId {
        OwnerId::of_scope(self)
    }

    /// The error that a task receives to which the request is passed on.
    pub(super) fn error(&self) -> &CancelledError {
        &self.error
    }

    /// Whether the request has been given back, or withdrawn before it arrived.
    pub(crate) fn is_given_back(&self) -> bool {
        // Acquire: pairs with the Release in `give_back`.
        self.given_back.load(Ordering::Acquire)
    }

    /// Ends the request: nothing wakes the scope for it any more.
    pub(crate) fn end(&self) {
        // Release: pairs with the Acquire in `is_over`.
        self.over.store(true, Ordering::Release);
    }

    pub(super) fn is_over(&self) -> bool {
        // Acquire: pairs with the Release in `end`.
        self.over.load(Ordering::Acquire)
    }

    /// Gives the request back to the scope: first the word, then the wake. The scope stores its
    /// waker before it looks at the word, so it either sees the word or is woken.
    pub(crate) fn give_back(&self) {
        if broken(Mutant::WakeBeforeTheWord) {
            self.wake();
        }
        self.withdraw();
        self.wake();
    }

    /// The same without the wake, for a scope that polls its body at this moment.
    pub(super) fn withdraw(&self) {
        // Release: pairs with the Acquire in `is_given_back`.
        self.given_back.store(true, Ordering::Release);
    }

    fn wake(&self) {
        // A scope that ends at this moment may still be woken, in vain.
        if !self.is_over() {
            let waker = self.waker.lock().take();
            waker.into_iter().for_each(wake_catching);
        }
    }

    /// Registers the waker of the task that is about to poll the scope.
    pub(crate) fn register_waker(&self, waker: &Waker) {
        let is_known = |known: &Waker| known.will_wake(waker);
        if !self.waker.lock().as_ref().is_some_and(is_known) {
            let new = Some(waker.clone());
            let _old = std::mem::replace(&mut *self.waker.lock(), new);
        }
    }
}
