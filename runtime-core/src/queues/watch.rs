//! A value that is watched: receivers see the newest one.

use std::fmt;
use std::ops::Deref;

use super::errors::{SendError, WatchClosed};
use super::user_lock::{UserGuard, UserLock};
use crate::runtime::{Resource, WaitQueue};
use crate::sync::{Mutant, StdArc, broken};

/// The line of receivers that wait for a version after the one that they have seen.
const CHANGED: usize = 0;
/// The line of senders that wait until nobody watches.
const UNWATCHED: usize = 1;

/// What a closure that changes the value must not do.
const AGAIN: &str = "a closure that changes a watched value set the same value";

type Shared<T> = StdArc<WaitQueue<Watched<T>, 2>>;

/// What is under the lock.
struct Watched<T> {
    /// Shared with those who look at it, so that nobody looks at it under a lock.
    value: StdArc<T>,
    /// Increased with each new value.
    version: usize,
    senders: usize,
    receivers: usize,
}

impl<T> Resource<2> for Watched<T> {
    /// Held by who makes a new value. It keeps two changes from being made to the same old value.
    type Shared = UserLock<()>;

    /// A new value takes nothing from anybody.
    const TURNS: bool = false;

    fn reserve(&mut self, line: usize, seen: usize) -> Option<usize> {
        let happened = match line {
            CHANGED => self.version != seen || self.senders == 0,
            _ => self.receivers == 0,
        };
        happened.then_some(0)
    }

    fn restore(&mut self, _line: usize, _units: usize, _answer: usize) {}
}

/// Makes a value that is watched, with a sender and a receiver.
///
/// A receiver sees the newest value, and can wait for the next. It does not see every value: for
/// that there is [`broadcast`](crate::broadcast).
///
/// Nobody holds a lock while he looks at the value: [`borrow`](WatchReceiver::borrow) returns a
/// snapshot, which stays as it is while the sender sends the next value.
///
/// ```
/// # asyncio::run(async {
/// let (sender, mut receiver) = asyncio::watch("starting");
/// let task = asyncio::create_task(async move {
///     while *receiver.borrow_and_update() != "stopping" {
///         receiver.changed().await.unwrap();
///     }
/// });
/// sender.send("running").unwrap();
/// sender.send("stopping").unwrap();
/// task.await.unwrap();
/// # });
/// ```
#[must_use]
pub fn watch<T>(value: T) -> (WatchSender<T>, WatchReceiver<T>) {
    let watched = Watched {
        value: StdArc::new(value),
        version: 0,
        senders: 1,
        receivers: 1,
    };
    let watched = StdArc::new(WaitQueue::new(UserLock::new(()), watched));
    let receiver = WatchReceiver {
        watched: StdArc::clone(&watched),
        seen: 0,
    };
    (WatchSender { watched }, receiver)
}

/// Sets the value of a [`watch`]. When the last one is dropped, receivers learn that it was the
/// last value.
pub struct WatchSender<T> {
    watched: Shared<T>,
}

impl<T> WatchSender<T> {
    /// Sets the value.
    ///
    /// # Errors
    /// [`SendError`] with the value, if there is no receiver: the old value stays.
    ///
    /// # Panics
    /// If it is called by the closure of a [`send_modify`](WatchSender::send_modify) of the same
    /// value.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        let value = StdArc::new(value);
        let writing = self.watched.shared().lock(AGAIN);
        let refused = self.set(writing, value, false).err();
        match refused.and_then(StdArc::into_inner) {
            None => Ok(()),
            Some(value) => Err(SendError(value)),
        }
    }

    /// Sets the value, also if there is no receiver. Returns the old one.
    ///
    /// # Panics
    /// As [`send`](WatchSender::send).
    pub fn send_replace(&self, value: T) -> WatchRef<T> {
        let value = StdArc::new(value);
        let writing = self.watched.shared().lock(AGAIN);
        let (Ok(value) | Err(value)) = self.set(writing, value, true);
        WatchRef(value)
    }

    /// Changes a copy of the value, and sets that, also if there is no receiver.
    ///
    /// Changes by several senders are made one after the other, and none is lost. If the closure
    /// panics, the old value stays.
    ///
    /// # Panics
    /// If the closure sets the same value.
    pub fn send_modify(&self, change: impl FnOnce(&mut T))
    where
        T: Clone,
    {
        self.send_if_modified(|value| {
            change(value);
            true
        });
    }

    /// Changes a copy of the value, and sets that if the closure returns true. Returns the same.
    ///
    /// # Panics
    /// If the closure sets the same value.
    pub fn send_if_modified(&self, change: impl FnOnce(&mut T) -> bool) -> bool
    where
        T: Clone,
    {
        // Above the lock, so that it is dropped without it if the closure panics.
        let mut copy = broken(Mutant::CopyBeforeLock).then(|| T::clone(&self.borrow()));
        let writing = self.watched.shared().lock(AGAIN);
        let value = copy.get_or_insert_with(|| T::clone(&self.borrow()));
        let changed = change(value);
        match copy.take_if(|_| changed) {
            Some(value) => drop(self.set(writing, StdArc::new(value), true)),
            None => drop(writing),
        }
        changed
    }

    /// Sets the value, `always` or if there is a receiver. Returns the old value, or the new one if
    /// it was not set.
    fn set(
        &self,
        writing: UserGuard<'_, ()>,
        mut value: StdArc<T>,
        always: bool,
    ) -> Result<StdArc<T>, StdArc<T>> {
        let mut locked = self.watched.lock();
        if locked.receivers == 0 && !always {
            return Err(value);
        }
        std::mem::swap(&mut locked.value, &mut value);
        locked.version += 1;
        if !broken(Mutant::ChangeSilently) {
            locked.serve(CHANGED);
        }
        // Before those who wait are woken, which may run code that sets the value.
        drop(writing);
        drop(locked);
        Ok(value)
    }

    /// The value as it is now.
    #[must_use]
    pub fn borrow(&self) -> WatchRef<T> {
        WatchRef(StdArc::clone(&self.watched.lock().value))
    }

    /// Makes a receiver, which has seen the value that is there now.
    #[must_use]
    pub fn subscribe(&self) -> WatchReceiver<T> {
        let mut locked = self.watched.lock();
        locked.receivers += 1;
        WatchReceiver {
            seen: locked.version,
            watched: StdArc::clone(&self.watched),
        }
    }

    /// How many receivers there are.
    #[must_use]
    pub fn receiver_count(&self) -> usize {
        self.watched.lock().receivers
    }

    /// Whether there is no receiver.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// Waits until there is no receiver.
    ///
    /// # Cancellation
    /// It may be cancelled or dropped at any time.
    pub async fn closed(&self) {
        let mut wait = std::pin::pin!(self.watched.wait(UNWATCHED, 1));
        std::future::poll_fn(|with| wait.as_mut().poll(with).map(drop)).await;
    }
}

