//! The callback queue: runs a loop's callbacks in order, and never two at once.
//!
//! A hidden task drains the queue. It is made when a callback is pushed and there is no such task,
//! and it ends when nothing is left. So callbacks run on the workers, never on the monitor's
//! thread, and never inside the code that adds a callback.
//!
//! **Fifo.** If all ready tasks are in one queue, in asyncio's order, there is a hidden task for
//! each callback. That task keeps the callback's place among the other tasks, and runs the first
//! callback of the queue.
//!
//! **The end.** Callbacks that add others for ever would keep their task alive, and with it the
//! loop. When the shutdown finds no task but the hidden ones, it limits what still runs
//! ([`CallbackQueue::wind_down`]). The callbacks that wait at that moment run, however long they
//! take. Callbacks that these add run until there were too many, or until they take too long; then
//! the queue closes. The limit is high, so that a chain of callbacks that comes to an end is run to
//! its end. The callbacks for the end of a task are in the queue before the shutdown finds that the
//! task has left the registry; so they are among those that wait at that moment.

use std::collections::VecDeque;
use std::panic::Location;
use std::time::{Duration, Instant};

use crate::runtime::catch_panic::catch_panic;
use crate::runtime::task::callback::Handle;
use crate::sync::Mutex;

/// How many callbacks run before other tasks get a turn.
const BURST: usize = 64;

/// How long the callbacks of a burst may take together, and after how many of them that is checked.
const BURST_TIME: Duration = Duration::from_micros(100);
const CALLS_BETWEEN_LOOKS: usize = 4;

/// How many callbacks that are added while the loop winds down are still run.
const LAST_CALLS: usize = 100_000;

/// How many of those are run however long they take.
const LAST_CALLS_AT_LEAST: usize = 1_000;

/// The callbacks that are ready to run.
#[derive(Debug, Default)]
pub(crate) struct CallbackQueue {
    queue: Mutex<Queue>,
    /// There is a hidden task for each callback.
    is_fifo: bool,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Handle>,
    draining: bool,
    /// Where the callback that runs now was registered.
    running: Option<&'static Location<'static>>,
    /// What may still run while the loop winds down.
    last_calls: Option<LastCalls>,
    closed: bool,
}

/// The limits for the callbacks of a loop that winds down.
#[derive(Debug)]
struct LastCalls {
    left: usize,
    /// How long the callbacks may take that are added while the loop winds down.
    patience: Duration,
    /// When the first of those began.
    since: Option<Instant>,
}

/// What a push leaves to its caller.
#[derive(Debug)]
#[must_use]
pub(crate) enum Pushed {
    /// Nothing: a task drains the queue, or there was nothing to push.
    Served,
    /// The caller must make this many tasks that drain the queue.
    Unserved(usize),
    /// The queue is closed: the caller must discard these callbacks.
    Refused(Vec<Handle>),
}

impl CallbackQueue {
    /// An empty queue. `is_fifo`: each callback has its own place among the tasks.
    pub(crate) fn new(is_fifo: bool) -> CallbackQueue {
        CallbackQueue {
            is_fifo,
            ..CallbackQueue::default()
        }
    }

    /// Adds callbacks.
    pub(crate) fn push(&self, calls: Vec<Handle>) -> Pushed {
        if calls.is_empty() {
            return Pushed::Served;
        }
        let mut queue = self.queue.lock();
        if queue.closed {
            return Pushed::Refused(calls);
        }
        let count = calls.len();
        queue.waiting.extend(calls);
        if self.is_fifo {
            Pushed::Unserved(count)
        } else if std::mem::replace(&mut queue.draining, true) {
            Pushed::Served
        } else {
            Pushed::Unserved(1)
        }
    }

    /// Takes the next callback. `None` if none is left, or none may run any more: the drain is
    /// over.
    fn next(&self) -> Option<Handle> {
        let mut queue = self.queue.lock();
        if queue.last_calls.as_mut().is_some_and(LastCalls::are_over) {
            queue.running = None;
            let rest = queue.stop();
            drop(queue);
            discard(rest);
            return None;
        }
        let next = queue.waiting.pop_front();
        queue.draining = next.is_some();
        queue.running = next.as_ref().map(Handle::location);
        next
    }

