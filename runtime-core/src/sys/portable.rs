//! The poller on every platform that `polling` supports.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use polling::{Event, Events, PollMode, Poller as SystemPoller};

use super::poller_events::{PollerEvents, Ready};

/// The poller, and the deadline of the next wait.
#[derive(Debug)]
pub(crate) struct Poller {
    poller: SystemPoller,
    events: Mutex<Events>,
    timer: Mutex<SoftTimer>,
    /// There was an interrupt. `polling` ends a wait because of it, but does not report the reason.
    interrupted: AtomicBool,
}

/// The timer in software: each wait passes the time left to `polling`.
#[derive(Debug, Default)]
struct SoftTimer {
    deadline: Option<Instant>,
    /// A thread waits, with the deadline that was set when its wait began.
    occupied: bool,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Poller> {
        Ok(Poller {
            poller: SystemPoller::new()?,
            events: Mutex::new(Events::new()),
            timer: Mutex::default(),
            interrupted: AtomicBool::new(false),
        })
    }

    /// Arms the timer, which ends one wait after that time; `None` disarms it. Also affects a wait
    /// in progress.
    pub(crate) fn arm(&self, after: Option<Duration>) -> io::Result<()> {
        let deadline = after.and_then(|after| Instant::now().checked_add(after));
        let mut timer = lock(&self.timer);
        timer.deadline = deadline;
        // Only if a thread waits: otherwise the notification would end the next wait at once, which
        // uses the new deadline anyway.
        if timer.occupied {
            self.poller.notify()?;
        }
        Ok(())
    }

    /// Registers a descriptor, once, for both directions: each change is reported once, with `key`.
    ///
    /// # Errors
    /// Among others, the platform has no edge-triggered events.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, key: usize) -> io::Result<()> {
        // SAFETY: the caller deletes the descriptor before it closes it (`IoRegistration`). If a
        // wrong `AsFd` defeats that, epoll and kqueue forget a closed descriptor by themselves, and
        // they keep nothing but a number and the key, which no other source has.
        unsafe {
            self.poller
                .add_with_mode(fd.as_raw_fd(), Event::all(key), PollMode::Edge)
        }
    }

    /// Takes a descriptor away. Events that a wait has taken already may still be on their way.
    pub(crate) fn delete(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.poller.delete(fd)
    }

    /// Waits for an interrupt, a deadline or an event. With `at_once` it only looks, without
    /// waiting. Passes the events of registered descriptors to `on_event`.
    pub(crate) fn wait(
        &self,
        at_once: bool,
        mut on_event: impl FnMut(usize, Ready),
    ) -> io::Result<PollerEvents> {
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
        for event in events.iter() {
            // Whether an end has come with it is not known on every platform: it may have.
            on_event(
                event.key,
                (Ready::READ | Ready::READ_CLOSED).only_if(event.readable)
                    | (Ready::WRITE | Ready::WRITE_CLOSED).only_if(event.writable),
            );
        }
        Ok(PollerEvents {
            any: interrupted || timer || !events.is_empty(),
            timer,
        })
    }

    /// Ends a wait. Returns whether the deadline has passed, and disarms the timer then.
    fn end_wait(&self) -> bool {
        let now = Instant::now();
        let mut timer = lock(&self.timer);
        timer.occupied = false;
        timer
            .deadline
            .take_if(|deadline| *deadline <= now)
            .is_some()
    }

    /// Ends the wait in progress, or else the next one.
    pub(crate) fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Release);
        // `notify` does nothing while an earlier notification is pending. A wait that is just
        // ending takes that notification before it reads the flag. Either it sees the flag, or
        // `notify` sees that the notification is gone: each side writes one word and then reads the
        // other's, with a fence between.
        fence(Ordering::SeqCst);
        let _ = self.poller.notify();
    }
}

/// Locks without poisoning. (This file is below the seam, so it uses std's mutex.)
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
