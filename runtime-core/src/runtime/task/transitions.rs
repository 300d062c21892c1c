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
pub(crate) enum PollEnd {
    /// The task waits for a wake. The caller may not touch it any more.
    Suspended,
    /// A wake arrived during the poll: the caller still holds the right to run it.
    Rescheduled,
}

/// What `complete` leaves to do, before the task leaves the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct Complete {
    /// The join waker is to be taken and woken.
    pub(crate) joiner: bool,
    /// Callbacks and waiters are to be collected from the side allocation.
    pub(crate) wait_list: bool,
    /// The handle was dropped during the completion: the completer must drop the output.
    pub(crate) orphan: bool,
}

/// What `cancel` did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Cancel {
    /// The task is done: nothing to cancel.
    Done,
    /// No delivery is needed: the request was taken back, has come already by another way, or is
    /// part of an earlier delivery (then it has been counted).
    Known,
    /// The request is counted. The task is queued, or is being polled, and will be polled again.
    Counted,
    /// The request is counted, and the caller now holds the right to run the task.
    Schedule,
}

/// What has become of the one request that the shutdown of a loop makes for each task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShutdownRequest {
    /// It has not been made. The round that is under way, if there is one, makes it.
    None,
    /// It waits to be delivered.
    Pending,
    /// It has been delivered; or the next round is to make it.
    Delivered,
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
