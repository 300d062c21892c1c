//! Who waits for one direction of a source.

use std::task::Waker;
use std::time::{Duration, Instant};

/// The key of a waiting future, among those of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WaiterKey(u64);

impl WaiterKey {
    /// The key of every poll, which cannot remove its waker.
    const POLL: WaiterKey = WaiterKey(0);
    /// The key of a waiter that is the only one of its source.
    pub(crate) const ONLY: WaiterKey = WaiterKey(u64::MAX);

    /// The key of the next future, after `last`.
    pub(super) fn after(last: &mut u64) -> WaiterKey {
        *last += 1;
        WaiterKey(*last)
    }
}

/// How many wakers of polls there may be before all are woken for the first time.
const POLLS: usize = 32;

/// Polls that are woken twice within this time are left in peace for a while: their tasks live, and
/// have come back.
const SOON: Duration = Duration::from_secs(1);

/// The waiters of one direction. Mostly there is one: it needs no allocation, and there are two of
/// these for each descriptor.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    first: Option<(WaiterKey, Waker)>,
    more: Option<Box<More>>,
}

/// The waiters but the first.
#[derive(Debug, Default)]
struct More {
    others: Vec<(WaiterKey, Waker)>,
    sweep: Option<Sweep>,
}

/// When all polls were last woken because there were many.
#[derive(Debug)]
struct Sweep {
    when: Instant,
    /// How many there may be until the next time.
    limit: usize,
}

impl Waiters {
    /// Adds the waker of a future, or replaces it. Returns a waker for the caller to drop outside
    /// the lock.
    pub(super) fn put(&mut self, key: WaiterKey, waker: Waker) -> Option<Waker> {
        if let Some((_, old)) = self.iter_mut().find(|(other, _)| *other == key) {
            return Some(std::mem::replace(old, waker));
        }
        self.push(key, waker);
        None
    }

    /// Adds the waker of a poll, unless one is there that wakes the same task. Moves wakers that
    /// the caller must wake outside the lock to `due`, and returns one that it must drop there.
    pub(crate) fn put_poll(
        &mut self,
        waker: Waker,
        now: impl FnOnce() -> Instant,
        due: &mut Vec<Waker>,
    ) -> Option<Waker> {
        let same = |(key, other): &&mut (WaiterKey, Waker)| {
            *key == WaiterKey::POLL && other.will_wake(&waker)
        };
        if self.iter_mut().find(same).is_some() {
            return Some(waker);
        }
        if let Some(more) = &mut self.more {
            let limit = more.sweep.as_ref().map_or(POLLS, |sweep| sweep.limit);
            if more.others.len() >= limit {
                more.wake_polls(limit, now(), due);
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
        let others = &mut self.more.as_mut()?.others;
        let index = others.iter().position(|(other, _)| *other == key)?;
        Some(others.swap_remove(index).1)
    }

    /// Moves all wakers to `due`.
    pub(crate) fn take(&mut self, due: &mut Vec<Waker>) {
        due.extend(self.first.take().map(|(_, waker)| waker));
        let others = self.more.iter_mut().flat_map(|more| more.others.drain(..));
        due.extend(others.map(|(_, waker)| waker));
    }

    fn push(&mut self, key: WaiterKey, waker: Waker) {
        match &self.first {
            None => self.first = Some((key, waker)),
            Some(_) => {
                let more = self.more.get_or_insert_default();
                more.others.push((key, waker));
            }
        }
    }

    fn iter_mut(&mut self) -> impl Iterator<Item = &mut (WaiterKey, Waker)> {
        let others = self.more.iter_mut().flat_map(|more| &mut more.others);
        self.first.iter_mut().chain(others)
    }
}

impl More {
    /// Has all polls woken, because there are `limit` of them: those that still wait come back.
    /// Those whose tasks have ended do not, and what they kept is freed.
    ///
    /// If this happens again soon, they have come back, or very many come and go; then the limit is
    /// doubled. So what is kept of tasks that have ended is at most what has come in a second.
    #[cold]
    fn wake_polls(&mut self, limit: usize, when: Instant, due: &mut Vec<Waker>) {
        let is_poll = |entry: &(WaiterKey, Waker)| entry.0 == WaiterKey::POLL;
        let all = std::mem::take(&mut self.others).into_iter();
        let (polls, futures) = all.partition::<Vec<_>, _>(is_poll);
        self.others = futures;
        due.extend(polls.into_iter().map(|(_, waker)| waker));
        let soon = |sweep: &Sweep| when.saturating_duration_since(sweep.when) < SOON;
        let limit = match self.sweep.as_ref().is_some_and(soon) {
            true => 2 * limit,
            false => POLLS,
        };
        self.sweep = Some(Sweep { when, limit });
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use super::*;
    use crate::sync::StdArc;

    /// A waker of a task of its own.
    struct Task;

    impl Wake for Task {
        fn wake(self: StdArc<Self>) {}
    }

    fn poll(waiters: &mut Waiters, task: &StdArc<Task>, now: Instant) -> Vec<Waker> {
        let mut due = Vec::new();
        let unused = waiters.put_poll(Waker::from(StdArc::clone(task)), || now, &mut due);
        drop(unused);
        due
    }

    #[test]
    fn what_is_kept_of_tasks_that_have_ended_is_what_came_in_a_second() {
        let (mut waiters, begin) = (Waiters::default(), Instant::now());
        for number in 0..100_000 {
            // A hundred tasks a second, each of which polls once.
            let now = begin + number * Duration::from_millis(10);
            poll(&mut waiters, &StdArc::new(Task), now);
            let others = waiters.more.as_ref().map_or(0, |more| more.others.len());
            assert!(others <= 400, "{others}");
        }
    }

    #[test]
    fn tasks_that_come_back_are_left_in_peace() {
        let (mut waiters, now) = (Waiters::default(), Instant::now());
        let tasks: Vec<_> = (0..500).map(|_| StdArc::new(Task)).collect();
        let mut woken = 0;
        for _ in 0..20 {
            for task in &tasks {
                woken += poll(&mut waiters, task, now).len();
            }
        }
        assert!(woken < 2_000, "{woken}");
        let others = waiters.more.as_ref().map_or(0, |more| more.others.len());
        assert_eq!(others + 1, tasks.len(), "each is kept once");
    }
}
