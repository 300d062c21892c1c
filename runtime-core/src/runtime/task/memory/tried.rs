//! A lock that a thread does not wait for, or not for long.
//!
//! It is held for some microseconds at most. But in a process that was forked while another thread
//! held it, nobody ever releases it. So a thread tries it [`TRIES`] times, and lets another thread
//! run in between. After a failure each thread tries it only once, until one gets it.

use crate::sync::atomic::Ordering;
use crate::sync::{StdAtomicBool, StdMutex, StdMutexGuard, thread};

/// How often a thread tries after the first time: for some milliseconds, if it runs alone.
const TRIES: usize = 10_000;

/// A value behind such a lock.
pub(super) struct Tried<T> {
    mutex: StdMutex<T>,
    /// The last thread that wanted the lock did not get it.
    missed: StdAtomicBool,
}

impl<T> Tried<T> {
    pub(super) const fn new(value: T) -> Tried<T> {
        Tried {
            mutex: StdMutex::new(value),
            missed: StdAtomicBool::new(false),
        }
    }

    pub(super) fn lock(&self) -> Option<StdMutexGuard<'_, T>> {
        // Relaxed: it decides only for how long a thread tries.
        let missed = || self.missed.load(Ordering::Relaxed);
        let mut tries = 0..if missed() { 0 } else { TRIES };
        loop {
            if let Ok(guard) = self.mutex.try_lock() {
                if missed() {
                    self.missed.store(false, Ordering::Relaxed);
                }
                return Some(guard);
            }
            if tries.next().is_none() || self.mutex.is_poisoned() {
                self.missed.store(true, Ordering::Relaxed);
                return None;
            }
            thread::yield_now();
        }
    }
}

#[cfg(all(test, not(asyncio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_a_thread_tries_once_until_one_succeeds() {
        let tried = Tried::new(1);
        let guard = tried.lock().expect("nobody has the lock");
        assert!(tried.lock().is_none() && tried.missed.load(Ordering::Relaxed));
        drop(guard);
        assert_eq!(tried.lock().as_deref(), Some(&1));
        assert!(!tried.missed.load(Ordering::Relaxed));
    }
}
