//! The tasks that wait for the end of a pool.

use std::task::Waker;

use crate::runtime::catch_panic::catch_panic;

/// The wakers of those that wait.
#[derive(Debug, Default)]
pub(super) struct EndWaiters(Vec<Waker>);

impl EndWaiters {
    /// Keeps `waker`. Returns it if there is one already that wakes the same task.
    pub(super) fn add(&mut self, waker: Waker) -> Option<Waker> {
        if self.0.iter().any(|kept| kept.will_wake(&waker)) {
            return Some(waker);
        }
        self.0.push(waker);
        None
    }

    /// Wakes all of them. No lock may be held.
    pub(super) fn wake(self) {
        for waker in self.0 {
            catch_panic(|| waker.wake());
        }
    }
}
