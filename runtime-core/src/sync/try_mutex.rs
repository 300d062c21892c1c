//! A mutex of models that threads may try to lock.

use super::model::Mutex;

/// A mutex for a protocol in which `try_lock` breaks a cycle of locks. Loom's own takes a thread in
/// `try_lock` for one that waits, as soon as another thread gets the lock first, and then reports a
/// deadlock. This one asks a flag, under a lock of its own.
#[derive(Debug)]
pub(crate) struct TryMutex<T> {
    held: Mutex<bool>,
    released: loom::sync::Condvar,
    // Loom need not see it: only the thread that set the flag takes it.
    value: std::sync::Mutex<T>,
}

/// The guard of a locked [`TryMutex`].
#[derive(Debug)]
pub(crate) struct TryMutexGuard<'a, T> {
    mutex: &'a TryMutex<T>,
    value: Option<std::sync::MutexGuard<'a, T>>,
}

impl<T> TryMutex<T> {
    pub(crate) fn new(value: T) -> TryMutex<T> {
        TryMutex {
            held: Mutex::new(false),
            released: loom::sync::Condvar::new(),
            value: std::sync::Mutex::new(value),
        }
    }

    pub(crate) fn lock(&self) -> TryMutexGuard<'_, T> {
        let mut held = self.held.lock();
        while *held {
            held = self
                .released
                .wait(held)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        *held = true;
        drop(held);
        self.guard()
    }

    pub(crate) fn try_lock(&self) -> Option<TryMutexGuard<'_, T>> {
        let held = std::mem::replace(&mut *self.held.lock(), true);
        (!held).then(|| self.guard())
    }

    fn guard(&self) -> TryMutexGuard<'_, T> {
        let value = self.value.lock();
        TryMutexGuard {
            mutex: self,
            value: Some(value.unwrap_or_else(std::sync::PoisonError::into_inner)),
        }
    }
}

impl<T> Drop for TryMutexGuard<'_, T> {
    fn drop(&mut self) {
        self.value = None;
        *self.mutex.held.lock() = false;
        self.mutex.released.notify_one();
    }
}

impl<T> std::ops::Deref for TryMutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_ref().expect("present until the drop")
    }
}

impl<T> std::ops::DerefMut for TryMutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.value.as_mut().expect("present until the drop")
    }
}
