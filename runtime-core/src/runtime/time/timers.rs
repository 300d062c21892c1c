//! The timers of a loop: a wheel for each worker, and one for the other threads.
//!
//! The typical load is *insert, then cancel*: hardly any timer ever fires. So both take a few
//! nanoseconds on the worker's own wheel, under a lock that is rarely contended: the holder of the
//! poller role takes it only when the wheel's next deadline, published beside it in an atomic, has
//! passed. A cancel from another thread that finds the lock taken does not wait: it puts its key on
//! a list, and the next visit to the wheel cancels the timer.
//!
//! **The published deadline** is never later than the earliest deadline of the wheel. It may be
//! earlier: a cancel does not look for the next deadline, so the one that is published may be that
//! of a cancelled timer. When it has passed, one visit finds nothing due, and publishes the
//! earliest deadline of that moment. Until then an insertion behind it publishes nothing, and
//! nobody has to be told of it. So most timeouts neither change what the thread in the poller waits
//! for, nor cost more than the wheel itself. (A paused clock jumps to the published deadline, so it
//! must be exact then: each cancel publishes.)
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

use std::num::NonZeroU64;
use std::task::Waker;

use runtime_timer::{Key, Wheel};

use super::clock::Tick;
use crate::runtime::catch_panic::catch_panic;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutant, Mutex, MutexGuard, broken};

/// The most timers that expire while the lock is held once.
const BATCH: usize = 1024;

/// Identifies a timer. Packed, so that an owner has two bytes left of the size of a `Key`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, packed(2))]
pub(crate) struct TimerKey {
    // The parts of a `Key`, and in its padding the shard.
    serial: NonZeroU64,
    index: u32,
    shard: u16,
}

impl TimerKey {
    #[inline]
    fn new(shard: usize, key: Key) -> TimerKey {
        let (serial, index) = key.into_parts();
        TimerKey {
            serial,
            index,
            shard: shard as u16,
        }
    }

    #[inline]
    fn key(self) -> Key {
        Key::from_parts(self.serial, self.index)
    }
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
    /// The published deadlines are exact.
    exact: bool,
}

/// Aligned so that no two workers' locks share a cache line, or a pair of lines that is fetched
/// together.
#[derive(Debug)]
#[repr(align(128))]
struct Shard {
    /// `None` once it is closed; final.
    wheel: Mutex<Option<Box<Timed>>>,
    /// The published deadline, to be read without the lock. Written under it.
    next: AtomicU64,
    /// The timers that were cancelled while the lock was taken.
    cancelled: Mutex<Vec<Key>>,
    any_cancelled: AtomicBool,
}

/// A wheel, and what has been published of it.
#[derive(Debug)]
struct Timed {
    wheel: Wheel<Waker>,
    published: Tick,
}

