//! `StreamReader`.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::task::{Context, Poll, ready};

use bytes::Bytes;

use super::connection::Connection;
use super::errors::{IncompleteReadError, LimitOverrunError, ReadUntilError};
use super::incoming::Incoming;
use super::lent::Lent;
use super::outgoing::Outgoing;
use super::separator::{Found, Separator, Separators};
use crate::sync::StdArc;

/// The half of a connection that reads: `asyncio.StreamReader`.
///
/// It has a buffer. What it has received and what no read has taken stays there, so that a read
/// that is cancelled, timed out or dropped loses nothing. It is also `AsyncRead` and `AsyncBufRead`
/// of the `futures` crate.
///
/// The limit, 64 KiB unless the connection was opened with another, is for `readuntil` and
/// `readline`: how many bytes there may be before a separator. Beyond about twice as many, nothing
/// is received until some are read, except for a read that wants more.
///
/// Unlike asyncio's, there cannot be a second task that reads: reads take `&mut self`. And what has
/// been received before an error of the connection is read before that error. Nothing is received
/// while nobody reads: so [`at_eof`](StreamReader::at_eof) notices the end of the stream when a
/// read has.
///
/// ```compile_fail,E0499
/// # async fn doc(mut reader: asyncio::StreamReader) -> std::io::Result<()> {
/// let (one, two) = (reader.read(1), reader.read(1));
/// one.await?;
/// two.await?;
/// # Ok(())
/// # }
/// ```
pub struct StreamReader {
    connection: StdArc<Connection>,
    limit: usize,
    /// What `poll_fill_buf` has lent.
    lent: Lent,
    /// Nobody writes: the connection ends with its reader.
    alone: bool,
}

impl StreamReader {
    pub(super) fn new(connection: StdArc<Connection>, limit: usize) -> StreamReader {
        StreamReader {
            connection,
            limit,
            lent: Lent::default(),
            alone: false,
        }
    }

    /// A reader without a writer.
    pub(super) fn alone(connection: StdArc<Connection>, limit: usize) -> StreamReader {
        let mut reader = StreamReader::new(connection, limit);
        reader.alone = true;
        reader
    }

    /// Reads at most `n` bytes: as soon as there are any. Empty at the end of the stream, or if
    /// `n` is 0. The limit does not matter.
    ///
    /// For asyncio's `read(-1)` there is [`read_to_end`](StreamReader::read_to_end).
    ///
    /// # Errors
    /// That with which the connection was lost.
    ///
    /// # Cancellation
    /// No byte is lost.
    pub async fn read(&mut self, n: usize) -> io::Result<Bytes> {
        poll_fn(|cx| self.poll_read_some(cx, n)).await
    }

    /// Reads until the end of the stream.
    ///
    /// # Errors
    /// That with which the connection was lost. What has come before it is still in the reader.
    ///
    /// # Cancellation
    /// No byte is lost: what has come is still in the reader.
    pub async fn read_to_end(&mut self) -> io::Result<Bytes> {
        self.until(usize::MAX, |incoming| None::<()>.map(|()| incoming.len()))
            .await?;
        Ok(self.take(usize::MAX))
    }

    /// Reads exactly `n` bytes. The limit does not matter.
    ///
    /// # Errors
    /// The stream ends before: [`partial`](IncompleteReadError::partial) has what came, and is
    /// taken from the reader. Or the connection was lost: then that is
    /// [`error`](IncompleteReadError::error), and what came is still in the reader.
    ///
    /// # Cancellation
    /// No byte is lost.
    pub async fn readexactly(&mut self, n: usize) -> Result<Bytes, IncompleteReadError> {
        let full = self
            .until(n, |incoming| (incoming.len() >= n).then_some(()))
            .await;
        match full {
            Ok(Some(())) => Ok(self.take(n)),
            Ok(None) => Err(self.incomplete(Some(n))),
            Err(error) => Err(failed(Some(n), error)),
        }
    }

