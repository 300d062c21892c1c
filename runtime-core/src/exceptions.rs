//! The error types: asyncio's exceptions, and those of this runtime.

use std::any::Any;
use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::time::Duration;

pub use crate::cancel_reason::{CancelReason, CancelSource};

use crate::sync::{Mutex, StdArc};

/// A cancellation request, caught: what `except asyncio.CancelledError as error` binds.
///
/// A value of this type means that the request has been *delivered*; the code that holds it may
/// clean up with further awaits, and either let it end there (the request is suppressed) or pass it
/// on with `raise`.
///
/// Unlike asyncio's, it is never seen by code that merely awaits a task that another task or thread
/// cancelled: that is the ordinary value [`TaskError::Cancelled`].
#[derive(Clone, Default)]
pub struct CancelledError {
    /// One word, because every task has room for an error. `None` if it would have the defaults.
    detail: Option<StdArc<Detail>>,
}

/// The identity of a request: its stamp, and whether it was a shutdown's. A request that an awaiter
/// forwards has the cause of the awaiter's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cause(u64);

/// The bit of a [`Cause`] that is a shutdown.
const SHUTDOWN: u64 = 1 << 63;

impl Cause {
    /// A request made at `stamp`, which orders the requests of the process.
    pub(crate) fn request(stamp: u64) -> Cause {
        debug_assert!(stamp < SHUTDOWN, "there are 292 years of nanoseconds");
        Cause(stamp)
    }

    /// The shutdown of the task's loop, whose round began at `stamp`.
    pub(crate) fn shutdown(stamp: u64) -> Cause {
        Cause(stamp | SHUTDOWN)
    }

    /// As one word; 0 for the default.
    pub(crate) fn to_word(self) -> u64 {
        self.0
    }

    pub(crate) fn from_word(word: u64) -> Cause {
        Cause(word)
    }

    /// The stamp of the request or shutdown; 0 if none was recorded.
    pub(crate) fn stamp(self) -> u64 {
        self.0 & !SHUTDOWN
    }

    pub(crate) fn is_shutdown(self) -> bool {
        self.0 & SHUTDOWN != 0
    }
}

#[derive(Clone, Default)]
struct Detail {
    cause: Cause,
    message: Option<Cow<'static, str>>,
    /// `None` for a shutdown.
    reason: Option<CancelReason>,
}

/// The reason of a request that gives none.
static REQUESTED: CancelReason = CancelReason::new(CancelSource::Requested);
/// The reason of a shutdown.
static SHUTDOWN_REASON: CancelReason = CancelReason::new(CancelSource::Shutdown);

impl CancelledError {
    #[inline]
    pub(crate) fn new(reason: CancelReason) -> CancelledError {
        let reason = Some(reason);
        CancelledError {
            detail: Some(StdArc::new(Detail {
                reason,
                ..Detail::default()
            })),
        }
    }

    /// The same, with a message.
    pub(crate) fn saying(mut self, message: impl Into<Cow<'static, str>>) -> CancelledError {
        self.change(|detail| detail.message = Some(message.into()));
        self
    }

    /// The same, for another reason.
    pub(crate) fn because(mut self, reason: CancelReason) -> CancelledError {
        self.change(|detail| detail.reason = Some(reason));
        self
    }

    fn change(&mut self, change: impl FnOnce(&mut Detail)) {
        change(StdArc::make_mut(self.detail.get_or_insert_default()));
    }

    /// The same, with what has caused it.
    pub(crate) fn caused_by(mut self, cause: Cause) -> CancelledError {
        if self.cause() != cause {
            self.change(|detail| detail.cause = cause);
        }
        self
    }

    pub(crate) fn cause(&self) -> Cause {
        let detail = self.detail.as_ref();
        detail.map_or(Cause::default(), |detail| detail.cause)
    }

    /// Whether it has a message or a reason of its own.
    pub(crate) fn has_detail(&self) -> bool {
        let detail = self.detail.as_ref();
        detail.is_some_and(|detail| detail.reason.is_some() || detail.message.is_some())
    }

