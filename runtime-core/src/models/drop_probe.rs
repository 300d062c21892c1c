//! The drop probe: a value that must be dropped once, after the last access; loom checks that.

use crate::sync::{StdArc, Tally, UnsafeCell, thread};

/// Loom checks the accesses to the cell: one that is not ordered before the drop is a data race.
#[derive(Debug)]
pub(super) struct DropProbe {
    cell: UnsafeCell<()>,
    dropped: StdArc<Tally>,
}

// SAFETY: the cell contains nothing; loom checks the order of the accesses.
unsafe impl Send for DropProbe {}
// SAFETY: as above.
unsafe impl Sync for DropProbe {}

impl DropProbe {
    /// Makes a probe. `dropped` counts its drops.
    pub(super) fn new(dropped: &StdArc<Tally>) -> DropProbe {
        DropProbe {
            cell: UnsafeCell::new(()),
            dropped: StdArc::clone(dropped),
        }
    }

    /// Reads the value, as any number of threads may do at once.
    pub(super) fn look(&self) {
        self.cell.with(|_| ());
    }

    /// Changes the value, as a thread with exclusive access may do.
    pub(super) fn touch(&self) {
        self.cell.with_mut(|_| ());
    }
}

impl Drop for DropProbe {
    fn drop(&mut self) {
        self.dropped.add();
        // After a failure the rest of a model is dropped in any order.
        if !thread::panicking() {
            self.touch();
        }
    }
}
