//! The timers of a loop: a wheel for each worker, and one for the other threads.
//!
//! The load is *register, then cancel*: hardly any timer ever fires. So both are a few nanoseconds on
//! a wheel of the worker's own, under a lock that nobody else wants: whoever polls takes it only when
//! the wheel's next deadline, which stands beside it in an atomic, has come. A cancel from elsewhere
//! that finds the lock taken leaves its key on a list, for the holder's next visit, and waits for
//! nobody.
//!
//! **User code.** A waker is the user's: its clone, its wake and its drop may do anything, and add a timer
//! to this wheel. None of the three happens under a lock of this file, and what a visit takes out goes
//! to the visitor: who visits while it holds another lock, or the poller's role, keeps it until it has
//! given that back ([`Swept`]), or adds its timer without a look at what was cancelled.
//!
//! **The end.** The close takes the wheel away, under its lock: a timer is either refused, or it was there
//! before the close, which hands its waker out to be woken. No other wheel takes the place of one that is
//! gone: a key is valid once, and a new wheel would begin with the same ones. (A wheel is large, and a
//! handle keeps its loop's memory after the end.)

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

use runtime_timer::{Key, Wheel};

use super::clock::Tick;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutant, Mutex, MutexGuard, assert_outside, broken};

/// The most timers that expire under one hold of a lock.
const BATCH: usize = 1024;

/// Names a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerKey {
    shard: u32,
    key: Key,
}

/// Whether who adds a timer may run user code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    HoldsNothing,
    HoldsALock,
}

/// What became of a timer that was to wake another waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Rearmed {
    /// It waits, with the new one.
    Waits,
    /// It has fired, for the one before.
    Fired,
    /// The loop is closed.
    Closed,
}

/// The wakers of cancelled timers, which a visit has taken out. To be dropped where no lock is held,
/// nor the poller's role: their destructors are user code.
#[derive(Debug, Default)]
#[must_use = "user code, to be dropped where nothing is held"]
pub(crate) struct Swept(Vec<Waker>);

impl Drop for Swept {
    fn drop(&mut self) {
        if !self.0.is_empty() {
            drop_each(std::mem::take(&mut self.0));
        }
    }
}

/// The wheels, and their next deadlines.
#[derive(Debug)]
pub(crate) struct Timers {
    shards: Box<[Shard]>,
}

/// Aligned so that no two workers' locks share a line, nor the pair of lines that is fetched at once.
#[derive(Debug)]
#[repr(align(128))]
struct Shard {
    /// `None` once it is closed, for good.
    wheel: Mutex<Option<Box<Wheel<Waker>>>>,
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

    /// The wheel of a worker; for one beyond those with a wheel, and for who is none, the last.
    #[inline]
    fn index(&self, worker: Option<usize>) -> usize {
        let last = self.shards.len() - 1;
        worker.map_or(last, |worker| worker.min(last))
    }

    /// Adds a timer that wakes `waker` at `when`, to the wheel of a worker or to the last one. `None` if
    /// the loop is closed. Drops what has been cancelled on that wheel while it was locked, unless the
    /// caller holds a lock: then it runs no user code, if the waker is none.
    #[inline(always)]
    pub(crate) fn insert(
        &self,
        caller: Caller,
        worker: Option<usize>,
        when: Tick,
        waker: Waker,
    ) -> Option<TimerKey> {
        let index = self.index(worker);
        let shard = &self.shards[index];
        if caller == Caller::HoldsNothing && shard.has_cancelled() {
            shard.sweep_alone();
        }
        let mut place = shard.wheel.lock();
        // Where it is refused the waker is dropped after the lock: it came first.
        let wheel = place.as_deref_mut()?;
        let key = wheel.insert(runtime_timer::Tick(when.0), waker);
        let next = next_deadline(wheel);
        if broken(Mutant::PublishUnlocked) {
            // What another thread publishes meanwhile is overwritten.
            drop(place);
        }
        shard.publish(next);
        let shard = index as u32;
        Some(TimerKey { shard, key })
    }

    /// Has a timer wake `waker` instead.
    pub(crate) fn set_waker(&self, key: TimerKey, waker: Waker) -> Rearmed {
        let mut waker = waker;
        let mut place = self.shard(key).wheel.lock();
        let closed = place.is_none();
        let waits = place
            .as_deref_mut()
            .and_then(|wheel| wheel.get_mut(key.key))
            .map(|place| std::mem::swap(place, &mut waker))
            .is_some();
        // The old waker's destructor, or the new one's, may be user code: after the lock.
        drop(place);
        drop(waker);
        match waits || broken(Mutant::FireUntold) {
            true => Rearmed::Waits,
            false if closed => Rearmed::Closed,
            false => Rearmed::Fired,
        }
    }

    /// Takes a timer out, now or at the next visit to its wheel.
    pub(crate) fn cancel(&self, key: TimerKey) {
        let shard = self.shard(key);
        let Some(mut place) = shard.wheel.try_lock() else {
            return shard.leave_cancelled(key.key);
        };
        if let Some(wheel) = place.as_deref_mut() {
            let waker = wheel.cancel(key.key);
            shard.publish(next_deadline(wheel));
            drop(place);
            drop(waker);
        }
    }