    /// The text given to `cancel_with`, if any.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let task = asyncio::create_task(std::future::pending::<()>());
    /// task.cancel_with("too slow");
    /// let Err(asyncio::TaskError::Cancelled(error)) = task.await else { unreachable!() };
    /// assert_eq!(error.message(), Some("too slow"));
    /// # });
    /// ```
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.detail.as_ref()?.message.as_deref()
    }

    /// Why it was cancelled, and by which task.
    ///
    /// ```
    /// use asyncio::CancelSource;
    /// # asyncio::run(async {
    /// let task = asyncio::create_task(std::future::pending::<()>());
    /// task.cancel();
    /// let Err(asyncio::TaskError::Cancelled(error)) = task.await else { unreachable!() };
    /// let reason = error.reason();
    /// assert_eq!(reason.source(), CancelSource::Requested);
    /// let (canceller, _name) = reason.by().unwrap();
    /// assert_eq!(canceller, asyncio::current_task().unwrap().id());
    /// assert_eq!(reason.at().unwrap().file(), file!());
    /// # });
    /// ```
    #[must_use]
    pub fn reason(&self) -> &CancelReason {
        let given = self
            .detail
            .as_ref()
            .and_then(|detail| detail.reason.as_ref());
        given.unwrap_or_else(|| match self.cause().is_shutdown() {
            true => &SHUTDOWN_REASON,
            false => &REQUESTED,
        })
    }

    /// The signal that asked for the cancellation, if it was one.
    #[must_use]
    pub fn by_signal(&self) -> Option<i32> {
        match self.reason().source() {
            CancelSource::Signal(number) => Some(number),
            _ => None,
        }
    }
}

impl PartialEq for CancelledError {
    fn eq(&self, other: &CancelledError) -> bool {
        // Two requests that say the same are equal, whenever and wherever they were made.
        self.message() == other.message() && self.by_signal() == other.by_signal()
    }
}

impl Eq for CancelledError {}

impl fmt::Debug for CancelledError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            Some(message) => f.debug_tuple("CancelledError").field(&message).finish(),
            None => f.write_str("CancelledError"),
        }
    }
}

impl fmt::Display for CancelledError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            Some(message) => write!(f, "cancelled: {message}"),
            None => f.write_str("cancelled"),
        }
    }
}

impl Error for CancelledError {}

/// The panic of a task or of a function on the blocking pool.
///
/// asyncio has no counterpart: there an exception is the result of the task.
pub struct PanicError {
    // Behind a mutex only to make this type `Sync`: a payload is only `Send`.
    payload: Mutex<Box<dyn Any + Send>>,
}

impl PanicError {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> PanicError {
        PanicError {
            payload: Mutex::new(payload),
        }
    }

    /// The payload of the panic, for [`std::panic::resume_unwind`].
    #[must_use]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        let empty: Box<dyn Any + Send> = Box::new(());
        std::mem::replace(&mut *self.payload.lock(), empty)
    }

    /// The message of the panic, if its payload is a string.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let task = asyncio::create_task(async { panic!("oh no") });
    /// let Err(asyncio::TaskError::Panicked(error)) = task.await else { unreachable!() };
    /// assert_eq!(error.message().as_deref(), Some("oh no"));
    /// # });
    /// ```
    #[must_use]
    pub fn message(&self) -> Option<String> {
        panic_text(&**self.payload.lock()).map(str::to_owned)
    }
}

/// The message in a panic's payload, if the payload is a string.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> Option<&str> {
    let literal = payload.downcast_ref::<&'static str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

impl fmt::Debug for PanicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PanicError")
            .field(&self.message().as_deref().unwrap_or("…"))
            .finish()
    }
}

impl fmt::Display for PanicError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message() {
            Some(message) => write!(f, "task panicked: {message}"),
            None => f.write_str("task panicked"),
        }
    }
}

impl Error for PanicError {}

/// A time limit has passed: `asyncio.TimeoutError`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeoutError;

impl fmt::Display for TimeoutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out")
    }
}

impl Error for TimeoutError {}

/// The operation is not allowed in this state of the object: `asyncio.InvalidStateError`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidStateError {
    message: &'static str,
}

impl InvalidStateError {
    pub(crate) const fn new(message: &'static str) -> InvalidStateError {
        InvalidStateError { message }
    }
}

impl fmt::Display for InvalidStateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl Error for InvalidStateError {}

/// A child of a group returned an `Err`; the error itself is in the group's exception group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FailedError;

impl fmt::Display for FailedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task failed; its group has the error")
    }
}

