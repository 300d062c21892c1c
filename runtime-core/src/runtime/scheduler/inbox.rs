//! Where a thread receives, from other threads, the tasks that only it may run.

use std::collections::VecDeque;

use super::parker::Parker;
use crate::runtime::task::runnable::Runnable;
use crate::runtime::time::ClockInhibitor;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, Mutex, broken};

/// Woken local tasks on their way to their thread.
#[derive(Debug)]
pub(crate) struct Inbox {
    arrived: Mutex<VecDeque<Runnable>>,
    any: AtomicBool,
    parker: Arc<Parker>,
    /// Counts the tasks in here as under way, so that a paused clock does not jump over them.
    inhibitor: ClockInhibitor,
}

impl Inbox {
    pub(crate) fn new(parker: Arc<Parker>, inhibitor: ClockInhibitor) -> Inbox {
        Inbox {
            arrived: Mutex::new(VecDeque::new()),
            any: AtomicBool::new(false),
            parker,
            inhibitor,
        }
    }

    /// Hands a task to the thread, and wakes the thread.
    pub(crate) fn send(&self, task: Runnable) {
        self.inhibitor.begin();
        {
            if broken(Mutant::AnyBeforePush) {
                self.any.store(true, Ordering::Release);
            }
            let mut arrived = self.arrived.lock();
            arrived.push_back(task);
            if !broken(Mutant::AnyBeforePush) {
                self.any.store(true, Ordering::Release);
            }
        }
        if !broken(Mutant::SendSilently) {
            self.parker.unpark();
        }
    }

    /// Whether a task has arrived.
    #[inline]
    pub(crate) fn has_any(&self) -> bool {
        // Acquire, although the parker's exchange orders the look of a thread that has slept.
        self.any.load(Ordering::Acquire)
    }

    /// Takes the tasks that have arrived.
    pub(crate) fn take(&self) -> VecDeque<Runnable> {
        let mut arrived = self.arrived.lock();
        // Relaxed: a sender writes the flag under the same lock.
        if !broken(Mutant::ClearUnlocked) {
            self.any.store(false, Ordering::Relaxed);
        }
        let taken = std::mem::take(&mut *arrived);
        drop(arrived);
        if broken(Mutant::ClearUnlocked) {
            self.any.store(false, Ordering::Relaxed);
        }
        // The thread is counted as awake by now, so the clock does not jump.
        self.inhibitor.end(taken.len());
        taken
    }
}
