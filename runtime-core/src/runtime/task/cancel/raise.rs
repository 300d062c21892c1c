//! A cancellation that goes on outward.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as PollWith, Poll, Waker};

use super::context::{self, Serial};
use super::foreign_polls::ForeignPolls;
use super::request::{CancelRequest, collect_claims};
use super::scope_request::ScopeRequest;
use crate::exceptions::{CancelledError, Cause};
use crate::runtime::time::Stamp;
use crate::sync::{StdArc, lasting};

/// Passes a cancellation on outward: pending for ever, with a mark in every poll.
///
/// It owns the claims that it is raised for, and its mark has them while it is left. The scope that
/// claims the mark takes them along. A raiser that is dropped before, by a `select` in which
/// something else was ready, takes its mark back, and gives its claims back.
#[derive(Debug)]
#[must_use = "a raise does nothing unless it is awaited"]
pub(crate) struct Raise {
    error: CancelledError,
    claims: Claims,
    foreign_polls: ForeignPolls,
}

/// The claims that a raise is for.
#[derive(Debug)]
enum Claims {
    /// The raiser has them.
    Own(Vec<CancelRequest>),
    /// The raiser has left this mark, and the mark has them, or the scope that has claimed it.
    Marked(Serial),
}

impl Raise {
    /// Raises an error without a claim: one that was caught, or is about to be made.
    pub(crate) fn new(error: CancelledError) -> Raise {
        Raise::of_claims(Vec::new(), error)
    }

    /// Raises `error` for `claims`.
    pub(crate) fn of_claims(claims: Vec<CancelRequest>, error: CancelledError) -> Raise {
        Raise {
            error,
            claims: Claims::Own(claims),
            foreign_polls: ForeignPolls::default(),
        }
    }

    /// Claims the request on its way and every raise newer than `noted`, to raise them later. For
    /// an aware awaitable whose inner future has just answered `Pending`.
    pub(crate) fn claim_all(noted: Serial) -> Option<Raise> {
        if !context::is_disturbed() {
            return None;
        }
        match Raise::of_marks(noted) {
            Some(raised) => Some(raised.with_claimed()),
            None => Raise::claim(),
        }
    }

    /// Claims the request on its way, to raise it later.
    pub(crate) fn claim() -> Option<Raise> {
        let claim = CancelRequest::claim_offered()?;
        let error = claim.error().clone();
        Some(Raise::of_claims(vec![claim], error))
    }

    /// Claims every raise newer than `noted`, to raise the last of them later.
    pub(crate) fn of_marks(noted: Serial) -> Option<Raise> {
        let marks = claim_marks(noted);
        let error = marks.last()?.error.clone();
        let mut claims = Vec::new();
        let claimed = marks.into_iter().flat_map(|mark| mark.claims);
        claimed.for_each(|one| one.join(&mut claims));
        Some(Raise::of_claims(claims, error))
    }

    /// Its claims, without a mark. A mark that has been claimed leaves none.
    fn claims(&mut self) -> &mut Vec<CancelRequest> {
        if let Claims::Marked(serial) = self.claims {
            let mark = take_mark_back(serial);
            self.claims = Claims::Own(mark.map(|mark| mark.claims).unwrap_or_default());
        }
        match &mut self.claims {
            Claims::Own(claims) => claims,
            Claims::Marked(_) => unreachable!("taken back above"),
        }
    }

    fn add(&mut self, claims: impl IntoIterator<Item = CancelRequest>) {
        let own = self.claims();
        claims.into_iter().for_each(|one| one.join(own));
    }

    /// Takes over the claims of another.
    pub(crate) fn take_over(&mut self, other: Raise) {
        self.add(other.into_claims());
    }

    /// Takes in what the current task was asked for by that `moment`.
    pub(crate) fn include(&mut self, moment: Stamp) {
        self.claims().iter_mut().for_each(|one| one.include(moment));
    }

    /// Claims the request on its way as well, if there is one.
    pub(crate) fn with_claimed(mut self) -> Raise {
        self.add(CancelRequest::claim_offered());
        self
    }

    /// Drops the body that has raised. The claims in it from around, all or the task's own, go on
    /// with this raise.
    pub(crate) fn collect_claims(&mut self, all: bool, drop_body: impl FnOnce()) {
        self.add(collect_claims(all, drop_body));
    }

    /// The same with another error.
    pub(crate) fn with_error(mut self, error: CancelledError) -> Raise {
        self.error = error;
        self
    }

    /// The same with another cause.
    pub(crate) fn caused_by(mut self, cause: Cause) -> Raise {
        self.error = std::mem::take(&mut self.error).caused_by(cause);
        self
    }

    /// Acknowledges its claims: it has arrived, or an error that outweighs it ends the same.
    pub(crate) fn acknowledge(self) {
        self.into_claims()
            .into_iter()
            .for_each(CancelRequest::acknowledge);
    }

    /// Acknowledges the claim of `request`, and gives the others back.
    pub(super) fn acknowledge_only(self, request: &StdArc<ScopeRequest>) {
        let claims = self.into_claims().into_iter();
        claims
            .filter(|one| one.is(request))
            .for_each(CancelRequest::acknowledge);
    }

