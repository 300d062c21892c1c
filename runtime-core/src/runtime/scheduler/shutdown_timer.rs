//! The shutdown timer: wakes worker 0 at the deadline of a shutdown.
//!
//! A deadline is real time: a stuck task, or a function on the pool, takes real time. If the loop
//! runs in real time, a timer of its driver does it. A paused clock would reach the deadline at
//! once, or never, and the thread in the poller does not wait for real deadlines then; in the
//! deterministic mode that thread is worker 0 itself. So with a paused clock an extra thread waits,
//! for as long as the shutdown takes. The cost does not matter in such a loop, and no protocol of
//! the usual loop is involved.

use std::time::Instant;

use super::exception_context::ExceptionContext;
use super::shared::Shared;
use super::threads;
use crate::runtime::time::TimerKey;
use crate::sync::{Arc, Condvar, Mutex, StdArc, thread};

/// A timer that is set until it is dropped.
#[derive(Debug)]
pub(crate) struct ShutdownTimer<'a> {
    shared: &'a Arc<Shared>,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    /// A timer of the driver. `None` if the driver is closed: the shutdown is over.
    Timer(Option<TimerKey>),
    /// A thread of its own, because the clock is paused.
    Thread {
        timer: StdArc<ThreadTimer>,
        /// `None` if the thread could not be started.
        thread: Option<thread::JoinHandle<()>>,
    },
}

impl ShutdownTimer<'_> {
    pub(crate) fn set(shared: &Arc<Shared>, deadline: Instant) -> ShutdownTimer<'_> {
        let clock = &shared.driver.clock;
        let kind = if clock.is_paused() {
            by_thread(shared, deadline)
        } else {
            let waker = StdArc::new(WakeWorker0(Arc::clone(shared))).into();
            Kind::Timer(shared.driver.insert(None, clock.to_tick(deadline), waker))
        };
        ShutdownTimer { shared, kind }
    }
}

impl Drop for ShutdownTimer<'_> {
    fn drop(&mut self) {
        match &mut self.kind {
            Kind::Timer(key) => {
                key.iter().for_each(|key| self.shared.driver.cancel(*key));
            }
            Kind::Thread { timer, thread } => {
                timer.turn_off();
                // A hook may have panicked: the panic hook has reported it.
                let _panicked = thread.take().map(thread::JoinHandle::join);
            }
        }
    }
}

struct WakeWorker0(Arc<Shared>);

impl std::task::Wake for WakeWorker0 {
    fn wake(self: StdArc<Self>) {
        wake_worker_0(&self.0);
    }
}

fn wake_worker_0(shared: &Shared) {
    shared.workers.remotes[0].parker.unpark();
}

fn by_thread(shared: &Arc<Shared>, deadline: Instant) -> Kind {
    let timer = StdArc::new(ThreadTimer::default());
    let timer_of_thread = StdArc::clone(&timer);
    let body = move |shared: &Arc<Shared>| {
        if timer_of_thread.wait(deadline) == WaitEnd::Deadline {
            wake_worker_0(shared);
        }
    };
    let thread = match threads::start(shared, "alarm", body) {
        Ok(thread) => Some(thread),
        Err(error) => {
            // Worker 0 still checks the deadline between two turns.
            let context = ExceptionContext::new("the deadline of a shutdown may be missed");
            Shared::report(shared, &context.with_exception(error));
            None
        }
    };
    Kind::Thread { timer, thread }
}

/// How the wait for the deadline ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
enum WaitEnd {
    /// The deadline came: worker 0 must be woken.
    Deadline,
    /// The shutdown was over before the deadline.
    TurnedOff,
}

/// What the thread sleeps on.
#[derive(Debug, Default)]
struct ThreadTimer {
    off: Mutex<bool>,
    turned_off: Condvar,
}

impl ThreadTimer {
    fn wait(&self, deadline: Instant) -> WaitEnd {
        let mut off = self.off.lock();
        while !*off {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return WaitEnd::Deadline;
            }
            (off, _) = self.turned_off.wait_timeout(off, left);
        }
        WaitEnd::TurnedOff
    }

    fn turn_off(&self) {
        *self.off.lock() = true;
        self.turned_off.notify_all();
    }
}
