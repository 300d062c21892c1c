//! Turns: which waiters of a task may go next, so that one that is not polled holds nobody up.
//!
//! A lock that is released while tasks wait for it gives the first of them the **turn**: the lock
//! is reserved for that waiter, and nobody else may take it. The waiter is woken, is polled, and
//! takes the lock. But the future that waits may be one that nobody polls: it stands in a struct,
//! or in a branch of a `select!` that its task has left for another await. Then the turn would be
//! kept for ever, and every task behind it would hang, although the lock is free.
//!
//! So a turn lasts for one poll of the task that polled the waiter last:
//!
//! 1. The queue gives the turn under its lock, enters it in the turn list of that task, and wakes
//!    the task after the lock.
//! 2. A waiter that is polled or dropped takes its turn off the list, under the queue's lock.
//! 3. At the end of each poll, the thread that polled the task **settles** its list: the turns that
//!    were given before this poll began were not used by it. Each is *passed on*: the queue
//!    reserves what it was for to the next waiter.
//! 4. When the task ends, all its turns are passed on, and its list is closed.
//!
//! A waiter that lost its turn keeps its place in the queue: it was woken, and when it is polled
//! after all, it goes before those that came later.
//!
//! **Which turns are old** is known by counting polls. The thread that polls the task raises the
//! count at the beginning of each poll; a turn notes the count that it finds. If the waiter was
//! polled in the current poll, before the turn was given, the queue's lock has made the raised
//! count visible to the giver. If it was not, and the giver sees the count of the poll before, the
//! turn may be passed on a poll too early: the waiter loses its turn, and not its place.
//!
//! **Lock order.** A giver and a waiter hold the queue's lock when they take the list's. The thread
//! that settles goes the other way: it must find the queue through the list, and only the list's
//! lock promises that the queue and the waiter still exist, because both take their turns off the
//! list before they go. So it only *tries* to lock the queue, and if that fails, it lets go of the
//! list and begins anew.

use std::ptr::NonNull;

use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Mutex, const_fn, spin};

/// Tries to pass on the turn of the waiter (the second argument) in its queue (the first). Returns
/// false if the queue is locked. If it is not, takes the turn off its list by calling the third
/// argument, which also unlocks the list, and then passes it on.
///
/// # Safety
/// The turn is on a list, and the caller has locked that list.
pub(crate) type TryPassOn = unsafe fn(NonNull<()>, NonNull<()>, &mut dyn FnMut()) -> bool;

/// A turn that has been given and not been used.
///
/// The invariant **W2**: the queue and the waiter exist as long as the turn is on its list. Both
/// take it off before they are dropped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    queue: NonNull<()>,
    waiter: NonNull<()>,
    try_pass_on: TryPassOn,
    /// The count of polls, or the time, at which it was given.
    given: u64,
}

// SAFETY: the pointers are used only through `try_pass_on`, by its contract.
unsafe impl Send for Turn {}

/// The turns of the waiters that one task polled last.
#[derive(Debug, Default)]
pub(crate) struct TurnList {
    /// How many there are, to be read without the lock.
    count: AtomicUsize,
    /// How many polls of the task have begun.
    polls: AtomicU64,
    turns: Mutex<Turns>,
}

#[derive(Debug, Default)]
struct Turns {
    /// Most tasks have one at a time, which needs no allocation.
    first: Option<Turn>,
    others: Vec<Turn>,
    closed: bool,
}

impl TurnList {
    const_fn! {
        pub(crate) fn new() -> TurnList {
            TurnList {
                count: AtomicUsize::new(0),
                polls: AtomicU64::new(0),
                turns: Mutex::new(Turns { first: None, others: Vec::new(), closed: false }),
            }
        }
    }

    /// Enters a turn that is given now. Returns false if the task has ended: then nothing would
    /// pass it on.
    ///
    /// # Safety
    /// `try_pass_on` may be called for `queue` and `waiter` by its contract, and W2 holds: both
    /// call [`remove`](TurnList::remove) before they go. The caller has locked the queue.
    #[must_use]
    pub(crate) unsafe fn enter(
        &self,
        queue: NonNull<()>,
        waiter: NonNull<()>,
        try_pass_on: TryPassOn,
    ) -> bool {
        // Relaxed: see the module's documentation.
        let given = self.polls.load(Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { self.enter_at(given, queue, waiter, try_pass_on) }
    }

    /// The same for a list that is settled by time.
    ///
    /// # Safety
    /// As [`enter`](TurnList::enter).
    #[must_use]
    pub(crate) unsafe fn enter_at(
        &self,
        given: u64,
        queue: NonNull<()>,
        waiter: NonNull<()>,
        try_pass_on: TryPassOn,
    ) -> bool {
        let turn = Turn {
            queue,
            waiter,
            try_pass_on,
            given,
        };
        let mut turns = self.turns.lock();
        if turns.closed {
            return false;
        }
        match &mut turns.first {
            Some(_) => turns.others.push(turn),
            first => *first = Some(turn),
        }
        self.set_count(&turns);
        true
    }

    /// Takes the turn of `waiter` off the list. The caller has locked the queue.
    pub(crate) fn remove(&self, waiter: NonNull<()>) {
        let mut turns = self.turns.lock();
        turns.remove(waiter);
        self.set_count(&turns);
    }

    fn set_count(&self, turns: &Turns) {
        // Relaxed: only the end of a poll reads it. A turn that was given before that poll began
        // is seen there, since the wake that followed it began the poll.
        self.count.store(turns.len(), Ordering::Relaxed);
    }

    /// A poll of the task begins.
    #[inline]
    pub(crate) fn begin_poll(&self) {
        // Relaxed, and not a read-modify-write: only the thread that polls the task writes it.
        let polls = self.polls.load(Ordering::Relaxed);
        self.polls.store(polls + 1, Ordering::Relaxed);
    }

    /// The poll that began last has ended: passes on the turns from before it.
    #[inline]
    pub(crate) fn end_poll(&self) {
        if self.count.load(Ordering::Relaxed) != 0 {
            self.settle(self.polls.load(Ordering::Relaxed));
        }
    }

    /// The task has ended: passes on all its turns, and accepts no more.
    pub(crate) fn close(&self) {
        self.turns.lock().closed = true;
        self.settle(u64::MAX);
    }

    /// Passes on the turns that were given before `now`.
    #[cold]
    pub(crate) fn settle(&self, now: u64) {
        loop {
            let turns = self.turns.lock();
            let Some(turn) = turns.given_before(now) else {
                return;
            };
            let mut locked = Some(turns);
            let mut take_off = || {
                if let Some(mut turns) = locked.take() {
                    turns.remove(turn.waiter);
                    self.set_count(&turns);
                }
            };
            // SAFETY: the turn is on this list, which is locked.
            let passed = unsafe { (turn.try_pass_on)(turn.queue, turn.waiter, &mut take_off) };
            drop(locked);
            if !passed {
                spin();
            }
        }
    }

    /// Whether there are no turns.
    pub(crate) fn is_empty(&self) -> bool {
        self.turns.lock().len() == 0
    }
}

impl Turns {
    fn all(&self) -> impl Iterator<Item = &Turn> {
        self.first.iter().chain(&self.others)
    }

    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    fn given_before(&self, now: u64) -> Option<Turn> {
        self.all().find(|turn| turn.given < now).copied()
    }

    fn remove(&mut self, waiter: NonNull<()>) {
        if self.first.is_some_and(|turn| turn.waiter == waiter) {
            self.first = self.others.pop();
        } else if let Some(index) = self.others.iter().position(|turn| turn.waiter == waiter) {
            self.others.swap_remove(index);
        }
    }
}
