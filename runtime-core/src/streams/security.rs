//! Whether a connection is encrypted, and how far that has come.

use std::io;

use super::session::Session;
use super::session_details::TlsSession;

/// The TLS session of a connection, if it has one.
///
/// The handshake runs code of users, which looks certificates up and checks them: so whoever goes
/// on with it *borrows* the session, and returns it. What is written meanwhile is kept here, and is
/// encrypted at the end of the handshake.
#[derive(Debug, Default)]
pub(super) struct Security {
    is_on: bool,
    /// Also `None` while it is lent, and once the connection is over.
    session: Option<Box<dyn Session>>,
    /// What has been written during the handshake; `None` before and after.
    early: Option<Vec<u8>>,
}

impl Security {
    /// Begins the handshake.
    pub(super) fn begin(&mut self, session: Box<dyn Session>) {
        *self = Security {
            is_on: true,
            session: Some(session),
            early: Some(Vec::new()),
        };
    }

    pub(super) fn is_on(&self) -> bool {
        self.is_on
    }

    pub(super) fn is_handshaking(&self) -> bool {
        self.early.is_some()
    }

    /// How many bytes wait for the end of the handshake.
    pub(super) fn unsent(&self) -> usize {
        self.early.as_ref().map_or(0, Vec::len)
    }

    /// The session, once the handshake has ended.
    pub(super) fn established(&mut self) -> Option<&mut (dyn Session + 'static)> {
        match self.early {
            Some(_) => None,
            None => self.session.as_deref_mut(),
        }
    }

    /// # Errors
    /// The session has ended.
    pub(super) fn encrypt(&mut self, plain: &[u8]) -> io::Result<()> {
        if let Some(early) = &mut self.early {
            early.extend_from_slice(plain);
            return Ok(());
        }
        let session = self.session.as_deref_mut();
        session.map_or(Ok(()), |session| session.encrypt(plain))
    }

    /// Appends all that is to be sent.
    pub(super) fn take_cipher(&mut self, cipher: &mut Vec<u8>) {
        if let Some(session) = &mut self.session {
            session.take_cipher(cipher);
        }
    }

    /// Lends the session to who goes on with the handshake.
    pub(super) fn lend(&mut self) -> Option<Box<dyn Session>> {
        self.early.as_ref()?;
        self.session.take()
    }

    /// Takes the session back. If the handshake has ended, what was written meanwhile follows.
    ///
    /// # Errors
    /// The session has ended.
    pub(super) fn give_back(&mut self, session: Box<dyn Session>) -> io::Result<()> {
        let is_handshaking = session.is_handshaking();
        self.session = Some(session);
        match self.early.take_if(|_| !is_handshaking) {
            Some(early) => self.encrypt(&early),
            None => Ok(()),
        }
    }

    /// Tells the peer that nothing follows.
    pub(super) fn end(&mut self) {
        if let Some(session) = &mut self.session {
            session.end();
        }
    }

    /// What was agreed upon; `None` if the connection is not encrypted, or not yet.
    pub(super) fn details(&mut self) -> Option<TlsSession> {
        self.established().map(|session| session.details())
    }

    /// The connection is over: its session, to be dropped outside all locks.
    pub(super) fn over(&mut self) -> Option<Box<dyn Session>> {
        self.early = None;
        self.session.take()
    }
}
