//! Where one thread receives what only it may run, and whom only it may wake.

use std::collections::VecDeque;

use super::parker::Parker;
use crate::runtime::task::runnable::Runnable;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex};

/// Woken local tasks on their way to their thread.
#[derive(Debug)]
pub(crate) struct Inbox {
    arrived: Mutex<VecDeque<Runnable>>,
    any: AtomicBool,
    parker: Arc<Parker>,
}

impl Inbox {
    pub(crate) fn new(parker: Arc<Parker>) -> Inbox {
        Inbox {
            arrived: Mutex::new(VecDeque::new()),
            any: AtomicBool::new(false),
            parker,
        }
    }

    /// Hands a task to the thread, and wakes it.
    pub(crate) fn send(&self, task: Runnable) {
        {
            let mut arrived = self.arrived.lock();
            arrived.push_back(task);
            self.any.store(true, Ordering::Release);
        }
        self.parker.unpark();
    }

    /// Whether something has arrived.
    #[inline]
    pub(crate) fn has_any(&self) -> bool {
        // Acquire, though the parker's exchange orders a sleeper's look.
        self.any.load(Ordering::Acquire)
    }

    /// Takes what has arrived.
    pub(crate) fn take(&self) -> VecDeque<Runnable> {
        let mut arrived = self.arrived.lock();
        self.any.store(false, Ordering::Relaxed);
        std::mem::take(&mut *arrived)
    }
}
