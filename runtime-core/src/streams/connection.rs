//! A connection: what its reader, its writer, its server and the poller share.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, Wake, Waker, ready};
use std::time::{Duration, Instant};

use super::clients::Membership;
use super::delegation::DelegationLock;
use super::endpoint::Endpoint;
use super::incoming::Incoming;
use super::outgoing::{Effects, Outgoing};
use super::session::{Decrypted, Session};
use crate::events::TimerHandle;
use crate::locks::Event;
use crate::runtime::{EventLoop, wake_catching};
use crate::sync::{Mutex, StdArc, StdWeak, UserMutex, UserMutexGuard};

/// A connection. Its halves, and who waits for it, hold it.
pub(super) struct Connection {
    /// What its reader reads by; `None` once the connection is over.
    readable: Mutex<Option<StdArc<Endpoint>>>,
    /// Used by the reader, and by `start_tls`. Wakers of users are cloned and woken while it is
    /// locked: so it is no critical section.
    incoming: UserMutex<Incoming>,
    outgoing: DelegationLock<Outgoing>,
    /// Set when writers may go on. Cleared, under the lock of `outgoing`, by those that wait.
    resumed: Event,
    /// Set when the connection is over.
    over: Event,
    membership: Membership,
    local: Option<SocketAddr>,
    peer: Option<SocketAddr>,
    /// Limits the end under TLS.
    limit: Mutex<Option<TimerHandle>>,
}

impl Connection {
    pub(super) fn new(endpoint: Endpoint, membership: Membership) -> StdArc<Connection> {
        let (local, peer) = endpoint.addresses();
        let endpoint = StdArc::new(endpoint);
        StdArc::new(Connection {
            readable: Mutex::new(Some(StdArc::clone(&endpoint))),
            incoming: UserMutex::new(Incoming::default()),
            outgoing: DelegationLock::new(Outgoing::new(endpoint)),
            resumed: Event::new(),
            over: Event::new(),
            membership,
            local,
            peer,
            limit: Mutex::new(None),
        })
    }

    /// The address of this end, and of the peer's, if they are of the Internet.
    pub(super) fn addresses(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        (self.local, self.peer)
    }

    pub(super) fn over(&self) -> &Event {
        &self.over
    }

    pub(super) fn resumed(&self) -> &Event {
        &self.resumed
    }