    /// Its claims, to be raised by another.
    pub(crate) fn into_claims(mut self) -> Vec<CancelRequest> {
        std::mem::take(self.claims())
    }

    /// What is raised.
    pub(crate) fn error(&self) -> &CancelledError {
        &self.error
    }

    /// The error that was to be raised, and is not.
    pub(crate) fn into_error(self) -> CancelledError {
        self.error.clone()
    }

    /// Raises, unless an earlier poll's mark has been claimed: then the caller is awaited once
    /// more, and returns the error instead of being cancelled again. It returns the error, too, if
    /// another executor inside the task polls it: no scope is around it there that could claim the
    /// mark.
    pub(crate) fn poll_once(&mut self, waker: &Waker) -> Poll<CancelledError> {
        match self.claims {
            Claims::Marked(mark) if !is_left(mark) => {}
            _ if self.foreign_polls.try_again(waker) => {
                self.leave_mark();
                return Poll::Pending;
            }
            _ => self.claims().clear(),
        }
        Poll::Ready(self.error.clone())
    }

    fn leave_mark(&mut self) {
        assert!(
            context::current_pointer().is_some(),
            "CancelledError::raise() was awaited outside a task: there is no task to cancel"
        );
        let claims = std::mem::take(self.claims());
        self.claims = Claims::Marked(leave_mark(self.error.clone(), claims));
    }
}

impl Future for Raise {
    type Output = Infallible;

    fn poll(mut self: Pin<&mut Self>, cx: &mut PollWith<'_>) -> Poll<Self::Output> {
        if !self.foreign_polls.try_again(cx.waker()) {
            self.claims().clear();
            panic!(
                "a cancellation was raised under another executor inside a task: there is nothing to \
                 be cancelled"
            );
        }
        self.leave_mark();
        Poll::Pending
    }
}

impl Drop for Raise {
    fn drop(&mut self) {
        // Most raisers are dropped by the scope that has claimed their mark.
        self.claims().clear();
    }
}

/// A raise that waits for the scope that claims it.
struct Mark {
    serial: Serial,
    /// The nesting of polls at which it was left.
    depth: u32,
    error: CancelledError,
    claims: Vec<CancelRequest>,
}

// It is apart from the poll context because it has a destructor: only a raise pays for that. What
// is taken out of it is dropped after the borrow: a claim that is given back wakes, which is user
// code.
lasting! { static MARKS: RefCell<Vec<Mark>> = RefCell::new(Vec::new()) }

fn with_marks<R>(work: impl FnOnce(&mut Vec<Mark>) -> R) -> R {
    MARKS.with(|marks| {
        let mut marks = marks.borrow_mut();
        let result = work(&mut marks);
        context::count_marks(marks.len());
        result
    })
}

fn leave_mark(error: CancelledError, claims: Vec<CancelRequest>) -> Serial {
    let serial = context::next_raise();
    let mark = Mark {
        serial,
        depth: context::depth(),
        error,
        claims,
    };
    with_marks(|marks| marks.push(mark));
    serial
}

/// Whether a mark has not been claimed yet.
fn is_left(serial: Serial) -> bool {
    let is_it = |mark: &Mark| mark.serial == serial;
    context::has_marks() && with_marks(|marks| marks.iter().any(is_it))
}

/// Takes a mark back. None if it has been claimed.
fn take_mark_back(serial: Serial) -> Option<Mark> {
    if !context::has_marks() {
        return None;
    }
    with_marks(|marks| {
        let place = marks.iter().position(|mark| mark.serial == serial)?;
        Some(marks.remove(place))
    })
}

/// Claims the marks of this poll that are newer than `noted`, in the order in which they were left.
fn claim_marks(noted: Serial) -> Vec<Mark> {
    if !context::has_marks() {
        return Vec::new();
    }
    let depth = context::depth();
    take_marks(|mark| mark.depth == depth && mark.serial > noted)
}

/// Takes the marks that are `wanted`, and leaves the others.
fn take_marks(wanted: impl Fn(&Mark) -> bool) -> Vec<Mark> {
    with_marks(|marks| {
        let mut taken = Vec::new();
        let mut index = 0;
        // `Vec::extract_if` is younger than our oldest compiler.
        while index < marks.len() {
            match wanted(&marks[index]) {
                true => taken.push(marks.remove(index)),
                false => index += 1,
            }
        }
        taken
    })
}

/// Claims every raise newer than `noted`, and acknowledges it: the last error, if there is one.
pub(super) fn handle_marks(noted: Serial) -> Option<CancelledError> {
    let marks = claim_marks(noted).into_iter();
    marks.map(Mark::acknowledge).last()
}

/// The end of a poll: the marks of it that no scope has claimed are claimed by the root.
#[inline]
pub(crate) fn end_marks() {
    if context::has_marks() {
        end_marks_at(context::depth());
    }
}

#[cold]
fn end_marks_at(depth: u32) {
    let ended = take_marks(|mark| mark.depth >= depth).into_iter();
    let _errors = ended.map(Mark::acknowledge).last();
}

impl Mark {
    fn acknowledge(self) -> CancelledError {
        self.claims.into_iter().for_each(CancelRequest::acknowledge);
        self.error
    }
}
