//! `sleep`, `sleep_until` and `checkpoint`.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::runtime::{NoTimer, Precision, Tick, Timer, is_request_offered};

/// Sleeps for `delay`, counted from the first poll: `asyncio.sleep`.
///
/// It never ends early. A delay of zero yields once: the task goes to the back of the run queue. A
/// sleep that would end more than 584 years after the loop was made never ends. A paused clock does
/// not jump to its end either: if nothing else can happen, the deterministic mode reports a
/// deadlock.
///
/// # Cancellation
/// Dropping the future removes its timer.
///
/// # Panics
/// * The first poll, if no loop is running there, or if that loop is closed.
/// * A later poll, if the loop was closed since: the sleep is woken then, because it would never
///   end. (Tasks of the loop have been cancelled by then; this concerns sleeps that are polled
///   elsewhere.) If another loop polls it then, it continues to wait there.
///
/// The messages name the line of this call.
///
/// ```
/// use std::time::Duration;
/// # asyncio::run(async {
/// asyncio::sleep(Duration::from_millis(1)).await;
/// assert_eq!(asyncio::sleep(Duration::ZERO).with_result(3).await, 3);
/// # });
/// ```
#[track_caller]
pub fn sleep(delay: Duration) -> Sleep {
    let until = match delay {
        Duration::ZERO => Until::Yield,
        // Converted to an instant at the first poll, because a `sleep` may be made outside a loop.
        delay => Until::After(delay),
    };
    Sleep::new(until)
}

/// Sleeps until `when`, by the loop's clock; if that has passed, yields once.
///
/// asyncio has no counterpart.
///
/// # Cancellation, Panics
/// The same as [`sleep`].
///
/// ```
/// use std::time::Duration;
/// # asyncio::run(async {
/// let event_loop = asyncio::get_running_loop();
/// let when = event_loop.time() + Duration::from_millis(1);
/// asyncio::sleep_until(when).await;
/// assert!(event_loop.time() >= when);
/// # });
/// ```
#[track_caller]
pub fn sleep_until(when: Instant) -> Sleep {
    Sleep::new(Until::At(when))
}

/// The future of [`sleep`] and [`sleep_until`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Sleep {
    until: Until,
    timer: Timer,
    precision: Precision,
    location: &'static Location<'static>,
}

#[derive(Debug)]
enum Until {
    /// The first poll yields.
    Yield,
    /// Not polled yet: the delay begins at the first poll.
    After(Duration),
    At(Instant),
    /// The delay has begun: the timer knows the end.
    Begun,
    /// Only the end of the loop ends it.
    Never,
    /// Has yielded: over at the next poll, unless a request is being delivered.
    Yielded,
    Over,
}

impl Sleep {
    #[track_caller]
    fn new(until: Until) -> Sleep {
        Sleep {
            until,
            timer: Timer::new(),
            precision: Precision::Shared,
            location: Location::caller(),
        }
    }

    /// Makes the sleep as exact as the kernel allows, independent of the loop's timer slack.
    ///
    /// ```
    /// use std::time::Duration;
    /// # asyncio::run(async {
    /// asyncio::sleep(Duration::from_millis(1)).exact().await;
    /// # });
    /// ```
    pub fn exact(mut self) -> Sleep {
        self.precision = Precision::Exact;
        self
    }

    /// Sets a new deadline in place; it takes effect at the next poll. A sleep that is over can be
    /// awaited again.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// # asyncio::run(async {
    /// let mut sleep = asyncio::sleep(Duration::from_secs(3600));
    /// sleep.reset(Instant::now() + Duration::from_millis(1));
    /// (&mut sleep).await;
    /// # });
    /// ```
    pub fn reset(&mut self, when: Instant) {
        self.timer.cancel();
        self.until = Until::At(when);
    }

    /// Makes this sleep endless: only the end of its loop ends it.
    pub(crate) fn reset_to_never(&mut self) {
        self.timer.cancel();
        self.until = Until::Never;
    }

