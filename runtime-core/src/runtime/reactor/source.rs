//! A registered descriptor: what is known of its readiness, and who waits for it.

use std::io;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use super::readiness::{Direction, Look, Readiness, Seen};
use super::waiters::{WaiterKey, Waiters};
use crate::exceptions::LoopClosed;
use crate::runtime::catch_panic::wake_catching;
use crate::runtime::task::cancel::has_had_its_share;
use crate::sync::Ready;
use crate::sync::{Mutant, Mutex, broken};

/// A descriptor that is registered with the poller of a loop.
#[derive(Debug)]
pub(crate) struct Source {
    readiness: Readiness,
    waiters: Mutex<Both>,
}

#[derive(Debug, Default)]
struct Both {
    read: Waiters,
    write: Waiters,
    /// The last key that a future was given.
    last_key: u64,
}

impl Both {
    fn of(&mut self, direction: Direction) -> &mut Waiters {
        match direction {
            Direction::Read => &mut self.read,
            Direction::Write => &mut self.write,
        }
    }
}

impl Source {
    /// A source that is assumed to be `ready`: the first operation is tried at once.
    pub(crate) fn new(ready: Ready) -> Source {
        Source {
            readiness: Readiness::new(ready),
            waiters: Mutex::default(),
        }
    }

    /// Waits, for a poll, until an operation may succeed.
    ///
    /// # Errors
    /// The loop is closed.
    pub(crate) fn poll_ready(
        &self,
        direction: Direction,
        cx: &Context<'_>,
    ) -> Poll<io::Result<Seen>> {
        let mut due = Vec::new();
        let polled = self.poll_with(direction, cx, has_had_its_share, |both, waker| {
            let waiters = both.of(direction);
            waiters.put_poll(waker, Instant::now, &mut due)
        });
        due.into_iter().for_each(wake_catching);
        polled
    }

    /// Waits, for a future that removes its waker when it is dropped ([`Source::forget`]).
    ///
    /// # Errors
    /// The loop is closed.
    pub(crate) fn poll_ready_as(
        &self,
        direction: Direction,
        key: &mut Option<WaiterKey>,
        cx: &Context<'_>,
    ) -> Poll<io::Result<Seen>> {
        self.poll_for(direction, key, cx, has_had_its_share)
    }

    /// The same for what is no task: it has no share. It may hold locks that its waker takes, and
    /// is not woken here.
    ///
    /// # Errors
    /// The loop is closed.
    pub(crate) fn poll_ready_without_share(
        &self,
        direction: Direction,
        key: &mut Option<WaiterKey>,
        cx: &Context<'_>,
    ) -> Poll<io::Result<Seen>> {
        self.poll_for(direction, key, cx, || false)
    }

    #[inline]
    fn poll_for(
        &self,
        direction: Direction,
        key: &mut Option<WaiterKey>,
        cx: &Context<'_>,
        is_to_suspend: impl FnOnce() -> bool,
    ) -> Poll<io::Result<Seen>> {
        self.poll_with(direction, cx, is_to_suspend, |both, waker| {
            let key = *key.get_or_insert_with(|| WaiterKey::after(&mut both.last_key));
            both.of(direction).put(key, waker)
        })
    }

    /// Looks, and waits if the direction is not ready.
    #[inline]
    fn poll_with(
        &self,
        direction: Direction,
        cx: &Context<'_>,
        is_to_suspend: impl FnOnce() -> bool,
        put: impl FnOnce(&mut Both, Waker) -> Option<Waker>,
    ) -> Poll<io::Result<Seen>> {
        match self.readiness.look(direction) {
            // A peer that always has more would keep the task here for ever.
            Look::Ready(_) if is_to_suspend() => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Look::Ready(seen) => return Poll::Ready(Ok(seen)),
            Look::Gone => return Poll::Ready(Err(io::Error::other(LoopClosed))),
            Look::NotReady => {}
        }
        // The clone is user code: before the lock.
        let waker = cx.waker().clone();
        let mut waiters = self.waiters.lock();
        let again = match broken(Mutant::WaitWithoutLook) {
            false => self.readiness.look(direction),
            true => Look::NotReady,
        };
        let unused = match again {
            Look::NotReady => put(&mut waiters, waker),
            Look::Ready(_) | Look::Gone => Some(waker),
        };
        drop(waiters);
        drop(unused);
        match again {
            Look::Ready(seen) => Poll::Ready(Ok(seen)),
            Look::Gone => Poll::Ready(Err(io::Error::other(LoopClosed))),
            Look::NotReady => Poll::Pending,
        }
    }

    /// Removes the waker of a future.
    pub(crate) fn forget(&self, direction: Direction, key: WaiterKey) {
        let waker = self.waiters.lock().of(direction).remove(key);
        drop(waker);
    }

    /// Makes an operation, and waits whenever it would block.
    ///
    /// # Errors
    /// That of the operation, or the loop is closed.
    #[inline]
    pub(crate) fn poll_io<R>(
        &self,
        direction: Direction,
        cx: &Context<'_>,
        mut operation: impl FnMut(Seen) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            let seen = ready!(self.poll_ready(direction, cx))?;
            if let Some(outcome) = self.attempt(direction, seen, || operation(seen)) {
                return Poll::Ready(outcome);
            }
        }
    }

    /// Makes an operation once the direction was `seen` ready. `None` if it would block, or was
    /// interrupted by a signal: it is to be tried again.
    #[inline]
    pub(crate) fn attempt<R>(
        &self,
        direction: Direction,
        seen: Seen,
        operation: impl FnOnce() -> io::Result<R>,
    ) -> Option<io::Result<R>> {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.readiness.clear(direction, seen);
                None
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => None,
            outcome => Some(outcome),
        }
    }

    /// An operation would block.
    pub(crate) fn clear(&self, direction: Direction, seen: Seen) {
        self.readiness.clear(direction, seen);
    }

    /// An operation has moved fewer bytes than it had room for.
    #[inline]
    pub(crate) fn note_short(&self, direction: Direction, seen: Seen) {
        self.readiness.clear_unless_closed(direction, seen);
    }

    /// Whether the direction is ready, as far as is known.
    pub(crate) fn look(&self, direction: Direction) -> Option<Seen> {
        match self.readiness.look(direction) {
            Look::Ready(seen) => Some(seen),
            Look::NotReady | Look::Gone => None,
        }
    }

    /// An event has come. Moves the wakers of those who wait for it to `due`.
    pub(crate) fn dispatch(&self, ready: Ready, due: &mut Vec<Waker>) {
        if broken(Mutant::TakeBeforeEvent) {
            self.take(ready, due);
            return self.readiness.add(ready);
        }
        self.readiness.add(ready);
        self.take(ready, due);
    }

    /// No event comes any more. Moves all wakers to `due`.
    pub(crate) fn close(&self, due: &mut Vec<Waker>) {
        self.readiness.set_gone();
        self.take(Ready::BOTH, due);
    }

    fn take(&self, ready: Ready, due: &mut Vec<Waker>) {
        let mut waiters = self.waiters.lock();
        if ready.contains(Ready::READ) {
            waiters.read.take(due);
        }
        if ready.contains(Ready::WRITE) {
            waiters.write.take(due);
        }
    }
}
