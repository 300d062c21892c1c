//! The loop reference: what tasks hold to keep their loop alive.
//!
//! Every task keeps its loop alive. If all tasks counted on one reference count of the loop, the
//! start and the end of each task on every worker would write the same cache line. So tasks count
//! on a loop reference: each worker has one, each foreign thread that has entered the loop has one,
//! and all other threads share one. Only the loop references count on the loop.

use std::any::Any;

use super::shared::Shared;
use crate::sync::{Arc, StdArc, StdWeak};

/// Aligned so that no two workers' counts share a cache line, nor a pair of lines that is fetched
/// together.
#[repr(align(128))]
#[derive(Debug)]
pub(crate) struct LoopRef {
    pub(crate) shared: Arc<Shared>,
}

impl LoopRef {
    /// A new loop reference, for a worker or a foreign thread.
    pub(crate) fn new(shared: Arc<Shared>) -> StdArc<LoopRef> {
        StdArc::new(LoopRef { shared })
    }

    /// Makes the loop reference for threads that have none. The owner of the loop must keep the
    /// result alive.
    pub(crate) fn set_foreign(shared: &Arc<Shared>) -> StdArc<LoopRef> {
        let loop_ref = LoopRef::new(Arc::clone(shared));
        let erased: StdArc<dyn Any + Send + Sync> = StdArc::clone(&loop_ref) as _;
        let _already_set = shared.foreign_loop_ref.set(StdArc::downgrade(&erased));
        loop_ref
    }

    /// The loop reference for threads that have none: the shared one, while the loop has an owner,
    /// and else a new one.
    pub(crate) fn foreign(shared: &Arc<Shared>) -> StdArc<LoopRef> {
        let foreign = shared.foreign_loop_ref.get().and_then(StdWeak::upgrade);
        let foreign = foreign.and_then(|loop_ref| loop_ref.downcast().ok());
        foreign.unwrap_or_else(|| LoopRef::new(Arc::clone(shared)))
    }
}
