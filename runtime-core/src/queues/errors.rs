//! The errors of queues and channels.

use std::error::Error;
use std::fmt;

/// The queue is shut down: `asyncio.QueueShutDown`.
///
/// It has the item that could not be put, or nothing if an item was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueueShutDown<T = ()>(pub T);

/// An item could not be put at once: `asyncio.QueueFull` or `asyncio.QueueShutDown`, with the item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutError<T> {
    /// There is no room, or tasks that came before wait for it.
    Full(T),
    /// The queue is shut down.
    ShutDown(T),
}

/// There was no item at once: `asyncio.QueueEmpty` or `asyncio.QueueShutDown`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GetError {
    /// There is no item, or only such as tasks that came before are about to take.
    Empty,
    /// The queue is shut down, and all its items have been taken.
    ShutDown,
}

/// `task_done` was called more often than items were put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskDoneTooOften(pub(super) ());

/// The value could not be sent, since nobody can receive it any more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SendError<T>(pub T);

/// The value could not be sent at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySendError<T> {
    /// There is no room, or senders that came before wait for it.
    Full(T),
    /// The channel is closed, or nobody can receive the value any more.
    Closed(T),
}

/// There was no value at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// There is no value yet.
    Empty,
    /// There will be none: the channel is closed, or all senders are gone.
    Disconnected,
}

/// What a receiver of a [`broadcast`](crate::broadcast) got instead of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BroadcastError {
    /// So many values were overwritten before this receiver took them. It goes on with the oldest
    /// one that is left.
    Lagged(u64),
    /// All senders are gone, and this receiver has had every value.
    Closed,
}

/// There was no broadcast value at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryBroadcastError {
    /// There is no value yet.
    Empty,
    /// As [`BroadcastError::Lagged`].
    Lagged(u64),
    /// As [`BroadcastError::Closed`].
    Closed,
}

/// The senders of a [`watch`](crate::watch) are gone, and its last value has been seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchClosed(pub(super) ());

impl<T> QueueShutDown<T> {
    /// Returns what it has.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> PutError<T> {
    /// Returns the item.
    pub fn into_inner(self) -> T {
        let (PutError::Full(item) | PutError::ShutDown(item)) = self;
        item
    }

    /// Whether there was no room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, PutError::Full(_))
    }

    pub(super) fn map<U>(self, map: impl FnOnce(T) -> U) -> PutError<U> {
        match self {
            PutError::Full(item) => PutError::Full(map(item)),
            PutError::ShutDown(item) => PutError::ShutDown(map(item)),
        }
    }
}

impl<T> SendError<T> {
    /// Returns the value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> TrySendError<T> {
    /// Returns the value.
    pub fn into_inner(self) -> T {
        let (TrySendError::Full(value) | TrySendError::Closed(value)) = self;
        value
    }

    /// Whether there was no room.
    #[must_use]
    pub fn is_full(&self) -> bool {
        matches!(self, TrySendError::Full(_))
    }
}

impl<T> From<PutError<T>> for TrySendError<T> {
    fn from(error: PutError<T>) -> TrySendError<T> {
        match error {
            PutError::Full(value) => TrySendError::Full(value),
            PutError::ShutDown(value) => TrySendError::Closed(value),
        }
    }
}

impl From<GetError> for TryRecvError {
    fn from(error: GetError) -> TryRecvError {
        match error {
            GetError::Empty => TryRecvError::Empty,
            GetError::ShutDown => TryRecvError::Disconnected,
        }
    }
}

impl<T> fmt::Display for QueueShutDown<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue is shut down")
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PutError::Full(_) => "the queue is full",
            PutError::ShutDown(_) => "the queue is shut down",
        })
    }
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            GetError::Empty => "the queue is empty",
            GetError::ShutDown => "the queue is shut down",
        })
    }
}

impl fmt::Display for TaskDoneTooOften {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("task_done() called too many times")
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("sending into a closed channel")
    }
}

impl<T> fmt::Display for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Full(_) => "sending into a full channel",
            TrySendError::Closed(_) => "sending into a closed channel",
        })
    }
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryRecvError::Empty => "receiving from an empty channel",
            TryRecvError::Disconnected => "receiving from an empty and closed channel",
        })
    }
}

impl fmt::Display for BroadcastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BroadcastError::Lagged(missed) => write!(f, "the receiver missed {missed} values"),
            BroadcastError::Closed => f.write_str("receiving from an empty and closed channel"),
        }
    }
}

impl fmt::Display for TryBroadcastError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryBroadcastError::Empty => f.write_str("receiving from an empty channel"),
            TryBroadcastError::Lagged(missed) => BroadcastError::Lagged(*missed).fmt(f),
            TryBroadcastError::Closed => BroadcastError::Closed.fmt(f),
        }
    }
}

impl fmt::Display for WatchClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the senders of the watched value are gone")
    }
}

// Values need not be `Debug` for their error to be one.

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SendError(..)")
    }
}

impl<T> fmt::Debug for TrySendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySendError::Full(_) => "Full(..)",
            TrySendError::Closed(_) => "Closed(..)",
        })
    }
}

impl<T: fmt::Debug> Error for QueueShutDown<T> {}
impl<T: fmt::Debug> Error for PutError<T> {}
impl Error for GetError {}
impl Error for TaskDoneTooOften {}
impl<T> Error for SendError<T> {}
impl<T> Error for TrySendError<T> {}
impl Error for TryRecvError {}
impl Error for BroadcastError {}
impl Error for TryBroadcastError {}
impl Error for WatchClosed {}