    /// Reads up to a separator, which is the end of what is returned. If there are several, the one
    /// that ends first counts.
    ///
    /// ```
    /// # use asyncio::{StreamReader, ReadUntilError};
    /// # async fn doc(mut reader: StreamReader) -> Result<(), ReadUntilError> {
    /// let header = reader.readuntil(b"\r\n\r\n").await?;
    /// let line = reader.readuntil([&b"\r\n"[..], b"\n", b"\r"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// * [`LimitOverrun`](ReadUntilError::LimitOverrun): there is more before the separator than
    ///   the limit. All of it is still in the reader.
    /// * [`IncompleteRead`](ReadUntilError::IncompleteRead): the stream has ended; the error has
    ///   what came, which is taken from the reader.
    /// * [`Io`](ReadUntilError::Io): the connection was lost. What came is still in the reader.
    ///
    /// # Panics
    /// A separator is empty, or there is none.
    ///
    /// # Cancellation
    /// No byte is lost.
    #[track_caller]
    pub fn readuntil<'a, S: Separator + 'a>(
        &'a mut self,
        separator: S,
    ) -> impl Future<Output = Result<Bytes, ReadUntilError>> + use<'a, S> {
        // Here, for the panic to name the line of the caller.
        let _checked = Separators::of(&separator);
        async move {
            let found = self.find(&Separators::of(&separator)).await?;
            Ok(self.take(found.end))
        }
    }

    /// Reads a line, with its `\n`. At the end of the stream it returns what is left: a line
    /// without `\n`, or nothing.
    ///
    /// # Errors
    /// The line is longer than the limit: [`InvalidData`](io::ErrorKind::InvalidData). Then it is
    /// dropped: all of it if its end has come already; otherwise what has come, and its rest is the
    /// next line. Or the connection was lost.
    ///
    /// # Cancellation
    /// No byte is lost.
    pub async fn readline(&mut self) -> io::Result<Bytes> {
        match self.find(&Separators::of(&&b"\n"[..])).await {
            Ok(found) => Ok(self.take(found.end)),
            Err(ReadUntilError::IncompleteRead(error)) => Ok(error.partial),
            Err(ReadUntilError::LimitOverrun(error)) => {
                self.skip_line(&error);
                Err(error.into())
            }
            Err(ReadUntilError::Io(error)) => Err(error),
        }
    }

    /// Whether the stream has ended, and all of it has been read.
    #[must_use]
    pub fn at_eof(&self) -> bool {
        self.lent.is_empty() && self.connection.incoming().at_eof()
    }

    /// How many bytes there may be before a separator.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    fn poll_read_some(&mut self, cx: &Context<'_>, n: usize) -> Poll<io::Result<Bytes>> {
        if n == 0 {
            return Poll::Ready(Ok(Bytes::new()));
        }
        let mut incoming = self.lent.give_back(&self.connection);
        if incoming.buffer().is_empty() {
            ready!(self.connection.poll_more(&mut incoming, cx, n))?;
        }
        let buffer = incoming.buffer();
        let count = buffer.len().min(n);
        Poll::Ready(Ok(buffer.take(count)))
    }

    /// [`AsyncRead`](futures::io::AsyncRead)'s read.
    pub(super) fn poll_read_into(
        &mut self,
        cx: &Context<'_>,
        room: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let mut incoming = self.lent.give_back(&self.connection);
        if incoming.buffer().is_empty() && !room.is_empty() {
            ready!(self.connection.poll_more(&mut incoming, cx, room.len()))?;
        }
        Poll::Ready(Ok(incoming.buffer().move_to(room)))
    }

    /// Lends what there is, or what comes next.
    pub(super) fn poll_lend(&mut self, cx: &Context<'_>) -> Poll<io::Result<&[u8]>> {
        if self.lent.is_empty() {
            let mut incoming = self.lent.give_back(&self.connection);
            if incoming.buffer().is_empty() {
                ready!(self.connection.poll_more(&mut incoming, cx, 1))?;
            }
            self.lent.lend(incoming);
        }
        Poll::Ready(Ok(self.lent.as_slice()))
    }

    /// The first `count` bytes of what was lent have been used.
    pub(super) fn consume(&mut self, count: usize) {
        if count > 0 || !self.lent.is_empty() {
            self.lent.consume(count, &self.connection);
        }
    }

    /// Receives until `enough` says so, or the stream has ended: then `None`.
    async fn until<T>(
        &mut self,
        wanted: usize,
        mut enough: impl FnMut(&mut Incoming) -> Option<T>,
    ) -> io::Result<Option<T>> {
        poll_fn(|cx| {
            let mut incoming = self.lent.give_back(&self.connection);
            loop {
                if let Some(found) = enough(&mut incoming) {
                    return Poll::Ready(Ok(Some(found)));
                }
                if !ready!(self.connection.poll_more(&mut incoming, cx, wanted))? {
                    return Poll::Ready(Ok(None));
                }
            }
        })
        .await
    }

    /// Receives until `judge`, which is shown what there is, finds a part that it wants. `None` at
    /// the end of the stream.
    ///
    /// # Errors
    /// That of `judge`; that with which the connection was lost; or the stream has ended within a
    /// part.
    pub(super) fn poll_part(
        &mut self,
        cx: &Context<'_>,
        judge: impl Fn(&[u8]) -> io::Result<Part>,
    ) -> Poll<io::Result<Option<Bytes>>> {
        let mut incoming = self.lent.give_back(&self.connection);
        loop {
            let buffer = incoming.buffer();
            let wanted = match judge(buffer.as_slice())? {
                Part::Needs(wanted) => wanted,
                Part::Is { skipped, count } => {
                    buffer.discard(skipped);
                    return Poll::Ready(Ok(Some(buffer.take(count))));
                }
            };
            if ready!(self.connection.poll_more(&mut incoming, cx, wanted))? {
                continue;
            }
            return Poll::Ready(match incoming.buffer().is_empty() {
                true => Ok(None),
                false => Err(io::ErrorKind::UnexpectedEof.into()),
            });
        }
    }

    /// Receives until there is a separator. Everything stays in the buffer.
    pub(super) async fn find(
        &mut self,
        separators: &Separators<'_>,
    ) -> Result<Found, ReadUntilError> {
        let limit = self.limit;
        let mut search = Search::default();
        let found = self
            .until(0, |incoming| search.go_on(separators, incoming, limit))
            .await;
        match found {
            Ok(Some(found)) => found.map_err(ReadUntilError::LimitOverrun),
            Ok(None) => Err(ReadUntilError::IncompleteRead(self.incomplete(None))),
            Err(error) => Err(ReadUntilError::Io(error)),
        }
    }

    /// Drops a line that is too long.
    fn skip_line(&mut self, error: &LimitOverrunError) {
        let mut incoming = self.lent.give_back(&self.connection);
        let buffer = incoming.buffer();
        match error.found {
            true => buffer.discard(error.consumed + 1),
            false => buffer.clear(),
        }
    }

    fn incomplete(&mut self, expected: Option<usize>) -> IncompleteReadError {
        IncompleteReadError {
            partial: self.take(usize::MAX),
            expected,
            error: None,
        }
    }

    /// Takes `count` bytes, or all that there are.
    fn take(&mut self, count: usize) -> Bytes {
        let mut incoming = self.lent.give_back(&self.connection);
        let buffer = incoming.buffer();
        let count = buffer.len().min(count);
        buffer.take(count)
    }
}

