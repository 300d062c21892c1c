//! What a connection has to send, and how it ends. All of it is behind the lock of the connection.

use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::endpoint::{Endpoint, Kind};
use super::errors::SharedError;
use super::pending::Pending;
use super::refusal::Refusal;
use super::security::Security;
use super::session::Session;
use super::watermarks::Watermarks;
use crate::runtime::{Direction, Flush, WaiterKey, Waiters};
use crate::sync::StdArc;

/// Whether the writes have been ended, while reading goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Eof {
    No,
    /// It is told once all before it has been sent.
    Asked,
    Told,
}

/// How far the end of the connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    No,
    /// Over once all has been sent.
    Asked,
    /// All has been sent under TLS; over once the peer has ended as well.
    Lingering,
    Over,
}

/// The sending half of a connection, and its end.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// `None` once the connection is over.
    endpoint: Option<StdArc<Endpoint>>,
    pub(super) security: Security,
    pending: Pending,
    pub(super) marks: Watermarks,
    /// More is pending than the high mark, and has not come down to the low one since.
    paused: bool,
    eof: Eof,
    ending: Ending,
    /// With what the connection was lost.
    error: Option<SharedError>,
    /// Why something was not written: for the next `drain`.
    refused: Option<Refusal>,
    /// Keeps the loop open while this is closed, and still sends.
    flush: Option<Flush>,
    /// For how long an end under TLS may go on that has just begun.
    limit: Option<Duration>,
    ssl_shutdown_timeout: Duration,
    writable: Option<WaiterKey>,
    readable: Option<WaiterKey>,
    /// The polls that wait until a writer may go on, or all has been sent.
    pub(super) polls: Waiters,
}

/// What is to be done once the lock has been released.
#[derive(Debug, Default)]
#[must_use = "somebody waits for it"]
pub(super) struct Effects {
    /// Who waits in `drain` may go on.
    pub(super) resumed: bool,
    /// Polls that may go on.
    pub(super) due: Vec<Waker>,
    /// The loop need not wait any more.
    pub(super) flushed: Option<Flush>,
    /// The end under TLS has begun, and may take so long.
    pub(super) limit: Option<Duration>,
    /// There is more to be done at once, but others come first.
    pub(super) again: bool,
    /// The connection is over: its descriptor, to be closed.
    pub(super) closed: Option<StdArc<Endpoint>>,
    /// To be dropped with it.
    pub(super) session: Option<Box<dyn Session>>,
}

impl Outgoing {
    pub(super) fn new(endpoint: StdArc<Endpoint>) -> Outgoing {
        Outgoing {
            endpoint: Some(endpoint),
            security: Security::default(),
            pending: Pending::default(),
            marks: Watermarks::default(),
            paused: false,
            eof: Eof::No,
            ending: Ending::No,
            error: None,
            refused: None,
            flush: None,
            limit: None,
            ssl_shutdown_timeout: Duration::ZERO,
            writable: None,
            readable: None,
            polls: Waiters::default(),
        }
    }

