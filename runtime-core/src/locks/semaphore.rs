//! Semaphores: a number of permits, and tasks that wait for some.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::runtime::{Acquire, Permits};
use crate::sync::{StdArc, const_fn};

/// A number of permits that tasks take and give back: `asyncio.Semaphore`.
///
/// Waiters are served in the order in which they came: a permit that is released while tasks wait
/// goes to the first of them, and a newcomer queues behind it. If that one wants more permits than
/// there are, the others wait behind it.
///
/// Unlike in asyncio, a permit is a value that gives itself back when it is dropped; and several
/// can be acquired at once.
///
/// ```
/// # asyncio::run(async {
/// use asyncio::Semaphore;
///
/// static CONNECTIONS: Semaphore = Semaphore::new(10);
///
/// let permit = CONNECTIONS.acquire().await;
/// assert_eq!(CONNECTIONS.available_permits(), 9);
/// drop(permit);
/// assert_eq!(CONNECTIONS.available_permits(), 10);
/// # });
/// ```
#[derive(Debug)]
pub struct Semaphore {
    permits: Permits,
    /// How many permits there may be.
    most: usize,
}

impl Semaphore {
    const_fn! {
        /// Makes a semaphore with `permits` permits.
        ///
        /// # Panics
        /// If there are more than `usize::MAX / 4`.
        #[must_use]
        #[track_caller]
        pub fn new(permits: usize) -> Semaphore {
            Semaphore::bounded(permits, Permits::MAX)
        }
    }

    const_fn! {
        #[track_caller]
        fn bounded(permits: usize, most: usize) -> Semaphore {
            assert!(permits <= Permits::MAX, "a semaphore has at most usize::MAX / 4 permits");
            Semaphore { permits: Permits::new(permits), most }
        }
    }

    /// Waits for a permit.
    ///
    /// Does not yield if one is free and nobody waits.
    ///
    /// # Cancellation
    /// A wait that is cancelled or dropped takes no permit; one that it had been given goes to the
    /// next in line.
    #[inline]
    pub fn acquire(&self) -> AcquirePermit<'_> {
        self.acquire_many(1)
    }

    /// Waits for `count` permits, and takes them all at once. They are given back together.
    ///
    /// # Cancellation
    /// As for [`acquire`](Semaphore::acquire).
    #[inline]
    pub fn acquire_many(&self, count: usize) -> AcquirePermit<'_> {
        AcquirePermit {
            semaphore: self,
            count,
            acquire: self.permits.acquire(count),
        }
    }

    /// Waits for `count` permits, which keep the semaphore alive.
    ///
    /// # Cancellation
    /// As for [`acquire`](Semaphore::acquire).
    pub async fn acquire_many_owned(self: StdArc<Self>, count: usize) -> OwnedPermit {
        self.permits.acquire(count).await;
        OwnedPermit {
            semaphore: self,
            count,
        }
    }

    /// As [`acquire_many_owned`](Semaphore::acquire_many_owned), for one permit.
    pub async fn acquire_owned(self: StdArc<Self>) -> OwnedPermit {
        self.acquire_many_owned(1).await
    }

    /// Takes a permit if one is free and nobody waits.
    #[inline]
    #[must_use]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.try_acquire_many(1)
    }

    /// Takes `count` permits if they are free and nobody waits.
    #[inline]
    #[must_use]
    pub fn try_acquire_many(&self, count: usize) -> Option<Permit<'_>> {
        // Lazily: a permit that is made is given back.
        let taken = self.permits.try_acquire(count);
        taken.then(|| Permit {
            semaphore: self,
            count,
        })
    }

    /// Adds a permit: the first in line gets it.
    ///
    /// As in asyncio, this may be called without a permit; for one that a [`Permit`] has, drop that
    /// instead, or [`forget`](Permit::forget) it.
    ///
    /// # Panics
    /// If there would be more than `usize::MAX / 4` permits.
    #[track_caller]
    pub fn release(&self) {
        self.release_many(1);
    }

    /// Adds `count` permits.
    ///
    /// # Panics
    /// If there would be more than `usize::MAX / 4` permits.
    #[track_caller]
    pub fn release_many(&self, count: usize) {
        assert!(
            self.add(count),
            "a semaphore has at most usize::MAX / 4 permits"
        );
    }

    /// Adds permits, if there are not too many then.
    #[inline]
    fn add(&self, count: usize) -> bool {
        self.permits.release(count, self.most)
    }

    /// Whether [`acquire`](Semaphore::acquire) would wait: no permit is free, or somebody waits.
    #[must_use]
    pub fn locked(&self) -> bool {
        let look = self.permits.look();
        look.free == 0 || look.waiting > 0
    }

    /// How many permits are free: neither taken nor on their way to a waiter.
    #[must_use]
    pub fn available_permits(&self) -> usize {
        self.permits.look().free
    }
}

