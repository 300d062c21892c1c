//! A future with a time limit, in the caller's own task.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use super::control::{Timeout, TimeoutState};
use super::once::Once;
use crate::exceptions::TimeoutError;
use crate::runtime::{
    Delivery, Precision, Raise, Scope, Stamp, Timer, Verdict, hidden, loop_time, stamp_of,
};

/// Awaits `awaitable` for so long at most: `asyncio.wait_for`. No limit: `None`.
///
/// It runs in the caller's own task, and may borrow from it. When the time has come it is cancelled:
/// it may clean up, which may take longer than the limit, and if it returns a value all the same,
/// that is the answer. A task that is awaited through it is cancelled and waited for. With a limit of
/// zero it is polled once. What is ready is never lost to the limit.
///
/// # Errors
/// [`TimeoutError`] if the limit has cancelled it.
///
/// # Cancellation
/// Goes to the awaitable.
///
/// # Panics
/// Outside a task.
///
/// ```
/// use std::time::Duration;
/// # asyncio::run(async {
/// let slow = asyncio::sleep(Duration::from_secs(3600));
/// assert!(asyncio::wait_for(slow, Duration::from_millis(1)).await.is_err());
/// assert_eq!(asyncio::wait_for(async { 42 }, None).await, Ok(42));
/// # });
/// ```
#[track_caller]
pub fn wait_for<A: IntoFuture>(
    awaitable: A,
    timeout: impl Into<Option<Duration>>,
) -> WaitFor<A::IntoFuture> {
    let limit = Limit::Delay(timeout.into());
    WaitFor {
        limited: Limited::new(awaitable.into_future(), limit, Location::caller()),
    }
}

/// Runs `body` for so long at most: `async with asyncio.timeout(delay)`. No limit: `None`.
///
/// The body is given the [`Timeout`], to look at the deadline and to move it. What holds of
/// [`wait_for`] holds here too.
///
/// # Errors
/// [`TimeoutError`] if the limit has cancelled the body.
///
/// # Panics
/// Outside a task.
///
/// ```
/// use std::time::Duration;
/// # asyncio::run(async {
/// let outcome = asyncio::timeout(Duration::from_millis(1), async |_scope| {
///     asyncio::sleep(Duration::from_secs(3600)).await;
/// });
/// assert!(outcome.await.is_err());
/// # });
/// ```
#[track_caller]
pub fn timeout<T, F>(
    delay: impl Into<Option<Duration>>,
    body: F,
) -> impl Future<Output = Result<T, TimeoutError>>
where
    F: AsyncFnOnce(&Timeout) -> T,
{
    let (delay, location) = (delay.into(), Location::caller());
    let future = async move {
        // A delay beyond what an `Instant` can say is no limit.
        let when = delay.and_then(|delay| loop_time().checked_add(delay));
        run_until(when, body, location).await
    };
    Once::new("timeout", location, future)
}

/// As [`timeout`], with an instant.
///
/// # Errors
/// As [`timeout`].
///
/// # Panics
/// As [`timeout`].
#[track_caller]
pub fn timeout_at<T, F>(
    when: impl Into<Option<Instant>>,
    body: F,
) -> impl Future<Output = Result<T, TimeoutError>>
where
    F: AsyncFnOnce(&Timeout) -> T,
{
    let location = Location::caller();
    Once::new("timeout", location, run_until(when.into(), body, location))
}

async fn run_until<T, F>(
    when: Option<Instant>,
    body: F,
    location: &'static Location<'static>,
) -> Result<T, TimeoutError>
where
    F: AsyncFnOnce(&Timeout) -> T,
{
    let control = Timeout::new(when);
    let limit = Limit::Shared(control.clone());
    Limited::new(body(&control), limit, location).await
}

pin_project! {
    /// The future of [`wait_for`].
    #[must_use = "futures do nothing unless polled"]
    pub struct WaitFor<F> {
        #[pin]
        limited: Limited<F>,
    }
}

impl<F: Future> Future for WaitFor<F> {
    type Output = Result<F::Output, TimeoutError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().limited.poll(cx)
    }
}

impl<F> fmt::Debug for WaitFor<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitFor").finish_non_exhaustive()
    }
}

/// Where the deadline comes from.
enum Limit {
    /// Counted from the first poll.
    Delay(Option<Duration>),
    At(Option<Instant>),
    Shared(Timeout),
}

pin_project! {
    struct Limited<F> {
        #[pin]
        body: Option<F>,
        scope: Scope,
        limit: Limit,
        timer: Timer,
        // The deadline that the timer is for.
        armed: Option<Instant>,
        raising: Option<Raise>,
        location: &'static Location<'static>,
    }
}

impl<F> Limited<F> {
    fn new(body: F, limit: Limit, location: &'static Location<'static>) -> Limited<F> {
        Limited {
            body: Some(body),
            scope: Scope::new(),
            limit,
            timer: Timer::new(),
            armed: None,
            raising: None,
            location,
        }
    }
}

