//! Why a writer is refused something.

use std::io;

/// Why bytes are not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Closed,
    Eof,
    NoEof,
    Pipe,
    Twice,
}

impl Refusal {
    pub(super) fn to_io(self) -> io::Error {
        let (kind, text) = match self {
            Refusal::Closed => (
                io::ErrorKind::ConnectionReset,
                "Connection lost: write() after close()",
            ),
            Refusal::Eof => (
                io::ErrorKind::BrokenPipe,
                "Cannot call write() after write_eof()",
            ),
            Refusal::NoEof => (
                io::ErrorKind::Unsupported,
                "write_eof() is not supported under TLS: close() ends the connection",
            ),
            Refusal::Pipe => (io::ErrorKind::Unsupported, "a pipe cannot be encrypted"),
            Refusal::Twice => (
                io::ErrorKind::InvalidInput,
                "the connection is encrypted already",
            ),
        };
        io::Error::new(kind, text)
    }
}
