//! A value that is made once, by whoever needs it first.

use std::convert::Infallible;
use std::fmt;

use super::cell::{LockCell, Many};
use crate::runtime::Permits;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutant, broken, const_fn, ordered};

/// A value that is made once, by an async function. asyncio has none.
///
/// The first task that needs the value makes it, and the others wait. If that task is cancelled or
/// fails, the next in line tries.
///
/// ```
/// # asyncio::run(async {
/// static ANSWER: asyncio::OnceCell<u32> = asyncio::OnceCell::new();
///
/// assert_eq!(ANSWER.get(), None);
/// let answer = ANSWER.get_or_init(async || { asyncio::checkpoint().await; 42 }).await;
/// assert_eq!(*answer, 42);
/// assert_eq!(ANSWER.get(), Some(&42));
/// # });
/// ```
pub struct OnceCell<T> {
    /// The value is there. Set once, under the permit.
    is_set: AtomicBool,
    /// The right to make the value. When it has been made, there are permits for all.
    permits: Permits,
    value: LockCell<Option<T>, Many>,
}

impl<T> OnceCell<T> {
    const_fn! {
        /// Makes a cell without a value.
        #[must_use]
        pub fn new() -> OnceCell<T> {
            OnceCell {
                is_set: AtomicBool::new(false),
                permits: Permits::new(1),
                value: LockCell::new(None),
            }
        }
    }

    const_fn! {
        /// Makes a cell with a value.
        #[must_use]
        pub fn with_value(value: T) -> OnceCell<T> {
            OnceCell {
                is_set: AtomicBool::new(true),
                permits: Permits::new(Permits::MAX),
                value: LockCell::new(Some(value)),
            }
        }
    }

    /// The value, if it has been made.
    #[inline]
    #[must_use]
    pub fn get(&self) -> Option<&T> {
        // Acquire: pairs with the Release in `put`.
        if !self.is_set.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: L1: nobody has a `&mut` to a value that is set, but by `&mut self`.
        unsafe { self.value.by_guard() }.as_ref()
    }

    /// Returns the value; if there is none, makes it by `init`, or waits until another task has.
    ///
    /// If `init` waits for this cell, it waits for ever.
    ///
    /// # Cancellation
    /// If this is cancelled or dropped while `init` runs, `init` is dropped, and the next task in
    /// line makes the value, by its own function.
    ///
    /// # Panics
    /// A panic of `init` is passed on; the next task in line makes the value.
    pub async fn get_or_init(&self, init: impl AsyncFnOnce() -> T) -> &T {
        let made = self.get_or_try_init(async || Ok::<T, Infallible>(init().await));
        match made.await {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    /// As [`get_or_init`](OnceCell::get_or_init), with a function that may fail.
    ///
    /// # Errors
    /// The error of `init`. The next task in line makes the value then.
    ///
    /// # Cancellation
    /// As for [`get_or_init`](OnceCell::get_or_init).
    ///
    /// # Panics
    /// As for [`get_or_init`](OnceCell::get_or_init).
    pub async fn get_or_try_init<E>(
        &self,
        init: impl AsyncFnOnce() -> Result<T, E>,
    ) -> Result<&T, E> {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        self.permits.acquire(1).await;
        let right = Right { cell: self };
        if let Some(value) = self.get() {
            return Ok(value);
        }
        let value = init().await?;
        Ok(right.put(value))
    }

    /// Gives the cell its value.
    ///
    /// # Errors
    /// `value`, if the cell has a value, or a task is making one.
    pub fn set(&self, value: T) -> Result<(), T> {
        if !self.permits.try_acquire(1) {
            return Err(value);
        }
        let right = Right { cell: self };
        if self.get().is_some() {
            return Err(value);
        }
        right.put(value);
        Ok(())
    }

    /// The value, which nobody else can use now.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut().as_mut()
    }

    /// Takes the value out: the cell has none then.
    pub fn take(&mut self) -> Option<T> {
        std::mem::take(self).into_inner()
    }

    /// Returns the value.
    pub fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }
}

/// The right to make the value of a cell: a permit that is given back.
struct Right<'a, T> {
    cell: &'a OnceCell<T>,
}

impl<'a, T> Right<'a, T> {
    /// Puts the value into the cell, which has none, and lets all who wait go on.
    fn put(self, value: T) -> &'a T {
        let cell = self.cell;
        // SAFETY: L1: this has the one permit, and as the value is not set, nobody refers to it.
        let place = unsafe { cell.value.by_guard_mut() };
        *place = Some(value);
        // Release: pairs with the Acquire in `get`.
        let release = ordered(Ordering::Release, Mutant::ValueRelaxed);
        cell.is_set.store(true, release);
        let fits = cell.permits.release(Permits::MAX - 1, Permits::MAX);
        debug_assert!(fits, "there was one permit, which this has");
        match cell.get() {
            Some(value) => value,
            None => unreachable!("it has just been set"),
        }
    }
}

impl<T> Drop for Right<'_, T> {
    fn drop(&mut self) {
        if !broken(Mutant::KeepRight) {
            let fits = self.cell.permits.release(1, Permits::MAX);
            debug_assert!(fits, "this had a permit");
        }
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> OnceCell<T> {
        OnceCell::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> OnceCell<T> {
        OnceCell::with_value(value)
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    fn clone(&self) -> OnceCell<T> {
        self.get()
            .cloned()
            .map_or_else(OnceCell::new, OnceCell::with_value)
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_tuple("OnceCell");
        match self.get() {
            Some(value) => shown.field(value),
            None => shown.field(&format_args!("<uninit>")),
        };
        shown.finish()
    }
}
