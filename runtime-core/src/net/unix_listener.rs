//! `UnixListener`.

use std::io;
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::task::{Context, Poll, ready};

use super::async_fd::{Async, Interest};
use super::incoming::{Incoming, Listener};
use super::socket::socket;
use super::unix_stream::UnixStream;
use crate::runtime::EventLoop;

type Std = std::os::unix::net::UnixListener;

/// Accepts connections of processes of this machine.
///
/// ```
/// use asyncio::net::{UnixListener, UnixStream};
///
/// # fn main() -> std::io::Result<()> {
/// asyncio::run(async {
///     let path = std::env::temp_dir().join(format!("asyncio-{}.sock", std::process::id()));
///     let listener = UnixListener::bind(&path)?;
///     let client = UnixStream::connect(&path).await?;
///     let (server, _address) = listener.accept().await?;
///     client.write_all(b"ping").await?;
///     let mut buffer = [0; 4];
///     server.read_exact(&mut buffer).await?;
///     std::fs::remove_file(&path)
/// })
/// # }
/// ```
pub struct UnixListener {
    io: Async<Std>,
}

impl UnixListener {
    /// Listens at `path`, which must not exist yet. The file stays when the listener is dropped.
    ///
    /// # Errors
    /// The path exists, or cannot be made; or there is no current loop.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixListener> {
        UnixListener::from_std(Std::bind(path)?)
    }

    /// Listens at an address, which may be a name in the abstract namespace of Linux: it goes away
    /// with the listener.
    ///
    /// # Errors
    /// The address is in use; or there is no current loop.
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixListener> {
        UnixListener::from_std(Std::bind_addr(address)?)
    }

    /// Accepts the next connection. Returns it with the address of the peer, which mostly has no
    /// name.
    ///
    /// # Errors
    /// Those of the system. The listener stays good: see
    /// [`TcpListener::accept`](super::TcpListener::accept).
    ///
    /// # Cancellation
    /// No connection is lost: one that is accepted is returned.
    pub async fn accept(&self) -> io::Result<(UnixStream, SocketAddr)> {
        let (socket, address) = self.io.read_with(accept).await?;
        Ok((UnixStream::of_nonblocking(socket)?, address))
    }

    /// [`accept`](UnixListener::accept), to be polled.
    ///
    /// # Errors
    /// Those of [`accept`](UnixListener::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, SocketAddr)>> {
        let (socket, address) = ready!(self.io.poll_io(Interest::Read, cx, accept))?;
        Poll::Ready(Ok((UnixStream::of_nonblocking(socket)?, address)))
    }

    /// The connections that come: a `Stream` that goes on through all errors. [`Incoming`] says
    /// how.
    pub fn incoming(&self) -> Incoming<'_, UnixListener> {
        Incoming::new(self)
    }

    /// The address at which it listens.
    ///
    /// # Errors
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }
}

/// Accepts a connection that does not block.
fn accept(listener: &Std) -> io::Result<(std::os::unix::net::UnixStream, SocketAddr)> {
    let (socket, address) = listener.accept()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}

impl Listener for UnixListener {
    type Stream = UnixStream;

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<UnixStream>> {
        self.poll_accept(cx).map_ok(|(stream, _address)| stream)
    }

    fn event_loop(&self) -> EventLoop {
        self.io.event_loop()
    }
}

socket!(UnixListener, Std);
