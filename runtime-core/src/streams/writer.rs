//! `StreamWriter`.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use super::connection::Connection;
use super::outgoing::Outgoing;
use super::session_details::TlsSession;
use super::watermarks::Watermarks;
use crate::runtime::has_had_its_share;
use crate::sync::StdArc;

/// The half of a connection that writes: `asyncio.StreamWriter`.
///
/// [`write`](StreamWriter::write) never waits: what cannot be sent at once is kept, and is sent as
/// soon as it can be, whether or not anybody awaits [`drain`](StreamWriter::drain). `drain` is for
/// flow control: it waits while too much is kept. Without it, a peer that does not read makes the
/// memory grow.
///
/// All methods take `&self`: several tasks may write, by an `Arc`. It is also `AsyncWrite` of the
/// `futures` crate, and so is `&StreamWriter`.
///
/// A writer that is dropped closes the connection as [`close`](StreamWriter::close) does: what it
/// has kept is still sent. At the end of the loop there is a second for that; if it may take
/// longer, await [`wait_closed`](StreamWriter::wait_closed).
pub struct StreamWriter {
    pub(super) connection: StdArc<Connection>,
}

impl StreamWriter {
    pub(super) fn new(connection: StdArc<Connection>) -> StreamWriter {
        StreamWriter { connection }
    }

    /// Writes `data`: what can be sent is sent at once, the rest later.
    ///
    /// Bytes that are written after [`close`](StreamWriter::close) or
    /// [`write_eof`](StreamWriter::write_eof) are refused; the next
    /// [`drain`](StreamWriter::drain) says so. So it does if the connection is lost.
    pub fn write(&self, data: &[u8]) {
        self.connection.update(|outgoing| outgoing.write(data));
    }

    /// Writes several pieces of data, one after the other, as one [`write`](StreamWriter::write).
    pub fn writelines<I>(&self, data: I)
    where
        I: IntoIterator,
        I::Item: AsRef<[u8]>,
    {
        // The iterator is code of the caller: it does not run under the lock.
        let parts: Vec<I::Item> = data.into_iter().collect();
        let all: usize = parts.iter().map(|part| part.as_ref().len()).sum();
        let mut bytes = Vec::with_capacity(all);
        parts
            .iter()
            .for_each(|part| bytes.extend_from_slice(part.as_ref()));
        self.write(&bytes);
    }

    /// Waits until more may be written: while more is kept than the high mark, until it has come
    /// down to the low one. Returns at once if it is less; it does not wait until all is sent.
    ///
    /// Any number of tasks may wait.
    ///
    /// # Errors
    /// The connection was lost, or is closed, or bytes were refused since the last call.
    ///
    /// # Cancellation
    /// Nothing is lost: what was written is sent all the same.
    pub async fn drain(&self) -> io::Result<()> {
        poll_fn(poll_share).await;
        while !self.connection.drained()? {
            self.connection.resumed().wait().await;
        }
        Ok(())
    }

    /// Sets the marks of [`drain`](StreamWriter::drain), in bytes: it begins to wait above `high`,
    /// and ends at `low`. `None` is the default: 64 KiB (under TLS 512 KiB), and a quarter of
    /// `high`; or four times `low`, if only that is given. With a `high` of 0, `drain` waits until
    /// all is sent to the system.
    ///
    /// # Panics
    /// `low` is above `high`.
    #[track_caller]
    pub fn set_write_buffer_limits(
        &self,
        high: impl Into<Option<usize>>,
        low: impl Into<Option<usize>>,
    ) {
        let marks = Watermarks::chosen(high.into(), low.into());
        self.connection.update(|outgoing| outgoing.marks = marks);
    }

    /// How many bytes have been written and not been sent.
    #[must_use]
    pub fn get_write_buffer_size(&self) -> usize {
        self.connection.look(|outgoing| outgoing.unsent())
    }

