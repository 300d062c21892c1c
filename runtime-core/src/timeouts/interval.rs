//! `interval` and `interval_at`: periodic ticks, all counted from one start.

use std::fmt;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use ::futures::stream::Stream;

use crate::runtime::{get_running_loop, try_get_running_loop};
use crate::scopes::Once;
use crate::tasks::{Sleep, sleep_until};

/// Makes an interval that ticks every `period`. The first tick comes at the first poll, and the
/// others are counted from it.
///
/// asyncio has no counterpart; a loop around `sleep` drifts by the time that each round takes. A
/// tick is never early, and late by as much as a [`sleep`](crate::sleep) may be; the lateness does
/// not add up, because every tick has its own instant. [`MissedTickBehavior`] decides about missed
/// ticks: by default they are skipped.
///
/// # Panics
/// * If `period` is zero.
/// * The first poll, outside a loop.
/// * A poll that has to wait for a tick on a closed loop, as for a [`sleep`](crate::sleep).
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
    // The instant is not used: the interval starts at the first poll.
    Interval::new(Next::AtOnce, Instant::now(), period)
}

/// Makes an interval that ticks every `period`, for the first time at `start`, by the loop's clock.
///
/// If `start` has passed, the first tick is late and comes at once. Otherwise like [`interval`].
///
/// # Panics
/// * If `period` is zero.
/// * The first poll, outside a loop.
/// * A poll that has to wait for a tick on a closed loop, as for a [`sleep`](crate::sleep).
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

/// What an [`Interval`] does after a tick that comes so late that further ticks are due.
///
/// For example, with ticks at 0, 10, 20, …, the interval is not polled between 10 and 35. The tick
/// of 20 comes at 35 in any case. The next ticks come at:
///
/// | | |
/// |---|---|
/// | `Skip` | 40, 50, … |
/// | `Burst` | 35 (the tick of 30), 40, 50, … |
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
    /// Missed ticks are left out: the next tick is the first whose instant has not passed.
    #[default]
    Skip,
    /// Missed ticks come one after the other without a delay, each with its planned instant.
    Burst,
    /// The following ticks are counted from the late one. A tick that is at most 5 ms late, with no
    /// other tick missed, counts as punctual: otherwise the small lateness of every timer would add
    /// up.
    Delay,
}

/// The ticks of [`interval`] and [`interval_at`]; also an endless [`Stream`].
#[must_use = "an interval does nothing unless it is awaited"]
pub struct Interval {
    next: Next,
    /// Waits for the next tick, if `next` is an instant.
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
    /// The instant is beyond what an `Instant` can represent.
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

    /// Waits for the next tick, and returns the instant for which it was planned.
    ///
    /// A tick that is already due yields once, so that code that is slower than the ticks lets
    /// other tasks run and can be cancelled. The first tick of [`interval`] does not yield.
    ///
    /// # Cancellation
    /// If the future is dropped before it is ready, no tick is lost: the next call waits for the
    /// same tick.
    ///
    /// # Panics
    /// If it is polled outside a loop.
    pub fn tick(&mut self) -> impl Future<Output = Instant> {
        let location = self.location;
        let tick = poll_fn(|cx| self.poll_tick(cx));
        Once::new("tick of the interval", location, tick)
    }

    /// Polls for the next tick, as [`tick`](Interval::tick) does; for hand-written futures.
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

    /// What the interval does about missed ticks.
    #[must_use]
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.missed
    }

    /// Sets what the interval does about missed ticks, from the next tick on.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.missed = behavior;
    }

    /// Restarts the interval: the next tick comes one period from now, and the others are counted
    /// from it.
    ///
    /// # Panics
    /// If it is called outside a loop.
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

    /// The instant of the tick after `tick`, which came at `now`; `None` if an `Instant` cannot
    /// represent it.
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

    /// The time from a moment that is `since` after a tick, to the next tick.
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

/// `Duration::from_nanos` for the whole range of `Duration`.
fn duration(nanoseconds: u128) -> Duration {
    const PER_SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(nanoseconds / PER_SECOND).unwrap_or(u64::MAX);
    // The remainder is below 1,000,000,000, which fits.
    Duration::new(seconds, (nanoseconds % PER_SECOND) as u32)
}

/// The greatest lateness at which a tick counts as punctual.
const IN_TIME: Duration = Duration::from_millis(5);
