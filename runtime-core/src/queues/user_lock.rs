//! A lock under which a user's code runs: comparisons, and closures that change a value.
//!
//! It is no lock of the engine: nothing else is locked meanwhile, and the code may use whatever it
//! likes, except what this lock protects. If it tries that, it would wait for itself for ever; here
//! it panics, with a text that says so.

use std::ops::{Deref, DerefMut};

use crate::sync::atomic::Ordering;
use crate::sync::{PoisonError, StdAtomicU64, UserMutex, UserMutexGuard, const_fn, local};

local! {
    /// Its address tells this thread from all others that exist.
    static HERE: u8 = 0
}

/// No thread.
const NOBODY: u64 = 0;

#[derive(Debug)]
pub(super) struct UserLock<T> {
    value: UserMutex<T>,
    /// The thread that has locked it.
    holder: StdAtomicU64,
}

impl<T> UserLock<T> {
    const_fn! {
        pub(super) fn new(value: T) -> UserLock<T> {
            UserLock { value: UserMutex::new(value), holder: StdAtomicU64::new(NOBODY) }
        }
    }

    /// # Panics
    /// If this thread has locked it already: with `again`.
    #[track_caller]
    pub(super) fn lock(&self, again: &str) -> UserGuard<'_, T> {
        let here = HERE.with(|here| std::ptr::from_ref(here).addr() as u64);
        // Relaxed: only this thread stores its own number, so it reads it only if it is the holder.
        assert!(self.holder.load(Ordering::Relaxed) != here, "{again}");
        let value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        self.holder.store(here, Ordering::Relaxed);
        UserGuard {
            holder: &self.holder,
            value,
        }
    }
}

/// The lock is held.
#[derive(Debug)]
pub(super) struct UserGuard<'a, T> {
    holder: &'a StdAtomicU64,
    value: UserMutexGuard<'a, T>,
}

impl<T> Deref for UserGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for UserGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for UserGuard<'_, T> {
    fn drop(&mut self) {
        // Relaxed: as in `lock`. The mutex is released after this.
        self.holder.store(NOBODY, Ordering::Relaxed);
    }
}
