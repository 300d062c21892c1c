//! Wakes worker 0 at the limit of a shutdown.
//!
//! A limit is real time: a task that is stuck, or a function on the pool, takes no other. Where the
//! loop's time is that, a timer of its own does it. A time that stands still would come there in no
//! time, or never; and the poller serves it by looking for jumps, or, in the deterministic mode, is
//! worker 0 itself. So a thread waits there, for as long as the shutdown takes: nobody is in a hurry
//! in such a loop, and no protocol of the usual one has to know of it.

use std::time::Instant;

use super::exception_context::ExceptionContext;
use super::shared::Shared;
use super::threads;
use crate::runtime::time::TimerKey;
use crate::sync::{Arc, Condvar, Mutex, StdArc, thread};

/// Set until it is dropped.
#[derive(Debug)]
pub(crate) struct ShutdownTimer<'a> {
    shared: &'a Arc<Shared>,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// None if the driver is closed: the shutdown is over.
    Timer(Option<TimerKey>),
    Thread {
        clock: StdArc<ThreadTimer>,
        /// None if it could not be started.
        thread: Option<thread::JoinHandle<()>>,
    },
}

impl ShutdownTimer<'_> {
    pub(crate) fn set(shared: &Arc<Shared>, deadline: Instant) -> ShutdownTimer<'_> {
        let clock = &shared.driver.clock;
        let way = if clock.is_paused() {
            by_thread(shared, deadline)
        } else {
            let waker = StdArc::new(WakeFirst(Arc::clone(shared))).into();
            Way::Timer(shared.driver.insert(None, clock.to_tick(deadline), waker))
        };
        ShutdownTimer { shared, way }
    }
}

impl Drop for ShutdownTimer<'_> {
    fn drop(&mut self) {
        match &mut self.way {
            Way::Timer(key) => {
                key.iter().for_each(|key| self.shared.driver.cancel(*key));
            }
            Way::Thread { clock, thread } => {
                clock.turn_off();
                // A hook that panicked: its message is out.
                let _panicked = thread.take().map(thread::JoinHandle::join);
            }
        }
    }
}

struct WakeFirst(Arc<Shared>);

impl std::task::Wake for WakeFirst {
    fn wake(self: StdArc<Self>) {
        wake_first(&self.0);
    }
}

fn wake_first(shared: &Shared) {
    shared.workers.remotes[0].parker.unpark();
}

fn by_thread(shared: &Arc<Shared>, deadline: Instant) -> Way {
    let clock = StdArc::new(ThreadTimer::default());
    let rings = StdArc::clone(&clock);
    let body = move |shared: &Arc<Shared>| {
        if rings.wait(deadline) == Rang::Yes {
            wake_first(shared);
        }
    };
    let thread = match threads::start(shared, "alarm", body) {
        Ok(thread) => Some(thread),
        Err(error) => {
            // The limit is looked at between two turns all the same.
            let context = ExceptionContext::new("the limit of a shutdown may not be kept");
            Shared::report(shared, &context.with_exception(error));
            None
        }
    };
    Way::Thread { clock, thread }
}

/// Whether the deadline came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
enum Rang {
    Yes,
    TurnedOff,
}

/// What the thread sleeps on.
#[derive(Debug, Default)]
struct ThreadTimer {
    off: Mutex<bool>,
    turned_off: Condvar,
}

impl ThreadTimer {
    fn wait(&self, deadline: Instant) -> Rang {
        let mut off = self.off.lock();
        while !*off {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Rang::Yes;
            }
            (off, _) = self.turned_off.wait_timeout(off, left);
        }
        Rang::TurnedOff
    }

    fn turn_off(&self) {
        *self.off.lock() = true;
        self.turned_off.notify_all();
    }
}
