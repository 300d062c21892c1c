//! Turns: which waiters of a task may go next, so that one that is not polled holds nobody up.
//!
//! A lock that is released while tasks wait for it gives the first of them the **turn**: the lock
//! is reserved for that waiter, and nobody else may take it. The waiter is woken, is polled, and
//! takes the lock. But the future that waits may be one that nobody polls: it stands in a struct,
//! or in a branch of a `select!` that its task has left for another await. Then the turn would be
//! kept for ever, and every task behind it would hang, although the lock is free.
//!
//! So a turn lasts until its task has had the chance to use it:
//!
//! 1. The queue gives the turn under its lock, enters it in the turn list of the task that polled
//!    the waiter last, and wakes that task after the lock.
//! 2. A waiter that is polled or dropped takes its turn off the list, under the queue's lock.
//! 3. At the end of each poll, the thread that polled the task **settles** its list: turns that
//!    were given before this poll began were not used by it. Each is *passed on*: the queue
//!    reserves what it was for to the next waiter.
//! 4. A task that is to be polled again at once, because it was woken meanwhile, keeps its turns
//!    for about [`POLLS_OF_A_TURN`] such polls: a combinator with many children (a
//!    `FuturesUnordered`) polls a part of them, yields, and comes to the waiter in a later poll. If
//!    the next waiter is one of the same task, and was not polled meanwhile either, its turn counts
//!    as given when the first one was: many such waiters hold others up no longer than one.
//! 5. When the task ends, all its turns are passed on, and its list is closed.
//!
//! A waiter that lost its turn keeps its place in the queue: it is woken, and when it is polled
//! after all, it goes before those that came later.
//!
//! A turn of a task that is not polled at all lasts: its loop does not run, or a task blocks its
//! thread (with another executor's `block_on`, say, in which the waiter is polled). That is the
//! same as with a task that holds the lock.
//!
//! **Which turns are old** is known by counting polls. The thread that polls the task raises the
//! count at the beginning of each poll; a turn notes the count that it finds. If the waiter was
//! polled in the current poll, before the turn was given, the queue's lock has made the raised
//! count visible to the giver. If it was not, and the giver sees the count of the poll before, the
//! turn may be passed on a poll too early: the waiter loses its turn, and not its place.
//!
//! **Passing on beside the waiter.** Who settles takes the turn off the list first, releases the
//! list, and then locks the queue. Meanwhile the waiter may have used its turn, or be gone. So a
//! turn names its waiter by the ticket, and the queue looks for that among its waiters with a
//! grant. Locks are taken in one order, the queue's before the list's.

use std::collections::BTreeMap;

use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use crate::sync::{Mutex, StdArc, const_fn};

/// After how many polls a turn is passed on whose task is woken during each of them.
const POLLS_OF_A_TURN: u64 = 64;

/// A queue that gives turns.
pub(crate) trait PassOn {
    /// Takes the grant from the waiter with this ticket, if it has one still, and serves the next.
    /// Its turn was given at `given`, and was on `list`.
    fn pass_on(self: StdArc<Self>, ticket: u64, list: &TurnList, given: u64);
}

/// A reference to a queue that gives turns, for any thread.
pub(crate) struct Giver(StdArc<dyn PassOn>);

// SAFETY: by the promise of `new`.
unsafe impl Send for Giver {}

impl Giver {
    /// # Safety
    /// Any thread may call `pass_on` and drop the reference, at any later time (W3).
    pub(crate) unsafe fn new(queue: StdArc<dyn PassOn>) -> Giver {
        Giver(queue)
    }
}

/// A turn that has been given and not been used.
struct Turn {
    giver: Giver,
    ticket: u64,
}

/// What names a turn on its list: when it was given, as a count of polls or a time, and a number.
/// So the oldest comes first.
pub(crate) type TurnKey = (u64, u64);

/// The turns of the waiters that one task polled last.
#[derive(Debug)]
pub(crate) struct TurnList {
    /// How many there are, to be read without the lock.
    count: AtomicUsize,
    /// How many polls of the task have begun.
    polls: AtomicU64,
    turns: Mutex<Turns>,
}

struct Turns {
    /// The oldest. Most tasks have one at a time, which needs no allocation.
    first: Option<(TurnKey, Turn)>,
    others: BTreeMap<TurnKey, Turn>,
    last_number: u64,
    closed: bool,
}

impl Default for TurnList {
    fn default() -> TurnList {
        TurnList::new()
    }
}