impl Error for FailedError {}

/// The reason why awaiting a task gave no value.
///
/// Unlike in asyncio, these are values and not exceptions that pass through the awaiting code.
///
/// ```
/// # asyncio::run(async {
/// let task = asyncio::create_task(async { panic!("oh no") });
/// let error: asyncio::TaskError = task.await.unwrap_err();
/// assert!(error.is_panic());
/// assert_eq!(error.to_string(), "task panicked: oh no");
/// # });
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskError {
    /// The task was cancelled.
    Cancelled(CancelledError),
    /// The task panicked.
    Panicked(PanicError),
    /// A time limit passed before the task ended.
    TimedOut(TimeoutError),
    /// The task has no result to give: it is not done, its result was already taken, or the task
    /// awaits itself.
    InvalidState(InvalidStateError),
    /// A child of a group returned an `Err`.
    Failed(FailedError),
}

impl TaskError {
    /// Whether the task was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self, TaskError::Cancelled(_))
    }

    /// Whether the task panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self, TaskError::Panicked(_))
    }

    /// Whether a time limit passed before the task ended.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, TaskError::TimedOut(_))
    }

    /// The payload of the panic, for [`std::panic::resume_unwind`].
    ///
    /// # Panics
    /// If this is not [`TaskError::Panicked`].
    ///
    /// ```
    /// # asyncio::run(async {
    /// let task = asyncio::create_task(async { panic!("oh no") });
    /// let error: asyncio::TaskError = task.await.unwrap_err();
    /// assert_eq!(error.into_panic().downcast_ref(), Some(&"oh no"));
    /// # });
    /// ```
    #[must_use]
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send> {
        match self {
            TaskError::Panicked(error) => error.into_panic(),
            other => panic!("into_panic() on a task that did not panic: {other}"),
        }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskError::Cancelled(error) => error.fmt(f),
            TaskError::Panicked(error) => error.fmt(f),
            TaskError::TimedOut(error) => error.fmt(f),
            TaskError::InvalidState(error) => error.fmt(f),
            TaskError::Failed(error) => error.fmt(f),
        }
    }
}

impl Error for TaskError {
    /// The source of the error in the variant. That error itself is not a source: this type
    /// displays its text, and a report of the whole chain would print it twice.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            TaskError::Cancelled(error) => error.source(),
            TaskError::Panicked(error) => error.source(),
            TaskError::TimedOut(error) => error.source(),
            TaskError::InvalidState(error) => error.source(),
            TaskError::Failed(error) => error.source(),
        }
    }
}

macro_rules! from_into_task_error {
    ($($error:ty => $variant:ident,)*) => {
        $(impl From<$error> for TaskError {
            fn from(error: $error) -> TaskError {
                TaskError::$variant(error)
            }
        })*
    };
}

from_into_task_error! {
    CancelledError => Cancelled,
    PanicError => Panicked,
    TimeoutError => TimedOut,
    InvalidStateError => InvalidState,
    FailedError => Failed,
}

/// The event loop is closed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LoopClosed;

impl fmt::Display for LoopClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Event loop is closed")
    }
}

impl Error for LoopClosed {}

/// No event loop is running on this thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct NoRunningLoop;

impl fmt::Display for NoRunningLoop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no running event loop")
    }
}

impl Error for NoRunningLoop {}

/// A shutdown did not end within its time limit; returned by
/// [`Runner::shutdown_timeout`](crate::Runner::shutdown_timeout) and
/// [`EventLoop::shutdown_default_executor`](crate::EventLoop::shutdown_default_executor).
#[derive(Clone, Debug)]
pub struct ShutdownTimeout {
    pub(crate) limit: Duration,
    pub(crate) stuck: Vec<String>,
}

impl ShutdownTimeout {
    /// What had not ended at the deadline: tasks that were inside a poll, each with its name and
    /// the place where it was created, and blocking functions, each with the place of the call.
    #[must_use]
    pub fn stuck(&self) -> &[String] {
        &self.stuck
    }
}

impl fmt::Display for ShutdownTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the shutdown did not end within {:?}", self.limit)?;
        if !self.stuck.is_empty() {
            write!(f, "; stuck: {}", self.stuck.join(", "))?;
        }
        Ok(())
    }
}

impl Error for ShutdownTimeout {}
