//! The serial lane: where a loop's callbacks run, in order and never two at once.
//!
//! A hidden task drains it; it is made by whoever finds the lane with none, and ends when nothing
//! is left. So the lane runs on the workers, never on the poller thread, and never inside the
//! code that adds a callback.
//!
//! **In line.** Where all that is ready stands in asyncio's one line, there is a hidden task for each
//! callback, which keeps its place among the other tasks, and runs whichever callback is the first.
//!
//! **The end.** Callbacks that call others for ever would keep their task alive, and with it the
//! loop. When the shutdown finds no task but the lane's, it allows for what waits and a great deal
//! more ([`CallbackQueue::wind_down`]): a chain of callbacks that comes to an end gets there. What waits by then
//! runs, however long that takes; the lane closes when the rest is used up, or takes too long. What
//! the end of a task has called is on the lane before the shutdown finds that task gone, so that it is
//! among what waits.

use std::collections::VecDeque;
use std::panic::Location;
use std::time::{Duration, Instant};

use crate::runtime::task::callback::Handle;
use crate::runtime::task::catch_panic::catch_panic;
use crate::sync::Mutex;

/// How many callbacks run before the tasks have their turn again.
const BURST: usize = 64;

/// How long they may take together, and how often that is looked at.
const BURST_TIME: Duration = Duration::from_micros(100);
const CALLS_BETWEEN_LOOKS: usize = 4;

/// How many callbacks that the last callbacks add are still run.
const LAST_CALLS: usize = 100_000;

/// How many of them are run however long they take.
const LAST_CALLS_AT_LEAST: usize = 1_000;

/// Callbacks that wait.
#[derive(Debug, Default)]
pub(crate) struct CallbackQueue {
    queue: Mutex<Queue>,
    /// A task for each callback.
    in_line: bool,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Handle>,
    draining: bool,
    /// Where the callback was registered that runs, if one does.
    running: Option<&'static Location<'static>>,
    /// What may still run, while the loop winds down.
    last_calls: Option<LastCalls>,
    closed: bool,
}

/// What is left of the callbacks of a loop that winds down.
#[derive(Debug)]
struct LastCalls {
    left: usize,
    /// How long those may take that the last callbacks add.
    patience: Duration,
    /// When the first of those began.
    since: Option<Instant>,
}

/// What follows from a push.
#[derive(Debug)]
#[must_use]
pub(crate) enum Pushed {
    /// A task drains the lane, or there was nothing to push.
    Served,
    /// The caller is to make that task, or so many.
    Unserved(usize),
    /// The lane is closed: these are the caller's to discard.
    Refused(Vec<Handle>),
}

impl CallbackQueue {
    /// An empty lane; `in_line`: each callback has its own place among the tasks.
    pub(crate) fn new(in_line: bool) -> CallbackQueue {
        CallbackQueue {
            in_line,
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
        if self.in_line {
            Pushed::Unserved(count)
        } else if std::mem::replace(&mut queue.draining, true) {
            Pushed::Served
        } else {
            Pushed::Unserved(1)
        }
    }

    /// Takes the next callback; with none left the drain is over.
    fn next(&self) -> Option<Handle> {
        let mut queue = self.queue.lock();
        if queue.last_calls.as_mut().is_some_and(LastCalls::are_over) {
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

    /// The callback has run, and the task leaves the lane for a moment or for good.
    fn rest(&self) {
        self.queue.lock().running = None;
    }

    /// Where the callback was registered that runs now.
    pub(crate) fn running(&self) -> Option<&'static Location<'static>> {
        self.queue.lock().running
    }

    /// Runs a burst of callbacks through `run`, or the one that is the task's. False if that was all.
    #[must_use]
    pub(crate) fn drain(&self, run: impl Fn(Handle)) -> bool {
        if self.in_line {
            self.next().into_iter().for_each(run);
            self.rest();
            return false;
        }
        // The clock is read once in a while, and never for a callback or two.
        let mut begun = None;
        for count in 0..BURST {
            if count % CALLS_BETWEEN_LOOKS == 1 {
                let now = Instant::now();
                if now - *begun.get_or_insert(now) > BURST_TIME {
                    return true;
                }
            }
            match self.next() {
                Some(call) => run(call),
                None => return false,
            }
        }
        self.rest();
        true
    }

    /// Nothing but callbacks keeps the loop: from the first time on they are counted. `patience`:
    /// how long those may take that are not there yet.
    pub(crate) fn wind_down(&self, patience: Duration) {
        let mut queue = self.queue.lock();
        let left = queue.waiting.len() + LAST_CALLS;
        queue.last_calls.get_or_insert(LastCalls {
            left,
            patience,
            since: None,
        });
    }

    /// Refuses callbacks from now on, and discards what waits: nobody drains any more.
    pub(crate) fn close(&self) {
        let rest = self.queue.lock().stop();
        discard(rest);
    }
}

/// Cancels callbacks that nobody will run any more. A destructor's panic has nobody to go to.
pub(crate) fn discard(calls: impl IntoIterator<Item = Handle>) {
    for call in calls {
        catch_panic(|| call.cancel());
    }
}

impl LastCalls {
    /// Counts the next callback, unless it is not to run any more.
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
    /// Hands out what waits: user code, to be dropped outside the lock.
    fn stop(&mut self) -> VecDeque<Handle> {
        self.closed = true;
        self.draining = false;
        std::mem::take(&mut self.waiting)
    }
}
