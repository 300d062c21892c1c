//! A lock that many may hold to read, or one to write.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::cell::{LockCell, Many};
use crate::runtime::{Acquire, Permits};
use crate::sync::{StdArc, const_fn};

/// Who writes has all permits, who reads has one.
const ALL: usize = Permits::MAX;

/// A value that many tasks may read at the same time, or one may write. asyncio has none.
///
/// Waiters are served in the order in which they came. So writers do not starve: who comes to read
/// while a writer waits, waits behind it. It follows that a task that has a read guard, and asks
/// for another, waits for itself if a writer came in between.
///
/// ```
/// # asyncio::run(async {
/// let settings = asyncio::RwLock::new(vec![1, 2]);
/// {
///     let (one, other) = (settings.read().await, settings.read().await);
///     assert_eq!(one.len() + other.len(), 4);
/// }
/// settings.write().await.push(3);
/// assert_eq!(settings.into_inner(), [1, 2, 3]);
/// # });
/// ```
pub struct RwLock<T: ?Sized> {
    permits: Permits,
    value: LockCell<T, Many>,
}

impl<T> RwLock<T> {
    const_fn! {
        /// Makes a lock around `value`.
        #[must_use]
        pub fn new(value: T) -> RwLock<T> {
            RwLock { permits: Permits::new(ALL), value: LockCell::new(value) }
        }
    }

    /// Returns the value.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized> RwLock<T> {
    /// Waits until nobody writes, or waits to write and came earlier.
    ///
    /// # Cancellation
    /// A wait that is cancelled or dropped takes nothing; what it had been given goes to the next
    /// in line.
    #[inline]
    pub fn read(&self) -> AcquireRead<'_, T> {
        let acquire = self.permits.acquire(1);
        AcquireRead {
            lock: self,
            acquire,
        }
    }

    /// Waits until nobody has the lock, and all who came earlier have had it.
    ///
    /// # Cancellation
    /// As for [`read`](RwLock::read).
    #[inline]
    pub fn write(&self) -> AcquireWrite<'_, T> {
        let acquire = self.permits.acquire(ALL);
        AcquireWrite {
            lock: self,
            acquire,
        }
    }

    /// As [`read`](RwLock::read), with a guard that keeps the lock alive.
    ///
    /// # Cancellation
    /// As for [`read`](RwLock::read).
    pub async fn read_owned(self: StdArc<Self>) -> OwnedRwLockReadGuard<T> {
        self.permits.acquire(1).await;
        OwnedRwLockReadGuard::of(self)
    }

    /// As [`write`](RwLock::write), with a guard that keeps the lock alive.
    ///
    /// # Cancellation
    /// As for [`read`](RwLock::read).
    pub async fn write_owned(self: StdArc<Self>) -> OwnedRwLockWriteGuard<T> {
        self.permits.acquire(ALL).await;
        OwnedRwLockWriteGuard::of(self)
    }

    /// Takes the lock to read, if [`read`](RwLock::read) would not wait.
    #[inline]
    #[must_use]
    pub fn try_read(&self) -> Option<RwLockReadGuard<'_, T>> {
        let taken = self.permits.try_acquire(1);
        taken.then(|| RwLockReadGuard::of(self))
    }

    /// Takes the lock to write, if [`write`](RwLock::write) would not wait.
    #[inline]
    #[must_use]
    pub fn try_write(&self) -> Option<RwLockWriteGuard<'_, T>> {
        let taken = self.permits.try_acquire(ALL);
        taken.then(|| RwLockWriteGuard::of(self))
    }

    /// As [`try_read`](RwLock::try_read), with a guard that keeps the lock alive.
    #[must_use]
    pub fn try_read_owned(self: StdArc<Self>) -> Option<OwnedRwLockReadGuard<T>> {
        let taken = self.permits.try_acquire(1);
        taken.then(|| OwnedRwLockReadGuard::of(self))
    }

    /// As [`try_write`](RwLock::try_write), with a guard that keeps the lock alive.
    #[must_use]
    pub fn try_write_owned(self: StdArc<Self>) -> Option<OwnedRwLockWriteGuard<T>> {
        let taken = self.permits.try_acquire(ALL);
        taken.then(|| OwnedRwLockWriteGuard::of(self))
    }

    /// The value, which nobody else can use now.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    fn release(&self, permits: usize) {
        let fits = self.permits.release(permits, ALL);
        debug_assert!(fits, "guards give back what was taken for them");
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> RwLock<T> {
        RwLock::new(value)
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RwLock");
        match self.try_read() {
            Some(guard) => shown.field("value", &&*guard),
            None => shown.field("value", &format_args!("<locked>")),
        };
        shown.finish()
    }
}

pin_project! {
    /// Waits to read: made by [`RwLock::read`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct AcquireRead<'a, T: ?Sized> {
        lock: &'a RwLock<T>,
        #[pin]
        acquire: Acquire<'a>,
    }
}

