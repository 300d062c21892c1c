//! A worker's own handle of its loop, for its tasks to hold.
//!
//! Every task keeps its loop alive. Were that one count for the whole loop, each birth and each end
//! on every worker would write the same cache line. So tasks count on a branch: one for each worker,
//! one for each foreign thread that has entered the loop, and one for the others; only the
//! branches count on the loop.

use std::any::Any;

use super::shared::Shared;
use crate::sync::{Arc, StdArc, StdWeak};

/// Aligned so that no two workers' counts share a line, nor the pair of lines that is fetched at once.
#[repr(align(128))]
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) shared: Arc<Shared>,
}

impl Branch {
    /// A worker's, or a foreign thread's.
    pub(crate) fn new(shared: Arc<Shared>) -> StdArc<Branch> {
        StdArc::new(Branch { shared })
    }

    /// The one for threads that have none. Whoever owns the loop keeps it.
    pub(crate) fn plant_foreign(shared: &Arc<Shared>) -> StdArc<Branch> {
        let branch = Branch::new(Arc::clone(shared));
        let erased: StdArc<dyn Any + Send + Sync> = StdArc::clone(&branch) as _;
        let _planted = shared.foreign_branch.set(StdArc::downgrade(&erased));
        branch
    }

    /// A branch for a thread that has none: the planted one, while the loop has an owner.
    pub(crate) fn foreign(shared: &Arc<Shared>) -> StdArc<Branch> {
        let planted = shared.foreign_branch.get().and_then(StdWeak::upgrade);
        let planted = planted.and_then(|branch| branch.downcast().ok());
        planted.unwrap_or_else(|| Branch::new(Arc::clone(shared)))
    }
}
