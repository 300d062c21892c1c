//! The registry: the slot arrays of all workers, the foreign one, and the closed flag.

use std::ptr::NonNull;

use super::slots::{Place, SlotWriter, Slots};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutant, Mutex, broken};

/// The registry is closed: nothing can be inserted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Closed;

/// What kind of task a thread that is no worker inserts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TaskKind {
    /// An ordinary task. The shutdown refuses it after its first round.
    Ordinary,
    /// The hidden task of the callback queue, which runs the callbacks of tasks that the shutdown
    /// has ended. Never refused while the registry is open.
    Hidden,
}

/// The slot of a task: the array and the place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlotIndex {
    shard: u32,
    place: Place,
}

impl SlotIndex {
    pub(crate) fn to_word(self) -> u64 {
        let Place { page, offset } = self.place;
        u64::from(self.shard) << 40 | u64::from(page) << 32 | u64::from(offset)
    }

    pub(crate) fn from_word(word: u64) -> SlotIndex {
        SlotIndex {
            shard: (word >> 40) as u32,
            place: Place {
                page: (word >> 32) as u8,
                offset: word as u32,
            },
        }
    }
}

/// Every task of a loop.
#[derive(Debug)]
pub(crate) struct Registry<T> {
    /// One for each worker, and last the foreign one.
    shards: Box<[Arc<Slots<T>>]>,
    foreign: Mutex<Foreign<T>>,
    closed: AtomicBool,
}

/// The state under the lock of the foreign array.
#[derive(Debug)]
struct Foreign<T> {
    writer: SlotWriter<T>,
    /// Ordinary tasks are refused: the shutdown has had its first round.
    refused: bool,
    /// How many threads notify of an end after the completer, which may have removed the task.
    notifiers: usize,
}

impl<T> Registry<T> {
    /// Makes a registry for `workers` workers, and the slot writers of their arrays.
    pub(crate) fn new(workers: usize) -> (Registry<T>, Vec<SlotWriter<T>>) {
        let (mut shards, mut writers): (Vec<_>, Vec<_>) =
            (0..workers).map(|_| Slots::new()).unzip();
        let (foreign_slots, foreign_writer) = Slots::new();
        shards.push(foreign_slots);
        writers.shrink_to_fit();
        let registry = Registry {
            shards: shards.into(),
            foreign: Mutex::new(Foreign {
                writer: foreign_writer,
                refused: false,
                notifiers: 0,
            }),
            closed: AtomicBool::new(false),
        };
        (registry, writers)
    }

    /// Inserts `value` into the array of a worker. `writer` must be that array's.
    #[inline]
    pub(crate) fn insert(
        &self,
        writer: &mut SlotWriter<T>,
        worker: usize,
        value: NonNull<T>,
    ) -> Result<SlotIndex, Closed> {
        // Relaxed: while a worker runs a task, that task keeps the registry open. Other code on a
        // worker (for example a thread's start hook) races with the closing; its task is refused
        // if the closing wins.
        if self.closed.load(Ordering::Relaxed) {
            return Err(Closed);
        }
        Ok(SlotIndex {
            shard: worker as u32,
            place: writer.insert(value),
        })
    }

    /// Inserts `value` from a thread that is no worker.
    pub(crate) fn insert_foreign(
        &self,
        value: NonNull<T>,
        kind: TaskKind,
    ) -> Result<SlotIndex, Closed> {
        let mut foreign = self.foreign.lock();
        let refused = foreign.refused && kind == TaskKind::Ordinary;
        // Relaxed: the bit is set under the same lock.
        if refused || self.closed.load(Ordering::Relaxed) {
            return Err(Closed);
        }
        if broken(Mutant::InsertUnlocked) {
            drop(foreign);
            foreign = self.foreign.lock();
        }
        let place = foreign.writer.insert(value);
        Ok(SlotIndex {
            shard: self.shards.len() as u32 - 1,
            place,
        })
    }

    /// Removes `value`. Only the completer of the task calls this, before it releases the loop's
    /// reference.
    #[inline]
    pub(crate) fn remove(&self, place: SlotIndex, value: NonNull<T>) {
        self.shards[place.shard as usize].remove(place.place, value);
    }

    /// Calls `read` with every inserted value. The removal of a value waits until its call returns.
    pub(crate) fn read(&self, mut read: impl FnMut(NonNull<T>)) {
        for shard in &self.shards {
            shard.read(&mut read);
        }
    }

    /// Closes the registry if it is empty. The essay of the module has the protocol and its proof.
    #[must_use]
    pub(crate) fn close_if_empty(&self) -> bool {
        let no_foreign_insert = self.foreign.lock();
        let before = self.inserts();
        let notified = no_foreign_insert.notifiers == 0 || broken(Mutant::NotifierUncounted);
        let empty = notified && self.shards.iter().all(|shard| shard.is_empty());
        let same = before == self.inserts() || broken(Mutant::CloseOnFirstSum);
        let closes = empty && same;
        if closes {
            self.closed.store(true, Ordering::Release);
        }
        closes
    }

    /// Refuses ordinary tasks of foreign threads from now on: a thread that never stops making
    /// tasks could otherwise delay the end of a shutdown for ever. Tasks may still make tasks, for
    /// their cleanup.
    pub(crate) fn refuse_foreign(&self) {
        self.foreign.lock().refused = true;
    }

    /// Counts this thread as a notifier, before it takes a wait list: the registry does not close
    /// before `end_notifying`.
    pub(crate) fn begin_notifying(&self) {
        self.foreign.lock().notifiers += 1;
    }

    /// Whether there is a notifier. The count changes under the lock, so a thread that ends its
    /// notification later sees what the caller did before this call.
    pub(crate) fn has_notifiers(&self) -> bool {
        self.foreign.lock().notifiers > 0
    }

    /// Ends one `begin_notifying`.
    pub(crate) fn end_notifying(&self) {
        self.foreign.lock().notifiers -= 1;
    }

    /// Closes the registry although tasks are left in it: the end of a forced shutdown.
    pub(crate) fn close(&self) {
        let _no_foreign_insert = self.foreign.lock();
        self.closed.store(true, Ordering::Release);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// The number of inserts so far, summed over all arrays.
    fn inserts(&self) -> u64 {
        self.shards.iter().map(|shard| shard.inserts()).sum()
    }
}
