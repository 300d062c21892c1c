//! Who is to be told of an end: callbacks and waiters in one list, in the order in which they came.
//!
//! The *end* is published elsewhere, once: a task's DONE, a future's outcome. The list is under its
//! lock; what is called and woken is user code, and comes after the lock.
//!
//! 1. The completer publishes the end, and then tells.
//! 2. Who registers puts its entry on the list, and then looks for the end. If it is there already, a
//!    waiter takes its entry back, and a callback is told by whoever put it there, as in step 1.
//! 3. Telling: whoever finds nobody telling becomes the *teller*. It takes the whole list, tells it in
//!    order, and looks again; only an empty list, seen under the lock, ends its office. Whoever
//!    finds a teller leaves the list to it.
//!
//! **Nobody is left behind.** Either the completer's first look comes after the entry was put on
//! the list, or the lock has shown the end to who put it there, who then tells. And an entry that is
//! put on the list while somebody tells is there before that one's last look.
//!
//! **The order holds** for late entries too: without the office, one that finds the end could be told
//! before those that the completer has not got to yet.

use std::collections::VecDeque;
use std::task::Waker;

use super::catch_panic::wake_catching;
use crate::runtime::unnest::{drop_unnested, unnested};
use crate::sync::{Mutant, Mutex, broken};

/// Callbacks of type `C`, and waiters. Each has a key, by which it is taken off the list.
#[derive(Debug)]
pub(crate) struct WaitList<C> {
    list: Mutex<List<C>>,
}

#[derive(Debug)]
struct List<C> {
    /// Sorted: keys only grow, and the list is filled in their order. Who came first mostly leaves
    /// first.
    entries: VecDeque<(u64, Entry<C>)>,
    last_key: u64,
    /// Somebody tells, and will look again.
    notifying: bool,
}

#[derive(Debug)]
enum Entry<C> {
    Callback(C),
    Waiter(Waker),
}

impl<C> Default for WaitList<C> {
    fn default() -> WaitList<C> {
        let list = List {
            entries: VecDeque::new(),
            last_key: 0,
            notifying: false,
        };
        WaitList {
            list: Mutex::new(list),
        }
    }
}

impl<C> WaitList<C> {
    /// Puts a callback at the end of the list.
    pub(crate) fn add_callback(&self, callback: C) -> u64 {
        let mut list = self.list.lock();
        let key = list.next_key();
        list.entries.push_back((key, Entry::Callback(callback)));
        key
    }

    /// Takes a callback off the list. `None` if it is not there any more.
    pub(crate) fn remove_callback(&self, key: u64) -> Option<C> {
        let mut list = self.list.lock();
        let index = list.find(key).ok()?;
        // It may be another's key, who has a waiter here.
        if let Entry::Waiter(_) = list.entries[index].1 {
            return None;
        }
        match list.entries.remove(index)?.1 {
            Entry::Callback(callback) => Some(callback),
            Entry::Waiter(_) => None,
        }
    }

    /// Keeps a place in the order, for a waiter that comes by the time of the end.
    pub(crate) fn keep_place(&self) -> u64 {
        self.list.lock().next_key()
    }

    /// Stores a waiter's waker at its place, or at the end if it has none yet. Returns the place, and
    /// the waker that stood there, for the caller to drop.
    pub(crate) fn put_waiter(&self, key: Option<u64>, waker: Waker) -> (u64, Option<Waker>) {
        let mut list = self.list.lock();
        let key = key.unwrap_or_else(|| list.next_key());
        let entry = Entry::Waiter(waker);
        let before = match list.find(key) {
            Ok(index) => Some(std::mem::replace(&mut list.entries[index].1, entry)),
            Err(index) => {
                list.entries.insert(index, (key, entry));
                None
            }
        };
        drop(list);
        (key, before.and_then(Entry::into_waker))
    }

    /// Takes a waiter off the list, for the caller to drop its waker.
    pub(crate) fn remove_waiter(&self, key: u64) -> Option<Waker> {
        let removed = self.list.lock().remove(key);
        removed.and_then(Entry::into_waker)
    }

    /// Whether the waiter at this place is woken by this waker.
    pub(crate) fn has_waiter(&self, key: u64, waker: &Waker) -> bool {
        let list = self.list.lock();
        let entry = list.find(key).ok().map(|index| &list.entries[index].1);
        matches!(entry, Some(Entry::Waiter(stored)) if stored.will_wake(waker))
    }

    /// Tells everybody on the list, in order: the end has been published. Callbacks go to `call`.
    pub(crate) fn notify(&self, mut call: impl FnMut(C)) {
        let mut next = self.list.lock().begin_notifying();
        while let Some(entries) = next {
            for (_, entry) in entries {
                match entry {
                    Entry::Callback(callback) => call(callback),
                    // A foreign waker may end the next future, and wake others in turn.
                    Entry::Waiter(waker) => unnested(|| wake_catching(waker)),
                }
            }
            next = self.list.lock().go_on_notifying();
        }
    }
}

impl<C> Drop for WaitList<C> {
    fn drop(&mut self) {
        let entries = std::mem::take(&mut self.list.lock().entries);
        for (_, entry) in entries {
            // A foreign waker may own the next future, with an audience of its own.
            entry.into_waker().into_iter().for_each(drop_unnested);
        }
    }
}

impl<C> List<C> {
    fn next_key(&mut self) -> u64 {
        self.last_key += 1;
        self.last_key
    }

    fn find(&self, key: u64) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&key, |(key, _)| *key)
    }

    fn remove(&mut self, key: u64) -> Option<Entry<C>> {
        let index = self.find(key).ok()?;
        Some(self.entries.remove(index)?.1)
    }

    /// Takes the office of the teller, with the whole list; `None` if it is taken, or nobody is there.
    fn begin_notifying(&mut self) -> Option<VecDeque<(u64, Entry<C>)>> {
        if self.notifying && !broken(Mutant::NotifyBesideNotifier) {
            return None;
        }
        self.go_on_notifying()
    }

    /// What has come meanwhile; `None` ends the office.
    fn go_on_notifying(&mut self) -> Option<VecDeque<(u64, Entry<C>)>> {
        let forgets = self.notifying && broken(Mutant::NotifyOnce);
        self.notifying = !self.entries.is_empty() && !forgets;
        self.notifying.then(|| std::mem::take(&mut self.entries))
    }
}

impl<C> Entry<C> {
    fn into_waker(self) -> Option<Waker> {
        match self {
            Entry::Waiter(waker) => Some(waker),
            Entry::Callback(_) => None,
        }
    }
}
