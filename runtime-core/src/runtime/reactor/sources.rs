//! The sources of a loop, by their keys.

use std::task::Waker;

use super::key::Key;
use super::source::Source;
use crate::sync::Ready;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutant, Mutex, MutexGuard, StdArc, broken};

/// The sources that are registered.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    slots: Mutex<Slots>,
    /// How many there are. Written under the lock.
    count: AtomicUsize,
}

#[derive(Debug, Default)]
struct Slots {
    slots: Vec<Slot>,
    free: Vec<usize>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Slot {
    generation: usize,
    source: Option<StdArc<Source>>,
}

impl Sources {
    /// Adds a source. `None` if the loop is closed, or there is no room.
    pub(crate) fn insert(&self, source: StdArc<Source>) -> Option<Key> {
        let mut slots = self.slots.lock();
        if slots.closed {
            return None;
        }
        let index = match slots.free.pop() {
            Some(index) => index,
            None if slots.slots.len() < Key::SLOTS => {
                slots.slots.push(Slot::default());
                slots.slots.len() - 1
            }
            None => return None,
        };
        let slot = &mut slots.slots[index];
        slot.source = Some(source);
        let generation = slot.generation;
        self.count.fetch_add(1, Ordering::Relaxed);
        Some(Key { index, generation })
    }

    /// Removes a source: events with its key find nothing from now on.
    pub(crate) fn remove(&self, key: Key) {
        let mut slots = self.slots.lock();
        let slot = slots.slots.get_mut(key.index);
        let slot = slot.filter(|slot| slot.generation == key.generation);
        let Some(slot) = slot else { return };
        let source = slot.source.take();
        if source.is_none() {
            return;
        }
        if !broken(Mutant::KeepGeneration) {
            slot.generation = Key::next_generation(slot.generation);
        }
        slots.free.push(key.index);
        self.count.fetch_sub(1, Ordering::Relaxed);
        drop(slots);
        // It may have the last reference to a waker: user code.
        drop(source);
    }

    /// Whether there is any: otherwise nobody need look at the poller for events.
    #[inline]
    pub(crate) fn has_any(&self) -> bool {
        self.count.load(Ordering::Relaxed) != 0
    }

    /// The events of one visit to the poller: they are dispatched under one lock.
    pub(crate) fn begin_batch(&self) -> Batch<'_> {
        Batch {
            sources: self,
            slots: None,
        }
    }

    /// Refuses sources from now on, and closes those that are there. Returns the wakers of all who
    /// wait, for the caller to wake.
    pub(crate) fn close(&self) -> Vec<Waker> {
        let mut due = Vec::new();
        let mut slots = self.slots.lock();
        slots.closed = true;
        let slots = std::mem::take(&mut slots.slots);
        for source in slots.iter().filter_map(|slot| slot.source.as_ref()) {
            source.close(&mut due);
        }
        self.count.store(0, Ordering::Relaxed);
        due
    }
}

/// The events of one visit to the poller.
#[derive(Debug)]
pub(crate) struct Batch<'a> {
    sources: &'a Sources,
    slots: Option<MutexGuard<'a, Slots>>,
}

impl Batch<'_> {
    /// Dispatches one event. Moves wakers to `due`.
    pub(crate) fn dispatch(&mut self, key: usize, ready: Ready, due: &mut Vec<Waker>) {
        let slots = self.slots.get_or_insert_with(|| self.sources.slots.lock());
        let key = Key::from_word(key);
        let slot = slots.slots.get(key.index);
        let slot = slot.filter(|slot| slot.generation == key.generation);
        if let Some(source) = slot.and_then(|slot| slot.source.as_ref()) {
            source.dispatch(ready, due);
        }
    }
}
