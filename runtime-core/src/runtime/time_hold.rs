//! What a thread that is no worker does for a loop: a time that stands still does not jump meanwhile.
//!
//! Such a thread holds the time while it runs a root (`block_on`) or a function of the pool, and lends
//! its holds back while it rests, be it on its parker or until a coroutine has ended: else it would keep
//! the very time that it waits for. A thread may hold it several times, a function that is inside
//! `block_on` say, and then lends all of it.
//!
//! **The way back.** Whoever wakes the thread takes the holds back for it, before the waker can sleep:
//! time must not jump between the wake-up and the thread's next step. For a root that is its inbox, where
//! a task counts until it is received. For a coroutine it is a callback ([`Lent`]).

use std::cell::Cell;

use super::event_loop::EventLoop;
use super::scheduler::shared::Shared;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, StdArc, broken, local};

/// The innermost loop that a thread is at work for, by its address, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ThreadHolds {
    of: usize,
    count: usize,
}

local! {
    static THREAD_HOLDS: Cell<ThreadHolds> = Cell::new(ThreadHolds { of: 0, count: 0 })
}

/// This thread is at work for a loop, until this is dropped.
pub(crate) struct TimeHold<'a> {
    shared: &'a Shared,
    outer: ThreadHolds,
    /// Whose the hold is: its own, or the caller's.
    own: bool,
}

impl TimeHold<'_> {
    /// Holds the time.
    pub(crate) fn begin(shared: &Shared) -> TimeHold<'_> {
        shared.driver.inhibitor.begin();
        TimeHold::enter(shared, true)
    }

    /// The caller holds the time, and goes on to when this is dropped.
    pub(crate) fn on_hold_of_caller(shared: &Shared) -> TimeHold<'_> {
        TimeHold::enter(shared, false)
    }

    fn enter(shared: &Shared, own: bool) -> TimeHold<'_> {
        let (outer, of) = (THREAD_HOLDS.with(Cell::get), address(shared));
        let count = 1 + count_of(shared);
        THREAD_HOLDS.with(|holds| holds.set(ThreadHolds { of, count }));
        TimeHold { shared, outer, own }
    }

    /// Sleeps. Between the wake-up and the thread's next step, the task in its inbox counts.
    pub(crate) fn rest(shared: &Shared, sleep: impl FnOnce()) {
        let count = count_of(shared);
        give(shared, count);
        sleep();
        take(shared, count);
    }
}

impl Drop for TimeHold<'_> {
    fn drop(&mut self) {
        THREAD_HOLDS.with(|holds| holds.set(self.outer));
        if self.own {
            give(self.shared, 1);
        }
    }
}

impl EventLoop {
    /// What this thread holds of the loop's time, to be lent back while it waits.
    pub(crate) fn time_to_lend(&self) -> Option<StdArc<Lent>> {
        let shared = self.shared();
        let count = count_of(shared);
        (count > 0 && self.is_paused()).then(|| {
            StdArc::new(Lent {
                shared: Arc::clone(shared),
                count,
                taken_back: AtomicBool::new(false),
            })
        })
    }
}

/// The holds of a thread that waits.
pub(crate) struct Lent {
    shared: Arc<Shared>,
    count: usize,
    taken_back: AtomicBool,
}

impl Lent {
    /// Lends them. It may be that they have been taken back already: the sum is the same.
    pub(crate) fn give(&self) {
        give(&self.shared, self.count);
    }

    /// Takes them back, for the thread if need be: whoever comes first, the others do nothing.
    pub(crate) fn take_back(&self) {
        let before = if broken(Mutant::TakeBackInTwoSteps) {
            let before = self.taken_back.load(Ordering::Acquire);
            self.taken_back.store(true, Ordering::Release);
            before
        } else {
            self.taken_back.swap(true, Ordering::AcqRel)
        };
        if !before {
            take(&self.shared, self.count);
        }
    }
}

/// How often this thread holds the time of a loop.
fn count_of(shared: &Shared) -> usize {
    let holds = THREAD_HOLDS.with(Cell::get);
    if holds.of == address(shared) {
        holds.count
    } else {
        0
    }
}

fn address(shared: &Shared) -> usize {
    std::ptr::from_ref(shared).addr()
}

fn give(shared: &Shared, count: usize) {
    shared.driver.inhibitor.end(count);
    shared.driver.look_again();
}

fn take(shared: &Shared, count: usize) {
    (0..count).for_each(|_| shared.driver.inhibitor.begin());
}
