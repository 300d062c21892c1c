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
pub(crate) struct LoopRef {
    pub(crate) shared: Arc<Shared>,
}

impl LoopRef {
    /// A worker's, or a foreign thread's.
    pub(crate) fn new(shared: Arc<Shared>) -> StdArc<LoopRef> {
        StdArc::new(LoopRef { shared })
    }

    /// The one for threads that have none. Whoever owns the loop keeps it.
    pub(crate) fn set_foreign(shared: &Arc<Shared>) -> StdArc<LoopRef> {
        let loop_ref = LoopRef::new(Arc::clone(shared));
        let erased: StdArc<dyn Any + Send + Sync> = StdArc::clone(&loop_ref) as _;
        let _planted = shared.foreign_loop_ref.set(StdArc::downgrade(&erased));
        loop_ref
    }

    /// A branch for a thread that has none: the planted one, while the loop has an owner.
    pub(crate) fn foreign(shared: &Arc<Shared>) -> StdArc<LoopRef> {
        let planted = shared.foreign_loop_ref.get().and_then(StdWeak::upgrade);
        let planted = planted.and_then(|loop_ref| loop_ref.downcast().ok());
        planted.unwrap_or_else(|| LoopRef::new(Arc::clone(shared)))
    }
}
