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

/// What `complete` leaves to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Complete {
    /// Nothing: the loop's reference has been given back in the same step.
    Released,
    /// Somebody is to be told; the loop's reference is still held.
    Tell {
        /// The join waker is to be taken and woken.
        joiner: bool,
        /// Callbacks and waiters are to be collected from the side allocation.
        watched: bool,
        /// No handle is left: the output is the completer's to drop.
        orphan: bool,
    },
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
