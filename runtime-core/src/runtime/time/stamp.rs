//! Stamps of cancellation requests and deliveries, in one order for the whole process.
//!
//! A cleanup is interrupted only by requests made after it began. Requests arrive by several ways
//! (a `cancel`, a deadline, an awaiter that passes its own request on), with different delays. So
//! each carries the moment at which it was *made*, which is compared with the moment of the last
//! delivery.
//!
//! A new stamp is the real time in nanoseconds, made greater than every stamp before it. So if one
//! call happens before another, their stamps are in that order. The stamp of a deadline is the
//! deadline itself, however late a thread checks it.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{StdOnceLock, global};
use crate::sys::MonotonicClock;

/// A moment in the order of requests and deliveries. The default (zero) is before every other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(pub(crate) u64);

global! {
    /// The latest stamp of the process. (It orders no other memory: the task's state publishes what
    /// belongs to a request.)
    static LATEST: AtomicU64 = AtomicU64::new(0)
}

impl Stamp {
    /// Returns a new stamp, later than all stamps made so far.
    pub(crate) fn now() -> Stamp {
        let now = Stamp::of(system_clock().now());
        // Relaxed: the modifications of one word have one order, which agrees with happens-before
        // between threads.
        let before = LATEST.fetch_max(now.0, Ordering::Relaxed);
        if before < now.0 {
            now
        } else {
            Stamp(LATEST.fetch_add(1, Ordering::Relaxed) + 1)
        }
    }

    /// Returns the latest stamp that `now` has made so far. It is not unique.
    pub(crate) fn latest() -> Stamp {
        Stamp(LATEST.load(Ordering::Relaxed))
    }

    /// Returns the stamp of a time of the process's clock.
    pub(super) fn of(nanoseconds: u64) -> Stamp {
        // At most half the range of a word, which is 292 years: the upper bit belongs to the cause.
        Stamp(nanoseconds.clamp(1, u64::MAX >> 1))
    }
}

/// The clock of the process: all running clocks have its ticks, and stamps are made of them.
pub(super) fn system_clock() -> &'static MonotonicClock {
    static CLOCK: StdOnceLock<MonotonicClock> = StdOnceLock::new();
    CLOCK.get_or_init(MonotonicClock::start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_only_grow() {
        let mut before = Stamp::now();
        for _ in 0..10_000 {
            let after = Stamp::now();
            assert!(after > before && Stamp::latest() >= after);
            before = after;
        }
        assert!(Stamp::of(system_clock().now()) <= Stamp::now());
    }
}