/// What may be at the beginning of a buffer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// So many bytes are needed, in all, to tell.
    Needs(usize),
    /// A part of `count` bytes, behind some that are skipped.
    Is { skipped: usize, count: usize },
}

/// A search for a separator. What it has passed, it does not look at again.
#[derive(Debug, Default)]
struct Search {
    passed: usize,
    /// Whether that has come encrypted. If not, `start_tls` takes it out of the buffer.
    is_secure: bool,
}

impl Search {
    fn go_on(
        &mut self,
        separators: &Separators<'_>,
        incoming: &mut Incoming,
        limit: usize,
    ) -> Option<Result<Found, LimitOverrunError>> {
        if incoming.is_secure() != self.is_secure {
            self.is_secure = !self.is_secure;
            self.passed = 0;
        }
        let bytes = incoming.buffer().as_slice();
        if bytes.len() < self.passed + separators.shortest() {
            return None;
        }
        let overrun = |consumed, found| Some(Err(LimitOverrunError { consumed, found }));
        if let Some(found) = separators.find(bytes, self.passed) {
            return match found.start > limit {
                true => overrun(found.start, true),
                false => Some(Ok(found)),
            };
        }
        self.passed = separators.passed(bytes.len());
        match self.passed > limit {
            true => overrun(self.passed, false),
            false => None,
        }
    }
}

fn failed(expected: Option<usize>, error: io::Error) -> IncompleteReadError {
    IncompleteReadError {
        partial: Bytes::new(),
        expected,
        error: Some(error),
    }
}

impl Drop for StreamReader {
    fn drop(&mut self) {
        if self.alone {
            self.connection.update(Outgoing::abort);
        }
    }
}

impl fmt::Debug for StreamReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamReader")
            .field("connection", &self.connection)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
