//! Requests that an awaiter has passed on to the task that it awaits.

use super::super::cycles::Edge;
use super::super::reference::TaskRef;
use super::super::transitions::{Cancel, Ending};
use super::context;
use super::request::CancelRequest;
use crate::exceptions::CancelledError;
use crate::runtime::time::Stamp;
use crate::sync::{Mutant, broken};

/// The requests that an awaiter has passed on: of each owner one, however many have come from it.
#[derive(Debug, Default)]
pub(crate) struct Forwarded {
    claims: Vec<CancelRequest>,
    edge: Option<Edge>,
}

/// What came of the request that is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Forwarding {
    /// The awaited task has it, perhaps since before.
    On,
    /// The awaited task has ended since it was looked at; the request is on its way still.
    TooLate,
    /// The tasks await each other in a cycle: the request goes on outward, and ends this one.
    InACycle,
}

impl Forwarded {
    /// Passes the request that is on its way through this poll on to `task`.
    pub(crate) fn forward(&mut self, task: &TaskRef) -> Forwarding {
        let Some(awaiter) = context::current() else {
            return Forwarding::InACycle;
        };
        let Some(request) = CancelRequest::offered() else {
            return Forwarding::On;
        };
        // The edge first: of the tasks of a cycle, the last to pass the request on finds all
        // edges.
        self.edge = None;
        let edge = (!broken(Mutant::EdgeAfterRequest)).then(|| awaiter.awaits(task));
        let answer = task.forward(&awaiter, request.error());
        let edge = edge.unwrap_or_else(|| awaiter.awaits(task));
        match answer {
            Cancel::Done => Forwarding::TooLate,
            Cancel::Known if edge.closes_a_cycle() => Forwarding::InACycle,
            Cancel::Known | Cancel::Counted | Cancel::Schedule => {
                self.keep(request.claim(), task);
                self.edge = Some(edge);
                Forwarding::On
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

    /// Returns the claims whose owner encloses this await, to be raised here, and gives the others
    /// back. Called when the task has ended cancelled.
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
    pub(crate) fn forward(
        &mut self,
        error: &CancelledError,
        show_each: impl FnOnce(&mut dyn FnMut(&TaskRef)),
    ) -> Forwarding {
        self.0.clear();
        let Some(awaiter) = context::current() else {
            return Forwarding::InACycle;
        };
        let mut passed = Forwarding::TooLate;
        show_each(&mut |task| {
            let edge = awaiter.awaits(task);
            match task.forward(&awaiter, error) {
                Cancel::Done => return,
                Cancel::Known if edge.closes_a_cycle() => passed = Forwarding::InACycle,
                _ if passed == Forwarding::TooLate => passed = Forwarding::On,
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
