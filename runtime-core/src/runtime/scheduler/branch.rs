//! A worker's own handle of its loop, for its tasks to hold.
//!
//! Every task keeps its loop alive. Were that one count for the whole loop, each birth and each end
//! on every worker would write the same cache line. So tasks count on a branch: one for each worker,
//! and one for foreign threads; only the branches count on the loop.

use super::shared::Shared;
use crate::sync::{Arc, StdArc};

/// Aligned so that no two workers' counts share a line, nor the pair of lines that is fetched at once.
#[repr(align(128))]
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) shared: Arc<Shared>,
}

impl Branch {
    /// A worker's.
    pub(crate) fn new(shared: Arc<Shared>) -> StdArc<Branch> {
        StdArc::new(Branch { shared })
    }
}
