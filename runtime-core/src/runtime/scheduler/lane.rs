//! The serial lane: where a loop's callbacks run, in order and never two at once.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::exceptions::panic_text;
use crate::runtime::task::cancel;
use crate::runtime::task::schedule_face::Report;
use crate::runtime::task::side::Callback;
use crate::runtime::task::waker::forget_payload;
use crate::sync::Mutex;

/// How many callbacks run before the tasks have their turn again.
pub(crate) const BURST: usize = 64;

/// Callbacks that wait. A task drains them; it exists while there are any.
#[derive(Default)]
pub(crate) struct Lane {
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Callback>,
    draining: bool,
}

impl Lane {
    /// Adds callbacks. True if the caller is to see to it that a task drains the lane.
    #[must_use]
    pub(crate) fn push(&self, callbacks: impl IntoIterator<Item = Callback>) -> bool {
        let mut queue = self.queue.lock();
        queue.waiting.extend(callbacks);
        !std::mem::replace(&mut queue.draining, true)
    }

    /// Takes the next callback; with none left the drain is over.
    fn next(&self) -> Option<Callback> {
        let mut queue = self.queue.lock();
        let next = queue.waiting.pop_front();
        queue.draining = next.is_some();
        next
    }

    /// Runs a burst of callbacks. False if none is left. A panic goes to `report`, and the next
    /// callback runs all the same.
    #[must_use]
    pub(crate) fn drain(&self, report: impl Fn(Report)) -> bool {
        for _ in 0..BURST {
            let Some(callback) = self.next() else {
                return false;
            };
            let _nobody = cancel::enter_nobody();
            if let Err(payload) = catch_unwind(AssertUnwindSafe(callback)) {
                let text = panic_text(&*payload)
                    .unwrap_or("a panic that is no text")
                    .to_owned();
                forget_payload(payload);
                report(Report {
                    message: "Exception in callback",
                    task: String::new(),
                    exception: text,
                });
            }
        }
        true
    }

    /// Drops what waits: the loop is closed, and nobody drains any more.
    pub(crate) fn clear(&self) {
        let mut queue = self.queue.lock();
        queue.draining = false;
        let dropped = std::mem::take(&mut queue.waiting);
        // The callbacks are user code: their destructors run outside the lock.
        drop(queue);
        drop(dropped);
    }
}

impl std::fmt::Debug for Lane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lane")
            .field("waiting", &self.queue.lock().waiting.len())
            .finish()
    }
}