    /// What has been received. Only its reader, and who encrypts the connection, ask for it.
    pub(super) fn incoming(&self) -> UserMutexGuard<'_, Incoming> {
        let locked = self.incoming.lock();
        locked.unwrap_or_else(crate::sync::PoisonError::into_inner)
    }

    /// Changes what is to be sent, and goes on with it as far as possible.
    pub(super) fn update<R>(self: &StdArc<Self>, change: impl FnOnce(&mut Outgoing) -> R) -> R {
        let mut outgoing = self.outgoing.lock();
        let result = change(&mut outgoing);
        let effects = outgoing.advance(|| self.waker());
        drop(outgoing);
        self.act(effects);
        self.serve();
        result
    }

    /// Looks at what is to be sent.
    pub(super) fn look<R>(self: &StdArc<Self>, look: impl FnOnce(&mut Outgoing) -> R) -> R {
        let result = look(&mut self.outgoing.lock());
        self.serve();
        result
    }

    /// Whether writers may go on; if not, [`resumed`](Connection::resumed) is set when they may.
    pub(super) fn drained(self: &StdArc<Self>) -> io::Result<bool> {
        self.look(|outgoing| {
            let drained = outgoing.drained()?;
            if !drained {
                self.resumed.clear();
            }
            Ok(drained)
        })
    }

    /// Waits until it is `done`, which what is sent changes; or until the connection is over.
    pub(super) fn poll_until(
        self: &StdArc<Self>,
        cx: &Context<'_>,
        mut done: impl FnMut(&mut Outgoing) -> io::Result<bool>,
    ) -> Poll<io::Result<()>> {
        let is_done = self.update(&mut done);
        if !matches!(is_done, Ok(false)) {
            return Poll::Ready(is_done.map(drop));
        }
        // Cloned, woken and dropped outside the lock: that is code of users.
        let (waker, mut due) = (cx.waker().clone(), Vec::new());
        let (polled, unused) = self.look(|outgoing| match done(outgoing) {
            Ok(false) if !outgoing.is_over() => {
                let unused = outgoing.polls.put_poll(waker, Instant::now, &mut due);
                (Poll::Pending, unused)
            }
            outcome => (Poll::Ready(outcome.map(drop)), Some(waker)),
        });
        due.into_iter().for_each(wake_catching);
        drop(unused);
        polled
    }

    fn waker(self: &StdArc<Self>) -> Waker {
        Waker::from(StdArc::clone(self))
    }

    fn serve(self: &StdArc<Self>) {
        let waker = || self.waker();
        while let Some(effects) = self.outgoing.serve(|outgoing| outgoing.advance(waker)) {
            self.act(effects);
        }
    }

    /// Does what may run code of users.
    fn act(self: &StdArc<Self>, effects: Effects) {
        if let Some(endpoint) = effects.closed {
            let of_reader = self.readable.lock().take();
            endpoint.retire().into_iter().for_each(wake_catching);
            drop((of_reader, endpoint));
            let timer = self.limit.lock().take();
            timer.iter().for_each(TimerHandle::cancel);
            self.over.set();
            self.membership.end();
        } else if let Some(limit) = effects.limit {
            self.limit(limit);
        }
        if effects.again {
            self.go_on_later();
        }
        if effects.resumed {
            self.resumed.set();
        }
        effects.due.into_iter().for_each(wake_catching);
        // Last: the destructor of a user's configuration may panic.
        drop(effects.session);
    }

    /// Limits how long the end may take.
    fn limit(self: &StdArc<Self>, limit: Duration) {
        let Some(event_loop) = self.event_loop() else {
            return;
        };
        let connection: StdWeak<Connection> = StdArc::downgrade(self);
        let timer = event_loop.call_later(limit, move || {
            if let Some(connection) = connection.upgrade() {
                connection.update(Outgoing::end_is_late);
            }
        });
        *self.limit.lock() = Some(timer);
        if self.over.is_set() {
            let timer = self.limit.lock().take();
            timer.iter().for_each(TimerHandle::cancel);
        }
    }

    /// Goes on once others have had their turn.
    fn go_on_later(self: &StdArc<Self>) {
        if let Some(event_loop) = self.event_loop() {
            let mut later = Later(Some(StdArc::clone(self)));
            event_loop.call_soon(move || later.go_on());
        }
    }

    /// `None` if it is over.
    fn event_loop(&self) -> Option<EventLoop> {
        let endpoint = self.readable.lock().clone();
        endpoint.map(|endpoint| endpoint.event_loop())
    }

    /// Receives, once, for a reader that wants `wanted` bytes in all. Returns whether there is
    /// more than before; if not, the stream has ended.
    pub(super) fn poll_more(
        self: &StdArc<Self>,
        incoming: &mut Incoming,
        cx: &Context<'_>,
        wanted: usize,
    ) -> Poll<io::Result<bool>> {
        if let Some(outcome) = incoming.outcome() {
            return Poll::Ready(outcome);
        }
        let received = match incoming.is_secure() {
            false => self.poll_receive(|endpoint| incoming.poll_plain(endpoint, cx, wanted)),
            true => {
                incoming.want(wanted);
                self.poll_decrypted(incoming, cx)
            }
        };
        let more = ready!(received);
        if let Err(error) = &more {
            // Both halves are lost with it.
            let again = incoming.lost(error);
            self.update(|outgoing| outgoing.fail(again));
        }
        Poll::Ready(more.inspect(|&more| incoming.note(more)))
    }

    /// Receives by what there is to receive by. A connection that is over has ended, or has been
    /// lost.
    fn poll_receive(
        self: &StdArc<Self>,
        receive: impl FnOnce(&Endpoint) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<bool>> {
        let endpoint = self.readable.lock().clone();
        let received = match &endpoint {
            Some(endpoint) => ready!(receive(endpoint)),
            None => Ok(0),
        };
        match received {
            // Whatever has happened to the connection since: this comes first.
            Ok(received) if received > 0 => return Poll::Ready(Ok(true)),
            // It may have been closed meanwhile.
            received if self.readable.lock().is_some() => {
                return Poll::Ready(received.map(|_| false));
            }
            _ => {}
        }
        let error = self.look(|outgoing| outgoing.error());
        Poll::Ready(error.map_or(Ok(false), Err))
    }

    fn poll_decrypted(
        self: &StdArc<Self>,
        incoming: &mut Incoming,
        cx: &Context<'_>,
    ) -> Poll<io::Result<bool>> {
        loop {
            let before = incoming.len();
            let decrypted = self.decrypt(incoming);
            if incoming.len() > before {
                return Poll::Ready(Ok(true));
            }
            match decrypted? {
                None => {
                    let error = self.look(|outgoing| outgoing.error());
                    return Poll::Ready(error.map_or(Ok(false), Err));
                }
                Some(Decrypted::End) => {
                    // As asyncio: the peer has closed, so the connection is closed.
                    self.update(Outgoing::close);
                    return Poll::Ready(Ok(false));
                }
                Some(Decrypted::More) => {}
            }
            let received = self.poll_receive(|endpoint| incoming.poll_cipher(endpoint, cx));
            if !ready!(received)? {
                return Poll::Ready(self.end_of_cipher());
            }
        }
    }

    /// Decrypts what has been received. `None` if the session has ended here.
    fn decrypt(self: &StdArc<Self>, incoming: &mut Incoming) -> io::Result<Option<Decrypted>> {
        if let Some(session) = self.look(|outgoing| outgoing.security.lend()) {
            let mut borrowed = Borrowed {
                connection: self,
                session: Some(session),
                panicked: true,
            };
            return borrowed.decrypt(incoming);
        }
        self.update(|outgoing| match outgoing.session_unless_ending() {
            Some(session) => incoming.decrypt(session).map(Some),
            None => Ok(None),
        })
    }

    /// The socket has ended, and the session has not: what should still come may have been cut off.
    fn end_of_cipher(self: &StdArc<Self>) -> io::Result<bool> {
        match self.look(|outgoing| outgoing.is_closing()) {
            true => Ok(false),
            false => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the peer closed the connection without ending the TLS session (close_notify)",
            )),
        }
    }

    /// Encrypts the connection from now on: what has been received, and not been read, is the
    /// beginning of the handshake.
    ///
    /// # Errors
    /// The connection is over, or cannot be encrypted: nothing happens to it.
    pub(super) fn secure(
        self: &StdArc<Self>,
        session: Box<dyn Session>,
        ssl_shutdown_timeout: Duration,
    ) -> io::Result<()> {
        let mut incoming = self.incoming();
        // It is not dropped under the lock.
        let mut session = Some(session);
        self.look(|outgoing| {
            outgoing.may_be_secured()?;
            incoming.secure()?;
            let session = session.take().into_iter();
            session.for_each(|session| outgoing.secure(session, ssl_shutdown_timeout));
            Ok(())
        })
    }

    /// Waits for the end of the handshake.
    pub(super) fn poll_handshake(self: &StdArc<Self>, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let incoming = &mut *self.incoming();
        loop {
            let decrypted = self.decrypt(incoming);
            if let Err(error) = decrypted {
                let again = incoming.lost(&error);
                self.update(|outgoing| outgoing.fail(again));
                return Poll::Ready(Err(error));
            }
            if !self.look(|outgoing| outgoing.is_handshaking())? {
                return Poll::Ready(Ok(()));
            }
            if let Ok(Some(Decrypted::End)) = decrypted {
                return Poll::Ready(Err(ended_in_handshake()));
            }
            if !ready!(self.poll_receive(|endpoint| incoming.poll_cipher(endpoint, cx)))? {
                return Poll::Ready(Err(ended_in_handshake()));
            }
        }
    }
}

