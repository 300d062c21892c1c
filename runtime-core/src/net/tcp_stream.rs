//! `TcpStream`.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Shutdown, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::io::{AsyncRead, AsyncWrite};

use super::async_fd::Async;
use crate::runtime::Direction;
use crate::sync::Ready;

/// A TCP connection.
///
/// Reads and writes take `&self`; `TcpStream` and `&TcpStream` are `AsyncRead` and `AsyncWrite` of
/// the `futures` crate.
///
/// ```
/// use asyncio::net::{TcpListener, TcpStream};
///
/// # fn main() -> std::io::Result<()> {
/// asyncio::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let client = TcpStream::connect(listener.local_addr()?).await?;
///     let (server, _address) = listener.accept().await?;
///     client.write_all(b"ping").await?;
///     let mut buffer = [0; 4];
///     server.read_exact(&mut buffer).await?;
///     assert_eq!(&buffer, b"ping");
///     Ok(())
/// })
/// # }
/// ```
pub struct TcpStream {
    io: Async<std::net::TcpStream>,
}

impl TcpStream {
    /// A connection that was accepted or made before; makes it non-blocking.
    ///
    /// # Errors
    /// There is no current loop, or it is closed; or the system refuses the descriptor.
    pub fn from_std(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        Ok(TcpStream {
            io: Async::new(stream)?,
        })
    }

    pub(super) fn of_connected(io: Async<std::net::TcpStream>) -> TcpStream {
        TcpStream { io }
    }

    pub(super) fn of_accepted(stream: std::net::TcpStream) -> io::Result<TcpStream> {
        Ok(TcpStream {
            io: Async::of_nonblocking(stream, Ready::BOTH)?,
        })
    }

    pub(super) fn as_async(&self) -> &Async<std::net::TcpStream> {
        &self.io
    }

    /// Ends the registration, and returns the connection, which stays non-blocking.
    pub fn into_std(self) -> std::net::TcpStream {
        self.io.into_inner()
    }

    /// Reads what there is, up to the length of `buffer`; 0 is the end of the stream.
    ///
    /// # Errors
    /// Those of the system, or the loop is closed.
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len();
        self.io
            .transfer(Direction::Read, room, |mut io| io.read(buffer))
            .await
    }

    /// Fills `buffer`.
    ///
    /// # Errors
    /// [`UnexpectedEof`](io::ErrorKind::UnexpectedEof) if the stream ends before; otherwise those
    /// of [`read`](TcpStream::read).
    ///
    /// # Cancellation
    /// What has been read by then is in `buffer`, and how much that is, is not known.
    pub async fn read_exact(&self, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.read(buffer).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => buffer = &mut buffer[read..],
            }
        }
        Ok(())
    }

    /// Reads into memory that need not be initialized. Returns how many bytes, from the first on,
    /// have been, and hold what was read; 0 is the end of the stream.
    ///
    /// # Errors
    /// Those of [`read`](TcpStream::read).
    pub async fn read_uninit(&self, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
        let room = buffer.len();
        self.io
            .transfer(Direction::Read, room, |io| receive(io, buffer))
            .await
    }

    /// [`read_uninit`](TcpStream::read_uninit), to be polled.
    ///
    /// # Errors
    /// Those of [`read`](TcpStream::read).
    pub fn poll_read_uninit(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Poll<io::Result<usize>> {
        let room = buffer.len();
        self.io
            .poll_transfer(Direction::Read, cx, room, |io| receive(io, buffer))
    }

    /// Reads what there is without taking it: the next read gets it again.
    ///
    /// # Errors
    /// Those of [`read`](TcpStream::read).
    pub async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.io.read_with(|io| io.peek(buffer)).await
    }

    /// Writes a part of `data`, at least one byte, and returns how many that were.
    ///
    /// # Errors
    /// Those of the system, or the loop is closed.
    pub async fn write(&self, data: &[u8]) -> io::Result<usize> {
        self.io
            .transfer(Direction::Write, data.len(), |mut io| io.write(data))
            .await
    }

    /// Writes all of `data`.
    ///
    /// # Errors
    /// Those of [`write`](TcpStream::write).
    ///
    /// # Cancellation
    /// A part of `data` has been written, and how much that is, is not known.
    pub async fn write_all(&self, mut data: &[u8]) -> io::Result<()> {
        while !data.is_empty() {
            match self.write(data).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => data = &data[written..],
            }
        }
        Ok(())
    }

    /// The address of this end.
    ///
    /// # Errors
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// Those of the system: the connection has ended.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().peer_addr()
    }

    /// Whether small writes go out at once (`TCP_NODELAY`), instead of waiting for an
    /// acknowledgement of those before.
    ///
    /// # Errors
    /// Those of the system.
    pub fn nodelay(&self) -> io::Result<bool> {
        self.io.get_ref().nodelay()
    }

    /// Sets [`nodelay`](TcpStream::nodelay).
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.get_ref().set_nodelay(nodelay)
    }

    /// Ends one direction, or both. Ending the writes tells the peer that the stream has ended.
    ///
    /// # Errors
    /// The connection has been closed already.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.get_ref().shutdown(how)
    }
}

fn receive(io: &std::net::TcpStream, buffer: &mut [MaybeUninit<u8>]) -> io::Result<usize> {
    let flags = rustix::net::RecvFlags::empty();
    let ((read, _rest), _length) = rustix::net::recv(io, buffer, flags)?;
    Ok(read.len())
}

impl AsyncRead for &TcpStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let room = buffer.len();
        self.io
            .poll_transfer(Direction::Read, cx, room, |mut io| io.read(buffer))
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let room = buffers.iter().map(|buffer| buffer.len()).sum();
        self.io.poll_transfer(Direction::Read, cx, room, |mut io| {
            io.read_vectored(buffers)
        })
    }
}

impl AsyncWrite for &TcpStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io
            .poll_transfer(Direction::Write, cx, data.len(), |mut io| io.write(data))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let room = data.iter().map(|part| part.len()).sum();
        self.io
            .poll_transfer(Direction::Write, cx, room, |mut io| io.write_vectored(data))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nothing is buffered here.
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(match self.shutdown(Shutdown::Write) {
            // The peer has gone already: there is nobody to tell.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            outcome => outcome,
        })
    }
}

super::forward::owned_by_reference!(TcpStream);

impl AsFd for TcpStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.io.get_ref().fmt(f)
    }
}
