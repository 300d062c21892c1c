//! Waiting for the children.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use super::children::Children;
use super::failure::FirstFailure;
use crate::exceptions::{CancelSource, CancelledError};
use crate::runtime::{
    CancelRequest, CancelWaker, Edges, Forwarding, Propagation, Raise, hidden, is_request_offered,
    propagation_from, propagation_to_waiter_from, reason_at,
};
use crate::sync::Arc;

/// The future of [`gather`](super::gather) and [`try_gather`](super::try_gather): the children's
/// values, or the first error.
///
/// The children run whether it is awaited or not. Dropping it detaches them.
#[must_use = "dropping a gather detaches its children"]
pub struct Gather<C> {
    joint: Joint<C>,
}

impl<C: Children> Gather<C> {
    pub(super) fn new(
        children: C,
        first_failure: Arc<FirstFailure>,
        location: &'static Location<'static>,
    ) -> Gather<C> {
        Gather {
            joint: Joint {
                left: children.count(),
                children: Some(children),
                first_failure,
                location,
                stage: GatherState::Waiting,
                cancel_waker: CancelWaker::default(),
            },
        }
    }

    /// Waits for all children, and gives how each of them ended: `return_exceptions=True`.
    ///
    /// A child that fails ends nothing then: its error stands in its place.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let (one, two) = asyncio::gather((async { 1 }, async { panic!("oh no") }))
    ///     .return_exceptions()
    ///     .await;
    /// assert_eq!(one.unwrap(), 1);
    /// let two: Result<(), asyncio::TaskError> = two;
    /// assert!(two.unwrap_err().is_panic());
    /// # });
    /// ```
    pub fn return_exceptions(self) -> ReturnExceptions<C> {
        ReturnExceptions { joint: self.joint }
    }
}

/// The future of [`Gather::return_exceptions`]: how each of the children ended.
#[must_use = "dropping a gather detaches its children"]
pub struct ReturnExceptions<C> {
    joint: Joint<C>,
}

impl<C: Children> Future for Gather<C> {
    type Output = Result<C::Values, C::Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (children, failed) = ready!(self.joint.poll(Until::FirstFailure, cx));
        Poll::Ready(match failed {
            None => children.into_values(),
            Some(index) => Err(hidden(|| children.into_error(index))),
        })
    }
}

impl<C: Children> Future for ReturnExceptions<C> {
    type Output = C::Results;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (children, _) = ready!(self.joint.poll(Until::AllEnded, cx));
        Poll::Ready(children.into_results())
    }
}

/// What both of them are.
struct Joint<C> {
    /// None once they have been given away.
    children: Option<C>,
    /// All but so many of the first children are known to have ended.
    left: usize,
    first_failure: Arc<FirstFailure>,
    /// Where the gather was made.
    location: &'static Location<'static>,
    stage: GatherState,
    cancel_waker: CancelWaker,
}

enum GatherState {
    Waiting,
    /// The children have been cancelled; once all have ended, this goes on.
    Cancelled(Cancelled),
    Raising(Raise),
}

/// What is to be raised once all children have ended.
#[derive(Default)]
struct Cancelled {
    /// The awaiter's requests, one of each owner.
    claims: Vec<CancelRequest>,
    /// What has ended a child, and the awaiter before.
    error: Option<CancelledError>,
    edges: Edges,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    AllEnded,
    FirstFailure,
}

