//! `copy` and `copy_bidirectional`.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::io::{AsyncRead, AsyncWrite};

/// How many bytes are under way at most, in one direction.
const BUFFER: usize = 16 * 1024;

/// How often one poll fills the buffer at most. Then other tasks have their turn, even if the
/// streams are always ready.
const ROUNDS: usize = 32;

/// Copies everything from `reader` to `writer`, up to the end of `reader`. Returns the number of
/// bytes.
///
/// `writer` is flushed at the end, and whenever nothing comes from `reader`. It is not closed.
///
/// Both are taken by value; references to a socket, and `&mut` references, are readers and writers,
/// too.
///
/// # Errors
/// The first of either. What had been read by then, and not written, is lost: at most 16 KiB.
///
/// # Cancellation
/// As with an error: what had been read, and not written, is lost; the next bytes are read only
/// when those before have been written. Where nothing may be lost, keep a `BufReader`, and give it
/// to `futures::io::copy_buf`, which takes from it only what has been written.
///
/// ```
/// # asyncio::run(async {
/// let mut written = Vec::new();
/// let count = asyncio::io::copy(&b"some bytes"[..], &mut written).await?;
/// assert_eq!(count, 10);
/// assert_eq!(written, b"some bytes");
/// # Ok::<_, std::io::Error>(())
/// # }).unwrap();
/// ```
pub async fn copy<R, W>(mut reader: R, mut writer: W) -> io::Result<u64>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let mut transfer = Transfer::new();
    poll_fn(move |cx| {
        ready!(transfer.poll(cx, &mut reader, &mut writer))?;
        ready!(Pin::new(&mut writer).poll_flush(cx))?;
        Poll::Ready(Ok(transfer.copied))
    })
    .await
}

/// Copies in both directions, from `left` to `right` and from `right` to `left`, until both have
/// ended. Returns the number of bytes of each, in this order.
///
/// When one direction ends, the write half of its other side is closed (flushed, and shut down), so
/// that the peer there sees the end; the other direction goes on. So a proxy passes half-closed
/// connections on as they are.
///
/// Both are taken by value, as in [`copy`].
///
/// # Errors
/// The first of either stream, at once: what was under way in both directions is lost.
///
/// # Cancellation
/// What had been read, and not written, is lost, in both directions, as in [`copy`].
///
/// ```
/// use asyncio::net::{TcpListener, TcpStream};
///
/// # fn main() -> std::io::Result<()> {
/// # asyncio::run(async {
/// # let listener = TcpListener::bind("127.0.0.1:0").await?;
/// # let upstream = listener.local_addr()?;
/// # let client = TcpStream::connect(upstream).await?;
/// # let (client, _) = (listener.accept().await?.0, drop(client));
/// # drop(asyncio::create_task(async move { listener.accept().await }));
/// let server = TcpStream::connect(upstream).await?;
/// let (sent, received) = asyncio::io::copy_bidirectional(client, server).await?;
/// println!("{sent} bytes from the client, {received} bytes to it");
/// # Ok(())
/// # })
/// # }
/// ```
pub async fn copy_bidirectional<L, R>(mut left: L, mut right: R) -> io::Result<(u64, u64)>
where
    L: AsyncRead + AsyncWrite + Unpin,
    R: AsyncRead + AsyncWrite + Unpin,
{
    let mut forth = Transfer::new();
    let mut back = Transfer::new();
    poll_fn(move |cx| {
        // Both are polled each time: each has its wakers.
        let sent = forth.poll_to_close(cx, &mut left, &mut right)?;
        let received = back.poll_to_close(cx, &mut right, &mut left)?;
        match (sent, received) {
            (Poll::Ready(sent), Poll::Ready(received)) => Poll::Ready(Ok((sent, received))),
            _ => Poll::Pending,
        }
    })
    .await
}

/// One direction.
#[derive(Debug)]
struct Transfer {
    buffer: Box<[u8]>,
    /// What of the buffer has been read, and what of that has been written.
    read: usize,
    written: usize,
    copied: u64,
    /// The writer has bytes that have not been flushed.
    unflushed: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Copying,
    /// The reader has ended, and everything is written.
    Ended,
    /// The writer is closed, too.
    Closed,
}

impl Transfer {
    fn new() -> Transfer {
        Transfer {
            buffer: vec![0; BUFFER].into(),
            read: 0,
            written: 0,
            copied: 0,
            unflushed: false,
            state: State::Copying,
        }
    }

    /// Copies up to the end of the reader.
    fn poll<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
    ) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        if !matches!(self.state, State::Copying) {
            return Poll::Ready(Ok(()));
        }
        for _ in 0..ROUNDS {
            ready!(self.poll_write_out(cx, writer))?;
            match Pin::new(&mut *reader).poll_read(cx, &mut self.buffer)? {
                Poll::Ready(0) => {
                    self.state = State::Ended;
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(read) => (self.read, self.written) = (read, 0),
                Poll::Pending => {
                    if self.unflushed {
                        ready!(Pin::new(&mut *writer).poll_flush(cx))?;
                        self.unflushed = false;
                    }
                    return Poll::Pending;
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Writes what has been read.
    fn poll_write_out<W>(&mut self, cx: &mut Context<'_>, writer: &mut W) -> Poll<io::Result<()>>
    where
        W: AsyncWrite + Unpin,
    {
        while self.written < self.read {
            let data = &self.buffer[self.written..self.read];
            match ready!(Pin::new(&mut *writer).poll_write(cx, data))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => {
                    self.written += written;
                    self.copied += written as u64;
                    self.unflushed = true;
                }
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Copies up to the end of the reader, and then closes the writer. Returns the number of bytes.
    fn poll_to_close<R, W>(
        &mut self,
        cx: &mut Context<'_>,
        reader: &mut R,
        writer: &mut W,
    ) -> io::Result<Poll<u64>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        if self.poll(cx, reader, writer)?.is_pending() {
            return Ok(Poll::Pending);
        }
        if matches!(self.state, State::Ended) {
            if Pin::new(writer).poll_close(cx)?.is_pending() {
                return Ok(Poll::Pending);
            }
            self.state = State::Closed;
        }
        Ok(Poll::Ready(self.copied))
    }
}
