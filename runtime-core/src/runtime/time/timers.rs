//! The timers of a loop: a wheel for each worker, and one for the other threads.
//!
//! The load is *register, then cancel*: hardly any timer ever fires. So both are a few nanoseconds on
//! a wheel of the worker's own, under a lock that nobody else wants: whoever polls takes it only when
//! the wheel's next deadline, which stands beside it in an atomic, has come. A cancel from elsewhere
//! that finds the lock taken leaves its key on a list, for the holder's next visit, and waits for
//! nobody.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use runtime_timer::{Key, Wheel};

use super::clock::Tick;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutant, Mutex, MutexGuard, broken};

/// The most timers that expire under one hold of a lock.
const BATCH: usize = 1024;

/// Names a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerKey {
    shard: u32,
    key: Key,
}

/// The wheels, and their next deadlines.
#[derive(Debug)]
pub(crate) struct Timers {
    shards: Box<[Shard]>,
}

#[derive(Debug)]
struct Shard {
    wheel: Mutex<Wheel<Waker>>,
    /// The wheel's next deadline, for a look without the lock. Written under it.
    next: AtomicU64,
    /// What was cancelled while the lock was taken.
    cancelled: Mutex<Vec<Key>>,
    any_cancelled: AtomicBool,
}

impl Timers {
    /// Wheels for `workers` workers, and one more.
    pub(crate) fn new(workers: usize) -> Timers {
        Timers {
            shards: (0..=workers).map(|_| Shard::new()).collect(),
        }
    }

    /// Adds a timer that wakes `waker` at `when`, to the wheel of a worker or to the last one, which is
    /// also that of the workers beyond those with a wheel.
    pub(crate) fn insert(&self, worker: Option<usize>, when: Tick, waker: Waker) -> TimerKey {
        let last = self.shards.len() - 1;
        let shard = worker.map_or(last, |worker| worker.min(last));
        let mut wheel = self.shards[shard].lock();
        let key = wheel.insert(runtime_timer::Tick(when.0), waker);
        self.shards[shard].publish_next(&wheel);
        TimerKey {
            shard: shard as u32,
            key,
        }
    }

    /// Has a timer wake `waker` instead. False if it has fired.
    pub(crate) fn set_waker(&self, key: TimerKey, waker: &Waker) -> bool {
        let mut new = waker.clone();
        let mut wheel = self.shard(key).lock();
        let place = wheel.get_mut(key.key);
        let waits = place.map(|place| std::mem::swap(place, &mut new)).is_some();
        // The old waker's destructor, or the new one's, may be user code: after the lock.
        drop(wheel);
        waits || broken(Mutant::FireUntold)
    }

    /// Takes a timer out, now or at the next visit to its wheel.
    pub(crate) fn cancel(&self, key: TimerKey) {
        let shard = self.shard(key);
        match shard.wheel.try_lock() {
            Some(mut wheel) => {
                let waker = wheel.cancel(key.key);
                shard.publish_next(&wheel);
                drop(wheel);
                drop(waker);
            }
            None => shard.leave_cancelled(key.key),
        }
    }

    /// Moves the wakers of the timers that are due to `due`.
    pub(crate) fn expire(&self, now: Tick, due: &mut Vec<Waker>) {
        for shard in &self.shards {
            while shard.next() <= now && shard.expire(now, due) {}
        }
    }

    /// Takes everything out: what waits on a wheel of a loop that is closed would keep that loop.
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let emptied = {
                let mut wheel = shard.lock();
                std::mem::replace(&mut *wheel, Wheel::new(runtime_timer::Tick(0)))
            };
            forget_panic(|| drop(emptied));
        }
    }

    /// The earliest deadline, or a little before it.
    pub(crate) fn next(&self) -> Tick {
        self.shards
            .iter()
            .map(Shard::next)
            .min()
            .unwrap_or(Tick::NEVER)
    }

    fn shard(&self, key: TimerKey) -> &Shard {
        &self.shards[key.shard as usize]
    }
}

impl Shard {
    fn new() -> Shard {
        Shard {
            wheel: Mutex::new(Wheel::new(runtime_timer::Tick(0))),
            next: AtomicU64::new(Tick::NEVER.0),
            cancelled: Mutex::new(Vec::new()),
            any_cancelled: AtomicBool::new(false),
        }
    }

    fn next(&self) -> Tick {
        // Acquire; what orders it against a sleeping poller is the fence in `Driver`.
        Tick(self.next.load(Ordering::Acquire))
    }

    /// Locks the wheel, and takes out what was cancelled while it was locked.
    fn lock(&self) -> MutexGuard<'_, Wheel<Waker>> {
        let mut wheel = self.wheel.lock();
        // Relaxed: a cancel that is missed now is found at the next visit.
        if self.any_cancelled.load(Ordering::Relaxed) && !broken(Mutant::ForgetCancelled) {
            let wakers = self.sweep(&mut wheel);
            self.publish_next(&wheel);
            drop(wheel);
            forget_panic(|| drop(wakers));
            wheel = self.wheel.lock();
        }
        wheel
    }

    #[cold]
    fn sweep(&self, wheel: &mut Wheel<Waker>) -> Vec<Waker> {
        let keys = {
            let mut cancelled = self.cancelled.lock();
            self.any_cancelled.store(false, Ordering::Relaxed);
            std::mem::take(&mut *cancelled)
        };
        keys.into_iter()
            .filter_map(|key| wheel.cancel(key))
            .collect()
    }

    #[cold]
    fn leave_cancelled(&self, key: Key) {
        let mut cancelled = self.cancelled.lock();
        cancelled.push(key);
        self.any_cancelled.store(true, Ordering::Relaxed);
    }

    /// Takes out a batch of what is due. False if nothing more is.
    fn expire(&self, now: Tick, due: &mut Vec<Waker>) -> bool {
        let mut wheel = self.lock();
        for _ in 0..BATCH {
            match wheel.pop_expired(runtime_timer::Tick(now.0)) {
                Some(waker) => due.push(waker),
                None => {
                    self.publish_next(&wheel);
                    return false;
                }
            }
        }
        self.publish_next(&wheel);
        true
    }

    fn publish_next(&self, wheel: &Wheel<Waker>) {
        let next = wheel
            .next_deadline()
            .map_or(Tick::NEVER, |tick| Tick(tick.0));
        self.next.store(next.0, Ordering::Release);
    }
}

/// Drops what may be the user's: a panic of its destructor has nobody to go to here.
fn forget_panic(drop: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(drop)) {
        // Its own destructor may panic as well.
        std::mem::forget(payload);
    }
}
