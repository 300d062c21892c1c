//! The descriptor of a stream: how it is read from, written to, and ended.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll, Waker};

use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, SendFlags};
use socket2::SockRef;

use crate::net::{Async, TcpStream, UnixStream, send_file_part};
use crate::runtime::{Direction, EventLoop, WaiterKey};
use crate::sync::Ready;

/// What kind of descriptor it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Tcp,
    Unix,
    Pipe,
}

/// A descriptor that is registered with its loop.
#[derive(Debug)]
pub(super) struct Endpoint {
    io: Async<OwnedFd>,
    kind: Kind,
}

impl Endpoint {
    pub(super) fn of_tcp(stream: TcpStream) -> Endpoint {
        Endpoint::of_socket(stream.into_async().map(OwnedFd::from), Kind::Tcp)
    }

    pub(super) fn of_unix(stream: UnixStream) -> Endpoint {
        Endpoint::of_socket(stream.into_async().map(OwnedFd::from), Kind::Unix)
    }

    /// A pipe, or another descriptor that is not a socket.
    pub(super) fn of_pipe(event_loop: &EventLoop, pipe: OwnedFd) -> io::Result<Endpoint> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Endpoint {
            io: Async::with_loop(event_loop, pipe, Ready::BOTH)?,
            kind: Kind::Pipe,
        })
    }

    /// A connection that does not block, and that was accepted for a loop.
    pub(super) fn accepted(
        event_loop: &EventLoop,
        socket: OwnedFd,
        kind: Kind,
    ) -> io::Result<Endpoint> {
        let io = Async::with_loop(event_loop, socket, Ready::BOTH)?;
        Ok(Endpoint::of_socket(io, kind))
    }

    fn of_socket(io: Async<OwnedFd>, kind: Kind) -> Endpoint {
        if kind == Kind::Tcp {
            // Small writes go out at once, as asyncio's. It fails if the peer has gone already:
            // the first read or write tells.
            let _set = SockRef::from(&io).set_tcp_nodelay(true);
        }
        Endpoint { io, kind }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn event_loop(&self) -> EventLoop {
        self.io.event_loop()
    }

    /// Receives into the spare capacity of `bytes`. 0 is the end.
    pub(super) fn poll_receive(
        &self,
        cx: &Context<'_>,
        bytes: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        // From a TCP socket a read that is short has taken all that there was.
        let room = match self.kind {
            Kind::Tcp => bytes.capacity() - bytes.len(),
            Kind::Unix | Kind::Pipe => 1,
        };
        let kind = self.kind;
        let receive = |fd: &OwnedFd| receive(fd, kind, bytes);
        self.io.poll_transfer(Direction::Read, cx, room, receive)
    }

    /// Sends a part of `bytes`.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock), or those of the system.
    pub(super) fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        let send = |fd: &OwnedFd| send(fd, self.kind, bytes);
        self.io.try_transfer(Direction::Write, bytes.len(), send)
    }

    /// Receives and drops what the peer still sends. Returns whether it has ended.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock), or those of the system.
    pub(super) fn try_discard(&self, scratch: &mut Vec<u8>) -> io::Result<bool> {
        scratch.clear();
        let receive = |fd: &OwnedFd| receive(fd, self.kind, scratch);
        let received = self.io.try_transfer(Direction::Read, 1, receive)?;
        Ok(received == 0)
    }

    /// Has the kernel send a part of a file.
    pub(super) async fn send_file(
        &self,
        file: BorrowedFd<'_>,
        offset: u64,
        count: usize,
    ) -> io::Result<usize> {
        send_file_part(&self.io, file, offset, count).await
    }

    /// Waits until a direction is ready, for one that always polls with the same waker.
    pub(super) fn poll_ready_as(
        &self,
        direction: Direction,
        key: &mut Option<WaiterKey>,
        cx: &Context<'_>,
    ) -> Poll<io::Result<()>> {
        self.io.poll_ready_as(direction, key, cx)
    }

    /// Tells the peer that nothing follows. For a pipe there is nothing but to close it.
    pub(super) fn end_writes(&self) {
        if self.kind != Kind::Pipe {
            // It fails if the connection has ended already: the peer knows.
            let _ended = rustix::net::shutdown(&self.io, rustix::net::Shutdown::Write);
        }
    }

    /// Refuses operations from now on. Returns the wakers of all who wait.
    pub(super) fn retire(&self) -> Vec<Waker> {
        self.io.retire()
    }

    /// The addresses of this end and of the other, if it is a socket of the Internet.
    pub(super) fn addresses(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        if self.kind != Kind::Tcp {
            return (None, None);
        }
        let socket = SockRef::from(&self.io);
        let local = socket.local_addr().ok();
        let peer = socket.peer_addr().ok();
        let internet = |address: Option<socket2::SockAddr>| address?.as_socket();
        (internet(local), internet(peer))
    }
}

impl AsFd for Endpoint {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.as_fd()
    }
}

fn receive(fd: &OwnedFd, kind: Kind, bytes: &mut Vec<u8>) -> io::Result<usize> {
    let room = spare_capacity(bytes);
    Ok(match kind {
        Kind::Pipe => rustix::io::read(fd, room)?,
        Kind::Tcp | Kind::Unix => rustix::net::recv(fd, room, RecvFlags::empty())?.0,
    })
}

fn send(fd: &OwnedFd, kind: Kind, bytes: &[u8]) -> io::Result<usize> {
    Ok(match kind {
        Kind::Pipe => rustix::io::write(fd, bytes)?,
        Kind::Tcp | Kind::Unix => rustix::net::send(fd, bytes, SendFlags::NOSIGNAL)?,
    })
}