    /// Sleeps, and then returns `result`: the second argument of `asyncio.sleep`.
    pub fn with_result<T>(self, result: T) -> SleepResult<T> {
        SleepResult {
            sleep: self,
            result: Some(result),
        }
    }

    fn yield_once(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.until = Until::Yielded;
        yield_once(cx)
    }

    fn poll_timer(&mut self, when: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let first = self.timer.is_new();
        let (precision, location) = (self.precision, self.location);
        let poll = self.timer.poll(when, precision, location, cx);
        self.after_poll(first, poll, cx)
    }

    #[inline]
    fn after_poll(
        &mut self,
        first: bool,
        poll: Poll<Result<(), NoTimer>>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        match poll {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) if first => self.yield_once(cx),
            Poll::Ready(Ok(())) => {
                self.until = Until::Over;
                Poll::Ready(())
            }
            Poll::Ready(Err(error)) => self.refuse(error),
        }
    }

    fn poll_never(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (precision, location) = (self.precision, self.location);
        match self.timer.poll(Tick::NEVER, precision, location, cx) {
            Poll::Ready(Err(error)) => self.refuse(error),
            _ => Poll::Pending,
        }
    }

    #[cold]
    fn refuse(&self, error: NoTimer) -> ! {
        let location = self.location;
        match error {
            NoTimer::NoRunningLoop => {
                panic!("{error}: the sleep made at {location} was polled outside a loop")
            }
            NoTimer::LoopClosed => {
                panic!("{error}: the sleep made at {location} would never end")
            }
        }
    }

    /// The first poll of a delay, which begins now.
    #[inline]
    fn begin(&mut self, delay: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let (precision, location) = (self.precision, self.location);
        let poll = self.timer.arm_after(delay, precision, location, cx);
        if !self.timer.is_new() {
            self.until = Until::Begun;
        }
        self.after_poll(true, poll, cx)
    }

    #[inline]
    fn go_on(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (precision, location) = (self.precision, self.location);
        let poll = self.timer.poll_again(precision, location, cx);
        self.after_poll(false, poll, cx)
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.until {
            Until::Begun => self.go_on(cx),
            Until::At(when) => self.poll_timer(when, cx),
            Until::After(delay) => self.begin(delay, cx),
            Until::Yield => self.yield_once(cx),
            Until::Yielded if is_request_offered() => yield_once(cx),
            Until::Yielded | Until::Over => Poll::Ready(()),
            Until::Never => self.poll_never(cx),
        }
    }
}

/// The future of [`Sleep::with_result`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct SleepResult<T> {
    sleep: Sleep,
    result: Option<T>,
}

// The result is never pinned.
impl<T> Unpin for SleepResult<T> {}

impl<T> Future for SleepResult<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        std::task::ready!(Pin::new(&mut self.sleep).poll(cx));
        match self.result.take() {
            Some(result) => Poll::Ready(result),
            None => panic!(
                "the sleep made at {} was polled after its end",
                self.sleep.location
            ),
        }
    }
}

/// Yields once: the task goes to the back of the run queue, and a pending cancellation is
/// delivered.
///
/// It is asyncio's `sleep(0)`, for long computations that let other tasks run.
///
/// ```
/// # asyncio::run(async {
/// for _ in 0..1000 {
///     asyncio::checkpoint().await; // other tasks run here
/// }
/// # });
/// ```
pub fn checkpoint() -> Checkpoint {
    Checkpoint { yielded: false }
}

/// The future of [`checkpoint`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Checkpoint {
    yielded: bool,
}

impl Future for Checkpoint {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.yielded && !is_request_offered() {
            return Poll::Ready(());
        }
        self.yielded = true;
        yield_once(cx)
    }
}

/// Yields: wakes the task and stays pending.
///
/// While a cancellation request is being delivered, every poll yields once more, so that the code
/// that handles the request receives it at this await: a future that is ready would end the await
/// with its result instead.
fn yield_once(cx: &mut Context<'_>) -> Poll<()> {
    cx.waker().wake_by_ref();
    Poll::Pending
}
