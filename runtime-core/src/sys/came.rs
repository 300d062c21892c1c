//! What a wait in the poller took from it.

/// What came. It is gone from the poller: whoever waited is the only one that knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub(crate) struct Came {
    /// Something came, or may have.
    pub(crate) anything: bool,
    /// The timer has fired, or may have: then it is armed for nothing, until it is armed again.
    pub(crate) timer: bool,
}

impl Came {
    /// What is to be believed after a wait that failed: the worst.
    pub(crate) const UNKNOWN: Came = Came {
        anything: true,
        timer: true,
    };
}
