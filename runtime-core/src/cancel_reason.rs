//! Why a task was cancelled, and by which task.

use std::fmt;
use std::panic::Location;

use crate::sync::StdOnceLock;

/// What asked for a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CancelSource {
    /// A call of `cancel`, of a task, a handle or a future.
    Requested,
    /// The deadline of a `wait_for`, a `timeout` or a `move_on_after` has passed.
    Timeout,
    /// A [`CancelScope`](crate::CancelScope) was cancelled.
    Scope,
    /// The task's group ended its children.
    TaskGroup,
    /// Another future of the race was the first.
    Race,
    /// The task that awaited the [`gather`](crate::gather()) of this one was cancelled.
    Gather,
    /// A signal of this number came.
    Signal(i32),
    /// The task's loop shut down.
    Shutdown,
    /// The loop was closed before the task could run.
    LoopClosed,
}

/// Why a task was cancelled: what [`CancelledError::reason`](crate::CancelledError::reason)
/// returns.
///
/// It stays the same when the cancellation is passed on to the tasks that the cancelled one awaits.
#[derive(Clone)]
pub struct CancelReason {
    source: CancelSource,
    canceller: Option<Canceller>,
    at: Option<&'static Location<'static>>,
}

/// The task that cancelled another.
#[derive(Clone)]
pub(crate) struct Canceller {
    pub(crate) id: u64,
    /// Its number within its loop.
    pub(crate) ordinal: u64,
    /// Its name: from the start if it was given one, and else made of the number when it is asked
    /// for.
    pub(crate) name: StdOnceLock<Box<str>>,
}

impl CancelReason {
    /// Without a canceller or a line.
    pub(crate) const fn new(source: CancelSource) -> CancelReason {
        CancelReason {
            source,
            canceller: None,
            at: None,
        }
    }

    /// With both.
    #[inline]
    pub(crate) fn with(
        source: CancelSource,
        canceller: Option<Canceller>,
        at: &'static Location<'static>,
    ) -> CancelReason {
        CancelReason {
            source,
            canceller,
            at: Some(at),
        }
    }

    /// What asked for the cancellation.
    #[must_use]
    pub fn source(&self) -> CancelSource {
        self.source
    }

    /// The line of the program that cancelled; for a deadline and a gather, the line that made it.
    #[must_use]
    pub fn at(&self) -> Option<&'static Location<'static>> {
        self.at
    }

    pub(crate) fn canceller(&self) -> Option<(u64, &str)> {
        let canceller = self.canceller.as_ref()?;
        let name = || format!("Task-{}", canceller.ordinal).into_boxed_str();
        Some((canceller.id, canceller.name.get_or_init(name)))
    }
}

impl fmt::Debug for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelReason")
            .field("source", &self.source)
            .field("by", &self.canceller().map(|(_, name)| name))
            .field("at", &self.at.map(ToString::to_string))
            .finish()
    }
}

impl fmt::Display for CancelReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            CancelSource::Requested => f.write_str("requested")?,
            CancelSource::Timeout => f.write_str("a deadline has passed")?,
            CancelSource::Scope => f.write_str("its scope was cancelled")?,
            CancelSource::TaskGroup => f.write_str("its task group ended it")?,
            CancelSource::Race => f.write_str("it lost a race")?,
            CancelSource::Gather => f.write_str("its gather was cancelled")?,
            CancelSource::Signal(number) => write!(f, "signal {number}")?,
            CancelSource::Shutdown => f.write_str("the loop shut down")?,
            CancelSource::LoopClosed => f.write_str("the loop is closed")?,
        }
        if let Some((_, name)) = self.canceller() {
            write!(f, ", by {name}")?;
        }
        if let Some(at) = self.at {
            write!(f, ", at {at}")?;
        }
        Ok(())
    }
}
