//! Running a body in a scope that can be cancelled by itself.
//!
//! To the [`Scope`] of the engine this adds what makes it due: a deadline, and a [`Control`], by
//! which `wait_for`, `timeout` and `move_on_after` differ.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::deadline::DeadlineTimer;
use super::handle::ScopeStage;
use crate::exceptions::{CancelReason, CancelSource, CancelledError};
use crate::runtime::{Delivery, Moment, Raise, Scope, Stamp, Tick, Verdict, hidden, loop_tick};

/// What controls a scope from outside of its future.
pub(crate) trait Control {
    /// What its deadlines are.
    type Moment: Moment + PartialEq;

    /// The control as it is at the beginning of a poll. It is to wake `waker` when that changes.
    /// `now` is the time of the first poll.
    fn look(&mut self, now: Option<Tick>, waker: &Waker) -> View<Self::Moment>;

    /// Whether the next look needs the time, though there may be no deadline.
    #[inline]
    fn wants_time(&self) -> bool {
        false
    }

    /// The error of the scope's request; `made` is where the scope was made.
    fn error(&self, made: &'static Location<'static>) -> CancelledError {
        CancelledError::new(CancelReason::with(CancelSource::Timeout, None, made))
    }

    /// The deadline has come, and asks for the end since `asked`.
    #[inline]
    fn pass_deadline(&self, _asked: Stamp) {}

    /// The delivery that is about to be made; none if `deadline`, for which it is, has just been
    /// moved.
    #[inline]
    fn begin_delivery(
        &self,
        _deadline: Option<Self::Moment>,
        delivery: Delivery,
    ) -> Option<Delivery> {
        Some(delivery)
    }

    /// The poll with the delivery has ended. True if the body has been given more time in it.
    #[inline]
    fn end_delivery(&self) -> bool {
        false
    }

    /// Polls the body by `poll`.
    #[inline]
    fn around<R>(&self, _view: &View<Self::Moment>, poll: impl FnOnce() -> R) -> R {
        poll()
    }

    /// The body waits, after a poll that began with `view`.
    #[inline]
    fn wait(&mut self, _view: &View<Self::Moment>, _waker: &Waker) {}

    /// The request has been taken back, put off, or given back.
    #[inline]
    fn reopen(&self) {}

    /// The scope has ended.
    #[inline]
    fn end(&self, _stage: ScopeStage) {}
}

/// A control, at the beginning of a poll.
#[derive(Clone, Copy)]
pub(crate) struct View<M> {
    pub(crate) deadline: Option<M>,
    /// When the scope was cancelled by its control.
    pub(crate) cancelled: Option<Stamp>,
    /// Whether the body is shielded from requests from outside.
    pub(crate) shielded: bool,
    /// Whether such requests wait for the shield to go down.
    pub(crate) withholds: bool,
}

impl<M> Default for View<M> {
    fn default() -> View<M> {
        View {
            deadline: None,
            cancelled: None,
            shielded: false,
            withholds: false,
        }
    }
}

/// The beginning of a poll.
struct Look<M> {
    view: View<M>,
    was_open: bool,
    /// The time, if it was looked at.
    now: Option<Tick>,
    /// The deadline of an open scope.
    deadline: Option<M>,
    /// Since when an open scope is due.
    asked: Option<Stamp>,
}

pin_project! {
    #[project = Projection]
    /// The future of a scope: the body's value, or `None` if the scope has cancelled it.
    pub(crate) struct Scoped<F, C>
    where
        C: Control,
    {
        #[pin]
        body: Option<F>,
        scope: Scope,
        control: C,
        timer: DeadlineTimer<C::Moment>,
        // A box, so that it costs nothing before.
        raising: Option<Box<Raise>>,
    }
}

impl<F, C: Control> Scoped<F, C> {
    pub(crate) fn new(body: F, control: C, location: &'static Location<'static>) -> Scoped<F, C> {
        Scoped {
            body: Some(body),
            scope: Scope::new(),
            control,
            timer: DeadlineTimer::new(location),
            raising: None,
        }
    }
}

impl<F: Future, C: Control> Future for Scoped<F, C> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(raise) = this.raising {
            return Pin::new(&mut **raise).poll(cx).map(|never| match never {});
        }
        if !this.scope.enter() {
            outside_a_task(this.timer.location())
        }
        let look = this.look(cx);
        if look.asked.is_none() && this.scope.is_undisturbed() {
            this.poll_undisturbed(&look, cx)
        } else {
            this.poll_disturbed(&look, cx)
        }
    }
}

