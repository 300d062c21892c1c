//! The seam in a real build: std's primitives, and crossbeam's deque.

/// For what no protocol counts on, and where loom's own would not do: trait objects, mostly.
pub(crate) use std::sync::atomic::AtomicU64 as StdAtomicU64;
pub(crate) use std::sync::{
    Arc as StdArc, Mutex as StdMutex, OnceLock as StdOnceLock, PoisonError, Weak as StdWeak,
};
pub(crate) use std::sync::{Arc, OnceLock};

use std::ops::{Deref, DerefMut};

use super::mutant::Mutant;
use super::section::CriticalSection;

pub(crate) mod atomic {
    pub(crate) use std::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence,
    };
}

pub(crate) mod thread {
    pub(crate) use std::thread::{
        Builder, JoinHandle, Thread, ThreadId, available_parallelism, current, panicking, park,
        park_timeout,
    };

    /// Whether joining it would not wait.
    pub(crate) fn is_finished<T>(thread: &JoinHandle<T>) -> bool {
        thread.is_finished()
    }
}

pub(crate) mod queue {
    pub(crate) use crossbeam_deque::{Steal, Stealer, Worker as Local};
}

/// Whether this build is a model. Sizes differ there, and waits have no timeout.
pub(crate) const IS_MODEL: bool = false;

/// Whether a model asked for `step` to be broken: never, in a real build.
#[inline(always)]
pub(crate) const fn broken(_step: Mutant) -> bool {
    false
}

/// Tells a spin loop's turn to whoever watches it.
#[inline]
pub(crate) fn spin() {
    std::hint::spin_loop();
}

/// Declares a thread-local whose initial value is a constant.
macro_rules! local {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr) => {
        std::thread_local! { $(#[$attribute])* static $name: $type = const { $value } }
    };
}
pub(crate) use local;

/// Declares a static whose value is a constant.
macro_rules! global {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr) => {
        $(#[$attribute])* static $name: $type = $value;
    };
}
pub(crate) use global;

/// What is published by a pointer: a model sees whether whoever looks at it may.
#[derive(Debug, Default)]
pub(crate) struct Published(());

impl Published {
    #[inline(always)]
    pub(crate) const fn look(&self) {}
}

/// A mutex that does not poison: a panic under it leaves the data as it was.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T: ?Sized>(std::sync::Mutex<T>);

/// A mutex that is held: a critical section, in which no user code runs.
#[derive(Debug)]
pub(crate) struct MutexGuard<'a, T: ?Sized> {
    guard: std::sync::MutexGuard<'a, T>,
    section: CriticalSection,
}

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Mutex<T> {
        Mutex(std::sync::Mutex::new(value))
    }

    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        let guard = self.0.lock();
        MutexGuard::new(guard.unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(MutexGuard::new(guard)),
            Err(std::sync::TryLockError::Poisoned(error)) => {
                Some(MutexGuard::new(error.into_inner()))
            }
            Err(std::sync::TryLockError::WouldBlock) => None,
        }
    }
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    #[inline]
    fn new(guard: std::sync::MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        MutexGuard {
            guard,
            section: CriticalSection::enter(),
        }
    }
}

impl<T: ?Sized> Deref for MutexGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T: ?Sized> DerefMut for MutexGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}

/// A condition variable for [`Mutex`].
#[derive(Debug, Default)]
pub(crate) struct Condvar(std::sync::Condvar);

impl Condvar {
    pub(crate) const fn new() -> Condvar {
        Condvar(std::sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let MutexGuard { guard, section } = guard;
        let guard = self.0.wait(guard);
        let guard = guard.unwrap_or_else(std::sync::PoisonError::into_inner);
        MutexGuard { guard, section }
    }

    /// Waits until `timeout` has passed; the flag says whether it has.
    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: std::time::Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        let MutexGuard { guard, section } = guard;
        let waited = self.0.wait_timeout(guard, timeout);
        let (guard, result) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        (MutexGuard { guard, section }, result.timed_out())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A cell whose accesses loom can watch: raw pointers, handed to a closure.
#[derive(Debug, Default)]
pub(crate) struct UnsafeCell<T: ?Sized>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell(std::cell::UnsafeCell::new(value))
    }

    /// Hands out a pointer to read through.
    #[inline(always)]
    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Hands out a pointer to write through.
    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}
