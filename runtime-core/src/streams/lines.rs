//! The lines of a reader.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;

use super::reader::StreamReader;

/// The lines of a reader, as a `Stream`: [`StreamReader::lines`] makes it.
///
/// Each has its `\n`, except for the last if it has none. The stream ends at the end of the
/// connection. After an error, which is that of [`readline`](StreamReader::readline), it may be
/// asked for more: a line that was too long has been dropped.
///
/// # Cancellation
/// No byte is lost.
#[must_use = "streams do nothing unless they are polled"]
#[derive(Debug)]
pub struct Lines<'a> {
    reader: &'a mut StreamReader,
}

impl StreamReader {
    /// The lines of the stream, as a `Stream` of the `futures` crate: `async for line in reader`.
    /// It ends at the end of the stream, and after an error.
    ///
    /// ```
    /// # use futures::StreamExt;
    /// # async fn doc(mut reader: asyncio::StreamReader) -> std::io::Result<()> {
    /// let mut lines = reader.lines();
    /// while let Some(line) = lines.next().await {
    ///     println!("{} bytes", line?.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn lines(&mut self) -> Lines<'_> {
        Lines { reader: self }
    }
}

impl Stream for Lines<'_> {
    type Item = io::Result<Bytes>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        let line = std::pin::pin!(self.reader.readline()).poll(cx);
        Poll::Ready(match ready!(line) {
            Ok(line) if line.is_empty() => None,
            outcome => Some(outcome),
        })
    }
}
