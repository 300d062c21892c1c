//! A scope that can cancel its own body: what `timeout` and `wait_for` do when their time has come.
//!
//! When it is due, the scope does to its body what `cancel` does to a task: it puts a request of its
//! own on its way, *before* it polls the body, and polls it once. What is ready then is returned all
//! the same. Then:
//!
//! * nobody inside claimed the request: the scope drops its body, and has **expired**;
//! * somebody claimed it: the body goes on with its cleanup. If it raises later, that is the scope's
//!   own request coming back, and it has expired; unless the task has been cancelled meanwhile, by a
//!   request of its own that the raise stands for just as well: then the raise goes on outward;
//! * a request from further out was on its way already, or is about to be: the scope is
//!   **overruled**. It leaves the answer to the outer one, so that of several scopes found due in
//!   one poll the outermost answers.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as PollWith, Poll};

use super::task::cancel::{self, Origin};
use crate::exceptions::CancelledError;

/// Where a scope is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    New,
    Open,
    /// Its own request has reached the body.
    Delivered,
    Overruled,
}

/// The state of a scope. Pinned with its body: its address is its name.
#[derive(Debug)]
pub(crate) struct Scope {
    stage: Stage,
    /// The task's count of requests when the scope was entered.
    cancelling: u32,
}

/// What a poll of the body came to.
#[derive(Debug)]
#[must_use]
pub(crate) enum Verdict<T> {
    Ready(T),
    Pending,
    /// The scope's own request has won: the body is to be dropped.
    Expired,
    /// The body raised for the task's sake: the body is to be dropped, and the raise goes on.
    Raised(CancelledError),
}

impl Scope {
    pub(crate) const fn new() -> Scope {
        Scope {
            stage: Stage::New,
            cancelling: 0,
        }
    }

    /// Enters the scope, once. False outside a task.
    #[must_use]
    pub(crate) fn enter(&mut self) -> bool {
        if self.stage == Stage::New {
            let Some(cancelling) = cancel::current_cancelling() else {
                return false;
            };
            self.cancelling = cancelling;
            self.stage = Stage::Open;
        }
        true
    }

    /// Whether the scope's request may still have to be delivered.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::New | Stage::Open)
    }

    /// Whether the scope's time has come while the body was waiting.
    pub(crate) fn has_expired(&self) -> bool {
        matches!(self.stage, Stage::Delivered | Stage::Overruled)
    }

    /// Polls the body; with `due`, the scope's own request is delivered to it, once.
    #[inline]
    pub(crate) fn poll<F: Future>(
        &mut self,
        due: bool,
        body: Pin<&mut F>,
        cx: &mut PollWith<'_>,
    ) -> Verdict<F::Output> {
        if due && self.stage == Stage::Open {
            return self.deliver(body, cx);
        }
        let noted = cancel::note();
        match body.poll(cx) {
            Poll::Ready(value) => Verdict::Ready(value),
            Poll::Pending if self.stage == Stage::Delivered => self.claim_raise(noted),
            Poll::Pending => Verdict::Pending,
        }
    }

    #[cold]
    fn deliver<F: Future>(
        &mut self,
        body: Pin<&mut F>,
        cx: &mut PollWith<'_>,
    ) -> Verdict<F::Output> {
        let noted = cancel::note();
        if cancel::is_delivering() || cancel::current_has_request() {
            self.stage = Stage::Overruled;
            return body.poll(cx).map_or_pending();
        }
        let sent = Sent::send(Origin::scope(self));
        match body.poll(cx) {
            // It may have been ready without ever meeting the request: then it has not expired.
            Poll::Ready(value) => {
                if !sent.take_back() {
                    self.stage = Stage::Delivered;
                }
                Verdict::Ready(value)
            }
            Poll::Pending => {
                self.stage = Stage::Delivered;
                if sent.take_back() {
                    Verdict::Expired
                } else {
                    self.claim_raise(noted)
                }
            }
        }
    }

    fn claim_raise<T>(&self, noted: cancel::Serial) -> Verdict<T> {
        match cancel::claim_raised(noted) {
            None => Verdict::Pending,
            Some(error) if cancel::current_cancelling() > Some(self.cancelling) => {
                Verdict::Raised(error)
            }
            Some(_own) => Verdict::Expired,
        }
    }
}

/// The scope's request, on its way. Taken back when the poll ends, even by a panic.
struct Sent(Origin);

impl Sent {
    fn send(origin: Origin) -> Sent {
        cancel::wake_foreign();
        cancel::set_delivering(origin);
        Sent(origin)
    }

    /// True if nobody has claimed it.
    fn take_back(self) -> bool {
        let unclaimed = cancel::delivering() == self.0;
        drop(self);
        unclaimed
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        if cancel::delivering() == self.0 {
            cancel::set_delivering(Origin::NOBODY);
        }
    }
}

trait OrPending<T> {
    fn map_or_pending(self) -> Verdict<T>;
}

impl<T> OrPending<T> for Poll<T> {
    fn map_or_pending(self) -> Verdict<T> {
        match self {
            Poll::Ready(value) => Verdict::Ready(value),
            Poll::Pending => Verdict::Pending,
        }
    }
}
