//! Accepts the connections of a server, by the thread that polls.
//!
//! There is no task for it: as in asyncio, a server is not among `all_tasks`, and cancelling all
//! tasks does not stop it. The acceptor is the waker of its listener; whoever dispatches the event
//! accepts what there is, which is a few system calls for each connection, and makes the tasks of
//! the handlers.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::task::{Context, Poll, Wake, Waker};

use super::endpoint::{Endpoint, Kind};
use crate::net::{AcceptError, Async, accept_nonblocking};
use crate::runtime::{Direction, EventLoop, WaiterKey, wake_catching};
use crate::sync::{Mutex, Ready, StdArc, StdWeak};

/// What is done with a connection.
pub(super) type Serve = dyn Fn(Endpoint) + Send + Sync;

/// Accepts connections of one listening socket.
pub(super) struct Acceptor {
    event_loop: EventLoop,
    kind: Kind,
    backlog: u32,
    serve: Box<Serve>,
    socket: Mutex<Socket>,
    waiting: Mutex<Option<WaiterKey>>,
}

#[derive(Debug)]
enum Socket {
    /// Bound to its address.
    Bound(OwnedFd),
    Listening(Async<OwnedFd>),
    Closed,
}

/// The outcome of an attempt to accept.
enum Accepted {
    Connection(OwnedFd),
    /// It is to be tried again.
    Nothing,
    /// Nothing is to be done until it is woken, or at all.
    Waits,
    Failed(&'static str, io::Error),
}

impl Acceptor {
    pub(super) fn new(
        event_loop: &EventLoop,
        socket: OwnedFd,
        kind: Kind,
        backlog: u32,
        serve: Box<Serve>,
    ) -> StdArc<Acceptor> {
        StdArc::new(Acceptor {
            event_loop: event_loop.clone(),
            kind,
            backlog,
            serve,
            socket: Mutex::new(Socket::Bound(socket)),
            waiting: Mutex::new(None),
        })
    }

    /// Begins to listen, if it does not yet.
    ///
    /// # Errors
    /// Those of the system, or the loop is closed. The socket is closed then.
    pub(super) fn start(self: &StdArc<Self>) -> io::Result<()> {
        let mut socket = self.socket.lock();
        let bound = match std::mem::replace(&mut *socket, Socket::Closed) {
            Socket::Bound(bound) => bound,
            other => {
                *socket = other;
                return Ok(());
            }
        };
        let backlog = i32::try_from(self.backlog).unwrap_or(i32::MAX);
        rustix::net::listen(&bound, backlog)?;
        let listening = Async::with_loop(&self.event_loop, bound, Ready::BOTH)?;
        *socket = Socket::Listening(listening);
        drop(socket);
        self.accept_some();
        Ok(())
    }

    /// Stops listening, and closes the socket.
    pub(super) fn close(&self) {
        let closed = std::mem::replace(&mut *self.socket.lock(), Socket::Closed);
        if let Socket::Listening(listening) = &closed {
            // The waker is the acceptor itself, which finds the socket closed.
            listening.retire().into_iter().for_each(wake_catching);
        }
    }

    /// Has `look` look at the socket, unless it is closed.
    pub(super) fn with_socket<R>(&self, look: impl FnOnce(&dyn AsFd) -> R) -> Option<R> {
        match &*self.socket.lock() {
            Socket::Bound(socket) => Some(look(socket)),
            Socket::Listening(socket) => Some(look(socket)),
            Socket::Closed => None,
        }
    }

    /// Accepts as many connections as may have waited; if there are more, others come first.
    fn accept_some(self: &StdArc<Self>) {
        for _ in 0..=self.backlog {
            match self.accept() {
                Accepted::Connection(socket) => self.take(socket),
                Accepted::Nothing => {}
                Accepted::Waits => return,
                Accepted::Failed(message, error) => return self.pause(message, &error),
            }
        }
        let again = StdArc::downgrade(self);
        self.event_loop.call_soon(move || go_on(&again));
    }

    /// Accepts a connection, or waits for one. All that uses the socket is done while it is locked,
    /// so that it is closed once `close` has returned; what is done with the connection is not,
    /// since a report runs code of the user, which may close the server.
    fn accept(self: &StdArc<Self>) -> Accepted {
        let socket = self.socket.lock();
        let Socket::Listening(listening) = &*socket else {
            return Accepted::Waits;
        };
        let mut accepted = Accepted::Nothing;
        let accept = |socket: &OwnedFd| {
            accepted = Accepted::Connection(accept_nonblocking(socket)?);
            Ok(1)
        };
        let Err(error) = listening.try_transfer(Direction::Read, 1, accept) else {
            return accepted;
        };
        match AcceptError::of(&error) {
            AcceptError::NoneWaits if self.waits(listening) => Accepted::Waits,
            AcceptError::NoneWaits | AcceptError::OfOneConnection => Accepted::Nothing,
            AcceptError::LoopClosed => Accepted::Waits,
            other => Accepted::Failed(other.message(), error),
        }
    }

    fn take(&self, socket: OwnedFd) {
        match Endpoint::accepted(&self.event_loop, socket, self.kind) {
            Ok(endpoint) => (self.serve)(endpoint),
            Err(error) => self.report("Accepting a connection failed", &error),
        }
    }

    /// Whether it has to wait for the next connection.
    fn waits(self: &StdArc<Self>, listening: &Async<OwnedFd>) -> bool {
        let waker = Waker::from(StdArc::clone(self));
        let cx = Context::from_waker(&waker);
        let key = &mut *self.waiting.lock();
        match listening.poll_ready_as(Direction::Read, key, &cx) {
            // The loop is closed: nothing is to be done any more.
            Poll::Ready(Err(_)) | Poll::Pending => true,
            Poll::Ready(Ok(())) => false,
        }
    }

    /// Accepts nothing for a while. The connections wait.
    fn pause(self: &StdArc<Self>, message: &'static str, error: &io::Error) {
        self.report(message, error);
        let again = StdArc::downgrade(self);
        self.event_loop
            .call_later(AcceptError::PAUSE, move || go_on(&again));
    }

    fn report(&self, message: &'static str, error: &io::Error) {
        self.event_loop.report(message, error.to_string());
    }
}

fn go_on(acceptor: &StdWeak<Acceptor>) {
    if let Some(acceptor) = acceptor.upgrade() {
        acceptor.accept_some();
    }
}

/// There may be a connection.
impl Wake for Acceptor {
    fn wake(self: StdArc<Self>) {
        self.accept_some();
    }
}

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acceptor")
            .field("socket", &*self.socket.lock())
            .finish_non_exhaustive()
    }
}
