//! The value inside a lock: reached only by those who hold the lock.

use std::cell::UnsafeCell;
use std::fmt;
use std::marker::PhantomData;

/// A value that is reached through a guard.
///
/// The invariant **L1**: a reference to the value is made only for a guard that exists, and guards
/// that can make a `&mut T` exist one at a time, and not beside any other. The locks uphold it:
/// they make a guard for the permits that it needs, and it gives them back when it is dropped.
///
/// `By` says whether guards that share the value exist.
pub(super) struct LockCell<T: ?Sized, By = One> {
    by: PhantomData<By>,
    value: UnsafeCell<T>,
}

/// Guards of this cell exist one at a time.
pub(super) struct One;

/// Several guards of this cell may share the value.
pub(super) struct Many;

// SAFETY: L1: at any time one guard reaches the value, and so does one thread, for which `T: Send`
// is needed. (A guard that is shared by threads asks for `T: Sync` itself.)
unsafe impl<T: ?Sized + Send> Sync for LockCell<T, One> {}

// SAFETY: L1: at any time one thread has a `&mut T`, which needs `T: Send`, or several have a `&T`,
// which needs `T: Sync`.
unsafe impl<T: ?Sized + Send + Sync> Sync for LockCell<T, Many> {}

impl<T, By> LockCell<T, By> {
    pub(super) const fn new(value: T) -> LockCell<T, By> {
        LockCell {
            by: PhantomData,
            value: UnsafeCell::new(value),
        }
    }

    pub(super) fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: ?Sized, By> LockCell<T, By> {
    pub(super) fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// # Safety
    /// The caller is a guard, borrowed for as long as the result (L1).
    #[inline]
    pub(super) unsafe fn by_guard(&self) -> &T {
        // SAFETY: L1: nobody has a `&mut T`.
        unsafe { &*self.value.get() }
    }

    /// # Safety
    /// The caller is a guard that excludes all others, mutably borrowed for as long as the result
    /// (L1).
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "the guard is what is borrowed mutably")]
    pub(super) unsafe fn by_guard_mut(&self) -> &mut T {
        // SAFETY: L1: nobody else has a reference.
        unsafe { &mut *self.value.get() }
    }
}

impl<T: ?Sized, By> fmt::Debug for LockCell<T, By> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockCell")
    }
}
