//! A scope that can cancel its own body: what `timeout` and `wait_for` do when their time has come.
//!
//! When it is due, the scope does to its body what `cancel` does to a task: it offers a request of
//! its own *before* it polls the body, and polls it once. What is ready then is returned all the
//! same.
//!
//! ```text
//!   New ── enter ──▶ Open ──┬── deliver, claimed inside or unclaimed ─────────▶ Delivered
//!                    ▲ ▲    ├── poll_under_outer_request, the outer claimed ──▶ Overruled
//!                    │ │    └── the same, the outer one unclaimed ────────────▶ Bypassed
//!            reopen, │ └──── deliver, poll_under_outer_request ──────────────────┘
//!   apply: given back└───────────────────────────────────── Delivered, Overruled
//! ```
//!
//! * **Unclaimed**: the scope drops its body, and has expired.
//! * **Claimed inside**: the body goes on with its cleanup. If it raises later, that is the scope's
//!   own request coming back, and the scope has expired. If a request of the task has been
//!   delivered since the scope was entered, the raise is for that one just as well, and goes on
//!   outward.
//! * **Overruled**: a request from further out was on its way already, and was claimed inside. The
//!   scope leaves the answer to the outer one, so that of several scopes found due in one poll the
//!   outermost answers. The same holds for what the body raises if the scope's time comes later.
//! * **Bypassed**: a request from further out was on its way, and was not claimed inside. It goes
//!   on outward. If a sibling claims it there, this scope delivers its own in the next poll.
//!
//! A claim that is given back ([`CancelRequest`](super::request::CancelRequest)) has not been
//! delivered: the scope is open as before, and delivers again with the next poll. So does a scope
//! that was overruled by what is given back.
//!
//! While the request is on its way and unclaimed, the body may still take it back
//! ([`Delivery::take_back`]): something was ready, and it wants more time. Then the scope is open
//! as before, and so are the scopes inside that this request had overruled.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as PollWith, Poll, Waker};

use super::super::reference::TaskRef;
use super::cancel_waker::wake_foreign_wakers;
use super::context::{self, OwnerId, Serial};
use super::frames::{FrameEvents, FrameGuard, is_for_scope_around, is_in_body_of};
use super::raise::Raise;
use super::request::withdraw;
use super::scope_request::ScopeRequest;
use crate::exceptions::CancelledError;
use crate::runtime::time::Stamp;
use crate::sync::StdArc;

/// A delivery that a scope is about to make, or leaves to a request that is on its way already.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    request: StdArc<ScopeRequest>,
    on_its_way: OwnerId,
}

impl Delivery {
    /// Takes the request back, if it is still on its way through the poll that this is called from.
    /// If an outer one is on its way instead, that goes on. False if it has arrived.
    #[must_use]
    pub(crate) fn take_back(&self) -> bool {
        let may = self.can_take_back();
        if may && self.on_its_way == self.request.owner_id() {
            withdraw(&self.request);
        }
        may
    }

    /// Whether the request is still on its way through the poll that this is called from.
    pub(crate) fn can_take_back(&self) -> bool {
        is_in_body_of(&self.request) && context::offered_owner() == self.on_its_way
    }

    /// Whether the request has been given back: then the scope is about to be open again.
    pub(crate) fn is_given_back(&self) -> bool {
        self.request.is_given_back()
    }
}

/// Where a scope is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScopeState {
    /// No task has polled it.
    New,
    /// It is not due, or its request has been given back: it may deliver one.
    Open,
    /// It is due, but a request from further out passed through unclaimed: it may deliver its own.
    Bypassed,
    /// Its own request has reached the body: it does not deliver another.
    Delivered,
    /// A request from further out has reached the body when it was due: it does not deliver its
    /// own.
    Overruled,
}

/// The state of a scope.
#[derive(Debug)]
pub(crate) struct Scope {
    stage: ScopeState,
    /// Which task polls it.
    task: (usize, u64),
    /// The task's count of requests when it came.
    cancelling: u32,
    /// How many requests of outer scopes have come into this one.
    outranked: u32,
    /// Its own, if it has delivered one.
    request: Option<StdArc<ScopeRequest>>,
}

/// What a poll of the body came to.
#[derive(Debug)]
#[must_use]
pub(crate) enum Verdict<T> {
    Ready(T),
    Pending,
    /// The scope's own request has won: the body is to be dropped.
    Expired,
    /// The body raised for a request from further out: it is to be dropped, and the raise goes on.
    Raised(Raise),
}

impl Scope {
    pub(crate) const fn new() -> Scope {
        Scope {
            stage: ScopeState::New,
            task: (0, 0),
            cancelling: 0,
            outranked: 0,
            request: None,
        }
    }

