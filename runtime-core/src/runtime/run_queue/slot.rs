//! A slot for one value, filled and emptied by exchange from any thread.

use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use crate::sync::atomic::{AtomicPtr, Ordering};
use crate::sync::{Mutant, broken};

/// A value that fits into one word.
///
/// # Safety
/// `from_word` of what `into_word` returned, once, must be sound.
pub(crate) unsafe trait Word: Send + Sized {
    fn into_word(self) -> NonNull<()>;

    /// # Safety
    /// `word` came from `into_word`, and has not come back since.
    unsafe fn from_word(word: NonNull<()>) -> Self;
}

/// Holds one `T` or none. (A value in it when it is dropped is leaked: see `Runnable`.)
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

    /// Puts `value` in, and returns what was there.
    #[inline]
    pub(crate) fn replace(&self, value: T) -> Option<T> {
        // AcqRel: publishes this value to whoever takes it, a thief for one, and acquires the one that comes out.
        let before = self.word.swap(value.into_word().as_ptr(), exchange());
        // SAFETY: every word here came from `into_word`, and the exchange gave it to us alone.
        NonNull::new(before).map(|word| unsafe { T::from_word(word) })
    }

    /// Takes what is there.
    #[inline]
    pub(crate) fn take(&self) -> Option<T> {
        // The look spares the owner an exchange on an empty slot.
        if self.is_empty() {
            return None;
        }
        let before = self.word.swap(ptr::null_mut(), exchange());
        // SAFETY: as in `replace`.
        NonNull::new(before).map(|word| unsafe { T::from_word(word) })
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        // Relaxed: whoever goes on to take it does so by an exchange.
        self.word.load(Ordering::Relaxed).is_null()
    }
}

#[inline]
fn exchange() -> Ordering {
    if broken(Mutant::SlotRelaxed) {
        Ordering::Relaxed
    } else {
        Ordering::AcqRel
    }
}

// SAFETY: a reference is a pointer, and the same one comes back.
#[cfg(test)]
unsafe impl Word for &'static u32 {
    fn into_word(self) -> NonNull<()> {
        NonNull::from(self).cast()
    }

    /// # Safety
    /// As in the trait.
    unsafe fn from_word(word: NonNull<()>) -> Self {
        // SAFETY: `into_word` has made it of a reference that lives for ever.
        unsafe { word.cast().as_ref() }
    }
}
