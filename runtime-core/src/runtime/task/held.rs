//! A request that is **held**: claimed, so that nobody further out acts on it, and given back to its
//! origin later, to be delivered at the next await that suspends.
//!
//! * The task's own is requested once more, and taken off the count again. If the count has come to
//!   zero meanwhile that does nothing, as for every request that has not been delivered.
//! * A scope's is given back **on the way out of a poll**: whoever holds it does so inside the
//!   scope's body. Each scope that may have to be told stands on a list of this thread while it polls
//!   its body ([`Listening`]); it is told there, and looks again when its body has answered. If the
//!   scope is not on the list it has ended, or the holder was carried out of it: the request
//!   ends with it.
//!
//! Scopes that stand further in are told as well: those that had left the answer to the one whose
//! request it is have to give their own again.

use std::cell::RefCell;

use super::cancel::{self, Origin};
use super::reference::TaskRef;
use crate::exceptions::CancelledError;
use crate::sync::local;

// The scopes that poll their bodies on this thread, the innermost last.
local! { static LISTENING: RefCell<Vec<Listener>> = RefCell::new(Vec::new()) }

struct Listener {
    scope: Origin,
    /// The nesting of polls: of the tasks that are polled on this thread, the scope is of one.
    depth: u32,
    heard: Heard,
}

/// Which requests have been given back during a poll.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard {
    /// The scope's own.
    pub(crate) own: bool,
    /// The task's.
    pub(crate) of_task: bool,
    /// How many of scopes further out.
    pub(crate) of_scopes: u32,
}

/// A request that has been claimed, and not acted on. Dropping it gives it back.
#[derive(Debug)]
#[must_use = "a request that is not held is given back at once"]
pub(crate) struct Held {
    origin: Origin,
    task: TaskRef,
    error: CancelledError,
    settled: bool,
}

impl Held {
    /// Claims the request on its way through this poll, if there is one.
    pub(crate) fn claim() -> Option<Held> {
        Held::claim_if(|_| true)
    }

    /// The same, if `accept` takes it; it is shown the error first.
    pub(crate) fn claim_if(accept: impl FnOnce(&CancelledError) -> bool) -> Option<Held> {
        let origin = cancel::delivering();
        if origin == Origin::NOBODY {
            return None;
        }
        let task = cancel::current()?;
        let error = cancel::offer(accept)?;
        Some(Held {
            origin,
            task,
            error,
            settled: false,
        })
    }

    /// Adds a request to others. Of several from one origin the first stands, with its message.
    pub(crate) fn join(self, others: &mut Vec<Held>) {
        let is_same = |other: &Held| other.origin == self.origin && other.task == self.task;
        if others.iter().any(is_same) {
            self.settle();
        } else {
            others.push(self);
        }
    }

    /// What is raised for it.
    pub(crate) fn error(&self) -> &CancelledError {
        &self.error
    }

    /// It has arrived: it is not given back.
    pub(crate) fn settle(mut self) {
        self.settled = true;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        if self.origin == Origin::TASK {
            let _alive = self.task.cancel(std::mem::take(&mut self.error));
            // If all were taken back meanwhile, this drops it.
            cancel::uncancel(&self.task);
        }
        tell(self.origin);
    }
}

/// Tells the scopes from `origin` inward.
fn tell(origin: Origin) {
    let depth = cancel::depth();
    LISTENING.with(|listening| {
        let mut listening = listening.borrow_mut();
        let own = |listener: &Listener| listener.scope == origin && listener.depth == depth;
        let further_in = match listening.iter().rposition(own) {
            Some(index) => {
                listening[index].heard.own = true;
                index + 1
            }
            None if origin == Origin::TASK => 0,
            None => return,
        };
        let further_in = listening[further_in..].iter_mut();
        for listener in further_in.filter(|listener| listener.depth == depth) {
            match origin {
                Origin::TASK => listener.heard.of_task = true,
                _scope => listener.heard.of_scopes += 1,
            }
        }
    });
}

/// Whether the request of `scope` has been given back during the poll that this is called from.
pub(crate) fn was_given_back(scope: Origin) -> bool {
    let depth = cancel::depth();
    LISTENING.with(|listening| {
        let listening = listening.borrow();
        let mut listening = listening.iter();
        listening.any(|one| one.scope == scope && one.depth == depth && one.heard.own)
    })
}

/// A scope on the list, while it polls its body.
pub(crate) struct Listening {
    index: usize,
}

impl Listening {
    pub(crate) fn begin(scope: Origin) -> Listening {
        let depth = cancel::depth();
        LISTENING.with(|listening| {
            let mut listening = listening.borrow_mut();
            let index = listening.len();
            listening.push(Listener {
                scope,
                depth,
                heard: Heard::default(),
            });
            Listening { index }
        })
    }

    pub(crate) fn end(self) -> Heard {
        LISTENING.with(|listening| listening.borrow()[self.index].heard)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // Those further in have left: they are dropped before, also by a panic.
        LISTENING.with(|listening| listening.borrow_mut().truncate(self.index));
    }
}
