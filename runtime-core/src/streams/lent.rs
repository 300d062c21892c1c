//! What a reader has lent to a caller of `poll_fill_buf`.

use super::buffer::ReadBuffer;
use super::connection::Connection;
use super::incoming::Incoming;
use crate::sync::UserMutexGuard;

/// The bytes of a connection that have moved to its reader, because a reference to them cannot be
/// given out from behind a lock.
#[derive(Debug, Default)]
pub(super) struct Lent {
    bytes: ReadBuffer,
}

impl Lent {
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// Takes all that there is in the buffer.
    pub(super) fn lend(&mut self, mut incoming: UserMutexGuard<'_, Incoming>) {
        incoming.lend(&mut self.bytes);
    }

    /// Gives back what has been lent and not been used, and returns the buffer.
    pub(super) fn give_back<'a>(
        &mut self,
        connection: &'a Connection,
    ) -> UserMutexGuard<'a, Incoming> {
        let mut incoming = connection.incoming();
        if !self.bytes.is_empty() {
            incoming.put_back(&mut self.bytes);
        }
        incoming
    }

    /// The first `count` bytes have been used. The rest is given back at once: it may be the
    /// beginning of a TLS handshake, which does not ask the reader for it.
    pub(super) fn consume(&mut self, count: usize, connection: &Connection) {
        self.bytes.discard(count);
        connection.incoming().put_back(&mut self.bytes);
    }
}
