//! The guard of a lock that may be released for a while.

use std::ops::{Deref, DerefMut};

use crate::sync::MutexGuard;

/// The guard of a lock, which is held whenever the value is used.
pub(super) struct Held<'a, T>(Option<MutexGuard<'a, T>>);

impl<'a, T> Held<'a, T> {
    #[inline]
    pub(super) fn new(guard: MutexGuard<'a, T>) -> Held<'a, T> {
        Held(Some(guard))
    }

    #[inline]
    pub(super) fn is_held(&self) -> bool {
        self.0.is_some()
    }

    /// Releases the lock.
    #[inline]
    pub(super) fn release(&mut self) {
        self.0 = None;
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0.as_ref().expect(IS_HELD)
    }
}

impl<T> DerefMut for Held<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect(IS_HELD)
    }
}

const IS_HELD: &str = "the lock is held while its value is used";
