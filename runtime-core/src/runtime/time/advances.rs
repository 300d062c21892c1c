//! Who moves a time that stands still by hand, and how far.

use std::collections::BTreeMap;
use std::task::Waker;

use super::clock::Tick;

/// Names an advance: its end, and its number among those with the same end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AdvanceKey {
    when: Tick,
    number: u64,
}

impl AdvanceKey {
    /// How far it goes.
    pub(crate) fn end(self) -> Tick {
        self.when
    }
}

/// The advances that are not over, and whom each wakes at its end.
#[derive(Debug, Default)]
pub(super) struct Advances {
    waiting: BTreeMap<AdvanceKey, Waker>,
    last_number: u64,
    closed: bool,
}

impl Advances {
    /// Adds one. Once they are closed, the waker comes back.
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

    /// Has one wake `waker` instead of the waker that is returned; if it is over, that is the new one.
    /// Either is the caller's to drop, outside the lock.
    pub(super) fn set_waker(&mut self, key: AdvanceKey, waker: Waker) -> Result<Waker, Waker> {
        match self.waiting.get_mut(&key) {
            Some(place) => Ok(std::mem::replace(place, waker)),
            None => Err(waker),
        }
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, key: AdvanceKey) -> Option<Waker> {
        self.waiting.remove(&key)
    }

    /// The next end.
    pub(super) fn next(&self) -> Tick {
        let first = self.waiting.first_key_value();
        first.map_or(Tick::NEVER, |(key, _)| key.when)
    }

    /// How far time is moved, whoever holds it.
    pub(super) fn farthest(&self) -> Tick {
        let last = self.waiting.last_key_value();
        last.map_or(Tick(0), |(key, _)| key.when)
    }

    /// Moves the wakers of those that have come to their end to `over`.
    pub(super) fn end(&mut self, now: Tick, over: &mut Vec<Waker>) {
        while let Some(first) = self.waiting.first_entry() {
            if first.key().when > now {
                break;
            }
            over.push(first.remove());
        }
    }

    /// Ends all of them where time stands, and refuses others.
    pub(super) fn close(&mut self) -> Vec<Waker> {
        self.closed = true;
        std::mem::take(&mut self.waiting).into_values().collect()
    }
}
