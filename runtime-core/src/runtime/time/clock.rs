//! The loop's clock: `Instant`s outside, ticks inside.

use std::time::{Duration, Instant};

/// Nanoseconds since the loop was made. `Tick::NEVER` is past every deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(pub(crate) u64);

impl Tick {
    pub(crate) const NEVER: Tick = Tick(u64::MAX);

    /// How long after `earlier` this is; zero if it is not.
    pub(crate) fn since(self, earlier: Tick) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Where the engine reads the time, and nowhere else.
#[derive(Debug)]
pub(crate) struct Clock {
    base: Instant,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock {
            base: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::now()
    }

    pub(crate) fn tick(&self) -> Tick {
        self.to_tick(self.now())
    }

    /// The tick of `when`: the first for the past, the last but one for what is beyond counting
    /// (584 years).
    pub(crate) fn to_tick(&self, when: Instant) -> Tick {
        let nanoseconds = when.saturating_duration_since(self.base).as_nanos();
        Tick(
            u64::try_from(nanoseconds)
                .unwrap_or(u64::MAX - 1)
                .min(u64::MAX - 1),
        )
    }
}
