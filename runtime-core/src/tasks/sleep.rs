//! Sleeping, and stepping aside.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::runtime::{NoTimer, Precision, Timer, is_delivering, loop_time};

/// Sleeps for `delay`: `asyncio.sleep`.
///
/// Never early. A delay of zero yields once, to the back of the queue; one that ends more than 584
/// years after the loop was made never does, also where the loop's time stands still and jumps: what
/// else could happen decides there whether that is a deadlock.
///
/// # Cancellation
/// The timer is taken out when the future is dropped.
///
/// # Panics
/// Its first poll, if no loop is running there, or one that is closed. If its loop is closed while it
/// waits, it is woken, and panics: nothing would ever end it (a task of the loop has been cancelled by then;
/// this is for who waits elsewhere). But where another loop polls it then, it waits on there. The
/// messages name the line of this call.
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
        // Counted from the first poll: a `sleep` may be made outside a loop.
        delay => Until::After(delay),
    };
    Sleep::new(until)
}

/// Sleeps until `when`; if that is past, yields once.
///
/// # Cancellation, Panics
/// As [`sleep`].
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
    Yield,
    After(Duration),
    At(Instant),
    Never,
    SteppedAside,
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

    /// As exactly as the kernel can, whatever the loop's timer slack.
    pub fn exact(mut self) -> Sleep {
        self.precision = Precision::Exact;
        self
    }

    /// Sets a new deadline, in place; it takes effect at the next poll. A sleep that is over begins
    /// anew.
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

    /// From now on it never ends, but for the end of its loop.
    pub(crate) fn reset_to_never(&mut self) {
        self.timer.cancel();
        self.until = Until::Never;
    }

    /// Sleeps, and then gives `result`.
    pub fn with_result<T>(self, result: T) -> SleepResult<T> {
        SleepResult {
            sleep: self,
            result: Some(result),
        }
    }

    fn step_aside(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.until = Until::SteppedAside;
        step_aside(cx)
    }

    fn poll_timer(
        &mut self,
        now: Option<Instant>,
        when: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let first = self.timer.is_new();
        let (precision, location) = (self.precision, self.location);
        let timer = &mut self.timer;
        let poll = match now {
            Some(now) => timer.poll_from(now, when, precision, location, cx),
            None => timer.poll(Some(when), precision, location, cx),
        };
        match poll {
            Poll::Ready(Ok(())) if first => self.step_aside(cx),
            Poll::Ready(Ok(())) => {
                self.until = Until::Over;
                Poll::Ready(())
            }
            Poll::Ready(Err(error)) => self.refuse(error),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_never(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (precision, location) = (self.precision, self.location);
        match self.timer.poll(None, precision, location, cx) {
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

    /// The first poll of a delay: it begins now.
    fn begin(&mut self, delay: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let now = loop_time();
        let Some(when) = now.checked_add(delay) else {
            self.until = Until::Never;
            return self.poll_never(cx);
        };
        self.until = Until::At(when);
        self.poll_timer(Some(now), when, cx)
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.until {
            Until::At(when) => self.poll_timer(None, when, cx),
            Until::After(delay) => self.begin(delay, cx),
            Until::Yield => self.step_aside(cx),
            Until::SteppedAside if is_delivering() => step_aside(cx),
            Until::SteppedAside | Until::Over => Poll::Ready(()),
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

/// Steps aside once, to the back of the queue; a point at which a pending cancellation is delivered.
///
/// ```
/// # asyncio::run(async {
/// for _ in 0..1000 {
///     asyncio::checkpoint().await; // others have their turn
/// }
/// # });
/// ```
pub fn checkpoint() -> Checkpoint {
    Checkpoint {
        stepped_aside: false,
    }
}

/// The future of [`checkpoint`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Checkpoint {
    stepped_aside: bool,
}

impl Future for Checkpoint {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.stepped_aside && !is_delivering() {
            return Poll::Ready(());
        }
        self.stepped_aside = true;
        step_aside(cx)
    }
}

/// Yields. Where a request is on its way, this is where it arrives: who yields is not "ready" until
/// whoever wants the request has had it.
fn step_aside(cx: &mut Context<'_>) -> Poll<()> {
    cx.waker().wake_by_ref();
    Poll::Pending
}
