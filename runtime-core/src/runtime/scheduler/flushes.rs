//! The connections that are closed, and still have something to send: the end of the loop waits
//! for them, for a while.

use super::shared::Shared;
use crate::sync::Arc;
use crate::sync::atomic::{Ordering, fence};

/// Whether there is none. Who waits for that calls this once after `Shared::set_closing`, and again
/// whenever worker 0 is woken.
pub(crate) fn are_over(shared: &Shared) -> bool {
    // Pairs with the fence in `Flush::drop`.
    fence(Ordering::SeqCst);
    // Acquire: pairs with the Release in `Flush::drop`.
    shared.flushes.load(Ordering::Acquire) == 0
}

/// One of them, until it is dropped.
#[derive(Debug)]
pub(crate) struct Flush(Arc<Shared>);

impl Flush {
    pub(crate) fn begin(shared: &Arc<Shared>) -> Flush {
        // Relaxed: a connection that begins later than the shutdown looks is not waited for.
        shared.flushes.fetch_add(1, Ordering::Relaxed);
        Flush(Arc::clone(shared))
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        // Release: pairs with the Acquire in `is_over`.
        if self.0.flushes.fetch_sub(1, Ordering::Release) == 1 {
            // Either this sees that the loop closes, or the shutdown sees that there is none left.
            // Pairs with the fence in `are_over`.
            fence(Ordering::SeqCst);
            self.0.notify_shutdown();
        }
    }
}
