//! A request on its way into a body, as the shield of that body sees it.

use super::context::{self, OwnerId};
use super::frames;
use super::request::CancelRequest;

/// A request from further out than the scope that polls the body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing {
    owner: OwnerId,
    task: (usize, u64),
    depth: u32,
    /// The frame of the first scope inside.
    inside: usize,
}

impl Passing {
    /// The request that is on its way now.
    pub(crate) fn now() -> Option<Passing> {
        let (owner, task) = (context::offered_owner(), context::current_identity()?);
        (owner != OwnerId::NONE).then(|| Passing {
            owner,
            task,
            depth: context::depth(),
            inside: frames::count(),
        })
    }

    /// Claims it, if this is called from that body and it is on its way still. For the scopes
    /// inside it has never come.
    pub(crate) fn claim(self) -> Option<CancelRequest> {
        let is_same_poll =
            context::current_identity() == Some(self.task) && context::depth() == self.depth;
        if !is_same_poll || context::offered_owner() != self.owner {
            return None;
        }
        let claim = CancelRequest::claim_offered();
        frames::notify_from(self.inside, self.owner);
        claim
    }
}
