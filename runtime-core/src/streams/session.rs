//! What encrypts a connection: the only thing that the rest of this folder knows of TLS.

use std::fmt;
use std::io;

use super::session_details::TlsSession;

/// The end of a TLS session that is here. It reads and writes no socket.
///
/// It has one method for each step, so that it can be split into a half that decrypts and one that
/// encrypts once the library under it can.
pub(super) trait Session: fmt::Debug + Send {
    /// Encrypts `plain`; what comes of it is for [`take_cipher`](Session::take_cipher). During
    /// the handshake it is kept until its end.
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
pub(super) enum Decrypted {
    More,
    /// The peer has told that nothing follows.
    End,
}

/// Begins a session, for one connection.
pub(super) type NewSession = dyn Fn() -> io::Result<Box<dyn Session>> + Send + Sync;
