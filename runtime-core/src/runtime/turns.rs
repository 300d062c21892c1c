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

/// A queue that gives turns, as it enters one.
pub(crate) trait Gives {
    /// Whether `giver` is a reference to this queue.
    fn is(&self, giver: &Giver) -> bool;

    /// A reference to this queue.
    fn giver(&self) -> Giver;
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

    /// Where the queue is. No other one is there as long as this reference exists.
    #[inline]
    pub(crate) fn address(&self) -> usize {
        StdArc::as_ptr(&self.0).cast::<()>().addr()
    }
}

/// A turn that has been given and not been used, beside the first of its list.
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
    first: Option<TurnKey>,
    first_ticket: u64,
    /// The queue of the first. It stays here when that turn has been used: mostly the next turn is
    /// of the same queue, and then neither counts a reference.
    first_giver: Option<Giver>,
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
                    first_ticket: 0,
                    first_giver: None,
                    others: BTreeMap::new(),
                    last_number: 0,
                    closed: false,
                }),
            }
        }
    }

    /// Enters a turn of `queue`, and returns its key. It counts as given at `given`: when it is
    /// passed on within the list, or the list is settled by time; else it is given now. `None` if
    /// the task has ended: then nothing would pass it on.
    #[inline]
    #[must_use]
    pub(crate) fn enter(
        &self,
        given: Option<u64>,
        queue: &impl Gives,
        ticket: u64,
    ) -> Option<TurnKey> {
        let given = given.unwrap_or_else(|| self.polls());
        let mut turns = self.turns.lock();
        let key = turns.enter(given, queue, ticket)?;
        self.set_count(&turns);
        Some(key)
    }

    /// How many polls of the task have begun.
    pub(crate) fn polls(&self) -> u64 {
        // Relaxed: see the module's documentation.
        self.polls.load(Ordering::Relaxed)
    }

    /// Takes a turn off the list, if it is there still. The caller has locked the queue.
    #[inline]
    pub(crate) fn remove(&self, key: TurnKey) {
        let mut turns = self.turns.lock();
        turns.remove(key);
        self.set_count(&turns);
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
        let left = self.turns.lock().close();
        drop(left);
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

    #[inline]
    fn enter(&mut self, given: u64, queue: &impl Gives, ticket: u64) -> Option<TurnKey> {
        if self.closed {
            return None;
        }
        self.last_number += 1;
        let key = (given, self.last_number);
        if self.first.is_some() {
            self.enter_beside(key, queue, ticket);
            return Some(key);
        }
        self.first = Some(key);
        self.first_ticket = ticket;
        if !self
            .first_giver
            .as_ref()
            .is_some_and(|giver| queue.is(giver))
        {
            self.first_giver = Some(queue.giver());
        }
        Some(key)
    }

    #[cold]
    fn enter_beside(&mut self, key: TurnKey, queue: &impl Gives, ticket: u64) {
        let giver = queue.giver();
        let new = (key, Turn { giver, ticket });
        let (later, turn) = match self.take_first() {
            Some((first, turn)) if key < first => {
                self.put_first(new);
                (first, turn)
            }
            Some(first) => {
                self.put_first(first);
                new
            }
            None => return self.put_first(new),
        };
        let _none = self.others.insert(later, turn);
    }

    #[inline]
    fn remove(&mut self, key: TurnKey) {
        if self.first == Some(key) {
            self.first = None;
            if !self.others.is_empty() {
                self.move_up();
            }
        } else {
            let _turn = self.others.remove(&key);
        }
    }

    fn take_given_before(&mut self, now: u64) -> Option<(TurnKey, Turn)> {
        let (given, _) = self.first?;
        let taken = (given < now).then(|| self.take_first())?;
        self.move_up();
        taken
    }

    /// Accepts no more turns. Returns the queue of one that has been used.
    fn close(&mut self) -> Option<Giver> {
        self.closed = true;
        match self.first {
            Some(_) => None,
            None => self.first_giver.take(),
        }
    }

    /// Takes the first turn with its queue.
    fn take_first(&mut self) -> Option<(TurnKey, Turn)> {
        let (key, giver) = (self.first.take()?, self.first_giver.take()?);
        let ticket = self.first_ticket;
        Some((key, Turn { giver, ticket }))
    }

    fn put_first(&mut self, (key, turn): (TurnKey, Turn)) {
        self.first = Some(key);
        self.first_ticket = turn.ticket;
        self.first_giver = Some(turn.giver);
    }

    /// The oldest of the others becomes the first, of which there is none.
    #[cold]
    fn move_up(&mut self) {
        if let Some(next) = self.others.pop_first() {
            self.put_first(next);
        }
    }
}

impl std::fmt::Debug for Turns {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turns").field("count", &self.len()).finish()
    }
}
