//! Messages with their length before them, and lines: as `Stream` and `Sink`.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::{Sink, Stream};

use super::reader::{Part, StreamReader};
use super::writer::StreamWriter;

/// The length of a frame stands before it, in four bytes, the highest first.
const PREFIX: usize = 4;

impl StreamReader {
    /// The frames of the stream: messages that each have their length before them, in four bytes,
    /// the highest first. A `Stream` of the `futures` crate, which ends at the end of the
    /// connection. [`StreamWriter::frames`] writes such frames.
    ///
    /// A frame has at most `most` bytes, whatever the reader's limit: a longer one is an error, and
    /// is not received.
    ///
    /// ```
    /// use futures::{SinkExt, StreamExt};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// asyncio::run(async {
    ///     let (reader, writer) = std::io::pipe()?;
    ///     let mut reader = asyncio::connect_read_pipe(reader).await?;
    ///     let writer = asyncio::connect_write_pipe(writer).await?;
    ///     writer.frames().send(b"hello").await?;
    ///     let frame = reader.frames(1024).next().await.unwrap()?;
    ///     assert_eq!(frame, "hello");
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    /// A frame is too long ([`InvalidData`](io::ErrorKind::InvalidData)); the stream ends within a
    /// frame ([`UnexpectedEof`](io::ErrorKind::UnexpectedEof)); or the connection was lost. After
    /// an error the stream ends.
    ///
    /// # Cancellation
    /// No byte is lost.
    pub fn frames(&mut self, most: usize) -> Frames<'_> {
        Frames {
            reader: self,
            most,
            ended: false,
        }
    }
}

/// The frames of a reader: [`StreamReader::frames`] makes it.
#[must_use = "streams do nothing unless they are polled"]
#[derive(Debug)]
pub struct Frames<'a> {
    reader: &'a mut StreamReader,
    most: usize,
    ended: bool,
}

impl Stream for Frames<'_> {
    type Item = io::Result<Bytes>;

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let most = self.most;
        let frame = ready!(self.reader.poll_part(cx, |bytes| frame_in(bytes, most)));
        self.ended = frame.is_err();
        Poll::Ready(frame.transpose())
    }
}

/// Judges the beginning of a frame.
fn frame_in(bytes: &[u8], most: usize) -> io::Result<Part> {
    let Some((&prefix, rest)) = bytes.split_first_chunk::<PREFIX>() else {
        return Ok(Part::Needs(PREFIX));
    };
    let count = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
    if count > most {
        let text = format!("a frame of {count} bytes is longer than {most}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    Ok(match rest.len() < count {
        true => Part::Needs(PREFIX + count),
        false => Part::Is {
            skipped: PREFIX,
            count,
        },
    })
}

impl StreamWriter {
    /// Takes messages, and writes each with its length before it: see [`StreamReader::frames`]. A
    /// `Sink` of the `futures` crate: it takes a message once [`drain`](StreamWriter::drain) would
    /// return, its flush waits until all has been sent, and its close ends the writes.
    ///
    /// # Errors
    /// Those of [`drain`](StreamWriter::drain); or a message is longer than four bytes can tell
    /// ([`InvalidInput`](io::ErrorKind::InvalidInput)), and is not written.
    ///
    /// # Cancellation
    /// What was taken is sent all the same.
    pub fn frames(&self) -> FrameSink<'_> {
        FrameSink {
            writer: self,
            framing: Framing::Length,
        }
    }

    /// Takes lines, and writes each with `\n` behind it: a `Sink`, as
    /// [`frames`](StreamWriter::frames). [`StreamReader::lines`] reads them.
    ///
    /// # Errors
    /// Those of [`drain`](StreamWriter::drain).
    pub fn lines(&self) -> FrameSink<'_> {
        FrameSink {
            writer: self,
            framing: Framing::Line,
        }
    }
}

/// What frames or lines are written by: [`StreamWriter::frames`] or [`StreamWriter::lines`] makes
/// it.
#[must_use = "sinks do nothing unless they are polled"]
#[derive(Debug)]
pub struct FrameSink<'a> {
    writer: &'a StreamWriter,
    framing: Framing,
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    Length,
    Line,
}

impl<T: AsRef<[u8]>> Sink<T> for FrameSink<'_> {
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.poll_write(cx, |_| {})
    }

    fn start_send(self: Pin<&mut Self>, item: T) -> io::Result<()> {
        let bytes = item.as_ref();
        match self.framing {
            Framing::Line => self.writer.writelines([bytes, b"\n"]),
            Framing::Length => {
                let length = u32::try_from(bytes.len());
                let length = length.map_err(|_| too_long(bytes.len()))?.to_be_bytes();
                self.writer.writelines([&length, bytes]);
            }
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writer.poll_end(cx)
    }
}

fn too_long(count: usize) -> io::Error {
    let text = format!("a message of {count} bytes is too long for a frame");
    io::Error::new(io::ErrorKind::InvalidInput, text)
}