pin_project! {
    /// Waits for permits: made by [`Semaphore::acquire`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct AcquirePermit<'a> {
        semaphore: &'a Semaphore,
        count: usize,
        #[pin]
        acquire: Acquire<'a>,
    }
}

impl<'a> Future for AcquirePermit<'a> {
    type Output = Permit<'a>;

    #[inline]
    fn poll(self: Pin<&mut Self>, with: &mut Context<'_>) -> Poll<Permit<'a>> {
        let this = self.project();
        let (semaphore, count) = (*this.semaphore, *this.count);
        let acquired = this.acquire.poll(with);
        acquired.map(|()| Permit { semaphore, count })
    }
}

/// One or more permits of a [`Semaphore`], which gets them back when this is dropped.
#[derive(Debug)]
#[must_use = "the permit is given back when this is dropped"]
pub struct Permit<'a> {
    semaphore: &'a Semaphore,
    count: usize,
}

impl Permit<'_> {
    /// How many permits these are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Keeps the permits from the semaphore for good, or until [`Semaphore::release`] adds them.
    pub fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        // A bounded semaphore that was released too often in the meantime has them already.
        let _fits = self.semaphore.add(self.count);
    }
}

/// Permits that keep their [`Semaphore`] alive: made by [`Semaphore::acquire_owned`].
#[derive(Debug)]
#[must_use = "the permit is given back when this is dropped"]
pub struct OwnedPermit {
    semaphore: StdArc<Semaphore>,
    count: usize,
}

impl OwnedPermit {
    /// How many permits these are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Keeps the permits from the semaphore for good, or until [`Semaphore::release`] adds them.
    pub fn forget(mut self) {
        self.count = 0;
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        // A bounded semaphore that was released too often in the meantime has them already.
        let _fits = self.semaphore.add(self.count);
    }
}

/// A semaphore that refuses more permits than it began with: `asyncio.BoundedSemaphore`.
///
/// It is a [`Semaphore`] in all else.
///
/// ```
/// # asyncio::run(async {
/// let semaphore = asyncio::BoundedSemaphore::new(1);
/// let permit = semaphore.acquire().await;
/// permit.forget();
/// assert!(semaphore.release().is_ok());
/// assert!(semaphore.release().is_err());
/// # });
/// ```
#[derive(Debug)]
pub struct BoundedSemaphore {
    semaphore: Semaphore,
}

impl BoundedSemaphore {
    const_fn! {
        /// Makes a semaphore with `permits` permits, which can never have more.
        ///
        /// # Panics
        /// If there are more than `usize::MAX / 4`.
        #[must_use]
        #[track_caller]
        pub fn new(permits: usize) -> BoundedSemaphore {
            BoundedSemaphore { semaphore: Semaphore::bounded(permits, permits) }
        }
    }

    /// Waits for a permit: see [`Semaphore::acquire`].
    #[inline]
    pub fn acquire(&self) -> AcquirePermit<'_> {
        self.semaphore.acquire()
    }

    /// Waits for `count` permits: see [`Semaphore::acquire_many`].
    #[inline]
    pub fn acquire_many(&self, count: usize) -> AcquirePermit<'_> {
        self.semaphore.acquire_many(count)
    }

    /// Takes a permit if one is free and nobody waits.
    #[inline]
    #[must_use]
    pub fn try_acquire(&self) -> Option<Permit<'_>> {
        self.semaphore.try_acquire()
    }

    /// Gives back a permit that was forgotten.
    ///
    /// # Errors
    /// [`ReleasedTooOften`] if all permits are there: nothing has changed then.
    pub fn release(&self) -> Result<(), ReleasedTooOften> {
        match self.semaphore.add(1) {
            true => Ok(()),
            false => Err(ReleasedTooOften(())),
        }
    }

    /// Whether [`acquire`](BoundedSemaphore::acquire) would wait.
    #[must_use]
    pub fn locked(&self) -> bool {
        self.semaphore.locked()
    }

    /// How many permits are free.
    #[must_use]
    pub fn available_permits(&self) -> usize {
        self.semaphore.available_permits()
    }
}

/// A [`BoundedSemaphore`] was released more often than it was acquired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReleasedTooOften(());

impl fmt::Display for ReleasedTooOften {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoundedSemaphore released too many times")
    }
}

impl Error for ReleasedTooOften {}
