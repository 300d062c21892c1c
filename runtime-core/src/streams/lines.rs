//! The lines of a reader.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;

use super::errors::LimitOverrunError;
use super::reader::StreamReader;

/// The lines of a reader, as a `Stream`: [`StreamReader::lines`] makes it.
///
/// Each has its `\n`, except for the last if it has none. The stream ends at the end of the
/// connection, and after the error with which that was lost. After the error of a line that was too
/// long, which [`readline`](StreamReader::readline) has dropped, it goes on.
///
/// # Cancellation
/// No byte is lost.
#[must_use = "streams do nothing unless they are polled"]
#[derive(Debug)]
pub struct Lines<'a> {
    reader: &'a mut StreamReader,
    ended: bool,
}

impl StreamReader {
    /// The lines of the stream, as a `Stream` of the `futures` crate: `async for line in reader`.
    /// It ends at the end of the stream, and after the error with which the connection was lost;
    /// after a line that was too long it goes on.
    ///
    /// Where `futures::AsyncBufReadExt` is imported, that has a method of this name, without `\n`
    /// and without a limit: write `StreamReader::lines(&mut reader)` there.
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
        Lines {
            reader: self,
            ended: false,
        }
    }
}

impl Stream for Lines<'_> {
    type Item = io::Result<Bytes>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let line = std::pin::pin!(self.reader.readline()).poll(cx);
        let line = ready!(line);
        self.ended = match &line {
            Ok(line) => line.is_empty(),
            Err(error) => !is_overrun(error),
        };
        Poll::Ready(match line {
            Ok(line) if line.is_empty() => None,
            outcome => Some(outcome),
        })
    }
}

/// Whether it is about one line, and not about the connection.
fn is_overrun(error: &io::Error) -> bool {
    let inner = error.get_ref();
    inner.is_some_and(|inner| inner.is::<LimitOverrunError>())
}
