//! One standard stream: through the poller where that is possible, and otherwise by a thread.
//!
//! The file description of a standard stream is shared with other processes: with the shell, with
//! the other end of a pipeline. Making it non-blocking would break those (a shell would find its
//! terminal closed). So a pipe or a terminal is *opened again*, through `/proc/self/fd`: that makes
//! a description of our own for the same pipe or terminal. To a socket each operation says that it
//! must not block. What cannot be polled (a file, `/dev/null`), or not be opened again (another
//! user's terminal, a system without `/proc`), is served by a thread.

use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{FileType, Mode, OFlags, fstat, major, minor, open};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use super::threaded::{MOST, Threaded};
use crate::net::{Async, Interest};
use crate::sync::Ready;

/// What serves one direction of a standard stream.
#[derive(Debug)]
pub(super) enum Standard {
    /// A pipe or a terminal, opened again.
    Reopened(Async<OwnedFd>),
    Socket(Async<OwnedFd>),
    Threaded(&'static Threaded),
}

impl Standard {
    /// The stream of the process with the descriptor `fd`. Without a current loop it is served by
    /// the thread.
    pub(super) fn open(fd: BorrowedFd<'_>, access: OFlags, thread: &'static Threaded) -> Standard {
        Standard::polled(fd, access).unwrap_or(Standard::Threaded(thread))
    }

    fn polled(fd: BorrowedFd<'_>, access: OFlags) -> Option<Standard> {
        let stat = fstat(fd).ok()?;
        // Opening the multiplexer of pseudo-terminals again would make another terminal.
        let is_multiplexer = (major(stat.st_rdev), minor(stat.st_rdev)) == (5, 2);
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Socket => {
                let own = fd.try_clone_to_owned().ok()?;
                let own = Async::of_nonblocking(own, Ready::BOTH).ok()?;
                Some(Standard::Socket(own))
            }
            FileType::CharacterDevice if is_multiplexer || !fd.is_terminal() => None,
            FileType::Fifo | FileType::CharacterDevice => {
                let path = format!("/proc/self/fd/{}", fd.as_raw_fd());
                let flags = access | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
                let own = open(path, flags, Mode::empty()).ok()?;
                let own = Async::of_nonblocking(own, Ready::BOTH).ok()?;
                Some(Standard::Reopened(own))
            }
            _ => None,
        }
    }

    pub(super) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            // A terminal gives one line at a time: a short read says nothing of the next.
            Standard::Reopened(own) => own.poll_io(Interest::Read, cx, |own| {
                Ok(rustix::io::read(own, &mut *buffer)?)
            }),
            Standard::Socket(own) => own.poll_io(Interest::Read, cx, |own| {
                let (count, _length) = recv(own, &mut *buffer, RecvFlags::DONTWAIT)?;
                Ok(count)
            }),
            Standard::Threaded(thread) => thread.poll_read(cx, buffer),
        }
    }

    pub(super) fn poll_write(&self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Standard::Reopened(own) => {
                own.poll_io(Interest::Write, cx, |own| Ok(rustix::io::write(own, data)?))
            }
            Standard::Socket(own) => own.poll_io(Interest::Write, cx, |own| {
                Ok(send(own, data, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
            }),
            Standard::Threaded(thread) => thread.poll_write(cx, data),
        }
    }

    pub(super) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Standard::Reopened(_) | Standard::Socket(_) => Poll::Ready(Ok(())),
            Standard::Threaded(thread) => thread.poll_flush(cx),
        }
    }
}

/// Waits for some bytes, and reads them. A stream that is closed has none.
pub(super) fn read_blocking(fd: BorrowedFd<'_>, bytes: &mut Vec<u8>) -> io::Result<()> {
    bytes.resize(MOST, 0);
    let outcome = blocking(fd, PollFlags::IN, || rustix::io::read(fd, &mut bytes[..]));
    bytes.truncate(*outcome.as_ref().unwrap_or(&0));
    outcome.map(|_count| ())
}

/// Writes all bytes. A stream that is closed swallows them.
pub(super) fn write_blocking(fd: BorrowedFd<'_>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match blocking(fd, PollFlags::OUT, || rustix::io::write(fd, bytes))? {
            0 => break,
            written => bytes = &bytes[written..],
        }
    }
    Ok(())
}

/// Makes an operation on a descriptor that other processes may have made non-blocking. Zero if it
/// is closed, as std's streams have it.
fn blocking(
    fd: BorrowedFd<'_>,
    wanted: PollFlags,
    mut operation: impl FnMut() -> rustix::io::Result<usize>,
) -> io::Result<usize> {
    loop {
        match operation() {
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                let mut watched = [PollFd::from_borrowed_fd(fd.as_fd(), wanted)];
                let _interrupted = poll(&mut watched, None);
            }
            Err(Errno::BADF) => return Ok(0),
            outcome => return Ok(outcome?),
        }
    }
}
