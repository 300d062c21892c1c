//! A lock for the thread that polls: it never waits, but leaves its work to whoever holds the lock.
//!
//! A connection's state is locked by the tasks that write to it, which may take a while: they
//! encrypt and send. When its socket can be written to again, the thread that dispatches events
//! has to go on with what is unsent, and must not wait for a task. So it *asks*: it notes that
//! there is work, and does it itself if the lock is free. If not, the holder does it, after it has
//! released the lock.
//!
//! 1. Who asks sets `asked`, and then tries the lock (`ask`, `serve`).
//! 2. Who has held the lock releases it, and then looks at `asked` (`serve`).
//!
//! Both write first, and read then, with a fence between: so not both can miss what the other has
//! written. Either the asker finds the lock free, or the holder finds `asked` set. It may be both;
//! then the one that takes `asked` back under the lock does the work, and sees what was to be done.

use crate::sync::atomic::{AtomicBool, Ordering, fence};
use crate::sync::{Mutant, Mutex, MutexGuard, broken, ordered};

/// A lock whose holder does what others have asked for.
#[derive(Debug)]
pub(crate) struct DelegationLock<T> {
    asked: AtomicBool,
    value: Mutex<T>,
}

impl<T> DelegationLock<T> {
    pub(crate) fn new(value: T) -> DelegationLock<T> {
        DelegationLock {
            asked: AtomicBool::new(false),
            value: Mutex::new(value),
        }
    }

    /// Waits for the lock. Once the guard is dropped, the caller must call
    /// [`serve`](DelegationLock::serve) until it returns `None`.
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.value.lock()
    }

    /// Asks for the work. The caller must call [`serve`](DelegationLock::serve) then, until it
    /// returns `None`.
    pub(crate) fn ask(&self) {
        // Release: what there is to be done is seen by who takes this back; pairs with the Acquire
        // in `serve`. A read-modify-write, because a store would end the release sequence of
        // another who has asked before. The fence in `serve` orders it before the attempt to lock.
        self.asked
            .swap(true, ordered(Ordering::Release, Mutant::AskRelaxed));
    }

    /// Does the work, if it has been asked for, and nobody else does it.
    pub(crate) fn serve<R>(&self, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        loop {
            if !broken(Mutant::ServeWithoutFence) {
                // Between the release of the lock and the look at `asked`; and between the write
                // to `asked` and the attempt to lock.
                fence(Ordering::SeqCst);
            }
            // Relaxed: the fence orders, and `swap` below acquires.
            if !self.asked.load(Ordering::Relaxed) {
                return None;
            }
            let mut value = self.value.try_lock()?;
            // Acquire: pairs with the Release in `ask`.
            if self.asked.swap(false, Ordering::Acquire) {
                return Some(work(&mut value));
            }
            // Another has done it. Who has asked since may have found the lock taken: look again.
            if broken(Mutant::ServeOnce) {
                // A model switches threads at atomic operations only: here another may ask.
                self.asked.load(Ordering::Relaxed);
                return None;
            }
        }
    }
}