impl<T> Clone for WatchSender<T> {
    fn clone(&self) -> WatchSender<T> {
        self.watched.lock().senders += 1;
        WatchSender {
            watched: StdArc::clone(&self.watched),
        }
    }
}

impl<T> Drop for WatchSender<T> {
    fn drop(&mut self) {
        let mut locked = self.watched.lock();
        locked.senders -= 1;
        if !broken(Mutant::SenderGoesSilently) {
            locked.serve(CHANGED);
        }
    }
}

/// Sees the value of a [`watch`].
pub struct WatchReceiver<T> {
    watched: Shared<T>,
    seen: usize,
}

impl<T> WatchReceiver<T> {
    /// The value as it is now. It does not count as seen by this.
    #[must_use]
    pub fn borrow(&self) -> WatchRef<T> {
        WatchRef(StdArc::clone(&self.watched.lock().value))
    }

    /// The value as it is now, which counts as seen.
    #[must_use]
    pub fn borrow_and_update(&mut self) -> WatchRef<T> {
        let locked = self.watched.lock();
        let value = StdArc::clone(&locked.value);
        self.seen = locked.version;
        if broken(Mutant::VersionAfterValue) {
            drop(locked);
            self.seen = self.watched.lock().version;
        }
        WatchRef(value)
    }

    /// Whether there is a value that this receiver has not seen.
    ///
    /// # Errors
    /// [`WatchClosed`] if there is none, and all senders are gone.
    pub fn has_changed(&self) -> Result<bool, WatchClosed> {
        let locked = self.watched.lock();
        let changed = locked.version != self.seen;
        match !changed && locked.senders == 0 {
            true => Err(WatchClosed(())),
            false => Ok(changed),
        }
    }

    /// Waits for a value that this receiver has not seen, and counts it as seen.
    ///
    /// # Errors
    /// [`WatchClosed`] if the last value has been seen, and all senders are gone.
    ///
    /// # Cancellation
    /// If it is cancelled or dropped, no value counts as seen by it.
    pub async fn changed(&mut self) -> Result<(), WatchClosed> {
        let mut wait = std::pin::pin!(self.watched.wait(CHANGED, self.seen));
        let poll = |with: &mut std::task::Context<'_>| {
            wait.as_mut().poll(with).map(|(locked, _)| locked.version)
        };
        let version = std::future::poll_fn(poll).await;
        match std::mem::replace(&mut self.seen, version) == version {
            true => Err(WatchClosed(())),
            false => Ok(()),
        }
    }

    /// Waits until the value meets `condition`, and returns it. It counts as seen.
    ///
    /// Does not yield if the value meets it now.
    ///
    /// # Errors
    /// [`WatchClosed`] if the last value does not, and all senders are gone.
    ///
    /// # Cancellation
    /// As for [`changed`](WatchReceiver::changed).
    pub async fn wait_for(
        &mut self,
        mut condition: impl FnMut(&T) -> bool,
    ) -> Result<WatchRef<T>, WatchClosed> {
        loop {
            let value = self.borrow_and_update();
            if condition(&value) {
                return Ok(value);
            }
            drop(value);
            self.changed().await?;
        }
    }
}

/// Has seen what the original has seen.
impl<T> Clone for WatchReceiver<T> {
    fn clone(&self) -> WatchReceiver<T> {
        self.watched.lock().receivers += 1;
        WatchReceiver {
            watched: StdArc::clone(&self.watched),
            seen: self.seen,
        }
    }
}

impl<T> Drop for WatchReceiver<T> {
    fn drop(&mut self) {
        let mut locked = self.watched.lock();
        locked.receivers -= 1;
        locked.serve(UNWATCHED);
    }
}

/// A value of a [`watch`], as it was when this was made. It holds no lock: keeping it, also across
/// awaits, holds nobody up.
pub struct WatchRef<T>(StdArc<T>);

impl<T> Deref for WatchRef<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for WatchRef<T> {
    fn clone(&self) -> WatchRef<T> {
        WatchRef(StdArc::clone(&self.0))
    }
}

impl<T: fmt::Debug> fmt::Debug for WatchRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: fmt::Display> fmt::Display for WatchRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: fmt::Debug> fmt::Debug for WatchSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("WatchSender");
        shown.field("value", &self.borrow()).finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for WatchReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("WatchReceiver");
        shown.field("value", &self.borrow()).finish_non_exhaustive()
    }
}