    /// Ends the writes, once all has been sent: the peer sees the end of the stream. Reading goes
    /// on. A pipe is closed.
    ///
    /// Under TLS it is refused ([`can_write_eof`](StreamWriter::can_write_eof)), and the next
    /// [`drain`](StreamWriter::drain) says so.
    pub fn write_eof(&self) {
        self.connection.update(Outgoing::write_eof);
    }

    /// Whether the writes can be ended while reading goes on: not under TLS.
    #[must_use]
    pub fn can_write_eof(&self) -> bool {
        self.connection.look(|outgoing| outgoing.can_write_eof())
    }

    /// Closes the connection, in both directions, once all has been sent. Returns at once; a second
    /// call does nothing.
    ///
    /// Under TLS the peer is told first, and has to end as well. All that may take 30 seconds, or
    /// as long as `ssl_shutdown_timeout` says: then the connection is aborted.
    pub fn close(&self) {
        self.connection.update(Outgoing::close);
    }

    /// Closes the connection at once, and drops what has not been sent:
    /// `writer.transport.abort()`.
    pub fn abort(&self) {
        self.connection.update(Outgoing::abort);
    }

    /// Whether the connection is closed, is being closed, or was lost.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.connection.look(|outgoing| outgoing.is_closing())
    }

    /// Waits until the connection is closed, and all that was written has been sent. It does not
    /// close it: call [`close`](StreamWriter::close) first.
    ///
    /// # Errors
    /// That with which the connection was lost. Every call returns it.
    ///
    /// # Cancellation
    /// The connection is closed all the same.
    pub async fn wait_closed(&self) -> io::Result<()> {
        self.connection.over().wait().await;
        let error = self.connection.look(|outgoing| outgoing.error());
        error.map_or(Ok(()), Err)
    }

    /// The address of the peer: `get_extra_info("peername")`. It stays known once the connection
    /// is closed.
    ///
    /// # Errors
    /// [`Unsupported`](io::ErrorKind::Unsupported): the connection is a Unix socket or a pipe. Or
    /// the peer had gone before it could be asked for.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.connection.addresses().1.ok_or_else(no_address)
    }

    /// The address of this end: `get_extra_info("sockname")`. It stays known once the connection
    /// is closed.
    ///
    /// # Errors
    /// [`Unsupported`](io::ErrorKind::Unsupported): the connection is a Unix socket or a pipe.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.connection.addresses().0.ok_or_else(no_address)
    }

    /// What the two ends of the TLS session have agreed upon; `None` if the connection is not
    /// encrypted, or is over.
    #[must_use]
    pub fn tls_session(&self) -> Option<TlsSession> {
        self.connection.look(|outgoing| outgoing.security.details())
    }

    /// Writes all of `data` once drained, to be polled.
    pub(super) fn poll_write(
        &self,
        cx: &mut Context<'_>,
        write: impl FnOnce(&Self),
    ) -> Poll<io::Result<()>> {
        ready!(poll_share(cx));
        ready!(self.connection.poll_until(cx, Outgoing::may_write))?;
        write(self);
        // Not all of it has been taken, as `Ok` would say.
        Poll::Ready(self.connection.look(Outgoing::refused))
    }

    /// Waits until all has been sent, to be polled.
    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection
            .poll_until(cx, |outgoing| match outgoing.error() {
                Some(error) => Err(error),
                None => Ok(outgoing.is_flushed()),
            })
    }

    /// Ends the writes, or under TLS the connection, and waits until all has been sent.
    pub(super) fn poll_end(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.can_write_eof() {
            true => self.write_eof(),
            false => self.close(),
        }
        self.poll_flush(cx)
    }
}

/// A task that always finds room has to let others run at times.
fn poll_share(cx: &mut Context<'_>) -> Poll<()> {
    if has_had_its_share() {
        cx.waker().wake_by_ref();
        return Poll::Pending;
    }
    Poll::Ready(())
}

fn no_address() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "the connection has no Internet address",
    )
}

impl Drop for StreamWriter {
    fn drop(&mut self) {
        self.connection.update(Outgoing::close);
    }
}

impl fmt::Debug for StreamWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StreamWriter")
            .field(&self.connection)
            .finish()
    }
}
