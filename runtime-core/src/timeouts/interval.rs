//! Ticks: the same wait over and over, counted from one start.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ::futures::stream::Stream;

use super::once::Once;
use crate::runtime::{get_running_loop, try_get_running_loop};
use crate::tasks::{Sleep, sleep_until};

/// Ticks every `period`: the first tick comes at once, at the first poll, and the others are counted
/// from it. asyncio has no counterpart; a loop around `sleep` drifts by what each round takes.
///
/// A tick is never early, and late as a [`sleep`](crate::sleep) may be; that adds up to nothing, as
/// every tick has an instant of its own. What becomes of ticks that nobody was there to see is
/// [`MissedTickBehavior`]'s to say: they are skipped by default.
///
/// # Panics
/// If `period` is zero. Its first poll, outside a loop. A tick that would have to be waited for on a loop
/// that is closed, as a [`sleep`](crate::sleep).
///
/// ```
/// use std::time::{Duration, Instant};
/// # asyncio::run(async {
/// let period = Duration::from_millis(2);
/// let mut interval = asyncio::interval(period);
/// let first = interval.tick().await; // at once
/// assert_eq!(interval.tick().await, first + period);
/// assert!(Instant::now() >= first + period);
/// # });
/// ```
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    // The instant is not used: the first poll says what the start is.
    Interval::new(Next::AtOnce, Instant::now(), period)
}

/// Ticks every `period`, for the first time at `start`; a start that is past is a tick that has been
/// missed, and comes at once.
///
/// # Panics
/// If `period` is zero. Its first poll, outside a loop. A tick that would have to be waited for on a loop
/// that is closed, as a [`sleep`](crate::sleep).
///
/// ```
/// use std::time::{Duration, Instant};
/// # asyncio::run(async {
/// let start = asyncio::get_running_loop().time() + Duration::from_millis(3);
/// let mut interval = asyncio::interval_at(start, Duration::from_millis(2));
/// assert_eq!(interval.tick().await, start);
/// assert_eq!(interval.period(), Duration::from_millis(2));
/// # });
/// ```
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    Interval::new(Next::At(start), start, period)
}

/// What follows a tick that comes so late that others should have come meanwhile.
///
/// Ticks at 0, 10, 20, … and nobody looks between 10 and 35, say. The tick of 20 comes at 35
/// in any case. Then:
///
/// | | |
/// |---|---|
/// | `Skip` | 40, 50, … |
/// | `Burst` | that of 30 at once, 40, 50, … |
/// | `Delay` | 45, 55, … |
///
/// ```
/// # use std::time::Duration;
/// use asyncio::MissedTickBehavior;
/// # asyncio::run(async {
/// let mut interval = asyncio::interval(Duration::from_millis(1));
/// interval.set_missed_tick_behavior(MissedTickBehavior::Burst);
/// interval.tick().await;
/// # });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissedTickBehavior {
    /// They are left out: the next is the first that is still to come.
    #[default]
    Skip,
    /// They come one after the other, each with the instant at which it should have come.
    Burst,
    /// The ticks are counted anew from the one that came late. One that is at most 5 ms late, and
    /// has missed no other, is in time: else the small lateness of every timer would add up.
    Delay,
}

/// The ticks of [`interval`] and [`interval_at`]; also a [`Stream`] that never ends.
#[must_use = "an interval does nothing unless it is awaited"]
pub struct Interval {
    next: Next,
    /// Waits for the next tick, once it stands at an instant.
    sleep: Sleep,
    period: Duration,
    missed: MissedTickBehavior,
    location: &'static Location<'static>,
}

#[derive(Clone, Copy, Debug)]
enum Next {
    /// At the first poll.
    AtOnce,
    At(Instant),
    /// Beyond what an `Instant` can say.
    Never,
}

impl Interval {
    #[track_caller]
    fn new(next: Next, start: Instant, period: Duration) -> Interval {
        assert!(!period.is_zero(), "the period of an interval is zero");
        Interval {
            next,
            sleep: sleep_until(start),
            period,
            missed: MissedTickBehavior::default(),
            location: Location::caller(),
        }
    }

