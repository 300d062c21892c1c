//! `connect_read_pipe` and `connect_write_pipe`.

use std::io;
use std::os::fd::OwnedFd;

use super::clients::Membership;
use super::connection::Connection;
use super::endpoint::Endpoint;
use super::limit::Limit;
use super::reader::StreamReader;
use super::writer::StreamWriter;

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
    let endpoint = Endpoint::of_pipe(pipe.into())?;
    let connection = Connection::new(endpoint, Membership::default());
    Ok(StreamReader::alone(connection, Limit::default().get()))
}

/// A writer to a pipe, or to anything else that can be written to and that a poller can watch. It
/// owns the descriptor, and closes it when it is closed.
///
/// # Errors
/// The descriptor is that of a file, which a poller cannot watch; or there is no current loop.
pub async fn connect_write_pipe(pipe: impl Into<OwnedFd>) -> io::Result<StreamWriter> {
    let endpoint = Endpoint::of_pipe(pipe.into())?;
    Ok(StreamWriter::new(Connection::new(
        endpoint,
        Membership::default(),
    )))
}
