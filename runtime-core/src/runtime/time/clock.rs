//! The loop's clock: converts between `Instant`s, used outside, and ticks, used inside.

use std::time::{Duration, Instant};

use super::stamp::{Stamp, system_clock};
use crate::sync::StdAtomicU64;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sys::MonotonicClock;

/// A point in the loop's time, in nanoseconds. `Tick::NEVER` is past every deadline.
///
/// All running clocks count from one instant, so their ticks are also stamps. A paused clock begins
/// with zero when the loop is made: a deadline goes from one loop to another as an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(pub(crate) u64);

impl Tick {
    pub(crate) const NEVER: Tick = Tick(u64::MAX);

    /// The time from `earlier` to this tick; zero if this is not later.
    pub(crate) fn since(self, earlier: Tick) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The tick `delay` later. `None` if that would not be before `NEVER`.
    #[inline]
    pub(crate) fn checked_add(self, delay: Duration) -> Option<Tick> {
        let tick = Tick(self.0.checked_add(nanoseconds(delay)?)?);
        (tick < Tick::NEVER).then_some(tick)
    }
}

/// The clock of a loop. The rest of the engine reads the loop's time only through it.
#[derive(Debug)]
pub(crate) struct Clock {
    /// The instant of tick zero.
    base: Instant,
    /// What a clock that runs reads.
    running: MonotonicClock,
    /// The current tick of a paused clock; `None` if the clock runs with real time.
    paused: Option<AtomicU64>,
    /// The stamp of the last jump of a paused clock.
    jumped: StdAtomicU64,
}

impl Clock {
    pub(crate) fn new(paused: bool) -> Clock {
        let running = *system_clock();
        let base = if paused {
            Instant::now()
        } else {
            running.started()
        };
        Clock {
            base,
            running,
            paused: paused.then(|| AtomicU64::new(0)),
            jumped: StdAtomicU64::new(0),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        match &self.paused {
            None => Instant::now(),
            Some(time) => self.base + Duration::from_nanos(time.load(Ordering::Acquire)),
        }
    }

    /// The instant of `tick`. `None` for `NEVER`, and for one that no instant can express.
    pub(crate) fn instant(&self, tick: Tick) -> Option<Instant> {
        let past = Duration::from_nanos(tick.0);
        (tick != Tick::NEVER)
            .then(|| self.base.checked_add(past))
            .flatten()
    }

    #[inline]
    pub(crate) fn tick(&self) -> Tick {
        match &self.paused {
            None => Tick(self.running.now()),
            Some(time) => Tick(time.load(Ordering::Acquire)),
        }
    }

    /// The same where the system's clock has just been read, at `now`.
    pub(crate) fn tick_at(&self, now: Instant) -> Tick {
        match &self.paused {
            None => Tick(self.running.at(now)),
            Some(time) => Tick(time.load(Ordering::Acquire)),
        }
    }

    /// Whether the clock is paused: it moves only by jumps.
    #[inline]
    pub(crate) fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Moves a paused clock forward to `to`; never back. Does nothing to a running clock.
    pub(crate) fn jump(&self, to: Tick) {
        if let Some(time) = &self.paused {
            // Relaxed: the exchange below publishes it.
            self.jumped.store(Stamp::now().0, Ordering::Relaxed);
            time.fetch_max(to.0, Ordering::AcqRel);
        }
    }

    /// Returns the stamp of the moment at which a deadline, which has passed, was reached. For a
    /// paused clock that is its last jump: it jumps to the next deadline, and no further before
    /// everything due there has run.
    pub(crate) fn stamp_of(&self, deadline: Tick) -> Stamp {
        match &self.paused {
            None => Stamp::of(deadline.0),
            Some(_) => Stamp(self.jumped.load(Ordering::Relaxed)),
        }
    }

    /// Returns the tick of `when`: zero for an instant before tick zero, `NEVER` for one beyond the
    /// range (584 years).
    #[inline]
    pub(crate) fn to_tick(&self, when: Instant) -> Tick {
        nanoseconds(when.saturating_duration_since(self.base)).map_or(Tick::NEVER, Tick)
    }
}

/// A time in nanoseconds, if so many fit.
#[inline]
fn nanoseconds(time: Duration) -> Option<u64> {
    let seconds = time.as_secs().checked_mul(1_000_000_000)?;
    seconds.checked_add(time.subsec_nanos().into())
}
