//! `TcpListener`.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use socket2::{Domain, Protocol, Socket, Type};

use super::addresses::{Target, ToAddrs, first_of};
use super::async_fd::{Async, Interest};
use super::incoming::{Incoming, Listener};
use super::socket::{options, socket};
use super::tcp_stream::TcpStream;
use crate::runtime::EventLoop;
use crate::sync::Ready;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 1024;

/// Accepts TCP connections.
pub struct TcpListener {
    io: Async<std::net::TcpListener>,
}

impl TcpListener {
    /// Listens at `address`; port 0 is any that is free. The address may be one that a server used
    /// shortly before (`SO_REUSEADDR`), as in asyncio.
    ///
    /// A name is looked up by the loop's resolver; only this waits. Of several addresses the first
    /// is taken at which this succeeds.
    ///
    /// # Errors
    /// The address is in use, or not one of this machine; or the name is not known; or there is no
    /// current loop. If there are several addresses, and other errors for each, the text lists
    /// them.
    ///
    /// # Cancellation
    /// Only a look-up can be cancelled; there is no listener yet.
    pub async fn bind(address: impl ToAddrs) -> io::Result<TcpListener> {
        let addresses = Target::of(&address).look_up().await?;
        first_of(&addresses, TcpListener::bind_to)
    }

    fn bind_to(address: SocketAddr) -> io::Result<TcpListener> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM.nonblocking(),
            Some(Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = std::net::TcpListener::from(socket);
        Ok(TcpListener {
            io: Async::of_nonblocking(listener, Ready::BOTH)?,
        })
    }

    /// Accepts the next connection. Returns it with the address of the peer.
    ///
    /// # Errors
    /// Those of the system. The listener stays good: after
    /// [`ConnectionAborted`](io::ErrorKind::ConnectionAborted) the next call may be made at once,
    /// and if descriptors or memory are short, when there are some again.
    ///
    /// # Cancellation
    /// No connection is lost: one that is accepted is returned.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (socket, address) = self.io.read_with(accept).await?;
        Ok((TcpStream::of_nonblocking(socket)?, address))
    }

    /// The connections that come: a `Stream` that goes on through all errors. [`Incoming`] says
    /// how.
    pub fn incoming(&self) -> Incoming<'_, TcpListener> {
        Incoming::new(self)
    }

    /// [`accept`](TcpListener::accept), to be polled.
    ///
    /// # Errors
    /// Those of [`accept`](TcpListener::accept).
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        let (socket, address) = ready!(self.io.poll_io(Interest::Read, cx, accept))?;
        Poll::Ready(Ok((TcpStream::of_nonblocking(socket)?, address)))
    }

    /// The address at which it listens.
    ///
    /// # Errors
    /// Those of the system.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get_ref().local_addr()
    }

    options! {
        /// How many routers a packet of an accepted connection may pass (`IP_TTL`).
        ttl, set_ttl: u32;
    }
}

/// Accepts a connection that does not block and is not inherited by child processes.
fn accept(listener: &std::net::TcpListener) -> io::Result<(std::net::TcpStream, SocketAddr)> {
    #[cfg(target_os = "linux")]
    {
        use rustix::net::{SocketFlags, acceptfrom_with};
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let (socket, address) = acceptfrom_with(listener, flags)?;
        let address = address.ok_or(io::ErrorKind::InvalidData)?;
        Ok((socket.into(), SocketAddr::try_from(address)?))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let (socket, address) = listener.accept()?;
        socket.set_nonblocking(true)?;
        Ok((socket, address))
    }
}

impl Listener for TcpListener {
    type Stream = TcpStream;

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        self.poll_accept(cx).map_ok(|(stream, _address)| stream)
    }

    fn event_loop(&self) -> EventLoop {
        self.io.event_loop()
    }
}

socket!(TcpListener, std::net::TcpListener);
