//! The arrays of all workers, the foreign one, and the closed bit.

use std::ptr::NonNull;

use super::slots::{SlotWriter, Slots};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, Mutex, broken};

/// The registry is closed: nobody is born any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// Who is born on a thread that is no worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// A task, which the shutdown refuses after its first round.
    Anybody,
    /// The lane's own, which runs the callbacks of ends that the shutdown has brought about.
    Hidden,
}

/// Where a task is registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotIndex {
    shard: u32,
    index: u32,
}

impl SlotIndex {
    pub(crate) fn to_word(self) -> u64 {
        u64::from(self.shard) << 32 | u64::from(self.index)
    }

    pub(crate) fn from_word(word: u64) -> SlotIndex {
        SlotIndex {
            shard: (word >> 32) as u32,
            index: word as u32,
        }
    }
}

/// Every task of a loop.
#[derive(Debug)]
pub(crate) struct Registry<T> {
    /// One for each worker; the last is the foreign one.
    shards: Box<[Arc<Slots<T>>]>,
    foreign: Mutex<Foreign<T>>,
    closed: AtomicBool,
}

/// The hand that registers what foreign threads make.
#[derive(Debug)]
struct Foreign<T> {
    writers: SlotWriter<T>,
    /// A shutdown has had its first round.
    refused: bool,
    /// How many threads tell of an end on behalf of a completer that need not be there any more.
    notifiers: usize,
}

impl<T> Registry<T> {
    /// A registry for `workers` workers, and the hands that fill their arrays.
    pub(crate) fn new(workers: usize) -> (Registry<T>, Vec<SlotWriter<T>>) {
        let (mut shards, mut writers): (Vec<_>, Vec<_>) =
            (0..workers).map(|_| Slots::new()).unzip();
        let (foreign_slots, foreign_writer) = Slots::new();
        shards.push(foreign_slots);
        writers.shrink_to_fit();
        let registry = Registry {
            shards: shards.into(),
            foreign: Mutex::new(Foreign {
                writers: foreign_writer,
                refused: false,
                notifiers: 0,
            }),
            closed: AtomicBool::new(false),
        };
        (registry, writers)
    }

    /// Registers `value` in the array of a worker, whose hand is `writers`.
    #[inline]
    pub(crate) fn insert(
        &self,
        writers: &mut SlotWriter<T>,
        worker: usize,
        value: NonNull<T>,
    ) -> Result<SlotIndex, Closed> {
        // Relaxed: while a worker runs a task, that task keeps the registry open. What else runs
        // on a worker (a thread's start hook, say) races with the closing, and may lose.
        if self.closed.load(Ordering::Relaxed) {
            return Err(Closed);
        }
        Ok(SlotIndex {
            shard: worker as u32,
            index: writers.insert(value),
        })
    }

    /// Registers `value` from a thread that is no worker.
    pub(crate) fn insert_foreign(&self, value: NonNull<T>, who: Who) -> Result<SlotIndex, Closed> {
        let mut foreign = self.foreign.lock();
        let refused = foreign.refused && who == Who::Anybody;
        // Relaxed: the bit is set under the same lock.
        if refused || self.closed.load(Ordering::Relaxed) {
            return Err(Closed);
        }
        if broken(Mutant::InsertUnlocked) {
            drop(foreign);
            foreign = self.foreign.lock();
        }
        let index = foreign.writers.insert(value);
        Ok(SlotIndex {
            shard: self.shards.len() as u32 - 1,
            index,
        })
    }

    /// Takes `value` out. Only its completer calls this, and before it gives the loop's reference
    /// back.
    #[inline]
    pub(crate) fn remove(&self, place: SlotIndex, value: NonNull<T>) {
        self.shards[place.shard as usize].remove(place.index, value);
    }

    /// Shows every living value, and holds its death up meanwhile.
    pub(crate) fn read(&self, mut read: impl FnMut(NonNull<T>)) {
        for shard in &self.shards {
            shard.read(&mut read);
        }
    }

    /// Closes the registry if nobody is alive. The protocol and its proof: the module's essay.
    #[must_use]
    pub(crate) fn close_if_empty(&self) -> bool {
        let no_foreign_insert = self.foreign.lock();
        let before = self.writers();
        let told = no_foreign_insert.notifiers == 0 || broken(Mutant::NotifierUncounted);
        let empty = told && self.shards.iter().all(|shard| shard.is_empty());
        let same = before == self.writers() || broken(Mutant::CloseOnFirstSum);
        let closes = empty && same;
        if closes {
            self.closed.store(true, Ordering::Release);
        }
        closes
    }

    /// Refuses births by foreign threads from now on: else those that never stop could put off the
    /// end of a shutdown for ever. Tasks may still make tasks, for their cleanup.
    pub(crate) fn refuse_foreign(&self) {
        self.foreign.lock().refused = true;
    }

    /// This thread is about to tell of an end, perhaps what the completer has left to it: the
    /// registry does not close before `end_notifying`.
    pub(crate) fn begin_notifying(&self) {
        self.foreign.lock().notifiers += 1;
    }

    /// Whether somebody tells. What the answer depends on is changed under the lock, so that whoever
    /// stops telling later sees what the caller did before.
    pub(crate) fn has_notifiers(&self) -> bool {
        self.foreign.lock().notifiers > 0
    }

    /// Everything has been told.
    pub(crate) fn end_notifying(&self) {
        self.foreign.lock().notifiers -= 1;
    }

    /// Closes the registry whoever is alive: the end of a forced shutdown.
    pub(crate) fn close(&self) {
        let _no_foreign_insert = self.foreign.lock();
        self.closed.store(true, Ordering::Release);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn writers(&self) -> u64 {
        self.shards.iter().map(|shard| shard.inserts()).sum()
    }
}
