//! The list of advances: futures that move the paused clock by hand, and how far.

use std::collections::BTreeMap;
use std::task::Waker;

use super::clock::Tick;

/// Identifies an advance: its end, and a number that tells advances with the same end apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AdvanceKey {
    when: Tick,
    number: u64,
}

impl AdvanceKey {
    /// The tick at which the advance ends.
    pub(crate) fn end(self) -> Tick {
        self.when
    }
}

/// The advances that are not over, each with the waker to wake at its end.
#[derive(Debug, Default)]
pub(super) struct Advances {
    waiting: BTreeMap<AdvanceKey, Waker>,
    last_number: u64,
    closed: bool,
}

impl Advances {
    /// Adds an advance.
    ///
    /// # Errors
    /// Returns the waker if the list is closed.
    pub(super) fn add(&mut self, when: Tick, waker: Waker) -> Result<AdvanceKey, Waker> {
        if self.closed {
            return Err(waker);
        }
        self.last_number += 1;
        let number = self.last_number;
        let key = AdvanceKey { when, number };
        self.waiting.insert(key, waker);
        Ok(key)
    }

    /// Replaces the waker of an advance and returns the old one; if the advance is over, returns
    /// the new one as an error. The caller drops either outside the lock.
    pub(super) fn set_waker(&mut self, key: AdvanceKey, waker: Waker) -> Result<Waker, Waker> {
        match self.waiting.get_mut(&key) {
            Some(place) => Ok(std::mem::replace(place, waker)),
            None => Err(waker),
        }
    }

    /// Removes an advance.
    pub(super) fn remove(&mut self, key: AdvanceKey) -> Option<Waker> {
        self.waiting.remove(&key)
    }

    /// The earliest end of an advance, or `NEVER`.
    pub(super) fn next(&self) -> Tick {
        let first = self.waiting.first_key_value();
        first.map_or(Tick::NEVER, |(key, _)| key.when)
    }

    /// The latest end of an advance, or zero: up to there the clock may move although it is held.
    pub(super) fn farthest(&self) -> Tick {
        let last = self.waiting.last_key_value();
        last.map_or(Tick(0), |(key, _)| key.when)
    }

    /// Removes the advances that have ended by `now` and moves their wakers to `over`.
    pub(super) fn end(&mut self, now: Tick, over: &mut Vec<Waker>) {
        while let Some(first) = self.waiting.first_entry() {
            if first.key().when > now {
                break;
            }
            over.push(first.remove());
        }
    }

    /// Removes all advances, wherever the clock is, and refuses new ones. Returns their wakers.
    pub(super) fn close(&mut self) -> Vec<Waker> {
        self.closed = true;
        std::mem::take(&mut self.waiting).into_values().collect()
    }
}