    /// Before each poll: enters the scope, if the task is new to it. False outside a task.
    #[inline]
    #[must_use]
    pub(crate) fn enter(&mut self) -> bool {
        let Some(task) = context::current_identity() else {
            return false;
        };
        if self.task != task {
            self.task = task;
            self.cancelling = delivered_requests().unwrap_or_default();
            // Whatever came from outside, there, has nothing to do with what is outside here.
            self.outranked = 0;
            if self.stage == ScopeState::New {
                self.stage = ScopeState::Open;
            }
        }
        true
    }

    /// Whether the scope's request may still have to be delivered.
    pub(crate) fn is_open(&self) -> bool {
        matches!(
            self.stage,
            ScopeState::New | ScopeState::Open | ScopeState::Bypassed
        )
    }

    /// Whether the scope may be due still, and no request has anything to do with it so far.
    #[inline]
    pub(crate) fn is_undisturbed(&self) -> bool {
        self.is_open() && self.outranked == 0 && context::offered_owner() == OwnerId::NONE
    }

    /// Whether a request from further out went by when the scope was due.
    pub(crate) fn was_bypassed(&self) -> bool {
        self.stage == ScopeState::Bypassed
    }

    /// Whether the scope's time has come while the body was waiting.
    pub(crate) fn has_expired(&self) -> bool {
        !self.is_open()
    }

    /// Whether its request has reached the body, which is ready. One that has been acted on and
    /// given back, to be delivered once more, has.
    pub(crate) fn has_reached_the_body(&self) -> bool {
        let request = self.request.as_ref();
        self.has_expired() || request.is_some_and(|request| request.has_been_met())
    }

    /// The delivery of an open scope that has been due since `asked`. None if a request of the task
    /// is about to come: that one decides first, in the next poll, unless it is taken back.
    #[cold]
    pub(crate) fn delivery(
        &self,
        asked: Stamp,
        error: impl FnOnce() -> CancelledError,
        waker: &Waker,
    ) -> Option<Delivery> {
        let outer = context::offered_owner();
        if outer == OwnerId::NONE && context::current_has_request() {
            return None;
        }
        let request = ScopeRequest::new(asked, error(), waker);
        let on_its_way = match outer {
            OwnerId::NONE => request.owner_id(),
            outer => outer,
        };
        Some(Delivery {
            request,
            on_its_way,
        })
    }

    /// The body has been given more time before the request had arrived.
    pub(crate) fn reopen(&mut self) {
        self.stage = ScopeState::Open;
    }

    /// Polls the body; if that is due, the scope's own request is delivered to it, once.
    #[inline]
    pub(crate) fn poll<F: Future>(
        &mut self,
        due: Option<Delivery>,
        body: Pin<&mut F>,
        cx: &mut PollWith<'_>,
    ) -> Verdict<F::Output> {
        let outer = context::offered_owner();
        if let (Some(due), true) = (due, self.is_open()) {
            self.renew(due.request);
            return match outer {
                OwnerId::NONE => self.deliver(body, cx),
                _ => self.poll_under_outer_request(true, outer, body, cx),
            };
        }
        if outer != OwnerId::NONE || self.has_expired() || self.outranked != 0 {
            return self.poll_under_outer_request(false, outer, body, cx);
        }
        match body.poll(cx) {
            Poll::Ready(value) => Verdict::Ready(value),
            Poll::Pending => Verdict::Pending,
        }
    }

    /// What is left of an earlier request has nothing to do with the scope any more.
    fn renew(&mut self, request: StdArc<ScopeRequest>) {
        if let Some(earlier) = self.request.replace(request) {
            earlier.end();
        }
    }

    /// Drops the body that has raised.
    pub(crate) fn drop_raised(&self, raise: &mut Raise, drop_body: impl FnOnce()) {
        raise.collect_claims(self.outranked != 0, drop_body);
    }

    /// What was given back or withdrawn has not come.
    fn apply(&mut self, events: FrameEvents) {
        self.outranked = self.outranked.saturating_sub(events.of_scopes);
        let again = match self.stage {
            ScopeState::Delivered => self.is_given_back(),
            ScopeState::Overruled => events.of_task || events.of_scopes != 0,
            ScopeState::New | ScopeState::Open | ScopeState::Bypassed => false,
        };
        if again {
            self.stage = ScopeState::Open;
        }
    }

    fn register_waker(&self, waker: &Waker) {
        self.request
            .iter()
            .for_each(|request| request.register_waker(waker));
    }

    fn is_given_back(&self) -> bool {
        let request = self.request.as_ref();
        request.is_some_and(|request| request.is_given_back())
    }

    /// Polls a body that a request from further out is to reach, or one has reached before, which
    /// may be given back.
    #[cold]
    fn poll_under_outer_request<F: Future>(
        &mut self,
        due: bool,
        outer: OwnerId,
        body: Pin<&mut F>,
        cx: &mut PollWith<'_>,
    ) -> Verdict<F::Output> {
        let noted = context::newest_raise();
        self.register_waker(cx.waker());
        let frames = FrameGuard::begin(self.request.as_ref());
        let polled = body.poll(cx);
        if context::offered_owner() == outer {
            // It goes on outward, where perhaps a sibling claims it: then this scope is due still.
            if due {
                self.stage = ScopeState::Bypassed;
            }
        } else {
            self.outranked += u32::from(outer != OwnerId::TASK);
            if due {
                self.stage = ScopeState::Overruled;
            }
        }
        self.apply(frames.end());
        match polled {
            Poll::Ready(value) => Verdict::Ready(value),
            Poll::Pending if self.stage == ScopeState::Delivered => self.claim_raise(noted),
            Poll::Pending => Verdict::Pending,
        }
    }

