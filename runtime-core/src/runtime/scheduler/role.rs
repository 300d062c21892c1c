//! Who polls: one word, the holder and an epoch.
//!
//! Any thread of the loop may take the role when nobody has it; at most one holds it, and waits in
//! the poller. Each taking begins a new epoch, so that a release by who held it before does nothing.
//! A holder runs only the engine's own code and gives the role back before it polls a task, or wakes or
//! drops a waker, so no user code that blocks can keep it: nobody has to take the role from a holder by force.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{CriticalSection, Mutant, broken};

const NOBODY: u64 = u32::MAX as u64;
const EPOCH: u64 = 1 << 32;

/// The role of the poller.
#[derive(Debug)]
pub(crate) struct PollerRole {
    word: AtomicU64,
}

/// The role, held. Given back by `PollerRole::release`.
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
            word: AtomicU64::new(NOBODY),
        }
    }

    /// Takes the role if it is free.
    pub(crate) fn take(&self, holder: usize) -> Option<PollerGuard> {
        let before = self.word.load(Ordering::Relaxed);
        if before & NOBODY != NOBODY {
            return None;
        }
        let word = (before & !NOBODY).wrapping_add(EPOCH) | holder as u64;
        if broken(Mutant::TakeInTwoSteps) {
            self.word.store(word, Ordering::Release);
            return Some(PollerGuard::new(word));
        }
        // Acquire: pairs with the release of the holder before.
        let exchange =
            self.word
                .compare_exchange(before, word, Ordering::AcqRel, Ordering::Relaxed);
        exchange.ok().map(|_| PollerGuard::new(word))
    }

    /// Gives the role back, unless another epoch has begun.
    pub(crate) fn release(&self, held: PollerGuard) {
        if broken(Mutant::KeepRole) {
            return;
        }
        let free = held.word | NOBODY;
        let _later_epoch =
            self.word
                .compare_exchange(held.word, free, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Who holds the role.
    pub(crate) fn holder(&self) -> Option<usize> {
        let holder = self.word.load(Ordering::Acquire) & NOBODY;
        (holder != NOBODY).then_some(holder as usize)
    }
}
