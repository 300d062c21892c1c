//! Waiting wherever `polling` works.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use polling::{Events, Poller};

use super::came::Came;

/// The poller, and the deadline of the next wait.
#[derive(Debug)]
pub(crate) struct Waiter {
    poller: Poller,
    events: Mutex<Events>,
    timer: Mutex<SoftTimer>,
    /// There was an interrupt: `polling` ends a wait for it, and does not say why.
    interrupted: AtomicBool,
}

/// The timer, kept here: `polling` is told of it with each wait.
#[derive(Debug, Default)]
struct SoftTimer {
    deadline: Option<Instant>,
    /// Somebody waits, with the deadline of a moment ago.
    occupied: bool,
}

impl Waiter {
    pub(crate) fn new() -> io::Result<Waiter> {
        Ok(Waiter {
            poller: Poller::new()?,
            events: Mutex::new(Events::new()),
            timer: Mutex::default(),
            interrupted: AtomicBool::new(false),
        })
    }

    /// Sets the time after which a wait ends, once; none: it does not. Takes effect on a wait under
    /// way.
    pub(crate) fn arm(&self, after: Option<Duration>) -> io::Result<()> {
        let deadline = after.and_then(|after| Instant::now().checked_add(after));
        let mut timer = lock(&self.timer);
        timer.deadline = deadline;
        // Otherwise it would end the next wait, which has this deadline anyway.
        if timer.occupied {
            self.poller.notify()?;
        }
        Ok(())
    }

    /// Waits for an interrupt, a deadline or an event; `at_once`: only looks.
    pub(crate) fn wait(&self, at_once: bool) -> io::Result<Came> {
        let deadline = {
            let mut timer = lock(&self.timer);
            timer.occupied = true;
            timer.deadline
        };
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let timeout = if at_once { Some(Duration::ZERO) } else { left };
        let mut events = lock(&self.events);
        events.clear();
        let outcome = self.poller.wait(&mut events, timeout);
        let timer = self.end_wait();
        outcome?;
        // Pairs with the fence in `interrupt`.
        fence(Ordering::SeqCst);
        // Acquire: pairs with the store in `interrupt`.
        let interrupted = self.interrupted.swap(false, Ordering::AcqRel);
        Ok(Came {
            anything: interrupted || timer || !events.is_empty(),
            timer,
        })
    }

    /// Whether the deadline has come, which it does once.
    fn end_wait(&self) -> bool {
        let now = Instant::now();
        let mut timer = lock(&self.timer);
        timer.occupied = false;
        timer
            .deadline
            .take_if(|deadline| *deadline <= now)
            .is_some()
    }

    /// Ends a wait, now or the next one.
    pub(crate) fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Release);
        // `notify` does nothing while an earlier notification stands, which a wait that is just ending
        // takes away before it looks at the flag. Either that look sees the flag, or `notify` sees
        // that it is gone: each writes one word and then reads the other's, with a fence between.
        fence(Ordering::SeqCst);
        let _ = self.poller.notify();
    }
}

/// A lock that does not poison. (This file is below the seam, so it has std's.)
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