    /// Moves the wakers of the timers that are due to `due`.
    pub(crate) fn expire(&self, now: Tick, due: &mut Vec<Waker>) -> Swept {
        let mut swept = Swept::default();
        for shard in &self.shards {
            while shard.next() <= now && shard.expire(now, due, &mut swept) {}
        }
        swept
    }

    /// Refuses timers from now on, and takes out those that wait, to be woken outside every lock: what
    /// they were for will never come. May be called again, and at any time.
    pub(crate) fn close(&self) -> Vec<Waker> {
        let mut swept = Swept::default();
        let mut waiting = Vec::new();
        for shard in &self.shards {
            shard.close(&mut waiting, &mut swept);
        }
        waiting
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
            wheel: Mutex::new(Some(Box::new(Wheel::new(runtime_timer::Tick(0))))),
            next: AtomicU64::new(Tick::NEVER.0),
            cancelled: Mutex::new(Vec::new()),
            any_cancelled: AtomicBool::new(false),
        }
    }

    fn next(&self) -> Tick {
        // Acquire; what orders it against a sleeping poller is the fence in `Driver`.
        Tick(self.next.load(Ordering::Acquire))
    }

    #[inline]
    fn has_cancelled(&self) -> bool {
        // Relaxed: a cancel that is missed now is found at the next visit.
        self.any_cancelled.load(Ordering::Relaxed) && !broken(Mutant::ForgetCancelled)
    }

    /// Locks the wheel, and takes out what was cancelled while it was locked. Whoever visits publishes
    /// the next deadline.
    fn visit(&self, swept: &mut Swept) -> MutexGuard<'_, Option<Box<Wheel<Waker>>>> {
        let mut place = self.wheel.lock();
        if self.has_cancelled() {
            self.sweep(place.as_deref_mut(), swept);
        }
        place
    }

    #[cold]
    fn sweep_alone(&self) {
        let mut swept = Swept::default();
        let place = self.visit(&mut swept);
        self.publish(place.as_deref().map_or(Tick::NEVER, next_deadline));
    }

    #[cold]
    fn sweep(&self, wheel: Option<&mut Wheel<Waker>>, swept: &mut Swept) {
        let keys = {
            let mut cancelled = self.cancelled.lock();
            self.any_cancelled.store(false, Ordering::Relaxed);
            std::mem::take(&mut *cancelled)
        };
        if let Some(wheel) = wheel {
            let wakers = keys.into_iter().filter_map(|key| wheel.cancel(key));
            swept.0.extend(wakers);
        }
    }

    #[cold]
    fn leave_cancelled(&self, key: Key) {
        let mut cancelled = self.cancelled.lock();
        cancelled.push(key);
        self.any_cancelled.store(true, Ordering::Relaxed);
    }

    /// Takes out a batch of what is due. False if nothing more is.
    fn expire(&self, now: Tick, due: &mut Vec<Waker>, swept: &mut Swept) -> bool {
        let mut place = self.visit(swept);
        place.as_deref_mut().is_some_and(|wheel| {
            let more = take_due(wheel, now, BATCH, due);
            self.publish(next_deadline(wheel));
            more
        })
    }

    fn close(&self, waiting: &mut Vec<Waker>, swept: &mut Swept) {
        let mut place = self.visit(swept);
        if let Some(wheel) = place.as_deref_mut() {
            let _none = take_due(wheel, Tick::NEVER, usize::MAX, waiting);
        }
        self.publish(Tick::NEVER);
        if !broken(Mutant::InsertClosed) {
            // It is empty: this runs no user code.
            *place = None;
        }
    }

    /// Publishes the next deadline: under the lock of the wheel whose it is.
    fn publish(&self, next: Tick) {
        self.next.store(next.0, Ordering::Release);
    }
}

/// Moves so much of what is due by `now` to `due`. True if there may be more.
fn take_due(wheel: &mut Wheel<Waker>, now: Tick, at_most: usize, due: &mut Vec<Waker>) -> bool {
    let now = runtime_timer::Tick(now.0);
    let before = due.len();
    due.extend(std::iter::from_fn(|| wheel.pop_expired(now)).take(at_most));
    due.len() - before == at_most
}

fn next_deadline(wheel: &Wheel<Waker>) -> Tick {
    let next = wheel.next_deadline();
    next.map_or(Tick::NEVER, |tick| Tick(tick.0))
}

#[cold]
fn drop_each(wakers: Vec<Waker>) {
    for waker in wakers {
        forget_panic(|| drop(waker));
    }
}

/// Drops what may be the user's: a panic of its destructor has nobody to go to here.
fn forget_panic(drop: impl FnOnce()) {
    assert_outside();
    if let Err(payload) = catch_unwind(AssertUnwindSafe(drop)) {
        // Its own destructor may panic as well.
        std::mem::forget(payload);
    }
}
