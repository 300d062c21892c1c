//! The poller in a model: an interrupt and a timer, without descriptors and without a clock.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::model::{Bell, atomic};
use crate::sys::{PollerEvents, Ready};

/// A deadline nearer than this is reached while a model runs; a later one never is.
const SOON: Duration = Duration::from_secs(3600);

/// The timer fires once each time it is armed, as a timerfd does. Interrupts and expirations are
/// edges, as those of an eventfd and a timerfd: an edge stays until one wait takes it, and is gone
/// then. Arming the timer again discards an edge that has not been taken.
///
/// The two edges are std's atomics. Only the bell is loom's: a thread woken by it that finds no
/// edge goes on waiting.
#[derive(Debug)]
pub(crate) struct Poller {
    bell: Bell,
    interrupted: AtomicBool,
    fired: AtomicBool,
    /// Written by a thread that interrupts or arms, read by a wait that only looks: makes loom try
    /// both orders of the two.
    order: atomic::AtomicBool,
    /// A thread is inside `wait`.
    occupied: AtomicBool,
    alarm: Bell,
    /// The events of descriptors that no wait has taken.
    posted: Mutex<Vec<(usize, Ready)>>,
}

impl Poller {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "a model is a platform like the others, and they can fail"
    )]
    pub(crate) fn new(_portable: bool) -> io::Result<Poller> {
        Ok(Poller {
            bell: Bell::new(),
            interrupted: AtomicBool::new(false),
            fired: AtomicBool::new(false),
            order: atomic::AtomicBool::new(false),
            occupied: AtomicBool::new(false),
            alarm: Bell::new(),
            posted: Mutex::default(),
        })
    }

    /// Arms the timer: it fires at once if `after` is less than `SOON`, and never otherwise.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "a model is a platform like the others, and they can fail"
    )]
    pub(crate) fn arm(&self, after: Option<Duration>) -> io::Result<()> {
        self.order.store(true, atomic::Ordering::Relaxed);
        let fires = after.is_some_and(|after| after < SOON);
        self.fired.store(fires, Ordering::SeqCst);
        if fires {
            self.bell.ring();
        }
        Ok(())
    }

    #[expect(clippy::unused_self, reason = "a model is a platform like the others")]
    pub(crate) fn has_alarm(&self) -> bool {
        true
    }

    /// Time does not pass in a model: the alarm goes off at once.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "a model is a platform like the others, and they can fail"
    )]
    pub(crate) fn set_alarm(&self, _after: Duration) -> io::Result<()> {
        self.alarm.ring();
        Ok(())
    }

    /// Waits until the alarm goes off.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "a model is a platform like the others, and they can fail"
    )]
    pub(crate) fn wait_for_alarm(&self) -> io::Result<()> {
        self.alarm.wait();
        Ok(())
    }

    /// Waits for an interrupt or the timer. With `at_once` it only looks, without waiting.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "a model is a platform like the others, and they can fail"
    )]
    pub(crate) fn wait(
        &self,
        at_once: bool,
        mut on_event: impl FnMut(usize, Ready),
    ) -> io::Result<PollerEvents> {
        let occupied = self.occupied.swap(true, Ordering::SeqCst);
        assert!(!occupied, "two threads are in the poller");
        let events = if at_once {
            // Relaxed: the bell's token does the publishing.
            self.order.load(atomic::Ordering::Relaxed);
            let _rung = self.bell.take();
            self.take()
        } else {
            loop {
                self.bell.wait();
                let events = self.take();
                if events.any || !self.lock_posted().is_empty() {
                    break events;
                }
            }
        };
        let posted = std::mem::take(&mut *self.lock_posted());
        let any = events.any || !posted.is_empty();
        posted
            .into_iter()
            .for_each(|(key, ready)| on_event(key, ready));
        self.occupied.store(false, Ordering::SeqCst);
        Ok(PollerEvents { any, ..events })
    }

    fn take(&self) -> PollerEvents {
        let interrupted = self.interrupted.swap(false, Ordering::SeqCst);
        let timer = self.fired.swap(false, Ordering::SeqCst);
        PollerEvents {
            any: interrupted || timer,
            timer,
        }
    }

    /// What the kernel does: an event of a descriptor.
    pub(crate) fn post(&self, key: usize, ready: Ready) {
        self.order.store(true, atomic::Ordering::Relaxed);
        self.lock_posted().push((key, ready));
        self.bell.ring();
    }

    fn lock_posted(&self) -> MutexGuard<'_, Vec<(usize, Ready)>> {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A model has no descriptors: only [`Poller::post`] makes events.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "a model is a platform like the others, and they can fail"
    )]
    pub(crate) fn add(&self, _fd: BorrowedFd<'_>, _key: usize) -> io::Result<()> {
        Ok(())
    }

    /// See [`Poller::add`].
    #[expect(
        clippy::unnecessary_wraps,
        reason = "a model is a platform like the others, and they can fail"
    )]
    pub(crate) fn delete(&self, _fd: BorrowedFd<'_>) -> io::Result<()> {
        Ok(())
    }

    /// Ends the wait in progress, or else the next one.
    pub(crate) fn interrupt(&self) {
        self.order.store(true, atomic::Ordering::Relaxed);
        self.interrupted.store(true, Ordering::SeqCst);
        self.bell.ring();
    }
}
