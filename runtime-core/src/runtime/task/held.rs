//! A request that is **held**: claimed, so that nobody further out acts on it, and given back to its
//! origin later, to be delivered at the next await that suspends.
//!
//! * The task's own is noted once more; it stands in the count already. If that has come to zero
//!   meanwhile there is none any more, as for every request that has not been delivered.
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

    /// Whether it is the task's own.
    pub(crate) fn is_of_task(&self) -> bool {
        self.origin == Origin::TASK
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
            self.task.cancel_again(std::mem::take(&mut self.error));
        }
        tell(self.origin);
    }
}

/// Takes one request of `task` back. At zero an undelivered one is dropped: also one that is on its
/// way through this very poll, and that nobody has claimed.
pub(crate) fn uncancel(task: &TaskRef) -> u32 {
    let left = task.header().state.uncancel();
    let here = cancel::current_pointer() == Some(task.pointer());
    if left == 0 && here && cancel::delivering() == Origin::TASK {
        withdraw(Origin::TASK);
    }
    left
}

/// Takes the request on its way back: it comes to nobody any more.
pub(crate) fn withdraw(origin: Origin) {
    cancel::set_delivering(Origin::NOBODY);
    tell(origin);
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
        tell_each(&mut listening[further_in..], origin);
    });
}

fn tell_each(listening: &mut [Listener], origin: Origin) {
    let depth = cancel::depth();
    let listening = listening.iter_mut();
    for listener in listening.filter(|listener| listener.depth == depth) {
        match origin {
            Origin::TASK => listener.heard.of_task = true,
            _scope => listener.heard.of_scopes += 1,
        }
    }
}

/// A request on its way into a body, from further out than whoever polls that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing {
    origin: Origin,
    task: (usize, u64),
    depth: u32,
    /// The first place on the list of the scopes inside.
    inside: usize,
}

impl Passing {
    /// The one that is on its way now.
    pub(crate) fn now() -> Option<Passing> {
        let (origin, task) = (cancel::delivering(), cancel::current_identity()?);
        (origin != Origin::NOBODY).then(|| Passing {
            origin,
            task,
            depth: cancel::depth(),
            inside: LISTENING.with(|listening| listening.borrow().len()),
        })
    }

    /// Claims it, if this is called from that body, and it is on its way still. For the scopes inside
    /// it has never come.
    pub(crate) fn hold(self) -> Option<Held> {
        let same = cancel::current_identity() == Some(self.task) && cancel::depth() == self.depth;
        if !same || cancel::delivering() != self.origin {
            return None;
        }
        let held = Held::claim();
        LISTENING.with(|listening| {
            let mut listening = listening.borrow_mut();
            tell_each(&mut listening[self.inside..], self.origin);
        });
        held
    }
}

/// Whether the request of `scope` has been given back during the poll that this is called from.
pub(crate) fn was_given_back(scope: Origin) -> bool {
    heard_by(scope).is_some_and(|heard| heard.own)
}

/// Whether `scope` is on the list: this is called from its body.
pub(crate) fn listens(scope: Origin) -> bool {
    heard_by(scope).is_some()
}

fn heard_by(scope: Origin) -> Option<Heard> {
    let depth = cancel::depth();
    LISTENING.with(|listening| {
        let listening = listening.borrow();
        let one = listening
            .iter()
            .rfind(|one| one.scope == scope && one.depth == depth);
        one.map(|one| one.heard)
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
