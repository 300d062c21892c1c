//! What a read of a stream may end with.

use std::error::Error;
use std::fmt;
use std::io;

use bytes::Bytes;

use crate::sync::StdArc;

/// The stream has ended before all that was asked for had come: `asyncio.IncompleteReadError`.
#[derive(Debug)]
pub struct IncompleteReadError {
    /// What had come by then. It has been taken from the stream.
    pub partial: Bytes,
    /// How many bytes were asked for; `None` if it was a separator.
    pub expected: Option<usize>,
    /// The error of the connection, if it did not simply end. Then [`partial`](Self::partial) is
    /// empty, and what had come is still in the reader.
    pub error: Option<io::Error>,
}

impl fmt::Display for IncompleteReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = &self.error {
            return error.fmt(f);
        }
        let partial = self.partial.len();
        match self.expected {
            Some(expected) => {
                write!(
                    f,
                    "{partial} bytes read on a total of {expected} expected bytes"
                )
            }
            None => write!(
                f,
                "{partial} bytes read on a total of undefined expected bytes"
            ),
        }
    }
}

impl Error for IncompleteReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.as_ref().map(|error| error as _)
    }
}

impl From<IncompleteReadError> for io::Error {
    fn from(error: IncompleteReadError) -> io::Error {
        match error.error {
            Some(error) => error,
            None => io::Error::new(io::ErrorKind::UnexpectedEof, error),
        }
    }
}

/// More bytes than the limit have come before the separator: `asyncio.LimitOverrunError`. They are
/// still in the reader.
#[derive(Debug)]
pub struct LimitOverrunError {
    /// How many bytes can be read, by `readexactly`, without a part of the separator.
    pub consumed: usize,
    pub(super) found: bool,
}

impl fmt::Display for LimitOverrunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.found {
            true => "Separator is found, but chunk is longer than limit",
            false => "Separator is not found, and chunk exceed the limit",
        })
    }
}

impl Error for LimitOverrunError {}

impl From<LimitOverrunError> for io::Error {
    fn from(error: LimitOverrunError) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

/// Why [`readuntil`](super::StreamReader::readuntil) has not found a separator.
#[derive(Debug)]
pub enum ReadUntilError {
    /// There is more before the separator than the limit of the reader.
    LimitOverrun(LimitOverrunError),
    /// The stream has ended.
    IncompleteRead(IncompleteReadError),
    /// The connection has failed. What had come is still in the reader.
    Io(io::Error),
}

impl ReadUntilError {
    fn inner(&self) -> &(dyn Error + 'static) {
        match self {
            ReadUntilError::LimitOverrun(error) => error,
            ReadUntilError::IncompleteRead(error) => error,
            ReadUntilError::Io(error) => error,
        }
    }
}

impl fmt::Display for ReadUntilError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.inner(), f)
    }
}

impl Error for ReadUntilError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.inner().source()
    }
}

impl From<ReadUntilError> for io::Error {
    fn from(error: ReadUntilError) -> io::Error {
        match error {
            ReadUntilError::LimitOverrun(error) => error.into(),
            ReadUntilError::IncompleteRead(error) => error.into(),
            ReadUntilError::Io(error) => error,
        }
    }
}

/// The error with which a connection was lost: everyone who asks gets it.
#[derive(Clone, Debug)]
pub(super) struct SharedError(StdArc<io::Error>);

impl SharedError {
    pub(super) fn new(error: io::Error) -> SharedError {
        SharedError(StdArc::new(error))
    }

    /// The same error once more, for others than who has got it: of one that has no number, its
    /// text.
    pub(super) fn copy_of(error: &io::Error) -> SharedError {
        SharedError::new(match error.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(error.kind(), error.to_string()),
        })
    }

    pub(super) fn to_io(&self) -> io::Error {
        match self.0.raw_os_error() {
            Some(code) => io::Error::from_raw_os_error(code),
            None => io::Error::new(self.0.kind(), self.clone()),
        }
    }
}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Error for SharedError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let inner = self.0.get_ref()?;
        Some(inner)
    }
}
