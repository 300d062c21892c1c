//! The timers of a loop, in the order of their deadlines.

use std::collections::BTreeMap;
use std::task::Waker;

use super::clock::Tick;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};

/// Names a timer: its deadline, and its number among those of the same deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimerKey {
    when: Tick,
    number: u64,
}

/// A queue of timers under a lock, with the next deadline beside it.
#[derive(Debug)]
pub(crate) struct Timers {
    queue: Mutex<Queue>,
    /// The earliest deadline, for a look without the lock. Written under it.
    next: AtomicU64,
}

#[derive(Debug)]
struct Queue {
    waiting: BTreeMap<TimerKey, Waker>,
    last_number: u64,
}

impl Timers {
    pub(crate) fn new() -> Timers {
        let queue = Queue {
            waiting: BTreeMap::new(),
            last_number: 0,
        };
        Timers {
            queue: Mutex::new(queue),
            next: AtomicU64::new(Tick::NEVER.0),
        }
    }

    /// Adds a timer that wakes `waker` at `when`.
    pub(crate) fn insert(&self, when: Tick, waker: Waker) -> TimerKey {
        let mut queue = self.queue.lock();
        queue.last_number += 1;
        let key = TimerKey {
            when,
            number: queue.last_number,
        };
        queue.waiting.insert(key, waker);
        self.publish_next(&queue);
        key
    }

    /// Has a timer wake `waker` instead. False if it has fired.
    pub(crate) fn set_waker(&self, key: TimerKey, waker: &Waker) -> bool {
        let new = waker.clone();
        let mut queue = self.queue.lock();
        let old = queue
            .waiting
            .get_mut(&key)
            .map(|place| std::mem::replace(place, new));
        drop(queue);
        old.is_some()
    }

    /// Takes a timer out. Its waker, for the caller to drop; nothing if it has fired.
    pub(crate) fn cancel(&self, key: TimerKey) -> Option<Waker> {
        let mut queue = self.queue.lock();
        let waker = queue.waiting.remove(&key);
        self.publish_next(&queue);
        waker
    }

    /// Moves the wakers of the timers that are due to `due`.
    pub(crate) fn expire(&self, now: Tick, due: &mut Vec<Waker>) {
        let mut queue = self.queue.lock();
        while let Some(entry) = queue.waiting.first_entry() {
            if entry.key().when > now {
                break;
            }
            due.push(entry.remove());
        }
        self.publish_next(&queue);
    }

    /// The earliest deadline.
    pub(crate) fn next(&self) -> Tick {
        Tick(self.next.load(Ordering::Acquire))
    }

    fn publish_next(&self, queue: &Queue) {
        let next = queue
            .waiting
            .first_key_value()
            .map_or(Tick::NEVER, |(key, _)| key.when);
        // Release; the exchange between this and a sleeping poller is in `Driver`.
        self.next.store(next.0, Ordering::Release);
    }
}
