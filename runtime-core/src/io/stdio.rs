//! `stdin`, `stdout` and `stderr`.

use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::io::{AsyncRead, AsyncWrite};
use rustix::fs::OFlags;

use super::standard::{Standard, read_blocking, write_blocking};
use super::threaded::{Operation, Threaded};

static STDIN: Threaded = Threaded::new(
    "asyncio-stdin",
    Operation::Read(|bytes| read_blocking(io::stdin().as_fd(), bytes)),
);
static STDOUT: Threaded = Threaded::new(
    "asyncio-stdout",
    Operation::Write(|bytes| write_blocking(io::stdout().as_fd(), bytes)),
);
static STDERR: Threaded = Threaded::new(
    "asyncio-stderr",
    Operation::Write(|bytes| write_blocking(io::stderr().as_fd(), bytes)),
);

/// The standard input of the process. [`stdin`] makes it.
#[derive(Debug)]
pub struct Stdin(Standard);

/// The standard output of the process. [`stdout`] makes it.
#[derive(Debug)]
pub struct Stdout(Standard);

/// The standard error of the process. [`stderr`] makes it.
#[derive(Debug)]
pub struct Stderr(Standard);

/// The standard input of the process, to be read through the traits of `futures`.
///
/// A pipe, a terminal or a socket is read through the poller; a file or a device by a thread of the
/// process. Other processes that share the stream notice nothing: it is not made non-blocking for
/// them. A read that waits holds up neither the end of the loop nor that of the program.
///
/// Nothing is read ahead, so use it through a `BufReader` where lines or small pieces are wanted.
/// Bytes that [`std::io::stdin`] has read ahead are not seen here: use the one or the other.
///
/// # Cancellation
/// A read that is cancelled loses no byte: the next read of any `Stdin` gets them.
///
/// ```no_run
/// use futures::io::{AsyncBufReadExt, BufReader};
/// use futures::StreamExt;
///
/// # asyncio::run(async {
/// let mut lines = BufReader::new(asyncio::io::stdin()).lines();
/// while let Some(line) = lines.next().await {
///     println!("{}", line?.to_uppercase());
/// }
/// # Ok::<_, std::io::Error>(())
/// # }).unwrap();
/// ```
#[must_use]
pub fn stdin() -> Stdin {
    Stdin(Standard::open(io::stdin().as_fd(), OFlags::RDONLY, &STDIN))
}

/// The standard output of the process, to be written through the traits of `futures`.
///
/// A pipe, a terminal or a socket is written through the poller; a file or a device by a thread of
/// the process. Other processes that share the stream notice nothing: it is not made non-blocking
/// for them.
///
/// **Flush it** before the program ends, and before something else is to be written by other means
/// (`println!`): bytes that the thread has not written yet are lost at the end of the process. What
/// `print!` has not written, because its line has not ended, comes later than what is written here.
///
/// # Cancellation
/// What a write has taken is written.
///
/// ```
/// use futures::AsyncWriteExt;
///
/// # asyncio::run(async {
/// let mut stdout = asyncio::io::stdout();
/// stdout.write_all(b"hello\n").await?;
/// stdout.flush().await
/// # }).unwrap();
/// ```
#[must_use]
pub fn stdout() -> Stdout {
    Stdout(Standard::open(
        io::stdout().as_fd(),
        OFlags::WRONLY,
        &STDOUT,
    ))
}

/// The standard error of the process, to be written through the traits of `futures`. Otherwise the
/// same as [`stdout`].
///
/// ```
/// use futures::AsyncWriteExt;
///
/// # asyncio::run(async {
/// asyncio::io::stderr().write_all(b"something is wrong\n").await
/// # }).unwrap();
/// ```
#[must_use]
pub fn stderr() -> Stderr {
    Stderr(Standard::open(
        io::stderr().as_fd(),
        OFlags::WRONLY,
        &STDERR,
    ))
}

impl AsyncRead for Stdin {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_read(cx, buffer)
    }
}

macro_rules! writes {
    ($Stream:ident) => {
        impl AsyncWrite for $Stream {
            fn poll_write(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                data: &[u8],
            ) -> Poll<io::Result<usize>> {
                self.0.poll_write(cx, data)
            }

            fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.0.poll_flush(cx)
            }

            /// Flushes it. The descriptor stays open: it is the process's.
            fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.0.poll_flush(cx)
            }
        }
    };
}

writes!(Stdout);
writes!(Stderr);