pin_project! {
    /// Waits to write: made by [`RwLock::write`].
    #[must_use = "futures do nothing unless they are awaited"]
    pub struct AcquireWrite<'a, T: ?Sized> {
        lock: &'a RwLock<T>,
        #[pin]
        acquire: Acquire<'a>,
    }
}

/// The future that waits for a guard.
macro_rules! acquires {
    ($future:ident, $guard:ident) => {
        impl<'a, T: ?Sized> Future for $future<'a, T> {
            type Output = $guard<'a, T>;

            #[inline]
            fn poll(self: Pin<&mut Self>, with: &mut Context<'_>) -> Poll<$guard<'a, T>> {
                let this = self.project();
                let lock = *this.lock;
                this.acquire.poll(with).map(|()| $guard::of(lock))
            }
        }

        impl<T: ?Sized> fmt::Debug for $future<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($future)).finish_non_exhaustive()
            }
        }
    };
}

acquires!(AcquireRead, RwLockReadGuard);
acquires!(AcquireWrite, RwLockWriteGuard);

/// The lock is held to read, until this is dropped.
#[must_use = "the lock is released when this is dropped"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    /// Holds one of its permits. That it can be shared says that the value can.
    lock: &'a RwLock<T>,
}

/// The lock is held to write, until this is dropped.
#[must_use = "the lock is released when this is dropped"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    /// Holds all of its permits.
    lock: &'a RwLock<T>,
    value: PhantomData<&'a mut T>,
}

/// The lock is held to read and kept alive, until this is dropped.
#[must_use = "the lock is released when this is dropped"]
pub struct OwnedRwLockReadGuard<T: ?Sized> {
    /// Holds one of its permits.
    lock: StdArc<RwLock<T>>,
}

/// The lock is held to write and kept alive, until this is dropped.
#[must_use = "the lock is released when this is dropped"]
pub struct OwnedRwLockWriteGuard<T: ?Sized> {
    /// Holds all of its permits.
    lock: StdArc<RwLock<T>>,
    /// How many are given back.
    permits: usize,
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    /// For the permits, which the caller has taken.
    fn of(lock: &'a RwLock<T>) -> RwLockWriteGuard<'a, T> {
        let value = PhantomData;
        RwLockWriteGuard { lock, value }
    }

    /// Keeps the lock to read only. Nobody writes in between.
    pub fn downgrade(this: RwLockWriteGuard<'a, T>) -> RwLockReadGuard<'a, T> {
        let lock = this.lock;
        std::mem::forget(this);
        let guard = RwLockReadGuard::of(lock);
        lock.release(ALL - 1);
        guard
    }
}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    /// For the permit, which the caller has taken.
    fn of(lock: &'a RwLock<T>) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard { lock }
    }
}

impl<T: ?Sized> OwnedRwLockReadGuard<T> {
    /// For the permit, which the caller has taken.
    fn of(lock: StdArc<RwLock<T>>) -> OwnedRwLockReadGuard<T> {
        OwnedRwLockReadGuard { lock }
    }
}

impl<T: ?Sized> OwnedRwLockWriteGuard<T> {
    /// For the permits, which the caller has taken.
    fn of(lock: StdArc<RwLock<T>>) -> OwnedRwLockWriteGuard<T> {
        let permits = ALL;
        OwnedRwLockWriteGuard { lock, permits }
    }

    /// Keeps the lock to read only. Nobody writes in between.
    pub fn downgrade(mut this: OwnedRwLockWriteGuard<T>) -> OwnedRwLockReadGuard<T> {
        // One of the permits is the new guard's.
        this.permits = ALL - 1;
        OwnedRwLockReadGuard::of(StdArc::clone(&this.lock))
    }
}

/// What all guards can do.
macro_rules! guards {
    ($guard:ident<$($lifetime:lifetime,)? T>, |$this:ident| $permits:expr) => {
        impl<T: ?Sized> Deref for $guard<$($lifetime,)? T> {
            type Target = T;

            #[inline]
            fn deref(&self) -> &T {
                // SAFETY: L1: this guard holds a permit, so nobody else holds all of them.
                unsafe { self.lock.value.by_guard() }
            }
        }

        impl<T: ?Sized> Drop for $guard<$($lifetime,)? T> {
            #[inline]
            fn drop(&mut self) {
                let $this = self;
                $this.lock.release($permits);
            }
        }

        impl<T: ?Sized + fmt::Debug> fmt::Debug for $guard<$($lifetime,)? T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                (**self).fmt(f)
            }
        }
    };
}

guards!(RwLockReadGuard<'_, T>, |this| 1);
guards!(RwLockWriteGuard<'_, T>, |this| ALL);
guards!(OwnedRwLockReadGuard<T>, |this| 1);
guards!(OwnedRwLockWriteGuard<T>, |this| this.permits);

impl<T: ?Sized> DerefMut for RwLockWriteGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: L1: this guard holds all permits.
        unsafe { self.lock.value.by_guard_mut() }
    }
}

impl<T: ?Sized> DerefMut for OwnedRwLockWriteGuard<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: L1: this guard holds all permits.
        unsafe { self.lock.value.by_guard_mut() }
    }
}
