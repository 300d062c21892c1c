//! What a connection has received.

use std::io;
use std::task::{Context, Poll, ready};

use super::buffer::ReadBuffer;
use super::endpoint::Endpoint;
use super::errors::SharedError;
use super::session::{Decrypted, Session};

/// How the stream has ended.
#[derive(Debug)]
enum End {
    Eof,
    Lost(SharedError),
}

/// What has been received, and how the stream has ended.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    plain: ReadBuffer,
    /// What has not been decrypted yet; `None` if nothing is encrypted.
    cipher: Option<ReadBuffer>,
    end: Option<End>,
    /// Some of `plain` is with the reader, which has lent it to its caller.
    lent: bool,
    /// How many bytes the reader wants in all.
    wanted: usize,
}

impl Incoming {
    /// The reader takes all that there is, for its caller to look at.
    pub(super) fn lend(&mut self, to: &mut ReadBuffer) {
        self.lent = !self.plain.is_empty();
        std::mem::swap(&mut self.plain, to);
    }

    pub(super) fn buffer(&mut self) -> &mut ReadBuffer {
        &mut self.plain
    }

    /// Takes bytes back that were lent: they come before what has been received since.
    pub(super) fn put_back(&mut self, lent: &mut ReadBuffer) {
        self.lent = false;
        if !self.plain.is_empty() {
            let since = self.plain.as_slice().to_vec();
            lent.room_for(0).extend(since);
            self.plain.clear();
        }
        std::mem::swap(&mut self.plain, lent);
    }

    pub(super) fn len(&self) -> usize {
        self.plain.len()
    }

    pub(super) fn is_secure(&self) -> bool {
        self.cipher.is_some()
    }

    /// Whether the stream has ended, and all of it has been read.
    pub(super) fn at_eof(&self) -> bool {
        matches!(self.end, Some(End::Eof)) && self.plain.is_empty()
    }

    /// How the stream has ended: nothing more comes.
    pub(super) fn outcome(&self) -> Option<io::Result<bool>> {
        match self.end.as_ref()? {
            End::Eof => Some(Ok(false)),
            End::Lost(error) => Some(Err(error.to_io())),
        }
    }

    /// The outcome of a read.
    pub(super) fn note(&mut self, more: bool) {
        if !more {
            self.end = Some(End::Eof);
        }
    }

    /// The connection was lost. Returns the error once more.
    pub(super) fn lost(&mut self, error: &io::Error) -> io::Error {
        let lost = SharedError::copy_of(error);
        let again = lost.to_io();
        self.end = Some(End::Lost(lost));
        again
    }

    /// Receives what is not encrypted.
    pub(super) fn poll_plain(
        &mut self,
        endpoint: &Endpoint,
        cx: &Context<'_>,
        wanted: usize,
    ) -> Poll<io::Result<usize>> {
        poll_into(&mut self.plain, endpoint, cx, wanted)
    }

    /// The reader wants so many bytes in all.
    pub(super) fn want(&mut self, wanted: usize) {
        self.wanted = wanted;
    }

    /// Receives what is encrypted.
    pub(super) fn poll_cipher(
        &mut self,
        endpoint: &Endpoint,
        cx: &Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let cipher = self.cipher.get_or_insert_default();
        let wanted = cipher.len() + 1;
        poll_into(cipher, endpoint, cx, wanted)
    }

    /// Decrypts some of what has been received.
    pub(super) fn decrypt(&mut self, session: &mut dyn Session) -> io::Result<Decrypted> {
        let cipher = self.cipher.get_or_insert_default();
        let mut rest = cipher.as_slice();
        let decrypted = session.decrypt(&mut rest, self.plain.room_for(self.wanted));
        let used = cipher.len() - rest.len();
        cipher.discard(used);
        cipher.rest();
        decrypted
    }

    /// Takes what has been received as encrypted.
    ///
    /// # Errors
    /// Some of it has been lent: it would be read as if it had come encrypted.
    pub(super) fn secure(&mut self) -> io::Result<()> {
        if self.lent {
            let text = "what poll_fill_buf has returned is to be consumed before start_tls()";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        self.cipher.get_or_insert(std::mem::take(&mut self.plain));
        Ok(())
    }
}

fn poll_into(
    buffer: &mut ReadBuffer,
    endpoint: &Endpoint,
    cx: &Context<'_>,
    wanted: usize,
) -> Poll<io::Result<usize>> {
    let bytes = buffer.room_for(wanted);
    let received = endpoint.poll_receive(cx, bytes);
    if received.is_pending() {
        buffer.rest();
    }
    let received = ready!(received)?;
    buffer.note_read();
    Poll::Ready(Ok(received))
}
