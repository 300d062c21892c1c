//! What few tasks need: name, message, callbacks, waiters and foreign wakers, made on first use.

use std::task::Waker;

use super::callback::Handle;
use crate::exceptions::CancelledError;
use crate::sync::{Mutex, StdArc};

/// The side allocation of a task.
#[derive(Debug, Default)]
pub(crate) struct Side {
    contents: Mutex<Contents>,
}

#[derive(Default)]
struct Contents {
    name: Option<String>,
    /// What an undelivered request says.
    message: Option<CancelledError>,
    callbacks: Vec<(u64, Handle)>,
    waiters: Vec<(u64, Waker)>,
    foreign: Vec<(u64, StdArc<Waker>)>,
    last_key: u64,
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contents")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What a finished task's side had registered.
#[derive(Default)]
pub(crate) struct Registered {
    pub(crate) callbacks: Vec<(u64, Handle)>,
    pub(crate) waiters: Vec<(u64, Waker)>,
}

impl Side {
    pub(crate) fn name(&self) -> Option<String> {
        self.contents.lock().name.clone()
    }

    pub(crate) fn set_name(&self, name: String) {
        let _old = self.contents.lock().name.replace(name);
    }

    /// Notes the message of a request while `count` counts it, so that two requests at once leave
    /// the message that belongs to the one that is delivered. `stands` says whether an earlier one
    /// keeps its message; `count` also answers whether the request was counted at all.
    pub(crate) fn request<R>(
        &self,
        error: CancelledError,
        stands: impl FnOnce() -> bool,
        count: impl FnOnce() -> (R, bool),
    ) -> R {
        let mut contents = self.contents.lock();
        let keeps = stands();
        let (answer, counted) = count();
        let mut _old = None;
        if counted && !keeps {
            _old = contents.message.replace(error);
        }
        drop(contents);
        answer
    }

    /// The message of the request that is being delivered.
    pub(crate) fn message(&self) -> Option<CancelledError> {
        let contents = self.contents.lock();
        contents.message.clone()
    }

    /// Takes the message of the request that has been claimed.
    pub(crate) fn take_message(&self) -> Option<CancelledError> {
        self.contents.lock().message.take()
    }

    pub(crate) fn add_callback(&self, callback: Handle) -> u64 {
        let mut contents = self.contents.lock();
        let key = contents.next_key();
        contents.callbacks.push((key, callback));
        key
    }

    pub(crate) fn remove_callback(&self, key: u64) -> Option<Handle> {
        remove(&mut self.contents.lock().callbacks, key)
    }

    /// Stores a waiter's waker, in place of the one it stored before. Returns the key, and a waker
    /// for the caller to drop.
    pub(crate) fn put_waiter(&self, key: Option<u64>, waker: &Waker) -> (u64, Option<Waker>) {
        let waker = waker.clone();
        let mut contents = self.contents.lock();
        let key = key.unwrap_or_else(|| contents.next_key());
        (key, put(&mut contents.waiters, key, waker))
    }

    pub(crate) fn remove_waiter(&self, key: u64) -> Option<Waker> {
        remove(&mut self.contents.lock().waiters, key)
    }

    /// Stores a foreign waker, as [`put_waiter`](Side::put_waiter) does.
    pub(crate) fn put_foreign(
        &self,
        key: Option<u64>,
        waker: StdArc<Waker>,
    ) -> (u64, Option<StdArc<Waker>>) {
        let mut contents = self.contents.lock();
        let key = key.unwrap_or_else(|| contents.next_key());
        (key, put(&mut contents.foreign, key, waker))
    }

    pub(crate) fn remove_foreign(&self, key: u64) -> Option<StdArc<Waker>> {
        remove(&mut self.contents.lock().foreign, key)
    }

    /// The foreign wakers, to be woken outside the lock. (Shared, not cloned: cloning a waker is
    /// user code.)
    pub(crate) fn foreign(&self) -> Vec<StdArc<Waker>> {
        self.contents
            .lock()
            .foreign
            .iter()
            .map(|(_, waker)| StdArc::clone(waker))
            .collect()
    }

    /// Everything to be told about the end.
    pub(crate) fn take_registered(&self) -> Registered {
        let mut contents = self.contents.lock();
        Registered {
            callbacks: std::mem::take(&mut contents.callbacks),
            waiters: std::mem::take(&mut contents.waiters),
        }
    }
}

impl Contents {
    fn next_key(&mut self) -> u64 {
        self.last_key += 1;
        self.last_key
    }
}

// Keys only grow, and a list is filled in their order: it is sorted.

fn remove<T>(list: &mut Vec<(u64, T)>, key: u64) -> Option<T> {
    let index = list.binary_search_by_key(&key, |(other, _)| *other).ok()?;
    Some(list.remove(index).1)
}

fn put<T>(list: &mut Vec<(u64, T)>, key: u64, value: T) -> Option<T> {
    match list.binary_search_by_key(&key, |(other, _)| *other) {
        Ok(index) => Some(std::mem::replace(&mut list[index].1, value)),
        Err(index) => {
            list.insert(index, (key, value));
            None
        }
    }
}
