//! Cleaning up in any case.

use std::any::Any;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::runtime::{
    CancelWaker, Raise, Stamp, asked_for, begin_handler, hidden, is_request_offered, newest_raise,
};

/// Runs `body`, then `cleanup`, whichever way the body ends: `try: … finally: await cleanup`.
///
/// The cleanup may await. It runs after a value, which is then returned; after a cancellation,
/// which then goes on outward; and after a panic, which is then resumed.
///
/// # Cancellation
/// A request that is made during the cleanup interrupts it: the cleanup is dropped, and the request
/// goes on outward. One that is older, and comes later only because it took its time, does not:
/// neither one that was made when the body had just become ready, nor the very one that has ended
/// the body, by another way. It goes on outward when the cleanup has ended. If this future itself
/// is *dropped*, as the loser of a `select`, the cleanup is dropped unrun, as no future can await
/// in its destructor. Where that matters, use a combinator of this crate that cancels its losers
/// and waits for them, or [`catch_cancelled`](crate::catch_cancelled).
///
/// ```
/// # asyncio::run(async {
/// let answer = asyncio::finally(async { 42 }, async { println!("cleaned up") }).await;
/// assert_eq!(answer, 42);
/// # });
/// ```
#[track_caller]
pub fn finally<F, C>(body: F, cleanup: C) -> Finally<F, C::IntoFuture>
where
    F: Future,
    C: IntoFuture<Output = ()>,
{
    Finally {
        body: Some(body),
        cleanup: Some(cleanup.into_future()),
        end: None,
        began: Stamp::default(),
        withheld: Vec::new(),
        cancel_waker: CancelWaker::default(),
        location: Location::caller(),
    }
}

pin_project! {
    /// The future of [`finally`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Finally<F: Future, C> {
        #[pin]
        body: Option<F>,
        #[pin]
        cleanup: Option<C>,
        end: Option<End<F::Output>>,
        // When the cleanup began.
        began: Stamp,
        // Requests that are older, and wait for its end.
        withheld: Vec<Raise>,
        cancel_waker: CancelWaker,
        location: &'static Location<'static>,
    }
}

/// How the body ended, and so what follows the cleanup.
enum End<T> {
    Value(T),
    Cancelled(Raise),
    Panic(Box<dyn Any + Send>),
}

impl<F: Future, C: Future<Output = ()>> Finally<F, C> {
    /// Polls the body. True when it has ended, in whichever way.
    fn poll_body(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let mut this = self.project();
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            return true;
        };
        let noted = newest_raise();
        let mut end = match catch_unwind(AssertUnwindSafe(|| body.poll(cx))) {
            Ok(Poll::Ready(value)) => End::Value(value),
            Err(payload) => End::Panic(payload),
            Ok(Poll::Pending) => match Raise::claim_all(noted) {
                Some(raise) => End::Cancelled(raise),
                None => return false,
            },
        };
        // A destructor that panics is a panic of the body, unless there is one already.
        let dropped = catch_unwind(AssertUnwindSafe(|| match &mut end {
            // What is claimed there is a part of what is raised after the cleanup.
            End::Cancelled(raise) => {
                raise.collect_claims(true, || hidden(|| this.body.set(None)));
                if let Some(moment) = begin_handler() {
                    raise.include(moment);
                }
            }
            End::Value(_) | End::Panic(_) => hidden(|| this.body.set(None)),
        }));
        *this.began = match &end {
            End::Value(_) | End::Panic(_) if !is_request_offered() => Stamp::latest(),
            _ => Stamp::now(),
        };
        *this.end = Some(match (dropped, end) {
            (Err(payload), End::Value(_)) => End::Panic(payload),
            (Err(payload), End::Cancelled(raise)) => {
                raise.acknowledge();
                End::Panic(payload)
            }
            (_, end) => end,
        });
        true
    }

    /// Polls the cleanup. True when it has ended, or has been interrupted.
    fn poll_cleanup(self: Pin<&mut Self>, cx: &mut Context<'_>) -> bool {
        let mut this = self.project();
        let Some(cleanup) = this.cleanup.as_mut().as_pin_mut() else {
            return true;
        };
        let noted = newest_raise();
        // What was asked for before the cleanup began is let wait until it has ended.
        let older = asked_for().is_some_and(|asked| asked <= *this.began);
        let polled = if older {
            hidden(|| cleanup.poll(cx))
        } else {
            cleanup.poll(cx)
        };
        if polled.is_pending() {
            let interrupting = if older {
                this.withheld.extend(Raise::claim());
                Raise::of_marks(noted)
            } else {
                Raise::claim_all(noted)
            };
            let Some(raise) = interrupting else {
                return false;
            };
            raise_after(this.end, raise);
        }
        hidden(|| this.cleanup.set(None));
        for raise in this.withheld.drain(..) {
            raise_after(this.end, raise);
        }
        true
    }
}

/// What follows the cleanup is a cancellation, whatever else would have been.
fn raise_after<T>(end: &mut Option<End<T>>, mut raise: Raise) {
    match end.take() {
        // A panic outweighs the request: it would be lost otherwise.
        Some(End::Panic(payload)) => {
            raise.acknowledge();
            *end = Some(End::Panic(payload));
        }
        Some(End::Cancelled(first)) => {
            raise.take_over(first);
            *end = Some(End::Cancelled(raise));
        }
        _ => *end = Some(End::Cancelled(raise)),
    }
}

impl<F: Future, C: Future<Output = ()>> Future for Finally<F, C> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        if !self.as_mut().poll_body(cx) || !self.as_mut().poll_cleanup(cx) {
            self.project().cancel_waker.register_waker(cx.waker());
            return Poll::Pending;
        }
        let this = self.project();
        let (end, location) = (this.end, *this.location);
        if let Some(End::Cancelled(raise)) = end {
            return Pin::new(raise).poll(cx).map(|never| match never {});
        }
        let Some(end) = end.take() else {
            panic!("the finally made at {location} was polled after its end")
        };
        match end {
            End::Value(value) => Poll::Ready(value),
            End::Panic(payload) => resume_unwind(payload),
            End::Cancelled(_) => unreachable!("handled above"),
        }
    }
}

impl<F: Future, C> fmt::Debug for Finally<F, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Finally").finish_non_exhaustive()
    }
}
