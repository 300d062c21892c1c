//! `connect_read_pipe` and `connect_write_pipe`.

use std::io;
use std::os::fd::OwnedFd;

use super::clients::Membership;
use super::connection::Connection;
use super::endpoint::Endpoint;
use super::limit::Limit;
use super::reader::StreamReader;
use super::writer::StreamWriter;
use crate::exceptions::NoRunningLoop;
use crate::runtime::EventLoop;

/// A reader of a pipe, or of anything else that can be read from and that a poller can watch: a
/// terminal, a device, the output of a child process. It owns the descriptor, and closes it when it
/// is dropped.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// asyncio::run(async {
///     let (reader, writer) = std::io::pipe()?;
///     let mut reader = asyncio::connect_read_pipe(reader).await?;
///     let writer = asyncio::connect_write_pipe(writer).await?;
///     writer.write(b"hello\n");
///     writer.close();
///     assert_eq!(reader.readline().await?, "hello\n");
///     assert_eq!(reader.readline().await?, "");
///     Ok(())
/// })
/// # }
/// ```
///
/// # Errors
/// The descriptor is that of a file, which a poller cannot watch; or there is no current loop.
pub async fn connect_read_pipe(pipe: impl Into<OwnedFd>) -> io::Result<StreamReader> {
    StreamReader::of_pipe(&current()?, pipe.into(), Limit::default().get())
}

impl StreamReader {
    /// A reader of a pipe, for a given loop.
    pub(crate) fn of_pipe(
        event_loop: &EventLoop,
        pipe: OwnedFd,
        limit: usize,
    ) -> io::Result<StreamReader> {
        let endpoint = Endpoint::of_pipe(event_loop, pipe)?;
        let connection = Connection::new(endpoint, Membership::default());
        Ok(StreamReader::alone(connection, limit))
    }
}

impl StreamWriter {
    /// A writer to a pipe, for a given loop.
    pub(crate) fn of_pipe(event_loop: &EventLoop, pipe: OwnedFd) -> io::Result<StreamWriter> {
        let endpoint = Endpoint::of_pipe(event_loop, pipe)?;
        let connection = Connection::new(endpoint, Membership::default());
        Ok(StreamWriter::new(connection))
    }
}

/// A writer to a pipe, or to anything else that can be written to and that a poller can watch. It
/// owns the descriptor, and closes it when it is closed.
///
/// # Errors
/// The descriptor is that of a file, which a poller cannot watch; or there is no current loop.
pub async fn connect_write_pipe(pipe: impl Into<OwnedFd>) -> io::Result<StreamWriter> {
    StreamWriter::of_pipe(&current()?, pipe.into())
}

fn current() -> io::Result<EventLoop> {
    EventLoop::current().ok_or_else(|| io::Error::other(NoRunningLoop))
}
