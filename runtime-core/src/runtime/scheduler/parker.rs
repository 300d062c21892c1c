//! Puts one thread to sleep, on its own or in the poller, and wakes it.
//!
//! ```text
//!                 park              unpark (wakes the thread)
//!        ┌────────────────▶ PARKED ───────────────┐
//!        │        unpark (nothing to wake)        ▼
//!      EMPTY ─────────────────────────────▶ NOTIFIED
//!      │ ▲ ▲  park, begin_poll, end_poll: take the token │ ▲
//!      │ │ └─────────────────────────────────────────────┘ │
//!      │ │ end_poll                                        │
//!      │ └────────── POLLING ──────────────────────────────┘
//!      └────────────────▲      unpark (interrupts the poller)
//!           begin_poll
//! ```
//!
//! The token is one bit: two unparks before a park are one, and an unpark before the park is not
//! lost. `unpark` is an exchange even if the token is set already: the thread that takes the token
//! must see what happened before *every* unpark. At most one interrupt is written between two
//! polls, because only the exchange that finds POLLING writes one.

use std::fmt;
use std::time::Duration;

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutant, Mutex, StdArc, broken, thread};

/// The thread does not sleep here, and there is no token.
const EMPTY: usize = 0;
/// The thread sleeps in `thread::park`, or is about to: `unpark` must wake it.
const PARKED: usize = 1;
/// The thread waits in the poller, or is about to: `unpark` must interrupt the poller.
const POLLING: usize = 2;
/// The token is there: the next `park` or `begin_poll` takes it and does not sleep.
const NOTIFIED: usize = 3;

/// Interrupts the thread that waits in the poller.
pub(crate) type Interrupt = StdArc<dyn Fn() + Send + Sync>;

/// Where one thread sleeps.
pub(crate) struct Parker {
    state: AtomicUsize,
    /// The thread that parks here. It changes when another thread takes over the remote.
    thread: Mutex<Option<thread::Thread>>,
    interrupt: Interrupt,
}

impl Parker {
    pub(crate) fn new(interrupt: Interrupt) -> Parker {
        Parker {
            state: AtomicUsize::new(EMPTY),
            thread: Mutex::new(None),
            interrupt,
        }
    }

    /// Binds the parker to the calling thread, which alone may park here.
    pub(crate) fn bind(&self) {
        *self.thread.lock() = Some(thread::current());
    }

    /// Sleeps until the token is there, and takes it.
    pub(crate) fn park(&self) {
        if self.begin(PARKED) {
            loop {
                thread::park();
                if self.take_token() {
                    return;
                }
                // An unpark of this thread by other code: `std`'s token is shared with user code.
            }
        }
    }

    /// Like `park`, but returns after `timeout` at the latest.
    pub(crate) fn park_timeout(&self, timeout: Duration) {
        if self.begin(PARKED) {
            thread::park_timeout(timeout);
            // Acquire: a token may have come at the last moment.
            self.state.swap(EMPTY, Ordering::AcqRel);
        }
    }

    /// Announces a wait in the poller. False if the token was there: it has been taken.
    #[must_use]
    pub(crate) fn begin_poll(&self) -> bool {
        self.begin(POLLING)
    }

    /// Ends a wait in the poller, and takes the token if it is there.
    pub(crate) fn end_poll(&self) {
        self.state.swap(EMPTY, Ordering::AcqRel);
    }

    /// Sets the token, and wakes the thread if it sleeps.
    pub(crate) fn unpark(&self) {
        // Release: what the caller did comes before what the thread does next.
        let before = if !broken(Mutant::UnparkInTwoSteps) {
            self.state.swap(NOTIFIED, Ordering::AcqRel)
        } else {
            let before = self.state.load(Ordering::Acquire);
            self.state.store(NOTIFIED, Ordering::Release);
            before
        };
        match before {
            PARKED => {
                let sleeper = self.thread.lock().clone();
                sleeper.expect("a parked thread is bound").unpark();
            }
            POLLING => (self.interrupt)(),
            _ => {}
        }
    }

    /// Moves from EMPTY to a sleeping state. False if the token was there: it has been taken.
    fn begin(&self, sleeping: usize) -> bool {
        debug_assert!(
            self.thread.lock().is_some(),
            "a thread parks before it is bound"
        );
        if broken(Mutant::ForgetToken) {
            self.state.store(sleeping, Ordering::Release);
            return true;
        }
        let exchange =
            self.state
                .compare_exchange(EMPTY, sleeping, Ordering::AcqRel, Ordering::Relaxed);
        if exchange.is_ok() {
            return true;
        }
        // Acquire: pairs with the exchange in `unpark`.
        let before = self.state.swap(EMPTY, Ordering::AcqRel);
        debug_assert_eq!(before, NOTIFIED, "only its own thread sleeps on a parker");
        false
    }

    fn take_token(&self) -> bool {
        self.state
            .compare_exchange(NOTIFIED, EMPTY, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }
}

impl fmt::Debug for Parker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state.load(Ordering::Relaxed) {
            EMPTY => "awake",
            PARKED => "parked",
            POLLING => "polling",
            _ => "notified",
        };
        f.debug_tuple("Parker").field(&state).finish()
    }
}
