//! What the transitions of a task's state find, and what they leave to do.

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The future returned its value.
    Returned,
    /// A cancellation request reached the root and dropped the future.
    Cancelled,
    /// The future, or a destructor of it, panicked.
    Panicked,
}

/// What `start` found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Start {
    /// Poll the future.
    Poll,
    /// Take the cancellation request, if it is there still, and poll the future with it.
    Deliver,
}

/// What `idle` found at the end of a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Idle {
    /// The task waits for a wake. The caller may not touch it any more.
    Parked,
    /// A wake arrived during the poll: the caller still holds the right to run it.
    Again,
}

/// What `complete` leaves to do, before the task leaves the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct Complete {
    /// The join waker is to be taken and woken.
    pub(crate) joiner: bool,
    /// Callbacks and waiters are to be collected from the side allocation.
    pub(crate) watched: bool,
    /// No handle is left: the output is the completer's to drop.
    pub(crate) orphan: bool,
}

/// What `cancel` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Cancel {
    /// The task is done: nothing to cancel.
    Done,
    /// Nothing: there is no such request any more, or it has come already.
    Known,
    /// The request is counted; the task is already on its way to a worker.
    Counted,
    /// The request is counted, and the caller now holds the right to run the task.
    Schedule,
}

/// Where a task is with its part of the shutdown of its loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShutdownPart {
    /// It has none yet, and gets it in the round that is under way, if there is one.
    NotYet,
    /// It waits to be delivered.
    Coming,
    /// It has been delivered; or the next round is to bring it.
    Met,
}

/// What dropping the `Task` handle leaves to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Detach {
    /// The handle's reference has been given back in the same step.
    Released,
    /// The join waker is the dropper's again; then the reference is to be released.
    DropWaker,
    /// The task is done: its output is the dropper's; then the reference is to be released.
    DropOutput,
}
