//! `Async`: any descriptor that the poller can watch.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::task::{Context, Poll, Waker, ready};

use super::operation::Operation;
use crate::runtime::{Direction, EventLoop, IoRegistration, Seen, WaiterKey};
use crate::sync::Ready;

/// Which operations something waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interest {
    /// Those that read: `read`, `recv`, `accept`.
    Read,
    /// Those that write: `write`, `send`, `connect`.
    Write,
}

impl Interest {
    fn direction(self) -> Direction {
        match self {
            Interest::Read => Direction::Read,
            Interest::Write => Direction::Write,
        }
    }
}

/// A descriptor that is registered with a loop's poller: a socket of another crate, a pipe, a
/// device, an `inotify` or a `timerfd`. For sockets there are types of their own beside this one.
///
/// It is registered once, for both directions, and is made non-blocking. Any number of tasks may
/// wait for either direction.
///
/// A readiness is a hint: the operation may block all the same, and then has to be waited for
/// again. [`read_with`](Async::read_with), [`write_with`](Async::write_with) and
/// [`poll_io`](Async::poll_io) do that. Only an operation that answers
/// [`WouldBlock`](io::ErrorKind::WouldBlock) through one of them, or through
/// [`try_io`](Async::try_io), ends the readiness; one that is made beside them does not, and who
/// waits then returns at once.
///
/// The descriptor must stay the same: `T` must not replace it by another while it is registered.
///
/// ```
/// use std::io::{Read, Write};
/// use asyncio::net::Async;
///
/// # fn main() -> std::io::Result<()> {
/// asyncio::run(async {
///     let (reader, mut writer) = std::io::pipe()?;
///     let reader = Async::new(reader)?;
///     writer.write_all(b"hello")?;
///     let mut buffer = [0; 16];
///     let count = reader.read_with(|mut pipe| pipe.read(&mut buffer)).await?;
///     assert_eq!(&buffer[..count], b"hello");
///     Ok(())
/// })
/// # }
/// ```
pub struct Async<T: AsFd> {
    registration: IoRegistration,
    /// `None` once it has been taken out.
    io: Option<T>,
}

impl<T: AsFd> Async<T> {
    /// Makes a descriptor non-blocking, and registers it with the current loop.
    ///
    /// # Errors
    /// There is no current loop, or it is closed; or the system refuses the descriptor: a regular
    /// file, or one that is registered with this loop already.
    pub fn new(io: T) -> io::Result<Async<T>> {
        let flags = rustix::fs::fcntl_getfl(&io)?;
        if !flags.contains(rustix::fs::OFlags::NONBLOCK) {
            rustix::fs::fcntl_setfl(&io, flags | rustix::fs::OFlags::NONBLOCK)?;
        }
        Async::of_nonblocking(io, Ready::BOTH)
    }

    /// Registers a descriptor that does not block already. It is assumed to be `ready` for that.
    pub(crate) fn of_nonblocking(io: T, ready: Ready) -> io::Result<Async<T>> {
        Ok(Async {
            registration: IoRegistration::new(io.as_fd(), ready)?,
            io: Some(io),
        })
    }

    /// The same with a given loop.
    pub(crate) fn with_loop(event_loop: &EventLoop, io: T, ready: Ready) -> io::Result<Async<T>> {
        Ok(Async {
            registration: IoRegistration::with_loop(event_loop, io.as_fd(), ready)?,
            io: Some(io),
        })
    }

    /// The descriptor. Reading and writing through it past the methods of this type is allowed; see
    /// there for what it means for those that wait.
    pub fn get_ref(&self) -> &T {
        match &self.io {
            Some(io) => io,
            None => unreachable!("only `into_inner` takes it, which takes this too"),
        }
    }

    /// Ends the registration, and returns the descriptor, which stays non-blocking.
    pub fn into_inner(mut self) -> T {
        self.registration.deregister(self.get_ref().as_fd());
        match self.io.take() {
            Some(io) => io,
            None => unreachable!("it is taken once, here"),
        }
    }

    /// Waits until a read may succeed.
    ///
    /// # Errors
    /// The loop is closed.
    pub async fn readable(&self) -> io::Result<()> {
        Operation::new(&self.registration, Direction::Read, |_| Ok(())).await
    }

    /// Waits until a write may succeed.
    ///
    /// # Errors
    /// The loop is closed.
    pub async fn writable(&self) -> io::Result<()> {
        Operation::new(&self.registration, Direction::Write, |_| Ok(())).await
    }

