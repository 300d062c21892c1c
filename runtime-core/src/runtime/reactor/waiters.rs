//! Who waits for one direction of a source.

use std::task::Waker;

/// The key of a waiting future, among those of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WaiterKey(u64);

impl WaiterKey {
    /// The key of every poll, which cannot remove its waker.
    const POLL: WaiterKey = WaiterKey(0);
}

/// How many wakers of polls there may be before all are woken for the first time.
const POLLS: usize = 32;

/// The waiters of one direction. Mostly there is one: it needs no allocation.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    first: Option<(WaiterKey, Waker)>,
    others: Vec<(WaiterKey, Waker)>,
    last_key: u64,
    /// At how many waiters polls are woken; `POLLS` if it is less.
    limit: usize,
}

impl Waiters {
    /// Adds the waker of a future, or replaces it. Returns the future's key, and a waker for the
    /// caller to drop outside the lock.
    pub(super) fn put(
        &mut self,
        key: Option<WaiterKey>,
        waker: Waker,
    ) -> (WaiterKey, Option<Waker>) {
        let key = key.unwrap_or_else(|| {
            self.last_key += 1;
            WaiterKey(self.last_key)
        });
        if let Some((_, old)) = self.iter_mut().find(|(other, _)| *other == key) {
            return (key, Some(std::mem::replace(old, waker)));
        }
        self.push(key, waker);
        (key, None)
    }

    /// Adds the waker of a poll, unless one is there that wakes the same task. Moves wakers that
    /// the caller must wake outside the lock to `due`, and returns one that it must drop there.
    pub(super) fn put_poll(&mut self, waker: Waker, due: &mut Vec<Waker>) -> Option<Waker> {
        let same = |(key, other): &&mut (WaiterKey, Waker)| {
            *key == WaiterKey::POLL && other.will_wake(&waker)
        };
        if self.iter_mut().find(same).is_some() {
            return Some(waker);
        }
        if self.others.len() >= self.limit.max(POLLS) {
            self.limit = 2 * self.others.len();
            let polls = |entry: &mut (WaiterKey, Waker)| entry.0 == WaiterKey::POLL;
            let mut index = 0;
            while index < self.others.len() {
                match polls(&mut self.others[index]) {
                    true => due.push(self.others.swap_remove(index).1),
                    false => index += 1,
                }
            }
        }
        self.push(WaiterKey::POLL, waker);
        None
    }

    /// Removes the waker of a future. The caller must drop it outside the lock.
    pub(super) fn remove(&mut self, key: WaiterKey) -> Option<Waker> {
        if self.first.as_ref().is_some_and(|(other, _)| *other == key) {
            return self.first.take().map(|(_, waker)| waker);
        }
        let index = self.others.iter().position(|(other, _)| *other == key)?;
        Some(self.others.swap_remove(index).1)
    }

    /// Moves all wakers to `due`.
    pub(super) fn take(&mut self, due: &mut Vec<Waker>) {
        due.extend(self.first.take().map(|(_, waker)| waker));
        due.extend(self.others.drain(..).map(|(_, waker)| waker));
    }

    fn push(&mut self, key: WaiterKey, waker: Waker) {
        match self.first {
            None => self.first = Some((key, waker)),
            Some(_) => self.others.push((key, waker)),
        }
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut (WaiterKey, Waker)> {
        self.first.iter_mut().chain(&mut self.others)
    }
}
