//! Whether a request that was passed on to a task has met anybody there.

use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutant, StdArc, broken};

/// Left with a request, by who will ask. It is met by the first claim after that, unless that is given
/// back.
#[derive(Debug, Default)]
pub(crate) struct Witness {
    met: AtomicBool,
}

/// Those of a delivery.
pub(crate) type Witnesses = Vec<StdArc<Witness>>;

impl Witness {
    pub(crate) fn is_met(&self) -> bool {
        // Acquire: pairs with the store below; asked when the task is done, which is later.
        self.met.load(Ordering::Acquire)
    }
}

/// They have met somebody.
pub(crate) fn meet(witnesses: Witnesses) {
    for witness in witnesses {
        if !broken(Mutant::MeetNobody) {
            witness.met.store(true, Ordering::Release);
        }
    }
}
