//! A cancellation that goes on outward.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as PollWith, Poll, Waker};

use super::context::{self as cancel, Serial};
use super::in_vain::InVain;
use super::request::{CancelClaim, Request, collect_claims};
use crate::exceptions::{CancelledError, Cause};
use crate::runtime::time::Stamp;
use crate::sync::{Mutex, StdArc};

/// Passes a cancellation on outward: pending for ever, with a mark in every poll.
///
/// If it stands for requests that were held until now, they have arrived when somebody claims the
/// mark. A raiser that is dropped before, by a `select` in which something else was ready, gives
/// them back.
#[derive(Debug)]
#[must_use = "a raise does nothing unless it is awaited"]
pub(crate) struct Raise {
    error: CancelledError,
    mark: Option<Serial>,
    in_vain: InVain,
    claims: StdArc<Claims>,
}

/// What a raiser stands for. Who raises in its place takes the contents.
type Claims = Mutex<Vec<CancelClaim>>;

impl Raise {
    /// Raises what somebody has caught, or means to raise.
    pub(crate) fn new(error: CancelledError) -> Raise {
        Raise::of_claims(Vec::new(), error)
    }

    /// Raises at last what was held.
    pub(crate) fn of_claims(held: Vec<CancelClaim>, error: CancelledError) -> Raise {
        Raise {
            error,
            mark: None,
            in_vain: InVain::default(),
            claims: StdArc::new(Claims::new(held)),
        }
    }

    /// Claims the request on its way, or else a raise newer than `noted`, to raise it later. For an
    /// aware awaitable whose inner future has just answered `Pending`.
    pub(crate) fn intercept(noted: Serial) -> Option<Raise> {
        if !cancel::is_disturbed() {
            return None;
        }
        let raise = match (Raise::of_marks(noted), Raise::claim()) {
            (Some(mut raised), Some(mut own)) => {
                raised.take_over(&mut own);
                raised
            }
            (raised, own) => raised.or(own)?,
        };
        Some(raise)
    }

    /// What the task has been asked for by that `moment` goes on with this.
    pub(crate) fn include(&self, moment: Stamp) {
        let mut held = self.claims.lock();
        held.iter_mut().for_each(|one| one.include(moment));
    }

    /// Claims the request on its way, to raise it later.
    pub(crate) fn claim() -> Option<Raise> {
        let held = CancelClaim::claim()?;
        let error = held.error().clone();
        Some(Raise::of_claims(vec![held], error))
    }

    /// Claims a raise newer than `noted`, and stands for what that has stood for.
    pub(crate) fn of_marks(noted: Serial) -> Option<Raise> {
        let marks = cancel::claim_marks(noted);
        let error = marks.last()?.0.clone();
        let mut held = Vec::new();
        for (_, claims) in marks {
            if let Ok(claims) = claims.downcast::<Claims>() {
                let contents = std::mem::take(&mut *claims.lock());
                contents.into_iter().for_each(|one| one.join(&mut held));
            }
        }
        Some(Raise::of_claims(held, error))
    }

    /// Drops the body that has raised. What is held there of the requests from around, all or the
    /// task's own, goes on with this.
    pub(crate) fn collect_claims(&self, all: bool, drop_body: impl FnOnce()) {
        let gathered = collect_claims(all, drop_body);
        let mut held = std::mem::take(&mut *self.claims.lock());
        gathered.into_iter().for_each(|one| one.join(&mut held));
        *self.claims.lock() = held;
    }

    /// What it stands for of `request` has arrived; everything else goes back.
    pub(crate) fn settle_own(self, request: Option<&StdArc<Request>>) {
        let held = std::mem::take(&mut *self.claims.lock());
        for one in held {
            if one.is(request) {
                one.settle();
            }
        }
    }

    /// Stands for what another raiser has stood for, too.
    pub(crate) fn take_over(&mut self, other: &mut Raise) {
        let others = std::mem::take(&mut *other.claims.lock());
        let mut all = std::mem::take(&mut *self.claims.lock());
        others.into_iter().for_each(|held| held.join(&mut all));
        *self.claims.lock() = all;
    }

    /// It is not going to be raised: it has arrived, or something outweighs it that ends what it was
    /// to end.
    pub(crate) fn settle(self) {
        self.settle_all();
    }

    fn settle_all(&self) {
        let held = std::mem::take(&mut *self.claims.lock());
        held.into_iter().for_each(CancelClaim::settle);
    }

    /// What it stands for, for who will raise it later.
    pub(crate) fn into_held(self) -> Vec<CancelClaim> {
        std::mem::take(&mut *self.claims.lock())
    }

    /// The same, as a part of what has caused `cause`.
    pub(crate) fn caused_by(mut self, cause: Cause) -> Raise {
        self.error = std::mem::take(&mut self.error).caused_by(cause);
        self
    }

    /// Raises the request that is on its way, if there is one, with this.
    pub(crate) fn with_claimed(mut self) -> Raise {
        if let Some(mut own) = Raise::claim() {
            self.take_over(&mut own);
        }
        self
    }

    /// What was to be raised, and is not.
    pub(crate) fn into_error(self) -> CancelledError {
        self.error.clone()
    }

    /// Raises, unless somebody has claimed that in an earlier poll: then whoever awaits the same thing
    /// once more is told, and not cancelled again. Told as well is who polls it by an executor of its own,
    /// inside the task: nobody is around it who could claim anything, and what it stood for goes back.
    pub(crate) fn poll_once(&mut self, waker: &Waker) -> Poll<CancelledError> {
        match self.mark {
            Some(mark) if !cancel::is_left(mark) => {
                self.settle_all();
                Poll::Ready(self.error.clone())
            }
            _ if self.in_vain.try_again(waker) => {
                self.leave();
                Poll::Pending
            }
            _ => {
                self.give_back();
                Poll::Ready(self.error.clone())
            }
        }
    }

    fn give_back(&mut self) {
        let mark = self.mark.take();
        if mark.is_none_or(cancel::take_mark_back) {
            let held = std::mem::take(&mut *self.claims.lock());
            drop(held);
        }
    }

    fn leave(&mut self) {
        assert!(
            cancel::current_pointer().is_some(),
            "CancelledError::raise() was awaited outside a task: nobody is there to be cancelled"
        );
        if self
            .mark
            .take()
            .is_some_and(|mark| !cancel::take_mark_back(mark))
        {
            // Somebody has claimed it: what it stood for has arrived.
            self.settle_all();
        }
        let claims = StdArc::clone(&self.claims);
        self.mark = Some(cancel::leave_mark(self.error.clone(), claims));
    }
}

impl Future for Raise {
    type Output = Infallible;

    fn poll(mut self: Pin<&mut Self>, cx: &mut PollWith<'_>) -> Poll<Self::Output> {
        if !self.in_vain.try_again(cx.waker()) {
            self.give_back();
            panic!(
                "a cancellation was raised under another executor inside a task: nobody is there to \
                 be cancelled"
            );
        }
        self.leave();
        Poll::Pending
    }
}

impl Drop for Raise {
    fn drop(&mut self) {
        // Most raisers are dropped by the scope that has claimed their mark.
        let claimed = self.mark.is_some_and(|mark| !cancel::take_mark_back(mark));
        if claimed {
            self.settle_all();
        }
    }
}
