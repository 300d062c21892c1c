//! What few tasks need, made on first use: a name, requests, waiters and foreign wakers.
//!
//! **Requests.** A task notes of them, under one lock with the count in its state:
//!
//! * the *error* of the request that has not been delivered, or of the first of several. It is set
//!   aside when its delivery begins: what comes before the claim is another request;
//! * the *cause* that came last: the same once more, by another way, is the same request;
//! * when the last *delivery* was: what was asked for before, and comes after, was part of it;
//! * up to when requests have been *acknowledged*: so an awaiter that has passed its own on knows
//!   whether that is over, or is to be given back.

use std::collections::BTreeMap;
use std::task::Waker;

use super::callback::Handle;
use super::cycles::{Edge, Node};
use super::foreign_waker::ForeignWaker;
use super::transitions::Cancel;
use super::wait_list::WaitList;
use crate::exceptions::{CancelledError, Cause};
use crate::runtime::time::Stamp;
use crate::runtime::turns::TurnList;
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Mutant, Mutex, OnceLock, Published, StdArc, broken};

/// The side allocation of a task.
#[derive(Debug, Default)]
pub(crate) struct Side {
    contents: Mutex<Contents>,
    /// Waiters and callbacks, but for the awaiter of the `Task` handle.
    pub(crate) wait_list: WaitList<Handle>,
    /// The place of that awaiter among them. 0, before all, for one that was there first.
    joiner: AtomicU64,
    /// The turns of the waiters that this task polled last.
    pub(crate) turns: TurnList,
    /// Whether one of the counted references is left here (H6).
    reference: AtomicBool,
    /// The task's place among those that pass requests on.
    node: OnceLock<Node>,
    /// By the pointer in the header.
    pub(crate) published: Published,
}

#[derive(Default)]
struct Contents {
    name: Option<String>,
    /// The error of an undelivered request.
    undelivered: Option<CancelledError>,
    /// The error of the request that is on its way through a poll.
    offered: Option<CancelledError>,
    /// What has caused the last request.
    cause: Cause,
    last_claim: Stamp,
    acknowledged: Stamp,
    /// What was asked for after the one and until the other was withdrawn, and never delivered.
    withdrawn: (Stamp, Stamp),
    /// Apart, because few tasks have any.
    foreign_wakers: Option<Box<ForeignWakers>>,
}

/// Foreign wakers by their keys, which only grow.
#[derive(Default)]
struct ForeignWakers {
    last_key: u64,
    wakers: BTreeMap<u64, StdArc<ForeignWaker>>,
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contents")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Contents {
    fn request(
        &mut self,
        error: CancelledError,
        keeps_earlier: impl FnOnce() -> bool,
        count: impl FnOnce() -> Cancel,
    ) -> Cancel {
        let keeps = keeps_earlier();
        let answer = count();
        if matches!(answer, Cancel::Counted | Cancel::Schedule) {
            self.cause = error.cause();
            if !keeps {
                self.undelivered = Some(error);
            }
        }
        answer
    }
}

impl Side {
    /// Leaves a reference to the task here. False if there is one already. The caller has the right
    /// to run (H6).
    #[inline]
    #[must_use]
    pub(crate) fn leave_reference(&self) -> bool {
        // Relaxed, and no exchange: one thread at a time touches it (H6).
        let leaves = !self.reference.load(Ordering::Relaxed);
        self.reference.store(true, Ordering::Relaxed);
        leaves
    }

    /// Takes the reference that was left here, if there is one: then it is the caller's, who holds
    /// RUNNING (H6).
    #[inline]
    #[must_use]
    pub(crate) fn take_reference(&self) -> bool {
        // Relaxed: as in `leave_reference`.
        let taken = self.reference.load(Ordering::Relaxed);
        if taken {
            self.reference.store(false, Ordering::Relaxed);
        }
        taken
    }

    pub(crate) fn name(&self) -> Option<String> {
        self.contents.lock().name.clone()
    }

    pub(crate) fn set_name(&self, name: String) {
        let _old = self.contents.lock().name.replace(name);
    }

    /// Notes the error of a request while `count` counts it, so that two requests at once leave the
    /// error that belongs to the one that is delivered. `keeps_earlier` says whether an earlier
    /// one keeps its error.
    pub(crate) fn request(
        &self,
        error: CancelledError,
        keeps_earlier: impl FnOnce() -> bool,
        count: impl FnOnce() -> Cancel,
    ) -> Cancel {
        if broken(Mutant::CountUnlocked) {
            let (keeps, answer) = (keeps_earlier(), count());
            return self.contents.lock().request(error, || keeps, || answer);
        }
        self.contents.lock().request(error, keeps_earlier, count)
    }

    /// The same for a request that an awaiter passes on. One that has come already, by another way,
    /// is known; one that is older than the last delivery was part of it, if it `merges`: it is
    /// counted, by `count_only`, which answers whether the task is there still.
    pub(crate) fn forwarded_request(
        &self,
        error: CancelledError,
        merges: bool,
        keeps_earlier: impl FnOnce() -> bool,
        count: impl FnOnce() -> Cancel,
        count_only: impl FnOnce() -> bool,
    ) -> Cancel {
        let mut contents = self.contents.lock();
        let cause = error.cause();
        let older = contents.last_claim.0 >= cause.stamp() && !broken(Mutant::DeliverOlder);
        let merged = older && merges || broken(Mutant::MergeNewer) && contents.last_claim.0 != 0;
        if contents.cause == cause && cause != Cause::default() {
            Cancel::Known
        } else if !merged {
            contents.request(error, keeps_earlier, count)
        } else if count_only() {
            Cancel::Known
        } else {
            Cancel::Done
        }
    }