impl<C: Children> Joint<C> {
    /// The children, and which of them failed first.
    fn poll(&mut self, until: Until, cx: &mut Context<'_>) -> Poll<(C, Option<usize>)> {
        if self.children.is_none() {
            polled_again(self.location)
        }
        loop {
            let ended = match &mut self.stage {
                GatherState::Waiting => self.poll_children(until, cx.waker()),
                // An error is no reason to leave others behind in their cleanup.
                GatherState::Cancelled(_) => self.poll_children(Until::AllEnded, cx.waker()),
                GatherState::Raising(raise) => {
                    if raise.poll_once(cx.waker()).is_pending() {
                        return Poll::Pending;
                    }
                    // It has been raised, and this is awaited once more: here is what there is.
                    self.stage = GatherState::Waiting;
                    continue;
                }
            };
            match (ended, &mut self.stage) {
                (Poll::Ready(failed), GatherState::Waiting) => {
                    match self.propagate(until, failed, cx) {
                        Poll::Pending => return Poll::Pending,
                        Poll::Ready(true) => {}
                        Poll::Ready(false) => {
                            let children = self.children.take();
                            return Poll::Ready((children.expect(UNTIL_ITS_END), failed));
                        }
                    }
                }
                (Poll::Ready(_), GatherState::Cancelled(cancelled)) => {
                    self.stage = std::mem::take(cancelled).goes_on();
                }
                _ => {
                    self.cancel_waker.register_waker(cx.waker());
                    if !is_request_offered() || self.forward() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// Whether the awaiter is cancelled, because a child was, while the awaiter has a request of
    /// its own, or by what ends both. Pending: the awaiter's own request is about to come.
    fn propagate(
        &mut self,
        until: Until,
        failed: Option<usize>,
        cx: &mut Context<'_>,
    ) -> Poll<bool> {
        if failed.is_none() {
            return Poll::Ready(false);
        }
        let mut end = Propagation::None;
        let children = self.children.as_mut().expect(UNTIL_ITS_END);
        let mut ended_with = None;
        children.each_cancelled(&mut |task, error| {
            end = match until {
                Until::FirstFailure => propagation_from(task.reference(), error),
                Until::AllEnded => propagation_to_waiter_from(task.reference(), error),
            };
            ended_with = Some(error.clone());
            !matches!(end, Propagation::None)
        });
        match end {
            Propagation::None => return Poll::Ready(false),
            Propagation::RequestComes => {
                self.cancel_waker.register_waker(cx.waker());
                return Poll::Pending;
            }
            Propagation::Raise(raise) => {
                let error = ended_with.expect("it was shown").clone();
                let mut edges = Edges::default();
                let passed = self.forward_to_children(&error, &mut edges);
                let cancelled = Cancelled {
                    claims: raise.into_claims(),
                    error: Some(error),
                    edges,
                };
                // In a cycle no task would ever end: it goes on outward, and does not wait.
                self.stage = if passed == Forwarding::InACycle {
                    cancelled.goes_on()
                } else {
                    GatherState::Cancelled(cancelled)
                };
            }
        }
        Poll::Ready(true)
    }

    /// Whether the children have ended as far as `until` says, and which of them failed first.
    fn poll_children(&mut self, until: Until, waker: &Waker) -> Poll<Option<usize>> {
        let children = self.children.as_mut().expect(UNTIL_ITS_END);
        while let Some(last) = self.left.checked_sub(1) {
            if children.poll_done(last, waker).is_pending() {
                let failed = match until {
                    Until::FirstFailure => self.first_failure.poll(waker),
                    Until::AllEnded => None,
                };
                let Some(index) = failed else {
                    return Poll::Pending;
                };
                // Its future has been dropped: it ends in a moment.
                return children.poll_done(index, waker).map(|()| failed);
            }
            self.left = last;
        }
        Poll::Ready(self.first_failure.first())
    }

    /// Passes the request that has reached this await on to the children. False if all have ended
    /// since they were polled: what they returned is the answer, and the request waits for the next
    /// await.
    fn forward(&mut self) -> bool {
        let Some(request) = CancelRequest::offered() else {
            return false;
        };
        let mut edges = Edges::default();
        match self.forward_to_children(request.error(), &mut edges) {
            Forwarding::On => {}
            Forwarding::InACycle => return true,
            Forwarding::TooLate => return false,
        }
        let claim = request.claim();
        if !matches!(self.stage, GatherState::Cancelled(_)) {
            self.stage = GatherState::Cancelled(Cancelled::default());
        }
        if let GatherState::Cancelled(cancelled) = &mut self.stage {
            claim.join(&mut cancelled.claims);
            cancelled.edges = edges;
        }
        true
    }

    fn forward_to_children(&self, error: &CancelledError, edges: &mut Edges) -> Forwarding {
        let children = self.children.as_ref().expect(UNTIL_ITS_END);
        let reason = reason_at(CancelSource::Gather, self.location);
        let error = error.clone().because(reason);
        edges.forward(&error, |show| {
            children.each(&mut |task| show(task.reference()));
        })
    }
}

impl Cancelled {
    /// All children have ended.
    fn goes_on(self) -> GatherState {
        let first = self.claims.first().map(|claim| claim.error().clone());
        let claims = self.claims.into_iter();
        // The others are given back.
        let claims: Vec<_> = claims.filter(CancelRequest::is_from_around).collect();
        match (first, self.error) {
            (Some(error), _) if !claims.is_empty() => {
                GatherState::Raising(Raise::of_claims(claims, error))
            }
            (_, Some(error)) => GatherState::Raising(Raise::new(error)),
            _ => GatherState::Waiting,
        }
    }
}

const UNTIL_ITS_END: &str = "a gather has its children until its end";

#[cold]
fn polled_again(location: &Location<'_>) -> ! {
    panic!("the gather made at {location} was polled after its end")
}

impl<C> fmt::Debug for Gather<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.joint.fmt(f, "Gather")
    }
}

impl<C> fmt::Debug for ReturnExceptions<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.joint.fmt(f, "ReturnExceptions")
    }
}

impl<C> Joint<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
        let state = match (&self.stage, &self.children) {
            (GatherState::Waiting, Some(_)) => "waiting",
            (GatherState::Waiting, None) => "done",
            (GatherState::Cancelled(_) | GatherState::Raising(_), _) => "cancelled",
        };
        f.debug_struct(name)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
