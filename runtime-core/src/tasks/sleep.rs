//! `sleep`, `sleep_until` and `checkpoint`.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use crate::runtime::{Moment, NoTimer, Precision, Tick, Timer, is_request_offered};
use crate::sync::IS_MODEL;

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
    state: State,
    location: &'static Location<'static>,
}

const _: () = assert!(IS_MODEL || size_of::<Sleep>() <= 48);

#[derive(Debug)]
enum State {
    /// There is no timer.
    Idle { until: Until, precision: Precision },
    /// The timer knows the end.
    Waiting(Timer),
}

#[derive(Clone, Copy, Debug)]
enum Until {
    /// The first poll yields.
    Yield,
    /// The delay begins at the first poll.
    After(Duration),
    At(Instant),
    /// Only the end of the loop ends it.
    Never,
    /// Has yielded: over at the next poll, unless a request is being delivered.
    Yielded,
    Over,
}

impl Sleep {
    #[track_caller]
    fn new(until: Until) -> Sleep {
        let precision = Precision::Shared;
        Sleep {
            state: State::Idle { until, precision },
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
        let exact = Precision::Exact;
        match &mut self.state {
            State::Idle { precision, .. } => *precision = exact,
            State::Waiting(timer) => timer.set_precision(exact),
        }
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
        self.set(Until::At(when));
    }

    /// Makes this sleep endless: only the end of its loop ends it.
    pub(crate) fn reset_to_never(&mut self) {
        self.set(Until::Never);
    }

    /// Sleeps, and then returns `result`: the second argument of `asyncio.sleep`.
    pub fn with_result<T>(self, result: T) -> SleepResult<T> {
        SleepResult {
            sleep: self,
            result: Some(result),
        }
    }

    /// Removes the timer, if there is one.
    #[inline]
    fn set(&mut self, until: Until) {
        let precision = match &self.state {
            State::Idle { precision, .. } => *precision,
            State::Waiting(timer) => timer.precision(),
        };
        self.state = State::Idle { until, precision };
    }

    #[inline(never)]
    fn yield_once(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.set(Until::Yielded);
        yield_once(cx)
    }

    /// The first poll of a delay, which begins now.
    #[inline]
    fn begin(&mut self, delay: Duration, precision: Precision, cx: &mut Context<'_>) -> Poll<()> {
        let state = &mut self.state;
        let keep = |timer| *state = State::Waiting(timer);
        let armed = Timer::arm_after(delay, precision, self.location, cx, keep);
        self.after_arming(armed, cx)
    }

    #[inline(never)]
    fn wait_until(&mut self, when: Tick, precision: Precision, cx: &mut Context<'_>) -> Poll<()> {
        let state = &mut self.state;
        let keep = |timer| *state = State::Waiting(timer);
        let armed = Timer::arm(None, when, precision, self.location, cx, keep);
        self.after_arming(armed, cx)
    }

    #[inline]
    fn after_arming(&mut self, armed: Poll<Result<(), NoTimer>>, cx: &mut Context<'_>) -> Poll<()> {
        match armed {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(())) => self.yield_once(cx),
            Poll::Ready(Err(error)) => self.refuse(error),
        }
    }

    // Apart, so that the first poll saves few registers.
    #[inline(never)]
    fn go_on(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let State::Waiting(timer) = &mut self.state else {
            unreachable!("the caller has looked");
        };
        match ready!(timer.poll(self.location, cx)) {
            Ok(()) => {
                self.set(Until::Over);
                Poll::Ready(())
            }
            Err(error) => self.refuse(error),
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
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let (until, precision) = match &mut this.state {
            State::Waiting(_) => return this.go_on(cx),
            State::Idle { until, precision } => (until, *precision),
        };
        match *until {
            Until::After(delay) => this.begin(delay, precision, cx),
            Until::At(when) => this.wait_until(when.here(), precision, cx),
            Until::Never => this.wait_until(Tick::NEVER, precision, cx),
            Until::Yield => this.yield_once(cx),
            Until::Yielded if is_request_offered() => yield_once(cx),
            Until::Yielded | Until::Over => Poll::Ready(()),
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
        ready!(Pin::new(&mut self.sleep).poll(cx));
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
