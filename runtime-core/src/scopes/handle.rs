//! What the handles of a scope and the scope's future share.
//!
//! `P` is the part of the kind of scope: what a `Timeout`, a `CancelScope` and a `TaskGroup` have
//! beside a deadline, a stage and a waker.

use std::fmt;
use std::task::Waker;
use std::time::Instant;

use crate::sync::{Arc, Mutex};

/// A handle. Clones are handles of the same scope; they may outlive it.
pub(crate) struct ScopeHandle<P> {
    shared: Arc<Mutex<State<P>>>,
}

pub(crate) struct State<P> {
    pub(crate) deadline: Option<Instant>,
    pub(crate) stage: ScopeStage,
    /// Woken when a handle changes any of this.
    waker: Option<Waker>,
    pub(crate) part: P,
}

/// Where a scope is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScopeStage {
    /// The body runs, and no request of the scope has reached it.
    Active,
    /// The scope's request is on its way into the body, or has reached it.
    Expiring,
    /// It has ended, and no request of its own had reached the body.
    Finished,
    /// It has ended after its request had reached the body, which returned a value all the same, or
    /// was ended by another cancellation.
    Expired,
    /// Its request has ended the body.
    Caught,
}

impl ScopeStage {
    pub(crate) fn has_ended(self) -> bool {
        matches!(
            self,
            ScopeStage::Finished | ScopeStage::Expired | ScopeStage::Caught
        )
    }
}

/// The part of a kind of scope.
pub(crate) trait Part {
    /// What the end of the scope leaves to be dropped.
    type Rest;

    /// The scope has ended. A handle may be kept long after that: it is to keep nothing of the
    /// task.
    fn end(&mut self) -> Self::Rest;
}

impl<P: Part> ScopeHandle<P> {
    pub(crate) fn new(deadline: Option<Instant>, part: P) -> ScopeHandle<P> {
        let state = State {
            deadline,
            stage: ScopeStage::Active,
            waker: None,
            part,
        };
        ScopeHandle {
            shared: Arc::new(Mutex::new(state)),
        }
    }

    /// Looks at the state, under its lock.
    pub(crate) fn with<R>(&self, look: impl FnOnce(&mut State<P>) -> R) -> R {
        look(&mut self.shared.lock())
    }

    /// Changes the state, and wakes the scope's future, which looks at what has changed.
    pub(crate) fn change<R, E>(
        &self,
        change: impl FnOnce(&mut State<P>) -> Result<R, E>,
    ) -> Result<R, E> {
        let mut state = self.shared.lock();
        let changed = change(&mut state)?;
        let waker = state.waker.take();
        drop(state);
        waker.into_iter().for_each(Waker::wake);
        Ok(changed)
    }

    /// Registers the waker of the scope's future, and looks at the state.
    pub(crate) fn register_waker<V>(&self, waker: &Waker, look: fn(&State<P>) -> V) -> V {
        let state = self.shared.lock();
        let known = state.waker.as_ref();
        if known.is_some_and(|known| known.will_wake(waker)) {
            return look(&state);
        }
        drop(state);
        // A waker's clone and its destructor are user code: outside the lock.
        let new = waker.clone();
        let mut state = self.shared.lock();
        let old = state.waker.replace(new);
        // Under the lock that stored the waker: a later change finds it, and wakes it.
        let view = look(&state);
        drop(state);
        drop(old);
        view
    }

    /// The scope ends. Once it has, it stays as it is.
    pub(crate) fn end(&self, stage: ScopeStage) {
        let mut state = self.shared.lock();
        if !state.stage.has_ended() {
            state.stage = stage;
        }
        let rest = (state.waker.take(), state.part.end());
        drop(state);
        drop(rest);
    }
}

impl<P> fmt::Debug for ScopeHandle<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScopeHandle").finish_non_exhaustive()
    }
}

impl<P> Clone for ScopeHandle<P> {
    fn clone(&self) -> ScopeHandle<P> {
        ScopeHandle {
            shared: Arc::clone(&self.shared),
        }
    }
}

/// The handle that a scope's future has: the scope ends with it, also where that is dropped in its
/// midst by a cancellation from outside, or by a panic of the body.
pub(crate) struct Lease<P: Part>(pub(crate) ScopeHandle<P>);

impl<P: Part> Drop for Lease<P> {
    fn drop(&mut self) {
        self.0.end(match self.0.with(|state| state.stage) {
            ScopeStage::Expiring => ScopeStage::Expired,
            _ => ScopeStage::Finished,
        });
    }
}