    #[cold]
    fn deliver<F: Future>(
        &mut self,
        body: Pin<&mut F>,
        cx: &mut PollWith<'_>,
    ) -> Verdict<F::Output> {
        self.stage = ScopeState::Open;
        let noted = context::newest_raise();
        let frames = FrameGuard::begin(self.request.as_ref());
        let sent = Sent::send(
            self.request
                .as_ref()
                .map_or(OwnerId::NONE, |own| own.owner_id()),
        );
        let polled = body.poll(cx);
        let unclaimed = sent.is_on_its_way();
        self.apply(frames.end());
        drop(sent);
        let given_back = self.is_given_back();
        match polled {
            // It may have been ready without ever meeting the request: then it has not expired.
            Poll::Ready(value) => {
                if !unclaimed && !given_back {
                    self.stage = ScopeState::Delivered;
                }
                Verdict::Ready(value)
            }
            Poll::Pending if unclaimed => {
                self.stage = ScopeState::Delivered;
                let own = || self.request.as_ref().map(|own| own.error().clone());
                let raised = Raise::of_marks(noted);
                self.answer(raised.unwrap_or_else(|| Raise::new(own().unwrap_or_default())))
            }
            Poll::Pending if given_back => Verdict::Pending,
            Poll::Pending => {
                self.stage = ScopeState::Delivered;
                self.claim_raise(noted)
            }
        }
    }

    fn claim_raise<T>(&self, noted: Serial) -> Verdict<T> {
        Raise::of_marks(noted).map_or(Verdict::Pending, |raise| self.answer(raise))
    }

    /// The raise for a request of the task that has come while this scope delivered its own. Its
    /// error is that of the task's request, unless the body has raised another.
    fn raise_for_task(&self, raise: Raise) -> Raise {
        let own = self.request.as_ref().map(|own| own.error().cause());
        let error = match Some(raise.error().cause()) == own {
            true => context::with_current(TaskRef::error_of_near_request).unwrap_or_default(),
            false => raise.error().clone(),
        };
        raise
            .with_claimed()
            .with_error(error.caused_by(context::current_cause()))
    }

    /// What the end of the body means, by a raise or by the scope's own request.
    fn answer<T>(&self, raise: Raise) -> Verdict<T> {
        if self.outranked != 0 && is_for_scope_around(raise.error().cause()) {
            // The body has caught that request, and raises it now.
            Verdict::Raised(raise)
        } else if self.outranked != 0 || delivered_requests() > Some(self.cancelling) {
            Verdict::Raised(raise.caused_by(context::current_cause()))
        } else if context::is_task_request_near() {
            // It comes with the raise: so the cancellation wins, though the scope has expired.
            Verdict::Raised(self.raise_for_task(raise))
        } else {
            if let Some(request) = &self.request {
                raise.acknowledge_only(request);
            }
            Verdict::Expired
        }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        if let Some(request) = &self.request {
            request.end();
        }
    }
}

/// How many of the current task's requests have been delivered. One that is still on its way is
/// delivered in any case, and needs no raise.
///
/// Behind a shield none has been since it went up.
pub(crate) fn delivered_requests() -> Option<u32> {
    let mut counted = context::current_cancelling()?;
    if counted == 0 {
        return Some(0);
    }
    let shield = context::shield();
    loop {
        let waits = u32::from(context::current_has_request());
        // A request may come between the two looks: it must not be counted and found absent.
        let again = context::current_cancelling()?;
        if again == counted {
            let travels = u32::from(context::offered_owner() == OwnerId::TASK);
            return Some(counted.saturating_sub(waits + travels).min(shield));
        }
        counted = again;
    }
}

/// The same, unless that is in doubt just now: several that wait or are on their way together may
/// be any number.
pub(crate) fn settled_requests() -> Option<u32> {
    let in_doubt = context::offered_owner() == OwnerId::TASK || context::current_has_request();
    if in_doubt { None } else { delivered_requests() }
}

/// The scope's request, on its way. Ends with the poll, even with a panic.
struct Sent(OwnerId);

impl Sent {
    fn send(owner: OwnerId) -> Sent {
        wake_foreign_wakers();
        context::set_offered(owner);
        Sent(owner)
    }

    fn is_on_its_way(&self) -> bool {
        context::offered_owner() == self.0
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        if self.is_on_its_way() {
            context::set_offered(OwnerId::NONE);
        }
    }
}
