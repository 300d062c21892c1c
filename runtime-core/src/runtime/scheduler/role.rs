//! The poller role: one word, which holds the holder and an epoch.
//!
//! Any thread of the loop may take the role when it is free. At most one thread holds it, and waits
//! in the poller. Each taking begins a new epoch, so that a release by an earlier holder does
//! nothing. A holder runs only the engine's own code, and releases the role before it polls a task,
//! or wakes or drops a waker. So user code that blocks cannot keep the role, and the role never has
//! to be taken from a holder by force.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{CriticalSection, Mutant, broken};

/// The lower half of the word while the role is free.
const NO_HOLDER: u64 = u32::MAX as u64;
/// One epoch. The epochs are counted in the upper half of the word.
const EPOCH: u64 = 1 << 32;

/// The role of the thread that waits in the poller.
#[derive(Debug)]
pub(crate) struct PollerRole {
    word: AtomicU64,
}

/// Proof that the caller holds the role. Given back by `PollerRole::release`.
#[derive(Debug)]
#[must_use = "a role that is not released is never free again"]
pub(crate) struct PollerGuard {
    word: u64,
    _section: CriticalSection,
}

impl PollerGuard {
    fn new(word: u64) -> PollerGuard {
        PollerGuard {
            word,
            _section: CriticalSection::enter(),
        }
    }
}

impl PollerRole {
    pub(crate) fn new() -> PollerRole {
        PollerRole {
            word: AtomicU64::new(NO_HOLDER),
        }
    }

    /// Takes the role if it is free.
    pub(crate) fn take(&self, holder: usize) -> Option<PollerGuard> {
        let before = self.word.load(Ordering::Relaxed);
        if before & NO_HOLDER != NO_HOLDER {
            return None;
        }
        let word = (before & !NO_HOLDER).wrapping_add(EPOCH) | holder as u64;
        // Acquire: pairs with the release by the previous holder.
        let exchange =
            self.word
                .compare_exchange(before, word, Ordering::AcqRel, Ordering::Relaxed);
        if exchange.is_err() && broken(Mutant::TakeInTwoSteps) {
            self.word.store(word, Ordering::Release);
            return Some(PollerGuard::new(word));
        }
        exchange.ok().map(|_| PollerGuard::new(word))
    }

    /// Gives the role back, unless another epoch has begun.
    pub(crate) fn release(&self, guard: PollerGuard) {
        let free = match broken(Mutant::KeepRole) {
            false => guard.word | NO_HOLDER,
            true => guard.word,
        };
        let _later_epoch =
            self.word
                .compare_exchange(guard.word, free, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// The epoch in which the role was last held, if it is free.
    pub(crate) fn free_since(&self) -> Option<u64> {
        let word = self.word.load(Ordering::Relaxed);
        (word & NO_HOLDER == NO_HOLDER).then_some(word / EPOCH)
    }

    /// The current holder of the role.
    pub(crate) fn holder(&self) -> Option<usize> {
        let holder = self.word.load(Ordering::Acquire) & NO_HOLDER;
        (holder != NO_HOLDER).then_some(holder as usize)
    }
}