    /// Waits for the next tick, and gives the instant that it was planned for.
    ///
    /// One that is due already when it is asked for is let wait for one turn of the others, so that who
    /// is slower than the ticks is neither alone in the world nor out of a cancellation's reach; but
    /// for the first of [`interval`].
    ///
    /// # Cancellation
    /// If it is dropped before it is ready, no tick is lost: the next call waits for the same one.
    ///
    /// # Panics
    /// Outside a loop.
    pub fn tick(&mut self) -> impl Future<Output = Instant> {
        let location = self.location;
        let tick = poll_fn(|cx| self.poll_tick(cx));
        Once::new("tick of the interval", location, tick)
    }

    /// As [`tick`](Interval::tick), for who writes futures by hand.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        let (tick, now) = match self.next {
            Next::AtOnce => {
                let now = self.now();
                (now, now)
            }
            Next::At(when) => {
                ready!(Pin::new(&mut self.sleep).poll(cx));
                (when, self.now())
            }
            Next::Never => {
                ready!(Pin::new(&mut self.sleep).poll(cx));
                unreachable!("a tick beyond the end of time has come")
            }
        };
        self.plan(self.after(tick, now));
        Poll::Ready(tick)
    }

    /// The time between two ticks.
    #[must_use]
    pub fn period(&self) -> Duration {
        self.period
    }

    /// What follows a tick that comes too late.
    #[must_use]
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.missed
    }

    /// Says what is to follow a tick that comes too late: from the next tick on.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.missed = behavior;
    }

    /// Begins anew: the next tick comes one period from now, and the others are counted from it.
    ///
    /// # Panics
    /// Outside a loop.
    ///
    /// ```
    /// use std::time::Duration;
    /// # asyncio::run(async {
    /// let mut interval = asyncio::interval(Duration::from_millis(1));
    /// let before = asyncio::get_running_loop().time();
    /// interval.reset();
    /// assert!(interval.tick().await >= before + interval.period());
    /// # });
    /// ```
    #[track_caller]
    pub fn reset(&mut self) {
        let now = get_running_loop().time();
        self.plan(now.checked_add(self.period));
    }

    fn plan(&mut self, when: Option<Instant>) {
        self.next = match when {
            Some(when) => {
                self.sleep.reset(when);
                Next::At(when)
            }
            None => {
                self.sleep.reset_to_never();
                Next::Never
            }
        };
    }

    /// The tick after `tick`, which came at `now`.
    fn after(&self, tick: Instant, now: Instant) -> Option<Instant> {
        let regular = tick.checked_add(self.period)?;
        let late = now.saturating_duration_since(tick);
        let missed = regular <= now;
        match self.missed {
            MissedTickBehavior::Skip if missed => now.checked_add(self.to_the_next(late)),
            MissedTickBehavior::Delay if missed || late > IN_TIME => now.checked_add(self.period),
            _ => Some(regular),
        }
    }

    /// From a moment so long after a tick to the first tick that is still to come.
    fn to_the_next(&self, since: Duration) -> Duration {
        let over = since.as_nanos() % self.period.as_nanos();
        self.period - duration(over)
    }

    #[track_caller]
    fn now(&self) -> Instant {
        match try_get_running_loop() {
            Ok(event_loop) => event_loop.time(),
            Err(error) => panic!(
                "{error}: the interval made at {} was polled outside a loop",
                self.location
            ),
        }
    }
}

impl Stream for Interval {
    type Item = Instant;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Instant>> {
        self.poll_tick(cx).map(Some)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::MAX, None)
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval")
            .field("next", &self.next)
            .field("period", &self.period)
            .field("missed_tick_behavior", &self.missed)
            .finish_non_exhaustive()
    }
}

/// `Duration::from_nanos` for as many as a `Duration` can have.
fn duration(nanoseconds: u128) -> Duration {
    const PER_SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(nanoseconds / PER_SECOND).unwrap_or(u64::MAX);
    // A remainder of a thousand million fits.
    Duration::new(seconds, (nanoseconds % PER_SECOND) as u32)
}

/// How late a tick may be that is still in time.
const IN_TIME: Duration = Duration::from_millis(5);
