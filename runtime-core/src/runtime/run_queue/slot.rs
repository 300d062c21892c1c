//! A slot for one value, filled and emptied by atomic exchanges from any thread.

use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use crate::sync::atomic::{AtomicPtr, Ordering};
use crate::sync::{Mutant, ordered};

/// A value that fits into one word.
///
/// # Safety
/// Calling `from_word` once with a word that `into_word` returned must be sound.
pub(crate) unsafe trait Word: Send + Sized {
    fn into_word(self) -> NonNull<()>;

    /// # Safety
    /// `word` came from `into_word`, and has not been passed to `from_word` since.
    unsafe fn from_word(word: NonNull<()>) -> Self;
}

/// Holds one `T` or nothing. A value that is in the slot when the slot is dropped is leaked: see
/// `Runnable`.
#[derive(Debug)]
pub(crate) struct Slot<T> {
    word: AtomicPtr<()>,
    value: PhantomData<fn(T) -> T>,
}

impl<T: Word> Slot<T> {
    pub(crate) fn new() -> Slot<T> {
        Slot {
            word: AtomicPtr::new(ptr::null_mut()),
            value: PhantomData,
        }
    }

    /// Stores `value`, and returns the value that was there.
    #[inline]
    pub(crate) fn replace(&self, value: T) -> Option<T> {
        // AcqRel: publishes this value to the thread that takes it, perhaps a thief, and acquires
        // the value that it displaces.
        let before = self.word.swap(
            value.into_word().as_ptr(),
            ordered(Ordering::AcqRel, Mutant::SlotRelaxed),
        );
        // SAFETY: every word in the slot came from `into_word`, and the exchange gave it to this
        // thread alone.
        NonNull::new(before).map(|word| unsafe { T::from_word(word) })
    }

    /// Takes the value out.
    #[inline]
    pub(crate) fn take(&self) -> Option<T> {
        if self.is_empty() {
            return None;
        }
        self.exchange()
    }

    /// Takes the value out, by an exchange in any case.
    #[inline]
    pub(crate) fn exchange(&self) -> Option<T> {
        let before = self.word.swap(
            ptr::null_mut(),
            ordered(Ordering::AcqRel, Mutant::SlotRelaxed),
        );
        // SAFETY: as in `replace`.
        NonNull::new(before).map(|word| unsafe { T::from_word(word) })
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: a caller that goes on to take the value does so by an exchange.
        self.word.load(Ordering::Relaxed).is_null()
    }
}

// SAFETY: a reference is a pointer, and `from_word` returns the same reference.
#[cfg(test)]
unsafe impl Word for &'static u32 {
    fn into_word(self) -> NonNull<()> {
        NonNull::from(self).cast()
    }

    /// # Safety
    /// As in the trait.
    unsafe fn from_word(word: NonNull<()>) -> Self {
        // SAFETY: `into_word` made the word from a `'static` reference.
        unsafe { word.cast().as_ref() }
    }
}