/// A connection that goes on later. If it cannot, because its loop is closed, it is over.
struct Later(Option<StdArc<Connection>>);

impl Later {
    fn go_on(&mut self) {
        self.0.take().iter().for_each(Wake::wake_by_ref);
    }
}

impl Drop for Later {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            connection.update(Outgoing::abort);
        }
    }
}

fn ended_in_handshake() -> io::Error {
    let text = "the peer closed the connection during the TLS handshake";
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}

/// The session of a connection, borrowed to go on with the handshake.
struct Borrowed<'a> {
    connection: &'a StdArc<Connection>,
    session: Option<Box<dyn Session>>,
    /// Code of a user has, unless it has returned.
    panicked: bool,
}

impl Borrowed<'_> {
    fn decrypt(&mut self, incoming: &mut Incoming) -> io::Result<Option<Decrypted>> {
        let session = self.session.as_deref_mut();
        let decrypted = session.map(|session| incoming.decrypt(session));
        self.panicked = false;
        decrypted.transpose()
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        let left = self.connection.update(|outgoing| {
            if self.panicked {
                let text = "code that the TLS handshake calls has panicked";
                outgoing.fail(io::Error::other(text));
            }
            outgoing.give_back(session)
        });
        drop(left);
    }
}

/// There is more to be done: an event has come for which `advance` waits.
impl Wake for Connection {
    fn wake(self: StdArc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &StdArc<Self>) {
        self.outgoing.ask();
        self.serve();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Connection");
        if let (Some(local), Some(peer)) = (self.local, self.peer) {
            debug.field("local", &local).field("peer", &peer);
        }
        debug.finish_non_exhaustive()
    }
}