impl<F: Future, C: Control> Projection<'_, F, C> {
    /// Looks whether the scope is due.
    #[inline]
    fn look(&mut self, cx: &mut Context<'_>) -> Look<C::Moment> {
        let was_open = self.scope.is_open();
        let wanted = was_open && self.control.wants_time();
        let now = wanted.then(loop_tick);
        let view = self.control.look(now, cx.waker());
        let deadline = view.deadline.filter(|_| was_open);
        let now = if deadline.is_some() {
            now.or_else(|| self.timer.now())
        } else {
            None
        };
        let asked = view.cancelled.or_else(|| {
            let asked = self.timer.look(now, deadline, cx)?;
            self.control.pass_deadline(asked);
            Some(asked)
        });
        Look {
            view,
            was_open,
            now,
            deadline,
            asked: asked.filter(|_| was_open),
        }
    }

    /// Polls the body where nobody asks for its end: almost always.
    #[inline(always)]
    fn poll_undisturbed(
        &mut self,
        look: &Look<C::Moment>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<F::Output>> {
        let Some(body) = self.body.as_mut().as_pin_mut() else {
            polled_again(self.timer.location())
        };
        match self.control.around(&look.view, || body.poll(cx)) {
            Poll::Pending => {
                self.control.wait(&look.view, cx.waker());
                if let Some(deadline) = look.deadline {
                    self.timer.arm(look.now, deadline, cx);
                }
                Poll::Pending
            }
            Poll::Ready(value) => self.be_ready(value),
        }
    }

    /// Polls the body where the scope is due or has been, or a request from outside is on its way.
    #[inline(never)]
    fn poll_disturbed(
        &mut self,
        look: &Look<C::Moment>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<F::Output>> {
        match self.poll_body(look, cx) {
            Verdict::Pending => {
                self.wait(look, cx);
                Poll::Pending
            }
            Verdict::Ready(value) => self.be_ready(value),
            Verdict::Expired => {
                self.end(ScopeStage::Caught);
                Poll::Ready(None)
            }
            Verdict::Raised(raise) => self.raise(raise, cx),
        }
    }

    #[inline]
    fn be_ready(&mut self, value: F::Output) -> Poll<Option<F::Output>> {
        let expired = self.scope.has_reached_the_body();
        self.end(if expired {
            ScopeStage::Expired
        } else {
            ScopeStage::Finished
        });
        Poll::Ready(Some(value))
    }

    /// Polls the body, with the scope's request on its way if the scope is due.
    fn poll_body(&mut self, look: &Look<C::Moment>, cx: &mut Context<'_>) -> Verdict<F::Output> {
        let Some(body) = self.body.as_mut().as_pin_mut() else {
            polled_again(self.timer.location())
        };
        let (scope, control) = (&mut *self.scope, &*self.control);
        let error = || control.error(self.timer.location());
        control.around(&look.view, || {
            let delivery = look
                .asked
                .and_then(|asked| scope.delivery(asked, error, cx.waker()))
                .and_then(|delivery| control.begin_delivery(look.deadline, delivery));
            let delivers = delivery.is_some();
            let verdict = scope.poll(delivery, body, cx);
            if delivers && control.end_delivery() {
                scope.reopen();
            }
            verdict
        })
    }

    /// The body waits.
    fn wait(&mut self, look: &Look<C::Moment>, cx: &mut Context<'_>) {
        self.control.wait(&look.view, cx.waker());
        let is_due = look.asked.is_some();
        if self.scope.is_open() && (is_due || !look.was_open) {
            // The request has been taken back, put off, or given back: the next poll looks again.
            if !self.scope.was_bypassed() {
                self.control.reopen();
            }
            cx.waker().wake_by_ref();
        } else if let (false, Some(deadline)) = (is_due, look.deadline) {
            self.timer.arm(look.now, deadline, cx);
        }
    }

    /// Drops the body, and ends the scope.
    #[inline]
    fn end(&mut self, stage: ScopeStage) {
        self.timer.disarm();
        hidden(|| self.body.set(None));
        self.control.end(stage);
    }

    /// Drops the body that has raised, and raises further out.
    #[cold]
    fn raise<T>(&mut self, mut raise: Raise, cx: &mut Context<'_>) -> Poll<T> {
        self.timer.disarm();
        self.scope
            .drop_raised(&mut raise, || hidden(|| self.body.set(None)));
        self.control.end(ScopeStage::Expired);
        let raise = self.raising.insert(Box::new(raise));
        Pin::new(&mut **raise).poll(cx).map(|never| match never {})
    }
}

#[cold]
fn outside_a_task(location: &Location<'_>) -> ! {
    panic!("Timeout should be used inside a task: the one made at {location} is not")
}

#[cold]
fn polled_again(location: &Location<'_>) -> ! {
    panic!("the timeout made at {location} was polled after its end")
}
