//! What few tasks need: name, message, audience and foreign wakers, made on first use.

use std::collections::VecDeque;
use std::task::Waker;

use super::attendant::Attendant;
use super::audience::Audience;
use super::callback::Handle;
use super::witness::Witnesses;
use crate::exceptions::CancelledError;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Mutex, StdArc};

/// The side allocation of a task.
#[derive(Debug, Default)]
pub(crate) struct Side {
    contents: Mutex<Contents>,
    /// Who is told of the end, but for the awaiter of the `Task` handle.
    pub(crate) audience: Audience<Handle>,
    /// That one's place among them. 0, before everybody, for one that was there first.
    joiner: AtomicU64,
}

#[derive(Default)]
struct Contents {
    name: Option<String>,
    /// What an undelivered request says.
    message: Option<CancelledError>,
    /// Who want to know whether it meets anybody.
    witnesses: Witnesses,
    attendants: VecDeque<(u64, StdArc<Attendant>)>,
    last_key: u64,
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contents")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
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
        witnesses: Witnesses,
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
        if counted {
            contents.witnesses.extend(witnesses);
        }
        drop(contents);
        answer
    }

    /// Withdraws a request; of the last the message and the witnesses go with it.
    pub(crate) fn withdraw(&self, uncount: impl FnOnce() -> u32) -> u32 {
        let mut contents = self.contents.lock();
        let left = uncount();
        if left == 0 {
            contents.message = None;
            contents.witnesses.clear();
        }
        left
    }

    /// The message of the request that is being delivered.
    pub(crate) fn message(&self) -> Option<CancelledError> {
        let contents = self.contents.lock();
        contents.message.clone()
    }

    /// Takes the message of the request that has been claimed, and its witnesses.
    pub(crate) fn take_message(&self) -> (Option<CancelledError>, Witnesses) {
        let mut contents = self.contents.lock();
        let witnesses = std::mem::take(&mut contents.witnesses);
        (contents.message.take(), witnesses)
    }

    /// The awaiter of the `Task` handle comes, behind everybody who is there.
    pub(crate) fn place_joiner(&self) {
        // Relaxed: published with JOINER.
        self.joiner
            .store(self.audience.keep_place(), Ordering::Relaxed);
    }

    /// Puts that awaiter's waker at its place, to be told with the others.
    pub(crate) fn seat_joiner(&self, waker: Waker) {
        let place = self.joiner.load(Ordering::Relaxed);
        let (_, before) = self.audience.put_waiter(Some(place), waker);
        debug_assert!(before.is_none(), "there is one completer");
    }

    /// Adds somebody to be woken before a delivery. The key takes it off the list.
    pub(crate) fn add_attendant(&self, attendant: StdArc<Attendant>) -> u64 {
        let mut contents = self.contents.lock();
        contents.last_key += 1;
        let key = contents.last_key;
        contents.attendants.push_back((key, attendant));
        key
    }

    /// Takes one off the list, for the caller to drop: a waker's destructor is user code.
    pub(crate) fn remove_attendant(&self, key: u64) -> Option<StdArc<Attendant>> {
        let mut contents = self.contents.lock();
        // Keys only grow, and the list is filled in their order: it is sorted.
        let attendants = &mut contents.attendants;
        let index = attendants
            .binary_search_by_key(&key, |(key, _)| *key)
            .ok()?;
        Some(attendants.remove(index)?.1)
    }

    /// Takes all of them off the list.
    pub(crate) fn take_attendants(&self) -> impl Iterator<Item = StdArc<Attendant>> + use<> {
        let attendants = std::mem::take(&mut self.contents.lock().attendants);
        attendants.into_iter().map(|(_, attendant)| attendant)
    }
}
