//! What encrypts a connection: the only thing that the rest of this folder knows of TLS.

use std::fmt;
use std::io;
use std::time::Duration;

use super::session_details::TlsSession;
use crate::sync::StdArc;

/// The end of a TLS session that is here. It reads and writes no socket.
///
/// It has one method for each step, so that it can be split into a half that decrypts and one that
/// encrypts once the library under it can.
pub(super) trait Session: fmt::Debug + Send {
    /// Encrypts `plain`; what comes of it is for [`take_cipher`](Session::take_cipher). The
    /// handshake must have ended.
    ///
    /// # Errors
    /// The session has ended.
    fn encrypt(&mut self, plain: &[u8]) -> io::Result<()>;

    /// Appends all that is to be sent.
    fn take_cipher(&mut self, cipher: &mut Vec<u8>);

    /// Decrypts from the beginning of `cipher`, which it moves on, until something has been
    /// appended to `plain`, or more is needed.
    ///
    /// # Errors
    /// What has come is not what the peer may send. An alert may have to be sent.
    fn decrypt(&mut self, cipher: &mut &[u8], plain: &mut Vec<u8>) -> io::Result<Decrypted>;

    /// Whether the handshake goes on.
    fn is_handshaking(&self) -> bool;

    /// Tells the peer that nothing follows.
    fn end(&mut self);

    /// What was agreed upon.
    fn details(&self) -> TlsSession;
}

/// Whether more may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "tls"),
    expect(dead_code, reason = "only a session says so")
)]
pub(super) enum Decrypted {
    More,
    /// The peer has told that nothing follows.
    End,
}

/// Begins a session, for one connection.
pub(super) type NewSession = dyn Fn() -> io::Result<Box<dyn Session>> + Send + Sync;

/// Whether, and how, connections are encrypted from their beginning.
#[derive(Clone, Default)]
pub(super) struct Encryption {
    pub(super) new_session: Option<StdArc<NewSession>>,
    pub(super) times: Times,
}

/// asyncio's limits for the beginning and for the end of a session.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    pub(super) ssl_handshake_timeout: Option<Duration>,
    pub(super) ssl_shutdown_timeout: Option<Duration>,
}

impl Encryption {
    /// Begins a session, if the connection is to have one.
    ///
    /// # Errors
    /// The name of the server is none, or the configuration is of no use; or times were set, and
    /// nothing is encrypted.
    pub(super) fn begin(&self) -> io::Result<Option<Box<dyn Session>>> {
        self.check()?;
        let new_session = self.new_session.as_ref();
        new_session.map(|new_session| new_session()).transpose()
    }

    /// # Errors
    /// Times were set, and nothing is encrypted.
    pub(super) fn check(&self) -> io::Result<()> {
        let name = match self.times {
            _ if self.new_session.is_some() => return Ok(()),
            Times {
                ssl_handshake_timeout: Some(_),
                ..
            } => "ssl_handshake_timeout",
            Times {
                ssl_shutdown_timeout: Some(_),
                ..
            } => "ssl_shutdown_timeout",
            _ => return Ok(()),
        };
        let text = format!("{name} is only meaningful with TLS");
        Err(io::Error::new(io::ErrorKind::InvalidInput, text))
    }
}

impl Times {
    /// How long a handshake may take.
    pub(super) fn handshake(self) -> Duration {
        self.ssl_handshake_timeout
            .unwrap_or(Duration::from_secs(60))
    }

    /// How long the end may take: until all has been sent, and the peer has ended as well.
    pub(super) fn shutdown(self) -> Duration {
        self.ssl_shutdown_timeout.unwrap_or(Duration::from_secs(30))
    }
}
