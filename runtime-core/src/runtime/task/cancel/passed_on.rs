//! Requests that an awaiter has passed on to the task that it awaits.

use super::super::circles::Edge;
use super::super::reference::TaskRef;
use super::super::transitions::{Cancel, Ending};
use super::context as cancel;
use super::request::CancelClaim;
use crate::exceptions::CancelledError;
use crate::runtime::time::Stamp;
use crate::sync::{Mutant, broken};

/// What the awaiter holds meanwhile: one request of each origin, however many have come from it.
#[derive(Debug, Default)]
pub(crate) struct PassedOn {
    held: Vec<CancelClaim>,
    edge: Option<Edge>,
}

/// What came of the request that is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Passed {
    /// The awaited task has it, and had it before, perhaps.
    On,
    /// The awaited task has ended since it was looked at; the request is on its way still.
    TooLate,
    /// The tasks await each other in a circle: the request goes on outward, and ends this one.
    InACircle,
}

impl PassedOn {
    /// Passes the request that is on its way through this poll on to `task`.
    pub(crate) fn pass_on(&mut self, task: &TaskRef) -> Passed {
        let Some(awaiter) = cancel::current() else {
            return Passed::InACircle;
        };
        // The edge first: of the tasks of a circle, the last to pass the request on finds all edges.
        self.edge = None;
        let mut edge = (!broken(Mutant::EdgeAfterRequest)).then(|| awaiter.awaits(task));
        let mut passed = Passed::On;
        let held = CancelClaim::claim_if(|error| {
            let answer = task.pass_on(&awaiter, error);
            let edge = edge.get_or_insert_with(|| awaiter.awaits(task));
            passed = match answer {
                Cancel::Done => Passed::TooLate,
                Cancel::Known if edge.closes_a_circle() => Passed::InACircle,
                Cancel::Known | Cancel::Counted | Cancel::Schedule => Passed::On,
            };
            passed == Passed::On
        });
        if let Some(held) = held {
            self.keep(held, task);
        }
        if passed == Passed::On {
            self.edge = edge;
        }
        passed
    }

    /// An earlier request that the task has met is between it and the task; one whose limit has ended is
    /// nobody's.
    fn keep(&mut self, held: CancelClaim, task: &TaskRef) {
        for earlier in std::mem::take(&mut self.held) {
            if earlier.is_over() || is_met(&earlier, task) {
                earlier.settle();
            } else {
                self.held.push(earlier);
            }
        }
        // Nearly always the only one.
        self.held.reserve_exact(1);
        held.join_last(&mut self.held);
    }

    /// Nothing has been passed on, or it has been let go.
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// The task has ended because of them: those that may be raised here. The others go back to where
    /// they came from.
    pub(crate) fn into_raised(self) -> Vec<CancelClaim> {
        let held = self.held.into_iter();
        held.filter(CancelClaim::is_from_around).collect()
    }

    /// What was passed on to a task that is done, met, and suppressed, is over. Everything else goes
    /// back to where it came from.
    pub(crate) fn settle_met(self, task: &TaskRef) {
        let kept = matches!(task.ending(), Some(Ending::Returned | Ending::Panicked));
        for held in self.held {
            if kept && is_met(&held, task) {
                held.settle();
            }
        }
    }
}

/// To whom a request has been passed on that went to several tasks at once.
#[derive(Debug, Default)]
pub(crate) struct Edges(Vec<Edge>);

impl Edges {
    /// Passes a request on to each of the tasks that `show_each` shows.
    pub(crate) fn pass_on(
        &mut self,
        error: &CancelledError,
        show_each: impl FnOnce(&mut dyn FnMut(&TaskRef)),
    ) -> Passed {
        self.0.clear();
        let Some(awaiter) = cancel::current() else {
            return Passed::InACircle;
        };
        let mut passed = Passed::TooLate;
        show_each(&mut |task| {
            let edge = awaiter.awaits(task);
            match task.pass_on(&awaiter, error) {
                Cancel::Done => return,
                Cancel::Known if edge.closes_a_circle() => passed = Passed::InACircle,
                _ if passed == Passed::TooLate => passed = Passed::On,
                _ => {}
            }
            self.0.push(edge);
        });
        passed
    }
}

fn is_met(held: &CancelClaim, task: &TaskRef) -> bool {
    task.has_met(Stamp(held.error().cause().stamp()))
}