    /// Takes bytes to be sent. What can be sent at once, is.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if self.refuse_write() {
            return;
        }
        match &self.endpoint {
            _ if self.security.is_on() => self.encrypt(bytes),
            Some(endpoint) if self.pending.is_empty() => match send_some(endpoint, bytes) {
                Ok(sent) => self.pending.append(&bytes[sent..]),
                Err(error) => self.fail(error),
            },
            _ => self.pending.append(bytes),
        }
    }

    fn encrypt(&mut self, bytes: &[u8]) {
        // A record of 16 KiB has some twenty bytes more than it was given.
        self.pending
            .make_room(bytes.len().min(PIECE) * 33 / 32 + 64);
        // In pieces, so that there are not three copies of something large.
        for piece in bytes.chunks(PIECE) {
            if let Err(error) = self.security.encrypt(piece) {
                return self.fail(error);
            }
            self.pending
                .fill(|cipher| self.security.take_cipher(cipher));
        }
    }

    fn refuse_write(&mut self) -> bool {
        let refusal = match (self.ending, self.eof) {
            (Ending::No, Eof::No) => return false,
            (Ending::No, _) => Refusal::Eof,
            _ => Refusal::Closed,
        };
        self.refused.get_or_insert(refusal);
        true
    }

    /// Ends the writes once all has been sent.
    pub(super) fn write_eof(&mut self) {
        if self.security.is_on() {
            self.refused.get_or_insert(Refusal::NoEof);
        } else if self.eof == Eof::No {
            self.eof = Eof::Asked;
        }
    }

    /// Ends the connection once all has been sent.
    pub(super) fn close(&mut self) {
        if self.ending == Ending::No {
            if self.security.is_handshaking() {
                // As asyncio: there is nothing to end yet.
                return self.abort();
            }
            self.ending = Ending::Asked;
            if self.security.is_on() {
                self.security.end();
                self.limit = Some(self.ssl_shutdown_timeout);
            }
        }
    }

    /// Ends the connection at once. What has not been sent is dropped.
    pub(super) fn abort(&mut self) {
        self.pending.clear();
        self.ending = Ending::Over;
    }

    /// The end under TLS has taken too long.
    pub(super) fn end_is_late(&mut self) {
        if self.pending.is_empty() {
            // The peer does not end, but may have got all.
            return self.abort();
        }
        let text = "SSL shutdown timed out: not all bytes could be sent";
        self.fail(io::Error::new(io::ErrorKind::TimedOut, text));
    }

    /// Encrypts from now on.
    ///
    /// # Errors
    /// The connection is lost or closed, or its writes have been ended; or it cannot be encrypted.
    pub(super) fn may_be_secured(&mut self) -> io::Result<()> {
        self.drained()?;
        let kind = self.endpoint.as_ref().map(|endpoint| endpoint.kind());
        let refusal = match (self.ending, self.eof) {
            _ if self.security.is_on() => Refusal::Twice,
            _ if kind == Some(Kind::Pipe) => Refusal::Pipe,
            (Ending::No, Eof::No) => return Ok(()),
            (Ending::No, _) => Refusal::Eof,
            _ => Refusal::Closed,
        };
        Err(refusal.to_io())
    }

    /// Encrypts from now on. What is pending is sent as it is.
    pub(super) fn secure(&mut self, session: Box<dyn Session>, ssl_shutdown_timeout: Duration) {
        self.marks.secure();
        self.security.begin(session);
        self.ssl_shutdown_timeout = ssl_shutdown_timeout;
    }

    /// Takes back what was lent for the handshake; if the connection is over, returns it.
    pub(super) fn give_back(&mut self, session: Box<dyn Session>) -> Option<Box<dyn Session>> {
        if self.ending == Ending::Over {
            return Some(session);
        }
        if let Err(error) = self.security.give_back(session) {
            self.fail(error);
        }
        None
    }

    /// The connection has failed: it is over once the lock is released.
    pub(super) fn fail(&mut self, error: io::Error) {
        if self.ending != Ending::Over && self.error.is_none() {
            self.error = Some(SharedError::new(error));
        }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.ending != Ending::No || self.error.is_some()
    }

    /// The TLS session; once the connection ends, nothing that comes is of interest to it.
    pub(super) fn session_unless_ending(&mut self) -> Option<&mut (dyn Session + 'static)> {
        match self.ending {
            Ending::No => self.security.established(),
            _ => None,
        }
    }

    pub(super) fn error(&self) -> Option<io::Error> {
        self.error.as_ref().map(SharedError::to_io)
    }

    pub(super) fn is_over(&self) -> bool {
        self.endpoint.is_none()
    }

    pub(super) fn can_write_eof(&self) -> bool {
        !self.security.is_on()
    }

    /// How many bytes have not been sent.
    pub(super) fn unsent(&self) -> usize {
        self.pending.len() + self.security.unsent()
    }

    /// What the kernel may send a file to: not under TLS, nor once the writes have ended.
    pub(super) fn endpoint_for_files(&self) -> Option<StdArc<Endpoint>> {
        let plain = !self.security.is_on() && self.ending == Ending::No && self.eof == Eof::No;
        self.endpoint.clone().filter(|_| plain)
    }

    /// Whether nothing is left to be sent: neither bytes, nor the end.
    pub(super) fn is_flushed(&self) -> bool {
        self.unsent() == 0 && self.eof != Eof::Asked
    }

    /// Whether the handshake goes on.
    ///
    /// # Errors
    /// The connection is over. What was refused is for the next `drain`.
    pub(super) fn is_handshaking(&self) -> io::Result<bool> {
        match (self.error(), self.ending) {
            (Some(error), _) => Err(error),
            (None, Ending::Over) => Err(connection_lost()),
            (None, _) => Ok(self.security.is_handshaking()),
        }
    }

    /// Whether a writer may go on: what `drain` waits for.
    ///
    /// # Errors
    /// The connection was lost or closed, or something was refused since this was asked last.
    pub(super) fn drained(&mut self) -> io::Result<bool> {
        let refused = self.refused();
        match (self.error(), self.ending) {
            // It is the reason why bytes were refused, if any were.
            (Some(error), _) => Err(error),
            _ if refused.is_err() => refused.map(|()| false),
            (None, Ending::Over) => Err(connection_lost()),
            (None, _) => Ok(!self.paused),
        }
    }

    /// Whether bytes would be taken, and a writer may go on.
    ///
    /// # Errors
    /// They would be refused, or those of [`drained`](Outgoing::drained).
    pub(super) fn may_write(&mut self) -> io::Result<bool> {
        self.refuse_write();
        self.drained()
    }

    /// Whether bytes were refused since this was asked last.
    ///
    /// # Errors
    /// They were.
    pub(super) fn refused(&mut self) -> io::Result<()> {
        let refusal = self.refused.take();
        refusal.map_or(Ok(()), |refusal| Err(refusal.to_io()))
    }

    /// Goes on as far as possible: sends, tells the end, closes. `waker` is woken when there is
    /// more to be done.
    pub(super) fn advance(&mut self, waker: impl Fn() -> Waker) -> Effects {
        let mut effects = Effects::default();
        let Some(endpoint) = self.endpoint.clone() else {
            return effects;
        };
        if self.ending != Ending::Over {
            self.flush(&endpoint, &waker);
        }
        if self.error.is_none() && self.pending.is_empty() {
            self.go_on_to_end(&endpoint, &waker, &mut effects);
        }
        if self.error.is_some() || self.ending == Ending::Over {
            self.ending = Ending::Over;
            self.pending.clear();
            effects.closed = self.endpoint.take();
            effects.session = self.security.over();
        }
        match self.ending {
            Ending::Asked if self.flush.is_none() => {
                self.flush = Some(endpoint.event_loop().begin_flush());
            }
            Ending::Lingering | Ending::Over => effects.flushed = self.flush.take(),
            Ending::No | Ending::Asked => {}
        }
        effects.limit = self.limit.take();
        self.look_at_marks(&mut effects);
        effects
    }

    /// Sends what is pending.
    fn flush(&mut self, endpoint: &Endpoint, waker: &impl Fn() -> Waker) {
        if self.security.is_on() {
            self.pending
                .fill(|cipher| self.security.take_cipher(cipher));
        }
        while !self.pending.is_empty() {
            match endpoint.try_send(self.pending.as_slice()) {
                Ok(sent) => self.pending.sent(sent),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let key = &mut self.writable;
                    if !is_ready(endpoint, Direction::Write, key, waker, &mut self.error) {
                        return;
                    }
                }
                Err(error) => return self.fail(error),
            }
        }
    }

    /// All has been sent: the end of the writes, or of the connection, may be told.
    fn go_on_to_end(
        &mut self,
        endpoint: &Endpoint,
        waker: &impl Fn() -> Waker,
        effects: &mut Effects,
    ) {
        if self.eof == Eof::Asked {
            self.eof = Eof::Told;
            endpoint.end_writes();
            if endpoint.kind() == Kind::Pipe {
                self.ending = Ending::Over;
            }
        }
        if self.ending == Ending::Asked {
            self.ending = match self.security.is_on() {
                false => Ending::Over,
                true => Ending::Lingering,
            };
            if self.ending == Ending::Lingering {
                endpoint.end_writes();
            }
        }
        if self.ending == Ending::Lingering && self.peer_ended(endpoint, waker, effects) {
            self.ending = Ending::Over;
        }
    }

    /// Whether the peer has ended as well. Drops what it still sends.
    fn peer_ended(
        &mut self,
        endpoint: &Endpoint,
        waker: &impl Fn() -> Waker,
        effects: &mut Effects,
    ) -> bool {
        let mut scratch = Vec::with_capacity(DISCARDED);
        let mut error = None;
        for _ in 0..ROUNDS {
            match endpoint.try_discard(&mut scratch) {
                Ok(false) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Whatever it is, nothing more comes. All of ours has been sent.
                Ok(true) | Err(_) => return true,
            }
            if scratch.is_empty() {
                let key = &mut self.readable;
                if !is_ready(endpoint, Direction::Read, key, waker, &mut error) {
                    return error.is_some();
                }
            }
        }
        effects.again = true;
        false
    }

    fn look_at_marks(&mut self, effects: &mut Effects) {
        let unsent = self.unsent();
        if self.paused && unsent <= self.marks.low() {
            self.paused = false;
            effects.resumed = true;
        } else if !self.paused && unsent > self.marks.high() {
            self.paused = true;
        }
        if effects.resumed || self.is_flushed() || self.is_over() {
            self.polls.take(&mut effects.due);
        }
    }
}

/// How much of what a lingering peer sends is dropped at a time.
const DISCARDED: usize = 16 << 10;

/// How often that is done until others come first: a peer may send for ever.
const ROUNDS: usize = 16;

/// How much is encrypted at a time.
const PIECE: usize = 64 << 10;

/// Waits for a direction. Returns whether it is ready; if its loop is closed, that is the error.
fn is_ready(
    endpoint: &Endpoint,
    direction: Direction,
    key: &mut Option<WaiterKey>,
    waker: &impl Fn() -> Waker,
    error: &mut Option<SharedError>,
) -> bool {
    let waker = waker();
    match endpoint.poll_ready_as(direction, key, &Context::from_waker(&waker)) {
        Poll::Ready(Ok(())) => true,
        Poll::Pending => false,
        Poll::Ready(Err(closed)) => {
            error.get_or_insert_with(|| SharedError::new(closed));
            false
        }
    }
}

/// Sends as much as can be sent at once.
fn send_some(endpoint: &Endpoint, bytes: &[u8]) -> io::Result<usize> {
    match endpoint.try_send(bytes) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        outcome => outcome,
    }
}

fn connection_lost() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "Connection lost")
}