    /// [`readable`](Async::readable), to be polled. The waker stays until the next event, or until
    /// this value is dropped; any number of tasks may poll.
    ///
    /// # Errors
    /// The loop is closed.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.registration.source().poll_ready(Direction::Read, cx))?;
        Poll::Ready(Ok(()))
    }

    /// [`writable`](Async::writable), to be polled, as [`poll_readable`](Async::poll_readable).
    ///
    /// # Errors
    /// The loop is closed.
    pub fn poll_writable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.registration.source().poll_ready(Direction::Write, cx))?;
        Poll::Ready(Ok(()))
    }

    /// Makes an operation that reads, as soon as it does not block.
    ///
    /// # Errors
    /// That of the operation; one that was interrupted by a signal is made again. Or the loop is
    /// closed.
    ///
    /// # Cancellation
    /// While this waits, the operation has done nothing.
    pub async fn read_with<R>(&self, operation: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.operate(Direction::Read, operation).await
    }

    /// Makes an operation that writes, as soon as it does not block; otherwise
    /// [`read_with`](Async::read_with).
    ///
    /// # Errors
    /// That of the operation; one that was interrupted by a signal is made again. Or the loop is
    /// closed.
    pub async fn write_with<R>(&self, operation: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.operate(Direction::Write, operation).await
    }

    /// Makes an operation as soon as it does not block, to be polled.
    ///
    /// # Errors
    /// That of the operation; one that was interrupted by a signal is made again. Or the loop is
    /// closed.
    pub fn poll_io<R>(
        &self,
        interest: Interest,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        let io = self.get_ref();
        let source = self.registration.source();
        source.poll_io(interest.direction(), cx, |_| operation(io))
    }

    /// Makes an operation if the descriptor is known to be ready for it, without waiting.
    ///
    /// # Errors
    /// That of the operation, or [`WouldBlock`](io::ErrorKind::WouldBlock) if the descriptor is not
    /// known to be ready.
    pub fn try_io<R>(
        &self,
        interest: Interest,
        operation: impl FnOnce(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        let (source, direction) = (self.registration.source(), interest.direction());
        let Some(seen) = source.look(direction) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let outcome = operation(self.get_ref());
        if matches!(&outcome, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            source.clear(direction, seen);
        }
        outcome
    }

    /// The same registration, of another type that owns the same descriptor.
    pub(crate) fn map<U: AsFd>(mut self, convert: impl FnOnce(T) -> U) -> Async<U> {
        let registration = self.registration.clone();
        Async {
            registration,
            // What is taken out here is not deregistered when `self` is dropped.
            io: self.io.take().map(convert),
        }
    }

    /// Waits until an operation may succeed, for what is no task and always polls with the same
    /// waker: it stays until the next event, and takes no place of another. It is not woken here,
    /// so the caller may hold locks that it takes.
    pub(crate) fn poll_ready_as(
        &self,
        direction: Direction,
        key: &mut Option<WaiterKey>,
        cx: &Context<'_>,
    ) -> Poll<io::Result<()>> {
        let source = self.registration.source();
        ready!(source.poll_ready_without_share(direction, key, cx))?;
        Poll::Ready(Ok(()))
    }

    /// Refuses operations from now on, as if the loop were closed. Returns the wakers of all who
    /// wait, for the caller to wake.
    pub(crate) fn retire(&self) -> Vec<Waker> {
        let mut due = Vec::new();
        self.registration.source().close(&mut due);
        due
    }

    /// Moves at most `room` bytes by `operation`, without waiting. One that moves fewer has shown
    /// that the next would block.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock), or those of the operation.
    pub(crate) fn try_transfer(
        &self,
        direction: Direction,
        room: usize,
        mut operation: impl FnMut(&T) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let (io, source) = (self.get_ref(), self.registration.source());
        while let Some(seen) = source.look(direction) {
            let outcome = source.attempt(direction, seen, || operation(io));
            if let Some(outcome) = outcome {
                return outcome.inspect(|&moved| self.note_moved(direction, seen, moved, room));
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// The loop that it is registered with.
    pub(crate) fn event_loop(&self) -> EventLoop {
        self.registration.event_loop()
    }

    async fn operate<R>(
        &self,
        direction: Direction,
        mut operation: impl FnMut(&T) -> io::Result<R>,
    ) -> io::Result<R> {
        let io = self.get_ref();
        Operation::new(&self.registration, direction, |_| operation(io)).await
    }

    /// Moves at most `room` bytes by `operation`, to be polled. One that moves fewer has shown that
    /// the next would block.
    #[inline]
    pub(crate) fn poll_transfer(
        &self,
        direction: Direction,
        cx: &Context<'_>,
        room: usize,
        mut operation: impl FnMut(&T) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let io = self.get_ref();
        if room == 0 {
            return Poll::Ready(move_nothing(operation(io)));
        }
        let source = self.registration.source();
        source.poll_io(direction, cx, |seen| {
            operation(io).inspect(|&moved| self.note_moved(direction, seen, moved, room))
        })
    }

    /// The same as a future.
    pub(super) async fn transfer(
        &self,
        direction: Direction,
        room: usize,
        mut operation: impl FnMut(&T) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let io = self.get_ref();
        if room == 0 {
            return move_nothing(operation(io));
        }
        let operation =
            |seen| operation(io).inspect(|&moved| self.note_moved(direction, seen, moved, room));
        Operation::new(&self.registration, direction, operation).await
    }

    #[inline]
    fn note_moved(&self, direction: Direction, seen: Seen, moved: usize, room: usize) {
        if 0 < moved && moved < room {
            self.registration.source().note_short(direction, seen);
        }
    }
}

/// The outcome of an operation that has no room. On a Unix socket it would block; nothing tells
/// when it would not.
fn move_nothing(outcome: io::Result<usize>) -> io::Result<usize> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        outcome => outcome,
    }
}

impl<T: AsFd> AsFd for Async<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.get_ref().as_fd()
    }
}

impl<T: AsFd> AsRawFd for Async<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}

impl<T: AsFd + fmt::Debug> fmt::Debug for Async<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Async").field(self.get_ref()).finish()
    }
}

impl<T: AsFd> Drop for Async<T> {
    fn drop(&mut self) {
        if let Some(io) = &self.io {
            self.registration.deregister(io.as_fd());
        }
    }
}
