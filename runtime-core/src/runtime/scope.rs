//! A scope that can cancel its own body: what `timeout` and `wait_for` do when their time has come.
//!
//! When it is due, the scope does to its body what `cancel` does to a task: it puts a request of its
//! own on its way, *before* it polls the body, and polls it once. What is ready then is returned all
//! the same. Then:
//!
//! * nobody inside claimed the request: the scope drops its body, and has **expired**;
//! * somebody claimed it: the body goes on with its cleanup. If it raises later, that is the scope's
//!   own request coming back, and it has expired; unless a request of the task's own has been
//!   delivered since the scope was entered, for which the raise stands just as well: then the raise
//!   goes on outward;
//! * a request from further out was on its way already, or is about to be: the scope is
//!   **overruled**. It leaves the answer to the outer one, so that of several scopes found due in
//!   one poll the outermost answers. If one that is not due then, or is cleaning up, has its time
//!   later, what it raises stands for the outer request, too.
//!
//! What is **held** inside and given back ([`Held`](super::task::held::Held)) has not been delivered: the
//! scope is open as before, and delivers it again with the next poll. So does a scope that was
//! overruled by what was given back.
//!
//! While the request is on its way through the body, and nobody has claimed it, the body may still
//! take it back ([`take_back`]): something was ready, and it wants more time. Then the scope is open
//! as before, and so are the scopes inside that this request had overruled.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context as PollWith, Poll};

use super::task::cancel::{self, Origin};
use super::task::held::{Heard, Listening, was_given_back};
use crate::exceptions::CancelledError;
use crate::sync::local;

// The scope whose request was taken back last on this thread.
local! { static TAKEN_BACK: Cell<Origin> = Cell::new(Origin::NOBODY) }

/// A delivery: on which thread it was made. Only there, and only until it ends, can what is
/// delivered be taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    thread: usize,
    origin: Origin,
}

/// Takes the request of a scope back, if it is still on its way through the poll that this is called
/// from. If an outer one is on its way instead, that goes on. False if it has arrived.
#[must_use]
pub(crate) fn take_back(delivery: Delivery) -> bool {
    if delivery.thread != this_thread() || !cancel::is_delivering() {
        return false;
    }
    if cancel::delivering() == delivery.origin {
        cancel::set_delivering(Origin::NOBODY);
        TAKEN_BACK.with(|taken_back| taken_back.set(delivery.origin));
    }
    true
}

/// Whether the request of a scope has been given back, in the poll that this is called from: then the
/// scope is about to be open again.
pub(crate) fn is_given_back(delivery: Delivery) -> bool {
    delivery.thread == this_thread() && was_given_back(delivery.origin)
}

/// A thread, by the address of something of its own.
fn this_thread() -> usize {
    TAKEN_BACK.with(|taken_back| std::ptr::from_ref(taken_back).addr())
}

