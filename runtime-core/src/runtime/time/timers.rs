//! The timers of a loop: a wheel for each worker, and one for the other threads.
//!
//! The typical load is *insert, then cancel*: hardly any timer ever fires. So both take a few
//! nanoseconds on the worker's own wheel, under a lock that is rarely contended: the holder of the
//! poller role takes it only when the wheel's next deadline, published beside it in an atomic, has
//! passed. A cancel from another thread that finds the lock taken does not wait: it puts its key on
//! a list, and the next visit to the wheel cancels the timer.
//!
//! **User code.** A waker may be the user's: its clone, its wake and its drop may do anything, for
//! example insert a timer into this wheel. None of the three happens under a lock of this file. The
//! wakers that a visit takes out are returned to the visitor. A visitor that holds another lock, or
//! the poller role, keeps them until it has released that ([`Swept`]), or inserts its timer without
//! visiting the list of cancelled timers.
//!
//! **Closing.** `close` removes the wheel under its lock: a timer is either refused, or it was
//! inserted before the close, which returns its waker to be woken. A removed wheel is never
//! replaced by a new one: a key must be valid only once, and a new wheel would issue the same keys
//! again. (The wheel is removed because it is large, and a handle keeps the loop's memory after the
//! close.)

use std::task::Waker;

use runtime_timer::{Key, Wheel};

use super::clock::Tick;
use crate::runtime::catch_panic::catch_panic;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutant, Mutex, MutexGuard, broken};

/// The most timers that expire while the lock is held once.
const BATCH: usize = 1024;

/// Identifies a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TimerKey {
    shard: u32,
    key: Key,
}

/// Whether the thread that inserts a timer may run user code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// It may: it holds no lock.
    HoldsNothing,
    /// It must not: it holds a lock.
    HoldsALock,
}

/// The result of replacing the waker of a timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum TimerStatus {
    /// The timer waits, and will wake the new waker.
    Pending,
    /// The timer has fired before, for the old waker.
    Fired,
    /// The loop is closed.
    Closed,
}

/// The wakers of cancelled timers that a visit has taken out. The caller must drop this while it
/// holds neither a lock nor the poller role: the wakers' destructors are user code.
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

/// Aligned so that no two workers' locks share a cache line, or a pair of lines that is fetched
/// together.
#[derive(Debug)]
#[repr(align(128))]
struct Shard {
    /// `None` once it is closed; final.
    wheel: Mutex<Option<Box<Wheel<Waker>>>>,
    /// The wheel's next deadline, to be read without the lock. Written under it.
    next: AtomicU64,
    /// The timers that were cancelled while the lock was taken.
    cancelled: Mutex<Vec<Key>>,
    any_cancelled: AtomicBool,
}

impl Timers {
    /// Makes a wheel for each of `workers` workers, and one more. Their time begins with `start`.
    pub(crate) fn new(workers: usize, start: Tick) -> Timers {
        Timers {
            shards: (0..=workers).map(|_| Shard::new(start)).collect(),
        }
    }

    /// The index of a worker's wheel. Workers without a wheel (spares and stand-ins) and other
    /// threads use the last one.
    #[inline]
    fn index(&self, worker: Option<usize>) -> usize {
        let last = self.shards.len() - 1;
        worker.map_or(last, |worker| worker.min(last))
    }

    /// Inserts a timer that wakes `waker` at `when` into the wheel of a worker, or into the last
    /// one. Returns `None` if the loop is closed: `waker` has been dropped then.
    ///
    /// Also drops the wakers of timers that were cancelled while the wheel was locked, unless the
    /// caller holds a lock. Then this runs no user code, provided that `waker` is none.
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
        // If the timer is refused here, the lock is released before `waker` is dropped: locals are
        // dropped before parameters.
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

    /// Replaces the waker of a timer. The waker that is not kept is dropped after the lock.
    pub(crate) fn set_waker(&self, key: TimerKey, waker: Waker) -> TimerStatus {
        let mut waker = waker;
        let mut place = self.shard(key).wheel.lock();
        let closed = place.is_none();
        let waits = place
            .as_deref_mut()
            .and_then(|wheel| wheel.get_mut(key.key))
            .map(|place| std::mem::swap(place, &mut waker))
            .is_some();
        // The destructor of the old waker, or of the refused new one, may be user code: it runs
        // after the lock is released.
        drop(place);
        drop(waker);
        match waits || broken(Mutant::SkipFireReport) {
            true => TimerStatus::Pending,
            false if closed => TimerStatus::Closed,
            false => TimerStatus::Fired,
        }
    }

    /// Cancels a timer, now or, if its wheel is locked, at the next visit to the wheel.
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

    /// Refuses timers from now on and removes those that wait. Returns their wakers, to be woken
    /// outside every lock, since their timers will never fire. May be called repeatedly, at any
    /// time.
    pub(crate) fn close(&self) -> Vec<Waker> {
        let mut swept = Swept::default();
        let mut waiting = Vec::new();
        for shard in &self.shards {
            shard.close(&mut waiting, &mut swept);
        }
        waiting
    }

    /// The earliest deadline of all wheels, or a little before it.
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
    fn new(start: Tick) -> Shard {
        Shard {
            wheel: Mutex::new(Some(Box::new(Wheel::new(runtime_timer::Tick(start.0))))),
            next: AtomicU64::new(Tick::NEVER.0),
            cancelled: Mutex::new(Vec::new()),
            any_cancelled: AtomicBool::new(false),
        }
    }

    fn next(&self) -> Tick {
        // Acquire: pairs with the Release in `publish`. The fence in `Driver` orders it against a
        // thread that goes to sleep in the poller.
        Tick(self.next.load(Ordering::Acquire))
    }

    #[inline]
    fn has_cancelled(&self) -> bool {
        // Relaxed: a cancel that is missed now is seen by the next visit.
        self.any_cancelled.load(Ordering::Relaxed) && !broken(Mutant::ForgetCancelled)
    }

    /// Locks the wheel and takes out the timers that were cancelled while it was locked. The caller
    /// must publish the next deadline.
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

    /// Moves the wakers of a batch of due timers to `due`. Returns false if no more are due.
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
            // The wheel is empty: dropping it runs no user code.
            *place = None;
        }
    }

    /// Publishes the next deadline. The caller must hold the lock of the wheel.
    fn publish(&self, next: Tick) {
        self.next.store(next.0, Ordering::Release);
    }
}

/// Moves the wakers of at most `at_most` timers that are due by `now` to `due`. Returns true if
/// there may be more.
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
        catch_panic(|| drop(waker));
    }
}
