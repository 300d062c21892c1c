//! Requests that an awaiter has passed on to the task that it awaits.

use super::super::circles::Edge;
use super::super::reference::TaskRef;
use super::super::transitions::{Cancel, Ending};
use super::context;
use super::request::CancelRequest;
use crate::exceptions::CancelledError;
use crate::runtime::time::Stamp;
use crate::sync::{Mutant, broken};

/// The requests that an awaiter has passed on: of each owner one, however many have come from it.
#[derive(Debug, Default)]
pub(crate) struct PassedOn {
    claims: Vec<CancelRequest>,
    edge: Option<Edge>,
}

/// What came of the request that is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Passed {
    /// The awaited task has it, perhaps since before.
    On,
    /// The awaited task has ended since it was looked at; the request is on its way still.
    TooLate,
    /// The tasks await each other in a circle: the request goes on outward, and ends this one.
    InACircle,
}

impl PassedOn {
    /// Passes the request that is on its way through this poll on to `task`.
    pub(crate) fn pass_on(&mut self, task: &TaskRef) -> Passed {
        let Some(awaiter) = context::current() else {
            return Passed::InACircle;
        };
        let Some(request) = CancelRequest::offered() else {
            return Passed::On;
        };
        // The edge first: of the tasks of a circle, the last to pass the request on finds all
        // edges.
        self.edge = None;
        let edge = (!broken(Mutant::EdgeAfterRequest)).then(|| awaiter.awaits(task));
        let answer = task.pass_on(&awaiter, request.error());
        let edge = edge.unwrap_or_else(|| awaiter.awaits(task));
        match answer {
            Cancel::Done => Passed::TooLate,
            Cancel::Known if edge.closes_a_circle() => Passed::InACircle,
            Cancel::Known | Cancel::Counted | Cancel::Schedule => {
                self.keep(request.claim(), task);
                self.edge = Some(edge);
                Passed::On
            }
        }
    }

    /// Keeps a claim. Of the earlier ones, those that the task has acknowledged or whose scope has
    /// ended are over.
    fn keep(&mut self, claim: CancelRequest, task: &TaskRef) {
        for earlier in std::mem::take(&mut self.claims) {
            if earlier.is_over() || is_acknowledged(&earlier, task) {
                earlier.acknowledge();
            } else {
                self.claims.push(earlier);
            }
        }
        // Nearly always the only one.
        self.claims.reserve_exact(1);
        claim.join_last(&mut self.claims);
    }

    /// Nothing has been passed on, or it has been let go.
    pub(crate) fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// The task has ended because of them: the claims that may be raised here. The others are given
    /// back.
    pub(crate) fn into_raised(self) -> Vec<CancelRequest> {
        let claims = self.claims.into_iter();
        claims.filter(CancelRequest::is_from_around).collect()
    }

    /// Acknowledges what the task has acknowledged and suppressed, now that it is done. The other
    /// claims are given back.
    pub(crate) fn acknowledge_suppressed(self, task: &TaskRef) {
        let suppressed = matches!(task.ending(), Some(Ending::Returned | Ending::Panicked));
        let claims = self.claims.into_iter();
        claims
            .filter(|claim| suppressed && is_acknowledged(claim, task))
            .for_each(CancelRequest::acknowledge);
    }
}

/// The edges to the tasks to which one request has been passed on.
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
        let Some(awaiter) = context::current() else {
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

fn is_acknowledged(claim: &CancelRequest, task: &TaskRef) -> bool {
    task.has_acknowledged(Stamp(claim.error().cause().stamp()))
}
