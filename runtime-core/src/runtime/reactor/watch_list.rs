//! The callbacks of a loop for descriptors, by descriptor and direction.

use std::collections::BTreeMap;
use std::fmt;
use std::os::fd::RawFd;

use super::readiness::Direction;
use crate::sync::{Mutex, StdArc};

/// A callback for a descriptor, which is called until it is stopped.
pub(crate) trait Watch: fmt::Debug + Send + Sync {
    /// Stops it, and drops the callback: user code.
    fn stop(&self);
}

/// The callbacks of a loop for descriptors.
#[derive(Debug, Default)]
pub(crate) struct WatchList {
    list: Mutex<BTreeMap<(RawFd, bool), StdArc<dyn Watch>>>,
}

impl WatchList {
    /// Puts a callback in, or takes one out. Returns the one that was there, for the caller to stop
    /// outside of every lock.
    #[must_use = "it is to be stopped"]
    pub(crate) fn replace(
        &self,
        fd: RawFd,
        direction: Direction,
        watch: Option<StdArc<dyn Watch>>,
    ) -> Option<StdArc<dyn Watch>> {
        let key = (fd, direction == Direction::Write);
        let mut list = self.list.lock();
        match watch {
            Some(watch) => list.insert(key, watch),
            None => list.remove(&key),
        }
    }

    /// Takes all of them out: the loop is closed.
    #[must_use = "they are to be stopped"]
    pub(crate) fn take(&self) -> Vec<StdArc<dyn Watch>> {
        let list = std::mem::take(&mut *self.list.lock());
        list.into_values().collect()
    }
}
