//! What a wait in the poller took from it.

use std::ops::BitOr;

/// What a wait took from the poller. No other thread will see it again: only the waiting thread
/// knows of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub(crate) struct PollerEvents {
    /// There was an interrupt, an event or an expiration, or there may have been.
    pub(crate) any: bool,
    /// The timer has fired, or may have. It does not fire again until it is armed again.
    pub(crate) timer: bool,
}

impl PollerEvents {
    /// What to assume after a wait that failed: that everything has been taken.
    pub(crate) const UNKNOWN: PollerEvents = PollerEvents {
        any: true,
        timer: true,
    };
}

/// What an event says of a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ready(u64);

impl Ready {
    pub(crate) const NONE: Ready = Ready(0);
    /// A read may succeed.
    pub(crate) const READ: Ready = Ready(1);
    /// A write may succeed.
    pub(crate) const WRITE: Ready = Ready(2);
    pub(crate) const BOTH: Ready = Ready(1 | 2);
    /// The peer has ended its direction, and no other event comes for reads; or urgent data is
    /// there, before which a read ends. A short read does not show that the next would block.
    pub(crate) const READ_CLOSED: Ready = Ready(4);
    /// No other event comes for writes.
    pub(crate) const WRITE_CLOSED: Ready = Ready(8);

    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    pub(crate) const fn contains(self, other: Ready) -> bool {
        self.0 & other.0 == other.0
    }

    /// These, if `condition` holds.
    pub(crate) fn only_if(self, condition: bool) -> Ready {
        if condition { self } else { Ready::NONE }
    }
}

impl BitOr for Ready {
    type Output = Ready;

    fn bitor(self, other: Ready) -> Ready {
        Ready(self.0 | other.0)
    }
}
