//! A lock around a value.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::cell::LockCell;
use crate::runtime::{Acquire, Permits};
use crate::sync::{StdArc, const_fn};

/// A value that one task at a time may use: `asyncio.Lock`, with the value inside.
///
/// Waiters get it in the order in which they came, and no newcomer gets it before them. The guard
/// may be held across awaits, and sent to another task or thread. A panic while it is held releases
/// the lock, and the value stays as it is. As in asyncio, a task that acquires a lock that it holds
/// waits for itself.
///
/// `Lock<()>` is asyncio's lock without a value.
///
/// ```
/// # asyncio::run(async {
/// use std::sync::Arc;
///
/// let counter = Arc::new(asyncio::Lock::new(0));
/// let tasks: Vec<_> = (0..10)
///     .map(|_| {
///         let counter = Arc::clone(&counter);
///         asyncio::create_task(async move { *counter.acquire().await += 1 })
///     })
///     .collect();
/// for task in tasks {
///     task.await.unwrap();
/// }
/// assert_eq!(*counter.acquire().await, 10);
/// # });
/// ```
pub struct Lock<T: ?Sized = ()> {
    permit: Permits,
    value: LockCell<T>,
}

impl<T> Lock<T> {
    const_fn! {
        /// Makes a lock around `value`.
        #[must_use]
        pub fn new(value: T) -> Lock<T> {
            Lock { permit: Permits::new(1), value: LockCell::new(value) }
        }
    }

    /// Returns the value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> Lock<T> {
    /// Waits for the lock.
    ///
    /// Does not yield if the lock is free and nobody waits for it.
    ///
    /// # Cancellation
    /// A wait that is cancelled or dropped does not take the lock; if it had been given it, the
    /// next in line gets it.
    #[inline]
    pub fn acquire(&self) -> AcquireLock<'_, T> {
        AcquireLock {
            lock: self,
            acquire: self.permit.acquire(1),
        }
    }

    /// Waits for the lock. The guard keeps it alive.
    ///
    /// # Cancellation
    /// As for [`acquire`](Lock::acquire).
    pub async fn lock_owned(self: StdArc<Self>) -> OwnedLockGuard<T> {
        self.permit.acquire(1).await;
        OwnedLockGuard::of(self)
    }

    /// Waits for the permit that a guard is made for.
    pub(super) fn acquire_permit(&self) -> Acquire<'_> {
        self.permit.acquire(1)
    }

    /// Takes the lock if it is free and nobody waits for it.
    #[inline]
    #[must_use]
    pub fn try_acquire(&self) -> Option<LockGuard<'_, T>> {
        let taken = self.permit.try_acquire(1);
        taken.then(|| LockGuard::of(self))
    }

    /// As [`try_acquire`](Lock::try_acquire), with a guard that keeps the lock alive.
    #[must_use]
    pub fn try_lock_owned(self: StdArc<Self>) -> Option<OwnedLockGuard<T>> {
        let taken = self.permit.try_acquire(1);
        taken.then(|| OwnedLockGuard::of(self))
    }

    /// Whether somebody holds the lock.
    ///
    /// As in asyncio, a lock that has been released and whose next waiter has not run yet is not
    /// locked, although [`try_acquire`](Lock::try_acquire) does not take it.
    #[must_use]
    pub fn locked(&self) -> bool {
        let look = self.permit.look();
        look.free + look.reserved == 0
    }

    /// The value, which nobody else can use now.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }
}

impl<T: Default> Default for Lock<T> {
    fn default() -> Lock<T> {
        Lock::new(T::default())
    }
}

impl<T> From<T> for Lock<T> {
    fn from(value: T) -> Lock<T> {
        Lock::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Lock");
        match self.try_acquire() {
            Some(guard) => shown.field("value", &&*guard),
            None => shown.field("value", &format_args!("<locked>")),
        };
        shown.finish()
    }
}

pin_project! {
    /// Waits for a lock: made by [`Lock::acquire`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct AcquireLock<'a, T: ?Sized> {
        lock: &'a Lock<T>,
        #[pin]
        acquire: Acquire<'a>,
    }
}

impl<'a, T: ?Sized> Future for AcquireLock<'a, T> {
    type Output = LockGuard<'a, T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, with: &mut Context<'_>) -> Poll<LockGuard<'a, T>> {
        let this = self.project();
        let lock = *this.lock;
        this.acquire.poll(with).map(|()| LockGuard::of(lock))
    }
}

impl<T: ?Sized> fmt::Debug for AcquireLock<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcquireLock").finish_non_exhaustive()
    }
}

/// The lock is held, until this is dropped.
#[must_use = "the lock is released when this is dropped"]
pub struct LockGuard<'a, T: ?Sized> {
    /// Holds its permit.
    lock: &'a Lock<T>,
    /// As the value is `Sync`, or not, so is the guard.
    value: PhantomData<&'a mut T>,
}

impl<'a, T: ?Sized> LockGuard<'a, T> {
    /// For the lock's permit, which the caller has taken.
    pub(super) fn of(lock: &'a Lock<T>) -> LockGuard<'a, T> {
        let value = PhantomData;
        LockGuard { lock, value }
    }

    /// The lock that is held.
    pub fn lock(this: &LockGuard<'a, T>) -> &'a Lock<T> {
        this.lock
    }
}

/// The lock is held and kept alive, until this is dropped: made by [`Lock::lock_owned`].
#[must_use = "the lock is released when this is dropped"]
pub struct OwnedLockGuard<T: ?Sized> {
    /// Holds its permit.
    lock: StdArc<Lock<T>>,
    /// As the value is `Sync`, or not, so is the guard.
    value: PhantomData<T>,
}

impl<T: ?Sized> OwnedLockGuard<T> {
    /// For the lock's permit, which the caller has taken.
    pub(super) fn of(lock: StdArc<Lock<T>>) -> OwnedLockGuard<T> {
        let value = PhantomData;
        OwnedLockGuard { lock, value }
    }

    /// The lock that is held.
    pub fn lock(this: &OwnedLockGuard<T>) -> &StdArc<Lock<T>> {
        &this.lock
    }
}

impl<T: ?Sized> Deref for LockGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: L1: this guard holds the one permit.
        unsafe { self.lock.value.by_guard() }
    }
}

impl<T: ?Sized> DerefMut for LockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: L1: this guard holds the one permit.
        unsafe { self.lock.value.by_guard_mut() }
    }
}

impl<T: ?Sized> Drop for LockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let fits = self.lock.permit.release(1, 1);
        debug_assert!(fits, "a lock has one permit");
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for LockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: ?Sized> Deref for OwnedLockGuard<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: L1: this guard holds the one permit.
        unsafe { self.lock.value.by_guard() }
    }
}

impl<T: ?Sized> DerefMut for OwnedLockGuard<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: L1: this guard holds the one permit.
        unsafe { self.lock.value.by_guard_mut() }
    }
}

impl<T: ?Sized> Drop for OwnedLockGuard<T> {
    #[inline]
    fn drop(&mut self) {
        let fits = self.lock.permit.release(1, 1);
        debug_assert!(fits, "a lock has one permit");
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for OwnedLockGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