impl TurnList {
    const_fn! {
        pub(crate) fn new() -> TurnList {
            TurnList {
                count: AtomicUsize::new(0),
                polls: AtomicU64::new(0),
                turns: Mutex::new(Turns {
                    first: None,
                    others: BTreeMap::new(),
                    last_number: 0,
                    closed: false,
                }),
            }
        }
    }

    /// Enters a turn that is given now, and returns its key. `None` if the task has ended: then
    /// nothing would pass it on.
    #[must_use]
    pub(crate) fn enter(&self, giver: Giver, ticket: u64) -> Option<TurnKey> {
        self.enter_at(self.polls(), giver, ticket)
    }

    /// The same for a turn that counts as given at another time: one that is passed on within the
    /// list, or any of a list that is settled by time.
    #[must_use]
    pub(crate) fn enter_at(&self, given: u64, giver: Giver, ticket: u64) -> Option<TurnKey> {
        let mut turns = self.turns.lock();
        let key = turns.enter(given, Turn { giver, ticket })?;
        self.set_count(&turns);
        Some(key)
    }

    /// How many polls of the task have begun.
    pub(crate) fn polls(&self) -> u64 {
        // Relaxed: see the module's documentation.
        self.polls.load(Ordering::Relaxed)
    }

    /// Takes a turn off the list, if it is there still, and returns its reference to the queue. The
    /// caller has locked the queue.
    pub(crate) fn remove(&self, key: TurnKey) -> Option<Giver> {
        let mut turns = self.turns.lock();
        let removed = turns.remove(key);
        self.set_count(&turns);
        removed.map(|turn| turn.giver)
    }

    fn set_count(&self, turns: &Turns) {
        // Relaxed: only the end of a poll reads it. A turn that it does not see yet is followed by
        // a wake, and so by another poll.
        self.count.store(turns.len(), Ordering::Relaxed);
    }

    /// A poll of the task begins.
    #[inline]
    pub(crate) fn begin_poll(&self) {
        // Relaxed, and not a read-modify-write: only the thread that polls the task writes it.
        let polls = self.polls.load(Ordering::Relaxed);
        self.polls.store(polls + 1, Ordering::Relaxed);
    }

    /// Whether the end of a poll has to look at the list.
    #[inline]
    pub(crate) fn has_turns(&self) -> bool {
        self.count.load(Ordering::Relaxed) != 0
    }

    /// The poll that began last has ended: passes on the turns from before it. `again` says that
    /// the task is polled again at once.
    #[cold]
    pub(crate) fn end_poll(&self, again: bool) {
        let patience = if again { POLLS_OF_A_TURN } else { 0 };
        let polls = self.polls.load(Ordering::Relaxed);
        self.settle(polls.saturating_sub(patience));
    }

    /// The task has ended: passes on all its turns, and accepts no more.
    pub(crate) fn close(&self) {
        self.turns.lock().closed = true;
        self.settle(u64::MAX);
    }

    /// Passes on the turns that were given before `now`.
    pub(crate) fn settle(&self, now: u64) {
        while let Some(((given, _), turn)) = self.take_given_before(now) {
            turn.giver.0.pass_on(turn.ticket, self, given);
        }
    }

    fn take_given_before(&self, now: u64) -> Option<(TurnKey, Turn)> {
        let mut turns = self.turns.lock();
        let turn = turns.take_given_before(now);
        self.set_count(&turns);
        turn
    }

    /// Whether there are no turns.
    pub(crate) fn is_empty(&self) -> bool {
        self.turns.lock().len() == 0
    }
}

impl Turns {
    fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    fn enter(&mut self, given: u64, turn: Turn) -> Option<TurnKey> {
        if self.closed {
            return None;
        }
        self.last_number += 1;
        let key = (given, self.last_number);
        let later = match &self.first {
            Some((first, _)) if *first < key => Some((key, turn)),
            _ => self.first.replace((key, turn)),
        };
        self.others.extend(later);
        Some(key)
    }

    fn remove(&mut self, key: TurnKey) -> Option<Turn> {
        match &self.first {
            Some((first, _)) if *first == key => self.take_first().map(|(_, turn)| turn),
            _ => self.others.remove(&key),
        }
    }

    fn take_given_before(&mut self, now: u64) -> Option<(TurnKey, Turn)> {
        let ((given, _), _) = self.first.as_ref()?;
        (*given < now).then(|| self.take_first())?
    }

    fn take_first(&mut self) -> Option<(TurnKey, Turn)> {
        let next = self.others.pop_first();
        std::mem::replace(&mut self.first, next)
    }
}

impl std::fmt::Debug for Turns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turns").field("count", &self.len()).finish()
    }
}
