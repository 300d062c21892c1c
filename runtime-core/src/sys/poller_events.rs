//! `PollerEvents`: what a wait in the poller took from it.

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
