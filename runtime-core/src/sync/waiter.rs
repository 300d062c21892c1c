//! The poller of a model: an interrupt and a deadline, without descriptors and without a clock.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::model::{Bell, atomic};

/// A deadline that is nearer than this comes while a model runs; a later one never does.
const SOON: Duration = Duration::from_secs(3600);

/// What ends a wait is one token, sticky as the edges of an eventfd and of a timerfd are. A look
/// takes it as well.
#[derive(Debug)]
pub(crate) struct Waiter {
    bell: Bell,
    /// Touched by who rings and by who looks: on it loom tries both orders of the two.
    order: atomic::AtomicBool,
    /// Somebody is in the wait. Loom does not see it.
    occupied: AtomicBool,
}

impl Waiter {
    #[expect(
        clippy::unnecessary_wraps,
        reason = "a model is a platform like the others, and they can fail"
    )]
    pub(crate) fn new() -> io::Result<Waiter> {
        Ok(Waiter {
            bell: Bell::new(),
            order: atomic::AtomicBool::new(false),
            occupied: AtomicBool::new(false),
        })
    }

    /// Sets the time after which a wait ends: a near deadline comes at once.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "a model is a platform like the others, and they can fail"
    )]
    pub(crate) fn arm(&self, after: Option<Duration>) -> io::Result<()> {
        if after.is_some_and(|after| after < SOON) {
            self.ring();
        }
        Ok(())
    }

    /// Waits for an interrupt or a near deadline; `at_once`: only looks. Whether anything came.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "a model is a platform like the others, and they can fail"
    )]
    pub(crate) fn wait(&self, at_once: bool) -> io::Result<bool> {
        let occupied = self.occupied.swap(true, Ordering::SeqCst);
        assert!(!occupied, "two threads are in the poller");
        let came = if at_once {
            // Relaxed: what the token publishes, it publishes by itself.
            self.order.load(atomic::Ordering::Relaxed);
            self.bell.take()
        } else {
            self.bell.wait();
            true
        };
        self.occupied.store(false, Ordering::SeqCst);
        Ok(came)
    }

    /// Ends a wait, now or the next one.
    pub(crate) fn interrupt(&self) {
        self.ring();
    }

    fn ring(&self) {
        self.order.store(true, atomic::Ordering::Relaxed);
        self.bell.ring();
    }
}
