//! Waiting wherever `polling` works.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use polling::{Events, Poller};

/// The poller, and the deadline of the next wait.
#[derive(Debug)]
pub(crate) struct Waiter {
    poller: Poller,
    events: Mutex<Events>,
    deadline: Mutex<Option<Instant>>,
}

impl Waiter {
    pub(crate) fn new() -> io::Result<Waiter> {
        Ok(Waiter {
            poller: Poller::new()?,
            events: Mutex::new(Events::new()),
            deadline: Mutex::new(None),
        })
    }

    /// Sets the time after which a wait ends; none: it does not. Takes effect on a wait under way.
    pub(crate) fn arm(&self, after: Option<Duration>) -> io::Result<()> {
        let deadline = after.and_then(|after| Instant::now().checked_add(after));
        *lock(&self.deadline) = deadline;
        self.poller.notify()
    }

    /// Waits for an interrupt, a deadline or an event; `at_once`: only looks.
    pub(crate) fn wait(&self, at_once: bool) -> io::Result<()> {
        let deadline = *lock(&self.deadline);
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = if at_once { Some(Duration::ZERO) } else { left };
        let mut events = lock(&self.events);
        events.clear();
        self.poller.wait(&mut events, timeout).map(drop)
    }

    /// Ends a wait, now or the next one.
    pub(crate) fn interrupt(&self) {
        let _ = self.poller.notify();
    }
}

/// A lock that does not poison. (This file is below the seam, so it has std's.)
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
