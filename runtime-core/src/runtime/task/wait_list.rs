//! The wait list of a task or future: callbacks and waiters for its end, in the order in which they
//! were registered.
//!
//! The *end* is published elsewhere, once: a task's DONE, a future's outcome. The list has its own
//! lock; the callbacks and wakers are user code, and run after the lock is released.
//!
//! 1. The completer publishes the end, and then notifies.
//! 2. A thread that registers puts its entry on the list, and then checks for the end. If that is
//!    published already, a waiter removes its entry, and a callback's registering thread notifies,
//!    as the completer in step 1.
//! 3. Notifying: a thread that finds no notifier becomes the *notifier*. It takes the whole list,
//!    notifies the entries in order, and checks the list again; it stops being the notifier only
//!    when it finds the list empty, under the lock. A thread that finds a notifier leaves the list
//!    to it.
//!
//! **No entry is missed.** Either the completer's first check comes after the entry was put on the
//! list, or the lock has made the end visible to the registering thread, which then notifies. And
//! an entry that is added while there is a notifier is on the list before the notifier's last
//! check.
//!
//! **The order holds** for late entries too: without the role of the notifier, a late entry could
//! be notified by its own thread before earlier entries that the completer has not reached yet.

use std::collections::VecDeque;
use std::task::Waker;

use crate::runtime::catch_panic::wake_catching;
use crate::runtime::unnest::{drop_unnested, unnested};
use crate::sync::{Mutant, Mutex, broken};

/// Callbacks of type `C`, and waiters. Each has a key, which removes it.
#[derive(Debug)]
pub(crate) struct WaitList<C> {
    list: Mutex<List<C>>,
}

#[derive(Debug)]
struct List<C> {
    /// Sorted by key, which is the order of registration. (A deque, because the first entries are
    /// usually removed first.)
    entries: VecDeque<(u64, Entry<C>)>,
    last_key: u64,
    /// There is a notifier, which will check the list again.
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
    /// Adds a callback at the end of the list. Returns its key.
    pub(crate) fn add_callback(&self, callback: C) -> u64 {
        let mut list = self.list.lock();
        let key = list.next_key();
        list.entries.push_back((key, Entry::Callback(callback)));
        key
    }

    /// Removes a callback. Returns `None` if it is no longer on the list.
    pub(crate) fn remove_callback(&self, key: u64) -> Option<C> {
        let mut list = self.list.lock();
        let index = list.find(key).ok()?;
        // The key may come from another list, and be that of a waiter here.
        if let Entry::Waiter(_) = list.entries[index].1 {
            return None;
        }
        match list.entries.remove(index)?.1 {
            Entry::Callback(callback) => Some(callback),
            Entry::Waiter(_) => None,
        }
    }

    /// Reserves a place in the order, for a waiter that is stored later, at the latest at the end.
    pub(crate) fn keep_place(&self) -> u64 {
        self.list.lock().next_key()
    }

    /// Stores a waiter's waker at its place, or at the end of the list if it has no place yet.
    /// Returns the key of the place and the waker replaced there, which the caller must drop.
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

    /// Removes a waiter. Returns its waker, which the caller must drop.
    pub(crate) fn remove_waiter(&self, key: u64) -> Option<Waker> {
        let removed = self.list.lock().remove(key);
        removed.and_then(Entry::into_waker)
    }

    /// Whether the waiter with this key has a waker that wakes the same task as `waker`.
    pub(crate) fn has_waiter(&self, key: u64, waker: &Waker) -> bool {
        let list = self.list.lock();
        let entry = list.find(key).ok().map(|index| &list.entries[index].1);
        matches!(entry, Some(Entry::Waiter(stored)) if stored.will_wake(waker))
    }

    /// Notifies all entries in order: wakes waiters, passes callbacks to `call`. The end must have
    /// been published.
    pub(crate) fn notify(&self, mut call: impl FnMut(C)) {
        let mut next = self.list.lock().begin_notifying();
        while let Some(entries) = next {
            for (_, entry) in entries {
                match entry {
                    Entry::Callback(callback) => call(callback),
                    // Unnested: a foreign waker may end another future, which wakes its waiters,
                    // and so on.
                    Entry::Waiter(waker) => unnested(|| wake_catching(waker)),
                }
            }
            next = self.list.lock().go_on_notifying();
        }
    }
}

impl<C> Drop for List<C> {
    #[inline]
    fn drop(&mut self) {
        if self.entries.is_empty() {
            return;
        }
        for (_, entry) in std::mem::take(&mut self.entries) {
            // Unnested: a foreign waker may own another future with a wait list, and so on.
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

    /// Makes the caller the notifier and returns the whole list. `None` if there is a notifier, or
    /// the list is empty.
    fn begin_notifying(&mut self) -> Option<VecDeque<(u64, Entry<C>)>> {
        if self.notifying && !broken(Mutant::NotifyBesideNotifier) {
            return None;
        }
        self.go_on_notifying()
    }

    /// Returns the entries added meanwhile. `None` if there are none: the caller is no longer the
    /// notifier.
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