    /// Notes that the callback has run, and that the task leaves the queue for a moment or for
    /// good.
    fn clear_running(&self) {
        self.queue.lock().running = None;
    }

    /// Where the callback that runs now was registered.
    pub(crate) fn running(&self) -> Option<&'static Location<'static>> {
        self.queue.lock().running
    }

    /// Runs a burst of callbacks by `run`; one, if the queue is fifo. False if the draining task is
    /// to end.
    #[must_use]
    pub(crate) fn drain(&self, run: impl Fn(Handle)) -> bool {
        if self.is_fifo {
            self.next().into_iter().for_each(run);
            self.clear_running();
            return false;
        }
        // The clock is read once in a while, and never for one or two callbacks.
        let mut begun = None;
        for count in 0..BURST {
            if count % CALLS_BETWEEN_LOOKS == 1 {
                let now = Instant::now();
                if now - *begun.get_or_insert(now) > BURST_TIME {
                    break;
                }
            }
            match self.next() {
                Some(call) => run(call),
                None => return false,
            }
        }
        self.clear_running();
        true
    }

    /// Begins to limit what still runs, because nothing but callbacks keeps the loop. Only the
    /// first call has an effect. `patience`: how long the callbacks may take that are added from
    /// now on.
    pub(crate) fn wind_down(&self, patience: Duration) {
        let mut queue = self.queue.lock();
        let left = queue.waiting.len() + LAST_CALLS;
        queue.last_calls.get_or_insert(LastCalls {
            left,
            patience,
            since: None,
        });
    }

    /// Refuses callbacks from now on, and discards those that wait.
    pub(crate) fn close(&self) {
        let rest = self.queue.lock().stop();
        discard(rest);
    }
}

/// Cancels callbacks that will not be run. Catches the panics of their destructors.
pub(crate) fn discard(calls: impl IntoIterator<Item = Handle>) {
    for call in calls {
        catch_panic(|| call.cancel());
    }
}

impl LastCalls {
    /// Counts the next callback. True if it must not run any more.
    fn are_over(&mut self) -> bool {
        let added = LAST_CALLS.saturating_sub(self.left);
        if self.left <= LAST_CALLS {
            self.since.get_or_insert_with(Instant::now);
        }
        let slow = || {
            self.since
                .is_some_and(|since| since.elapsed() >= self.patience)
        };
        let over = self.left == 0 || (added >= LAST_CALLS_AT_LEAST && slow());
        self.left = self.left.saturating_sub(1);
        over
    }
}

impl Queue {
    /// Closes the queue. Returns the callbacks that wait: user code, to be dropped outside the
    /// lock.
    fn stop(&mut self) -> VecDeque<Handle> {
        self.closed = true;
        self.draining = false;
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue_of(count: usize) -> CallbackQueue {
        let queue = CallbackQueue::new(false);
        let call = || Handle::new(Box::new(|| {}), None, Location::caller());
        let pushed = queue.push((0..count).map(|_| call()).collect());
        assert!(
            matches!(pushed, Pushed::Unserved(1)),
            "there is no task yet"
        );
        queue
    }

    #[test]
    fn after_a_burst_that_took_too_long_no_callback_counts_as_running() {
        let queue = queue_of(CALLS_BETWEEN_LOOKS + 3);
        let goes_on = queue.drain(|call| {
            assert!(queue.running().is_some());
            std::thread::sleep(BURST_TIME);
            call.cancel();
        });
        assert!(goes_on, "some are left");
        assert_eq!(queue.running(), None);
    }

    #[test]
    fn after_the_last_callback_that_may_run_none_counts_as_running() {
        let queue = queue_of(2 * LAST_CALLS);
        queue.queue.lock().last_calls = Some(LastCalls {
            left: 1,
            patience: Duration::ZERO,
            since: None,
        });
        assert!(!queue.drain(|call| call.cancel()), "no more may run");
        assert_eq!(queue.running(), None);
    }
}