impl<F: Future> Future for Limited<F> {
    type Output = Result<F::Output, TimeoutError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(raise) = this.raising {
            return Pin::new(raise).poll(cx).map(|never| match never {});
        }
        if !this.scope.enter() {
            panic!(
                "Timeout should be used inside a task: the one made at {} is not",
                this.location
            );
        }
        let was_open = this.scope.is_open();
        let (now, when) = if was_open {
            // The one look at the clock for all that the first poll asks of it.
            let now = this.armed.is_none().then(loop_time);
            (now, this.limit.deadline(now, cx))
        } else {
            (None, None)
        };
        let mut clock = LimitTimer {
            timer: this.timer,
            armed: this.armed,
            location: this.location,
        };
        let due = clock.look(now, when, cx);
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            polled_again(this.location)
        };
        let scope = &mut *this.scope;
        let delivery = due.and_then(|(when, asked)| {
            let delivery = scope.delivery(asked, cx.waker())?;
            this.limit.begin_expiry(when, delivery)
        });
        let delivers = delivery.is_some();
        let verdict = scope.poll(delivery, body, cx);
        if delivers && this.limit.end_delivery() {
            scope.reopen();
        }
        let due = due.is_some();
        let expired = this.scope.has_expired();
        let outcome = match verdict {
            Verdict::Pending => {
                if !expired && (due || !was_open) {
                    // The request has been taken back, put off, or given back: the next poll looks
                    // again.
                    if !this.scope.has_passed() {
                        this.limit.set_state(TimeoutState::Active);
                    }
                    cx.waker().wake_by_ref();
                } else if let (false, Some(when)) = (due, when) {
                    clock.arm(now, when, cx);
                }
                return Poll::Pending;
            }
            Verdict::Raised(mut raise) => {
                this.scope
                    .drop_raised(&mut raise, || hidden(|| this.body.set(None)));
                this.limit.set_state(TimeoutState::Expired);
                let raise = this.raising.insert(raise);
                return Pin::new(raise).poll(cx).map(|never| match never {});
            }
            Verdict::Ready(value) => Ok(value),
            Verdict::Expired => Err(TimeoutError),
        };
        clock.timer.cancel();
        hidden(|| this.body.set(None));
        this.limit.set_state(if expired {
            TimeoutState::Expired
        } else {
            TimeoutState::Finished
        });
        Poll::Ready(outcome)
    }
}

#[cold]
fn polled_again(location: &Location<'_>) -> ! {
    panic!("the timeout made at {location} was polled after its end")
}

/// The timer of a limit, and what it is armed for.
struct LimitTimer<'a> {
    timer: &'a mut Timer,
    armed: &'a mut Option<Instant>,
    location: &'static Location<'static>,
}

impl LimitTimer<'_> {
    /// The deadline, if it has come, and when that asks for the end. (One that was past when it was set has
    /// asked for nothing before that.) Where there is none any more, no timer stays behind.
    fn look(
        &mut self,
        now: Option<Instant>,
        when: Option<Instant>,
        cx: &mut Context<'_>,
    ) -> Option<(Instant, Stamp)> {
        let Some(when) = when else {
            self.disarm();
            return None;
        };
        let waited = *self.armed == Some(when);
        let asked = || if waited { stamp_of(when) } else { Stamp::now() };
        self.is_due(now, when, cx).then(|| (when, asked()))
    }

    /// Whether `when` has come. The timer is armed only once the body has been found waiting: before
    /// that a look at the clock, at `now`, is enough.
    fn is_due(&mut self, now: Option<Instant>, when: Instant, cx: &mut Context<'_>) -> bool {
        match *self.armed {
            Some(before) if before == when => self.poll(None, when, cx),
            Some(_moved) => {
                self.disarm();
                when <= loop_time()
            }
            None => now.is_some_and(|now| when <= now),
        }
    }

    fn disarm(&mut self) {
        if self.armed.take().is_some() {
            self.timer.cancel();
        }
    }

    /// Arms the timer for the first time, or anew.
    fn arm(&mut self, now: Option<Instant>, when: Instant, cx: &mut Context<'_>) {
        if self.armed.is_none() {
            *self.armed = Some(when);
            if self.poll(now, when, cx) {
                // It has come while the body was polled: this poll's look was too early.
                cx.waker().wake_by_ref();
            }
        }
    }

    fn poll(&mut self, now: Option<Instant>, when: Instant, cx: &mut Context<'_>) -> bool {
        let poll = match now {
            Some(now) => self
                .timer
                .poll_from(now, when, Precision::Shared, self.location, cx),
            None => self
                .timer
                .poll(Some(when), Precision::Shared, self.location, cx),
        };
        match poll {
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(error)) => {
                panic!("{error}: the timeout made at {} has no loop", self.location)
            }
            Poll::Pending => false,
        }
    }
}

impl Limit {
    fn deadline(&mut self, now: Option<Instant>, cx: &mut Context<'_>) -> Option<Instant> {
        match self {
            Limit::Delay(delay) => {
                let when = delay.and_then(|delay| now?.checked_add(delay));
                *self = Limit::At(when);
                when
            }
            Limit::At(when) => *when,
            Limit::Shared(control) => control.register_waker(cx.waker()),
        }
    }

    /// The delivery, unless the deadline has just been moved.
    fn begin_expiry(&self, when: Instant, delivery: Delivery) -> Option<Delivery> {
        match self {
            Limit::Shared(control) => {
                let begins = control.begin_expiry(when, delivery.clone());
                begins.then_some(delivery)
            }
            Limit::Delay(_) | Limit::At(_) => Some(delivery),
        }
    }

    fn end_delivery(&self) -> bool {
        matches!(self, Limit::Shared(control) if control.end_delivery())
    }

    fn set_state(&self, stage: TimeoutState) {
        if let Limit::Shared(control) = self {
            control.set_stage(stage);
        }
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        if let Limit::Shared(control) = self {
            control.abandon();
        }
    }
}
