//! Something that is dropped once, after the last look at it, or loom complains.

use crate::sync::{StdArc, Tally, UnsafeCell, thread};

/// Loom knows who looks at the cell: a look that is not ordered before the drop is a data race.
pub(super) struct DropProbe {
    cell: UnsafeCell<()>,
    dropped: StdArc<Tally>,
}

// SAFETY: there is nothing in the cell; who looks at it when is what loom is asked.
unsafe impl Send for DropProbe {}
// SAFETY: as above.
unsafe impl Sync for DropProbe {}

impl DropProbe {
    /// `dropped` counts the drops.
    pub(super) fn new(dropped: &StdArc<Tally>) -> DropProbe {
        DropProbe {
            cell: UnsafeCell::new(()),
            dropped: StdArc::clone(dropped),
        }
    }

    /// Looks at it, as any number of threads may at once.
    pub(super) fn look(&self) {
        self.cell.with(|_| ());
    }

    /// Changes it, as one thread may that has it to itself.
    pub(super) fn touch(&self) {
        self.cell.with_mut(|_| ());
    }
}

impl Drop for DropProbe {
    fn drop(&mut self) {
        self.dropped.add();
        // A model that has failed already is taken down in no order.
        if !thread::panicking() {
            self.touch();
        }
    }
}