impl Timers {
    /// Makes a wheel for each of `workers` workers, and one more. Their time begins with `start`.
    /// `exact`: `next` is always the earliest deadline.
    pub(crate) fn new(workers: usize, start: Tick, exact: bool) -> Timers {
        assert!(
            workers <= usize::from(u16::MAX),
            "a key has 16 bits for the wheel"
        );
        Timers {
            exact,
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
    /// one. Returns its key, and whether the wheel's published deadline is earlier than before.
    /// Returns `None` if the loop is closed: `waker` has been dropped then.
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
    ) -> Option<(TimerKey, bool)> {
        let index = self.index(worker);
        let shard = &self.shards[index];
        if caller == Caller::HoldsNothing && shard.has_cancelled() {
            shard.sweep_alone();
        }
        let mut place = shard.wheel.lock();
        // If the timer is refused here, the lock is released before `waker` is dropped: locals are
        // dropped before parameters.
        let timed = place.as_deref_mut()?;
        let key = timed.wheel.insert(runtime_timer::Tick(when.0), waker);
        let before = timed.published;
        timed.published = before.min(when);
        if broken(Mutant::PublishUnlocked) {
            // What another thread publishes meanwhile is overwritten.
            drop(place);
        }
        // In any case: a branch would cost as much, and models switch threads here.
        shard.publish(before.min(when));
        Some((TimerKey::new(index, key), when < before))
    }

    /// Whether a timer waits, and will wake what `waker` wakes. This calls nothing of either waker.
    pub(crate) fn has_waker(&self, key: TimerKey, waker: &Waker) -> bool {
        let place = self.shard(key).wheel.lock();
        let own = place
            .as_deref()
            .and_then(|timed| timed.wheel.get(key.key()));
        own.is_some_and(|own| own.will_wake(waker))
    }

    /// Replaces the waker of a timer. The waker that is not kept is dropped after the lock.
    pub(crate) fn set_waker(&self, key: TimerKey, waker: Waker) -> TimerStatus {
        let mut waker = waker;
        let mut place = self.shard(key).wheel.lock();
        let closed = place.is_none();
        let waits = place
            .as_deref_mut()
            .and_then(|timed| timed.wheel.get_mut(key.key()))
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
            return shard.leave_cancelled(key.key());
        };
        if let Some(timed) = place.as_deref_mut() {
            let waker = timed.wheel.cancel(key.key());
            if self.exact {
                shard.publish_next(timed);
            }
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

    /// The earliest deadline of all wheels, or an earlier one of a cancelled timer.
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
            wheel: Mutex::new(Some(Box::new(Timed {
                wheel: Wheel::new(runtime_timer::Tick(start.0)),
                published: Tick::NEVER,
            }))),
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
    fn visit(&self, swept: &mut Swept) -> MutexGuard<'_, Option<Box<Timed>>> {
        let mut place = self.wheel.lock();
        if self.has_cancelled() {
            self.sweep(place.as_deref_mut(), swept);
        }
        place
    }

    #[cold]
    fn sweep_alone(&self) {
        let mut swept = Swept::default();
        let mut place = self.visit(&mut swept);
        if let Some(timed) = place.as_deref_mut() {
            self.publish_next(timed);
        }
    }

    #[cold]
    fn sweep(&self, timed: Option<&mut Timed>, swept: &mut Swept) {
        let keys = {
            let mut cancelled = self.cancelled.lock();
            self.any_cancelled.store(false, Ordering::Relaxed);
            std::mem::take(&mut *cancelled)
        };
        if let Some(timed) = timed {
            let wakers = keys.into_iter().filter_map(|key| timed.wheel.cancel(key));
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
        place.as_deref_mut().is_some_and(|timed| {
            let more = take_due(&mut timed.wheel, now, BATCH, due);
            self.publish_next(timed);
            more
        })
    }

    fn close(&self, waiting: &mut Vec<Waker>, swept: &mut Swept) {
        let mut place = self.visit(swept);
        if let Some(timed) = place.as_deref_mut() {
            let _none = take_due(&mut timed.wheel, Tick::NEVER, usize::MAX, waiting);
            timed.published = Tick::NEVER;
        }
        self.publish(Tick::NEVER);
        if !broken(Mutant::InsertClosed) {
            // The wheel is empty: dropping it runs no user code.
            *place = None;
        }
    }

    /// Publishes the earliest deadline of the wheel.
    fn publish_next(&self, timed: &mut Timed) {
        let next = timed.wheel.next_deadline();
        timed.published = next.map_or(Tick::NEVER, |tick| Tick(tick.0));
        self.publish(timed.published);
    }

    /// Publishes a deadline. The caller must hold the lock of the wheel.
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

#[cold]
fn drop_each(wakers: Vec<Waker>) {
    for waker in wakers {
        catch_panic(|| drop(waker));
    }
}

#[cfg(all(test, not(asyncio_loom)))]
mod tests {
    use super::*;

    const EARLY: Tick = Tick(1_000);
    const LATE: Tick = Tick(2_000);

    fn with_a_cancelled_one(exact: bool) -> Timers {
        let timers = Timers::new(0, Tick(0), exact);
        let insert = |when| {
            let waker = Waker::noop().clone();
            let inserted = timers.insert(Caller::HoldsNothing, None, when, waker);
            inserted.expect("the timers are not closed")
        };
        let (early, first) = insert(EARLY);
        let (_late, earlier) = insert(LATE);
        assert!(first && !earlier, "only the first one has to be announced");
        timers.cancel(early);
        timers
    }

    #[test]
    fn the_deadline_of_a_cancelled_timer_costs_one_visit() {
        let timers = with_a_cancelled_one(false);
        assert_eq!(timers.next(), EARLY);
        let mut due = Vec::new();
        drop(timers.expire(EARLY, &mut due));
        assert_eq!((due.len(), timers.next()), (0, LATE));
        drop(timers.expire(LATE, &mut due));
        assert_eq!((due.len(), timers.next()), (1, Tick::NEVER));
    }

    #[test]
    fn where_time_jumps_the_deadline_of_a_cancelled_timer_is_gone() {
        assert_eq!(with_a_cancelled_one(true).next(), LATE);
    }
}
