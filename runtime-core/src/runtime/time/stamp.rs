//! When a cancellation was asked for, and when it was delivered: one order for the whole process.
//!
//! A cleanup is interrupted by what was asked for after it began, and by nothing older. Requests come by
//! several ways (a `cancel`, a deadline, an awaiter that passes its own on), and those take their time;
//! so each carries the moment at which it was *asked for*, and is compared with the moment of the last
//! delivery.
//!
//! A stamp is the real time in nanoseconds, made greater than every stamp before it. So the stamps of two
//! calls of which one happens before the other are in that order, and that of a deadline is the deadline,
//! whenever somebody comes to look at it.

use std::time::Instant;

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{StdOnceLock, global};

/// A moment in the order of requests and deliveries. The first is before every other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp(pub(crate) u64);

global! {
    /// The latest stamp of the process. (Only compared; what a request publishes, its task's state does.)
    static LATEST: AtomicU64 = AtomicU64::new(0)
}

impl Stamp {
    /// A new stamp, later than all.
    pub(crate) fn now() -> Stamp {
        let now = Stamp::of(Instant::now());
        // Relaxed: one word has one order, also for those of two threads that are ordered otherwise.
        let before = LATEST.fetch_max(now.0, Ordering::Relaxed);
        if before < now.0 {
            now
        } else {
            Stamp(LATEST.fetch_add(1, Ordering::Relaxed) + 1)
        }
    }

    /// No earlier than any stamp that has been made so far. It is nobody's own.
    pub(crate) fn latest() -> Stamp {
        Stamp(LATEST.load(Ordering::Relaxed))
    }

    /// The moment of a deadline.
    pub(crate) fn of(when: Instant) -> Stamp {
        static BASE: StdOnceLock<Instant> = StdOnceLock::new();
        let base = *BASE.get_or_init(Instant::now);
        let nanoseconds = when.saturating_duration_since(base).as_nanos();
        // Half of what a word counts, which is 292 years: the upper bit is the cause's.
        Stamp(
            u64::try_from(nanoseconds).map_or(u64::MAX >> 1, |stamp| stamp.clamp(1, u64::MAX >> 1)),
        )
    }
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
        assert!(Stamp::of(Instant::now()) <= Stamp::now());
    }
}