fn was_taken_back(origin: Origin) -> bool {
    TAKEN_BACK.with(Cell::get) == origin
}

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
    /// How many requests of outer scopes have come into this one.
    outranked: u32,
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
            outranked: 0,
        }
    }

    /// Enters the scope, once. False outside a task.
    #[must_use]
    pub(crate) fn enter(&mut self) -> bool {
        if self.stage == Stage::New {
            let Some(cancelling) = delivered_requests() else {
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
        !self.is_open()
    }

    /// The delivery that a poll with `due` is about to make.
    pub(crate) fn delivery(&self) -> Delivery {
        Delivery {
            thread: this_thread(),
            origin: Origin::scope(self),
        }
    }

    /// The body has been given more time before the request had arrived.
    pub(crate) fn reopen(&mut self) {
        self.stage = Stage::Open;
    }

    /// Polls the body; with `due`, the scope's own request is delivered to it, once.
    #[inline]
    pub(crate) fn poll<F: Future>(
        &mut self,
        due: bool,
        body: Pin<&mut F>,
        cx: &mut PollWith<'_>,
    ) -> Verdict<F::Output> {
        let outer = cancel::delivering();
        if outer != Origin::NOBODY {
            return self.pass_on(due, outer, body, cx);
        }
        if due && self.stage == Stage::Open {
            return self.deliver(body, cx);
        }
        if self.has_expired() || self.outranked != 0 {
            return self.go_on(body, cx);
        }
        match body.poll(cx) {
            Poll::Ready(value) => Verdict::Ready(value),
            Poll::Pending => Verdict::Pending,
        }
    }

    /// Polls a body that has met a request, which may be given back.
    #[cold]
    fn go_on<F: Future>(&mut self, body: Pin<&mut F>, cx: &mut PollWith<'_>) -> Verdict<F::Output> {
        let noted = cancel::note();
        let listening = Listening::begin(Origin::scope(self));
        let polled = body.poll(cx);
        self.hear(listening.end());
        self.answer_to(polled, noted)
    }

    /// What was given back while the body was polled is to be delivered again.
    fn hear(&mut self, heard: Heard) {
        self.outranked = self.outranked.saturating_sub(heard.of_scopes);
        let again = match self.stage {
            Stage::Delivered => heard.own,
            Stage::Overruled => heard.of_task || heard.of_scopes != 0,
            Stage::New | Stage::Open => false,
        };
        if again {
            self.stage = Stage::Open;
        }
    }

    fn answer_to<T>(&self, polled: Poll<T>, noted: cancel::Serial) -> Verdict<T> {
        match polled {
            Poll::Ready(value) => Verdict::Ready(value),
            Poll::Pending if self.stage == Stage::Delivered => self.claim_raise(noted),
            Poll::Pending => Verdict::Pending,
        }
    }

    /// Polls the body while a request from further out is on its way.
    #[cold]
    fn pass_on<F: Future>(
        &mut self,
        due: bool,
        outer: Origin,
        body: Pin<&mut F>,
        cx: &mut PollWith<'_>,
    ) -> Verdict<F::Output> {
        let overruled = due && self.stage == Stage::Open;
        if overruled {
            self.stage = Stage::Overruled;
        }
        let noted = cancel::note();
        let listening = Listening::begin(Origin::scope(self));
        let polled = body.poll(cx);
        if outer != Origin::TASK {
            self.outranked += 1;
        }
        self.hear(listening.end());
        if was_taken_back(outer) {
            self.outranked -= 1;
            if overruled {
                self.stage = Stage::Open;
            }
        }
        self.answer_to(polled, noted)
    }

    #[cold]
    fn deliver<F: Future>(
        &mut self,
        body: Pin<&mut F>,
        cx: &mut PollWith<'_>,
    ) -> Verdict<F::Output> {
        if cancel::current_has_request() {
            // It comes with the next poll, unless it is taken back: let it decide then.
            return match body.poll(cx) {
                Poll::Ready(value) => Verdict::Ready(value),
                Poll::Pending => Verdict::Pending,
            };
        }
        let noted = cancel::note();
        let listening = Listening::begin(Origin::scope(self));
        let sent = Sent::send(Origin::scope(self));
        let polled = body.poll(cx);
        let heard = listening.end();
        self.hear(heard);
        let end = match sent.end() {
            End::Claimed if heard.own => End::TakenBack,
            end => end,
        };
        match polled {
            // It may have been ready without ever meeting the request: then it has not expired.
            Poll::Ready(value) => {
                if end == End::Claimed {
                    self.stage = Stage::Delivered;
                }
                Verdict::Ready(value)
            }
            Poll::Pending => match end {
                End::TakenBack => Verdict::Pending,
                End::Unclaimed => {
                    self.stage = Stage::Delivered;
                    self.answer(CancelledError::default())
                }
                End::Claimed => {
                    self.stage = Stage::Delivered;
                    self.claim_raise(noted)
                }
            },
        }
    }

    fn claim_raise<T>(&self, noted: cancel::Serial) -> Verdict<T> {
        cancel::claim_raised(noted).map_or(Verdict::Pending, |error| self.answer(error))
    }

    /// What the end of the body means, by a raise or by the scope's own request.
    fn answer<T>(&self, error: CancelledError) -> Verdict<T> {
        if self.outranked != 0 || delivered_requests() > Some(self.cancelling) {
            Verdict::Raised(error)
        } else {
            Verdict::Expired
        }
    }
}

/// How many of the current task's requests have been delivered. One that is still on its way will be
/// in any case, and needs no raise to stand for it.
fn delivered_requests() -> Option<u32> {
    let mut counted = cancel::current_cancelling()?;
    loop {
        let waits = u32::from(cancel::current_has_request());
        // A request may come between the two looks: it must not be counted and found absent.
        let again = cancel::current_cancelling()?;
        if again == counted {
            let travels = u32::from(cancel::delivering() == Origin::TASK);
            return Some(counted.saturating_sub(waits + travels));
        }
        counted = again;
    }
}

/// The scope's request, on its way. Ends with the poll, even with a panic.
struct Sent(Origin);

/// What became of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Unclaimed,
    Claimed,
    TakenBack,
}

impl Sent {
    fn send(origin: Origin) -> Sent {
        // A scope that had this address may have left its name.
        TAKEN_BACK.with(|taken_back| taken_back.set(Origin::NOBODY));
        cancel::wake_foreign();
        cancel::set_delivering(origin);
        Sent(origin)
    }

    fn end(self) -> End {
        if cancel::delivering() == self.0 {
            End::Unclaimed
        } else if was_taken_back(self.0) {
            End::TakenBack
        } else {
            End::Claimed
        }
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        if cancel::delivering() == self.0 {
            cancel::set_delivering(Origin::NOBODY);
        }
    }
}
