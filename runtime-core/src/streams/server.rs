//! `Server`.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use socket2::SockRef;

use super::acceptor::Acceptor;
use super::clients::Clients;
use super::connection::Connection;
use super::outgoing::Outgoing;
use super::socket_file::SocketFile;
use crate::locks::Event;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutex, StdArc};
use crate::tasks::catch_cancelled;

/// A server: `asyncio.Server`. [`start_server`](super::start_server) makes it.
///
/// It accepts connections until it is closed, or dropped; `serve_forever` need not be called for
/// that. Connections that are there then go on: see [`close_clients`](Server::close_clients).
pub struct Server {
    acceptors: Vec<StdArc<Acceptor>>,
    clients: StdArc<Clients<Connection>>,
    /// Set when it is closed.
    closed: Event,
    state: Mutex<State>,
    file: Option<SocketFile>,
    /// Somebody is in `serve_forever`.
    forever: AtomicBool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Bound,
    Serving,
    Closed,
}

impl Server {
    pub(super) fn new(
        acceptors: Vec<StdArc<Acceptor>>,
        clients: StdArc<Clients<Connection>>,
        file: Option<SocketFile>,
    ) -> Server {
        Server {
            acceptors,
            clients,
            closed: Event::new(),
            state: Mutex::new(State::Bound),
            file,
            forever: AtomicBool::new(false),
        }
    }

    /// Begins to accept connections. There is nothing to do if it does already, which is the usual
    /// case: see [`start_serving`](super::StartServer::start_serving) of `start_server`.
    ///
    /// # Errors
    /// The server is closed; or the system cannot listen, and then it is closed.
    pub fn start_serving(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        match *state {
            State::Serving => return Ok(()),
            State::Closed => return Err(is_closed()),
            State::Bound => *state = State::Serving,
        }
        drop(state);
        let started = self.acceptors.iter().try_for_each(Acceptor::start);
        started.inspect_err(|_| self.close())
    }

    /// Serves until the server is closed, or this is cancelled.
    ///
    /// # Errors
    /// The server is closed already, or somebody else is in this method.
    ///
    /// # Cancellation
    /// Closes the server and all connections, and waits for the end of these, as asyncio 3.15
    /// does. If this future is dropped, all are closed, and nothing is waited for.
    ///
    /// ```no_run
    /// # async fn doc(server: asyncio::Server) -> std::io::Result<()> {
    /// server.serve_forever().await
    /// # }
    /// ```
    pub async fn serve_forever(&self) -> io::Result<()> {
        // AcqRel: only one is in here at a time.
        if self.forever.swap(true, Ordering::AcqRel) {
            let text = "the server is already being awaited on serve_forever()";
            return Err(io::Error::other(text));
        }
        let unfinished = Forever(self);
        self.start_serving()?;
        let waited = catch_cancelled(self.closed.wait()).await;
        drop(unfinished);
        if let Err(error) = waited {
            self.wait_closed().await;
            error.raise().await;
        }
        Ok(())
    }

    /// Stops accepting, and closes the listening sockets. The connections that are there go on.
    /// A `serve_forever` that somebody awaits returns. A second call does nothing.
    pub fn close(&self) {
        let before = std::mem::replace(&mut *self.state.lock(), State::Closed);
        if before == State::Closed {
            return;
        }
        // While the socket is open, no other file has the number of its own.
        self.file.iter().for_each(SocketFile::remove);
        self.acceptors.iter().for_each(|acceptor| acceptor.close());
        self.clients.close();
        self.closed.set();
    }

    /// Closes all connections as [`StreamWriter::close`](super::StreamWriter::close) does: what
    /// was written is still sent.
    pub fn close_clients(&self) {
        for connection in self.clients.all() {
            connection.update(Outgoing::close);
        }
    }

    /// Closes all connections at once. What was written and has not been sent is lost.
    pub fn abort_clients(&self) {
        for connection in self.clients.all() {
            connection.update(Outgoing::abort);
        }
    }

    /// Waits until the server is closed, and all its connections are.
    ///
    /// It does not wait for the tasks of handlers: one that has closed its connection may still be
    /// at work.
    ///
    /// # Cancellation
    /// Nothing happens to the server.
    pub async fn wait_closed(&self) {
        self.clients.gone().wait().await;
    }

    /// Whether the server accepts connections.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        *self.state.lock() == State::Serving
    }

    /// The addresses at which it listens; none once it is closed, nor for a Unix socket.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        let all = self.acceptors.iter();
        all.filter_map(|acceptor| acceptor.with_socket(address).flatten())
            .collect()
    }
}

fn address(socket: &dyn AsFd) -> Option<SocketAddr> {
    let socket = socket.as_fd();
    SockRef::from(&socket).local_addr().ok()?.as_socket()
}

fn is_closed() -> io::Error {
    io::Error::other("the server is closed")
}

/// Somebody is in `serve_forever`. It ends with the server, whichever way.
struct Forever<'a>(&'a Server);

impl Drop for Forever<'_> {
    fn drop(&mut self) {
        let server = self.0;
        if *server.state.lock() != State::Closed {
            // It was cancelled or dropped: otherwise the server is closed by now.
            server.close();
            server.close_clients();
        }
        server.forever.store(false, Ordering::Release);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not locked while it is written: that may wait.
        let state = *self.state.lock();
        f.debug_struct("Server")
            .field("state", &state)
            .field("addresses", &self.local_addrs())
            .finish_non_exhaustive()
    }
}