    /// Withdraws a request; of the last the error goes with it. `offered` says that this is
    /// called from the poll in which one is delivered: then that is withdrawn, too.
    pub(crate) fn withdraw(&self, offered: bool, uncount: impl FnOnce() -> u32) -> u32 {
        let mut contents = self.contents.lock();
        let left = uncount();
        if left == 0 {
            let undelivered = contents.undelivered.take();
            let unclaimed = offered.then(|| contents.offered.take()).flatten();
            if undelivered.is_some() || unclaimed.is_some() {
                contents.withdrawn = (contents.last_claim, Stamp::now());
            }
        }
        left
    }

    /// A delivery begins, of what `take` takes, if that is there still.
    pub(crate) fn begin_delivery(&self, take: impl FnOnce() -> bool) -> bool {
        let mut contents = self.contents.lock();
        if broken(Mutant::ErrorLeft) {
            return take();
        }
        let taken = take();
        contents.offered = contents.undelivered.take().filter(|_| taken);
        taken
    }

    /// The error of the request that is being delivered.
    pub(crate) fn offered_error(&self) -> Option<CancelledError> {
        let contents = self.contents.lock();
        match broken(Mutant::ErrorLeft) {
            true => contents.undelivered.clone(),
            false => contents.offered.clone(),
        }
    }

    /// The error of the request that is being delivered, or else of the one that waits.
    pub(crate) fn error_of_near_request(&self) -> Option<CancelledError> {
        let contents = self.contents.lock();
        contents
            .offered
            .as_ref()
            .or(contents.undelivered.as_ref())
            .cloned()
    }

    /// Takes the error of the request that has been claimed.
    pub(crate) fn take_offered_error(&self) -> Option<CancelledError> {
        let mut contents = self.contents.lock();
        if broken(Mutant::ErrorLeft) {
            return contents.undelivered.take();
        }
        contents.offered.take()
    }

    /// A request has been claimed: what was asked for before that is a part of it.
    pub(crate) fn note_claim(&self, at: Stamp) {
        self.contents.lock().last_claim = at;
    }

    /// Whether a request has been claimed at `moment`, or later.
    pub(crate) fn has_claimed_since(&self, moment: Stamp) -> bool {
        self.contents.lock().last_claim >= moment
    }

    /// A handler begins: what has been asked for by now, and not delivered, is taken away by
    /// `take`. Returns the moment, which is later than all of it: it is made under the lock.
    pub(crate) fn absorb(&self, take: impl FnOnce()) -> Stamp {
        let mut contents = self.contents.lock();
        take();
        contents.undelivered = None;
        contents.last_claim = Stamp::now();
        contents.last_claim
    }

    /// Acknowledges everything that was asked for by then.
    pub(crate) fn acknowledge(&self, by: Stamp) {
        if broken(Mutant::SkipAcknowledge) {
            return;
        }
        let mut contents = self.contents.lock();
        contents.acknowledged = contents.acknowledged.max(by);
    }

    /// Whether what was asked for at `stamp` has been acknowledged.
    pub(crate) fn has_acknowledged(&self, stamp: Stamp) -> bool {
        let contents = self.contents.lock();
        let (after, until) = contents.withdrawn;
        let withdrawn = stamp > after && stamp <= until;
        contents.acknowledged >= stamp && !withdrawn
    }

    /// What has caused the last request.
    pub(crate) fn cause(&self) -> Cause {
        self.contents.lock().cause
    }

    /// This task awaits `awaited`, and passes a request on to it.
    pub(crate) fn awaits(&self, awaited: &Side) -> Edge {
        let [awaiter, awaited] = [self, awaited].map(|side| side.node.get_or_init(Node::new));
        awaiter.awaits(awaited)
    }

    /// Keeps a place for the awaiter of the `Task` handle, behind all that are there.
    pub(crate) fn place_joiner(&self) {
        // Relaxed: published with JOINER.
        self.joiner
            .store(self.wait_list.keep_place(), Ordering::Relaxed);
    }

    /// Puts that awaiter's waker at its place, to be woken in order with the others.
    pub(crate) fn place_joiner_first(&self, waker: Waker) {
        let place = self.joiner.load(Ordering::Relaxed);
        let (_, before) = self.wait_list.put_waiter(Some(place), waker);
        debug_assert!(before.is_none(), "there is one completer");
    }

    /// Adds a waker to be woken before a delivery. The key takes it off the list.
    pub(crate) fn add_foreign_waker(&self, foreign_waker: StdArc<ForeignWaker>) -> u64 {
        let mut contents = self.contents.lock();
        let list = contents.foreign_wakers.get_or_insert_default();
        list.last_key += 1;
        list.wakers.insert(list.last_key, foreign_waker);
        list.last_key
    }

    /// Takes one off the list, for the caller to drop: a waker's destructor is user code.
    pub(crate) fn remove_foreign_waker(&self, key: u64) -> Option<StdArc<ForeignWaker>> {
        let mut contents = self.contents.lock();
        contents.foreign_wakers.as_mut()?.wakers.remove(&key)
    }

    /// Takes all of them off the list.
    pub(crate) fn take_foreign_wakers(&self) -> impl Iterator<Item = StdArc<ForeignWaker>> + use<> {
        let mut contents = self.contents.lock();
        let list = contents.foreign_wakers.as_mut();
        let wakers = list.map(|list| std::mem::take(&mut list.wakers));
        wakers.unwrap_or_default().into_values()
    }
}
