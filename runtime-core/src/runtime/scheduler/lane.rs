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
//! loop. When the shutdown finds no task but the lane's, it allows for what waits and a little more
//! ([`Lane::wind_down`]), so that the done-callbacks of the last tasks still run; the lane
//! closes when that is used up.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::runtime::task::callback::Handle;
use crate::runtime::task::quietly::quietly;
use crate::sync::Mutex;

/// How many callbacks run before the tasks have their turn again.
const BURST: usize = 64;

/// How long they may take together, and how often that is looked at.
const BURST_TIME: Duration = Duration::from_micros(100);
const CALLS_BETWEEN_LOOKS: usize = 4;

/// How many callbacks that the last callbacks add are still run.
const LAST_CALLS: usize = 64;

/// Callbacks that wait.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    queue: Mutex<Queue>,
    /// A task for each callback.
    in_line: bool,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Handle>,
    draining: bool,
    /// How many callbacks may still run, while the loop winds down.
    last_calls: Option<usize>,
    closed: bool,
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

impl Lane {
    /// An empty lane; `in_line`: each callback has its own place among the tasks.
    pub(crate) fn new(in_line: bool) -> Lane {
        Lane {
            in_line,
            ..Lane::default()
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
        if queue.last_calls == Some(0) {
            let rest = queue.stop();
            drop(queue);
            discard(rest);
            return None;
        }
        let next = queue.waiting.pop_front();
        queue.draining = next.is_some();
        if next.is_some() {
            queue.last_calls = queue.last_calls.map(|calls| calls - 1);
        }
        next
    }

    /// Runs a burst of callbacks through `run`, or the one that is the task's. False if that was all.
    #[must_use]
    pub(crate) fn drain(&self, run: impl Fn(Handle)) -> bool {
        if self.in_line {
            self.next().into_iter().for_each(run);
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
        true
    }

    /// Nothing but callbacks keeps the loop: it waits for so many more. Or, with `false`, there is
    /// something again.
    pub(crate) fn wind_down(&self, alone: bool) {
        let mut queue = self.queue.lock();
        let calls = queue.waiting.len() + LAST_CALLS;
        queue.last_calls = alone.then(|| queue.last_calls.unwrap_or(calls));
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
        quietly(|| call.cancel());
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
