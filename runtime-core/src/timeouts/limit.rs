//! A future with a time limit, in the caller's own task.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use pin_project_lite::pin_project;

use super::control::Timeout;
use crate::exceptions::TimeoutError;
use crate::runtime::{Tick, loop_time};
use crate::scopes::{Control, Once, Scoped, View};

/// Awaits `awaitable` for so long at most: `asyncio.wait_for`. No limit: `None`.
///
/// It runs in the caller's own task, and may borrow from it. When the time has come it is
/// cancelled: it may clean up, which may take longer than the limit, and if it returns a value all
/// the same, that is the answer. A task that is awaited through it is cancelled and waited for.
/// With a limit of zero it is polled once. What is ready is never lost to the limit.
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
        scoped: Scoped::new(awaitable.into_future(), limit, Location::caller()),
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
    let timeout = Timeout::new(when);
    let scoped = Scoped::new(body(&timeout), timeout.lease(), location);
    scoped.await.ok_or(TimeoutError)
}

pin_project! {
    /// The future of [`wait_for`].
    #[must_use = "futures do nothing unless polled"]
    pub struct WaitFor<F> {
        #[pin]
        scoped: Scoped<F, Limit>,
    }
}

impl<F: Future> Future for WaitFor<F> {
    type Output = Result<F::Output, TimeoutError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let poll = self.project().scoped.poll(cx);
        poll.map(|value| value.ok_or(TimeoutError))
    }
}

impl<F> fmt::Debug for WaitFor<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitFor").finish_non_exhaustive()
    }
}

/// A deadline that nothing moves.
enum Limit {
    /// Counted from the first poll.
    Delay(Option<Duration>),
    At(Option<Tick>),
}

impl Control for Limit {
    type Moment = Tick;

    #[inline]
    fn wants_time(&self) -> bool {
        matches!(self, Limit::Delay(Some(_)))
    }

    #[inline]
    fn look(&mut self, now: Option<Tick>, _: &Waker) -> View<Tick> {
        if let Limit::Delay(delay) = self {
            let deadline = delay.and_then(|delay| now?.checked_add(delay));
            *self = Limit::At(deadline);
        }
        let deadline = match self {
            Limit::At(deadline) => *deadline,
            Limit::Delay(_) => None,
        };
        View {
            deadline,
            ..View::default()
        }
    }
}
