//! The system's monotonic clock, in nanoseconds as one number.
//!
//! An `Instant` is seconds and nanoseconds. To make one number of it takes a call into the standard
//! library that costs three times what reading the clock does. Where it is known which clock
//! `Instant` reads, that one is read directly, and only instants that come from outside are
//! converted. Both must then say exactly the same: a timer would fire too early otherwise, or a
//! deadline that has just passed would not have.

use std::time::Instant;

#[cfg(all(target_os = "linux", target_pointer_width = "64"))]
use super::system_clock as system;

/// Counts nanoseconds from an instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MonotonicClock {
    start: Instant,
    /// What the system's clock said at `start`. `None` if it cannot be read directly.
    reading: Option<u64>,
}

impl MonotonicClock {
    /// A clock that starts now.
    pub(crate) fn start() -> MonotonicClock {
        let before = system::nanoseconds();
        let start = Instant::now();
        let after = system::nanoseconds();
        // Between the two readings, only the true one is likely: a clock that is not that of
        // `Instant` is not used.
        let reading = before.zip(after).and_then(|(before, after)| {
            let reading = system::nanoseconds_at(start)?;
            (before..=after).contains(&reading).then_some(reading)
        });
        MonotonicClock { start, reading }
    }

    /// The instant from which this clock counts.
    pub(crate) fn started(&self) -> Instant {
        self.start
    }

    /// The nanoseconds since the start.
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        match self.reading {
            // It cannot fail, having succeeded once.
            Some(reading) => system::nanoseconds().unwrap_or(0).wrapping_sub(reading),
            None => self.at(Instant::now()),
        }
    }

    /// The same for an instant that has been read since the start: so many fit for 584 years.
    #[inline]
    pub(crate) fn at(&self, now: Instant) -> u64 {
        let time = now.saturating_duration_since(self.start);
        let seconds = time.as_secs().wrapping_mul(1_000_000_000);
        seconds.wrapping_add(time.subsec_nanos().into())
    }
}

#[cfg(not(all(target_os = "linux", target_pointer_width = "64")))]
mod system {
    use super::Instant;

    pub(super) fn nanoseconds() -> Option<u64> {
        None
    }

    pub(super) fn nanoseconds_at(_: Instant) -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_says_what_instants_say() {
        let clock = MonotonicClock::start();
        for _ in 0..100_000 {
            let before = clock.at(Instant::now());
            let now = clock.now();
            let after = clock.at(Instant::now());
            assert!((before..=after).contains(&now), "{before} {now} {after}");
        }
    }

    #[cfg(all(target_os = "linux", target_pointer_width = "64"))]
    #[test]
    fn linux_is_read_directly() {
        for _ in 0..1000 {
            assert!(MonotonicClock::start().reading.is_some());
        }
    }
}
