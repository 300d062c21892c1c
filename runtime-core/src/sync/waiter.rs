//! The poller of a model: an interrupt and a timer, without descriptors and without a clock.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::model::{Bell, atomic};
use crate::sys::Came;

/// A deadline that is nearer than this comes while a model runs; a later one never does.
const SOON: Duration = Duration::from_secs(3600);

/// The timer is armed, fires, and is then armed for nothing until it is armed again, as a timerfd
/// is. What comes is an edge, of an eventfd or of a timerfd: it stays until a wait or a look takes it,
/// and nobody sees it again. A timer that is armed anew forgets the edge that nobody has taken.
///
/// The two edges are std's: only the bell is loom's, and whoever hears it in vain waits on.
#[derive(Debug)]
pub(crate) struct Waiter {
    bell: Bell,
    interrupted: AtomicBool,
    fired: AtomicBool,
    /// Touched by who rings or arms, and by who looks: on it loom tries both orders of the two.
    order: atomic::AtomicBool,
    /// Somebody is in the wait.
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
            interrupted: AtomicBool::new(false),
            fired: AtomicBool::new(false),
            order: atomic::AtomicBool::new(false),
            occupied: AtomicBool::new(false),
        })
    }

    /// Arms the timer, which fires at once if that is soon, or never; none: never.
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

    /// Waits for an interrupt or the timer; `at_once`: only looks.
    #[expect(
        clippy::unnecessary_wraps,
        reason = "a model is a platform like the others, and they can fail"
    )]
    pub(crate) fn wait(&self, at_once: bool) -> io::Result<Came> {
        let occupied = self.occupied.swap(true, Ordering::SeqCst);
        assert!(!occupied, "two threads are in the poller");
        let came = if at_once {
            // Relaxed: what the token publishes, it publishes by itself.
            self.order.load(atomic::Ordering::Relaxed);
            let _rung = self.bell.take();
            self.take()
        } else {
            loop {
                self.bell.wait();
                let came = self.take();
                if came.anything {
                    break came;
                }
            }
        };
        self.occupied.store(false, Ordering::SeqCst);
        Ok(came)
    }

    fn take(&self) -> Came {
        let interrupted = self.interrupted.swap(false, Ordering::SeqCst);
        let timer = self.fired.swap(false, Ordering::SeqCst);
        Came {
            anything: interrupted || timer,
            timer,
        }
    }

    /// Ends a wait, now or the next one.
    pub(crate) fn interrupt(&self) {
        self.order.store(true, atomic::Ordering::Relaxed);
        self.interrupted.store(true, Ordering::SeqCst);
        self.bell.ring();
    }
}
