//! The seam in a real build: std's primitives, and crossbeam's deque.

/// For data that no protocol depends on, where loom's types do not suffice: mostly trait objects.
pub(crate) use std::sync::atomic::{AtomicBool as StdAtomicBool, AtomicU64 as StdAtomicU64};
pub(crate) use std::sync::{
    Arc as StdArc, Mutex as StdMutex, MutexGuard as StdMutexGuard, OnceLock as StdOnceLock,
    PoisonError, Weak as StdWeak,
};
pub(crate) use std::sync::{Arc, OnceLock};
/// For user code, which may run under it: so it does not count as a lock of the engine.
pub(crate) use std::sync::{Mutex as UserMutex, MutexGuard as UserMutexGuard};

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
        park_timeout, yield_now,
    };

    /// Whether this is the thread on which `main` of the program runs.
    pub(crate) fn is_main() -> bool {
        std::thread::current().name() == Some("main")
    }

    /// Whether joining the thread would not block.
    pub(crate) fn is_finished<T>(thread: &JoinHandle<T>) -> bool {
        thread.is_finished()
    }
}

pub(crate) mod queue {
    pub(crate) use crossbeam_deque::{Steal, Stealer, Worker as Deque};
}

/// Whether this build is a model. Sizes differ there, and waits have no timeout.
pub(crate) const IS_MODEL: bool = false;

/// Whether a model asked for `step` to be broken: never, in a real build.
#[inline(always)]
pub(crate) const fn broken(_step: Mutant) -> bool {
    false
}

/// `ordering`, which a model can ask to be relaxed.
#[inline(always)]
pub(crate) const fn ordered(ordering: atomic::Ordering, _step: Mutant) -> atomic::Ordering {
    ordering
}

/// Must be called in every iteration of a spin loop: a model needs it.
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

/// Declares a function that is `const`, except in a model.
macro_rules! const_fn {
    ($(#[$attribute:meta])* $visibility:vis fn $($function:tt)*) => {
        $(#[$attribute])* $visibility const fn $($function)*
    };
}
pub(crate) use const_fn;

/// Part of a value that is published by storing a pointer to it. In a model it lets loom check that
/// every access is ordered after the publication; here it is empty.
#[derive(Debug, Default)]
pub(crate) struct Published(());

impl Published {
    /// Notes an access to the value.
    #[inline(always)]
    pub(crate) const fn look(&self) {}
}

/// A mutex that does not poison: a panic while it is locked leaves the data as it is.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T: ?Sized>(std::sync::Mutex<T>);

/// The guard of a locked mutex: also a critical section, in which no user code may run.
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

    /// Waits for a notification, at most for `timeout`. Also returns whether that has passed.
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

/// A cell that gives raw pointers to closures, so that loom can check the accesses in a model.
#[derive(Debug, Default)]
pub(crate) struct UnsafeCell<T: ?Sized>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) const fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell(std::cell::UnsafeCell::new(value))
    }

    /// Calls `read` with a pointer for reading.
    #[inline(always)]
    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Calls `write` with a pointer for writing.
    #[inline(always)]
    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}
