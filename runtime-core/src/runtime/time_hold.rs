//! Inhibits the paused clock while a thread that is no worker works for a loop.
//!
//! Such a thread holds the clock while it runs a root (`block_on`) or a function of the pool. While
//! it sleeps, on its parker or until a coroutine has ended, it releases its holds: otherwise it
//! would stop the very clock it waits for. A thread may hold the clock several times (for example a
//! function of the pool that calls `block_on`), and then releases all of its holds.
//!
//! **Taking the holds back.** The holds must be taken back for the thread before the thread that
//! wakes it can sleep: the clock must not jump between the wake-up and the woken thread's next
//! step. For a root its inbox does this: a task in it inhibits the clock until it is received. For
//! a coroutine a callback does it ([`Lent`]).

use std::cell::Cell;

use super::event_loop::EventLoop;
use super::scheduler::shared::Shared;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, StdArc, broken, local};

/// The innermost loop that a thread works for, by its address, and how many holds the thread has on
/// that loop's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ThreadHolds {
    of: usize,
    count: usize,
}

local! {
    static THREAD_HOLDS: Cell<ThreadHolds> = Cell::new(ThreadHolds { of: 0, count: 0 })
}

/// One hold of this thread on a loop's clock, until this is dropped.
pub(crate) struct TimeHold<'a> {
    shared: &'a Shared,
    outer: ThreadHolds,
    /// Whether dropping this ends the hold; false if the hold is the caller's.
    own: bool,
}

impl TimeHold<'_> {
    /// Begins a hold on the clock.
    pub(crate) fn begin(shared: &Shared) -> TimeHold<'_> {
        shared.driver.inhibitor.begin();
        TimeHold::enter(shared, true)
    }

    /// Notes a hold that the caller has, and keeps after this is dropped.
    pub(crate) fn on_hold_of_caller(shared: &Shared) -> TimeHold<'_> {
        TimeHold::enter(shared, false)
    }

    fn enter(shared: &Shared, own: bool) -> TimeHold<'_> {
        let (outer, of) = (THREAD_HOLDS.with(Cell::get), address(shared));
        let count = 1 + count_of(shared);
        THREAD_HOLDS.with(|holds| holds.set(ThreadHolds { of, count }));
        TimeHold { shared, outer, own }
    }

    /// Calls `sleep` with all of this thread's holds released. Between the wake-up and the thread's
    /// next step the task in its inbox inhibits the clock.
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
    /// Returns this thread's holds on the loop's clock, to be released while it waits. `None` if it
    /// has none, or the clock is not paused.
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

/// The holds of a thread that waits for a coroutine.
pub(crate) struct Lent {
    shared: Arc<Shared>,
    count: usize,
    taken_back: AtomicBool,
}

impl Lent {
    /// Releases the holds. They may have been taken back already: the sum is the same.
    pub(crate) fn give(&self) {
        give(&self.shared, self.count);
    }

    /// Takes the holds back. The waiting thread and the thread that wakes it both call this; only
    /// the first call has an effect.
    pub(crate) fn take_back(&self) {
        let before = if !broken(Mutant::TakeBackInTwoSteps) {
            self.taken_back.swap(true, Ordering::AcqRel)
        } else {
            let before = self.taken_back.load(Ordering::Acquire);
            self.taken_back.store(true, Ordering::Release);
            before
        };
        if !before {
            take(&self.shared, self.count);
        }
    }
}

/// The number of holds of this thread on a loop's clock.
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
    shared.driver.recheck_jump();
}

fn take(shared: &Shared, count: usize) {
    (0..count).for_each(|_| shared.driver.inhibitor.begin());
}
