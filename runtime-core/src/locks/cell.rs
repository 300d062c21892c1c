//! The value inside a lock: reached only by those who hold the lock.

use std::cell::UnsafeCell;
use std::fmt;

/// A value that is reached through a guard.
///
/// The invariant **L1**: a reference to the value is made only for a guard that exists, and guards
/// that can make a `&mut T` exist one at a time, and not beside any other. The locks uphold it:
/// they make a guard for the permits that it needs, and it gives them back when it is dropped.
pub(super) struct LockCell<T: ?Sized>(UnsafeCell<T>);

// SAFETY: L1: at any time one thread has a `&mut T`, which needs `T: Send`, or several have a `&T`,
// for which the shared guards ask for `T: Sync`.
unsafe impl<T: ?Sized + Send> Sync for LockCell<T> {}

impl<T> LockCell<T> {
    pub(super) const fn new(value: T) -> LockCell<T> {
        LockCell(UnsafeCell::new(value))
    }

    pub(super) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> LockCell<T> {
    pub(super) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// # Safety
    /// The caller is a guard, borrowed for as long as the result (L1).
    #[inline]
    pub(super) unsafe fn by_guard(&self) -> &T {
        // SAFETY: L1: nobody has a `&mut T`.
        unsafe { &*self.0.get() }
    }

    /// # Safety
    /// The caller is a guard that excludes all others, mutably borrowed for as long as the result
    /// (L1).
    #[inline]
    #[expect(clippy::mut_from_ref, reason = "the guard is what is borrowed mutably")]
    pub(super) unsafe fn by_guard_mut(&self) -> &mut T {
        // SAFETY: L1: nobody else has a reference.
        unsafe { &mut *self.0.get() }
    }
}

impl<T: ?Sized> fmt::Debug for LockCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LockCell")
    }
}
