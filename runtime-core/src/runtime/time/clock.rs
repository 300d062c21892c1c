//! The loop's clock: `Instant`s outside, ticks inside.

use std::time::{Duration, Instant};

use super::stamp::Stamp;
use crate::sync::StdAtomicU64;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Nanoseconds since the loop was made. `Tick::NEVER` is past every deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(pub(crate) u64);

impl Tick {
    pub(crate) const NEVER: Tick = Tick(u64::MAX);

    /// How long after `earlier` this is; zero if it is not.
    pub(crate) fn since(self, earlier: Tick) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// The tick so much later, if there is one.
    pub(crate) fn checked_add(self, delay: Duration) -> Option<Tick> {
        let nanoseconds = u64::try_from(delay.as_nanos()).ok()?;
        let tick = Tick(self.0.checked_add(nanoseconds)?);
        (tick < Tick::NEVER).then_some(tick)
    }
}

/// Where the engine reads the time, and nowhere else.
#[derive(Debug)]
pub(crate) struct Clock {
    base: Instant,
    /// The time that stands still, of a loop that was started paused.
    paused: Option<AtomicU64>,
    /// When that jumped last.
    jumped: StdAtomicU64,
}

impl Clock {
    pub(crate) fn new(paused: bool) -> Clock {
        Clock {
            base: Instant::now(),
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

    pub(crate) fn tick(&self) -> Tick {
        match &self.paused {
            None => self.to_tick(Instant::now()),
            Some(time) => Tick(time.load(Ordering::Acquire)),
        }
    }

    /// Whether time stands still.
    #[inline]
    pub(crate) fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    /// Moves a time that stands still; never back.
    pub(crate) fn jump(&self, to: Tick) {
        if let Some(time) = &self.paused {
            // Relaxed: published with the time.
            self.jumped.store(Stamp::now().0, Ordering::Relaxed);
            time.fetch_max(to.0, Ordering::AcqRel);
        }
    }

    /// The moment at which a deadline that has come did come. Where time stands still that was its last
    /// jump: it jumps to the next deadline, and no further before everybody is through with that.
    pub(crate) fn stamp_of(&self, deadline: Instant) -> Stamp {
        match &self.paused {
            None => Stamp::of(deadline),
            Some(_) => Stamp(self.jumped.load(Ordering::Relaxed)),
        }
    }

    /// The tick of `when`: the first for the past, `NEVER` for what is beyond counting (584 years).
    pub(crate) fn to_tick(&self, when: Instant) -> Tick {
        let nanoseconds = when.saturating_duration_since(self.base).as_nanos();
        u64::try_from(nanoseconds).map_or(Tick::NEVER, Tick)
    }
}
