//! One slot array: inserts by its slot writer, removals and reads from any thread.

use std::ptr::{self, NonNull};

use crate::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use crate::sync::{Arc, IS_MODEL, Mutant, OnceLock, broken, ordered, spin};

/// The first page has this many slots; each further page doubles the array. (Few in a model: loom
/// keeps a history of each slot.)
const FIRST_PAGE: usize = if IS_MODEL { 2 } else { 64 };
const PAGES: usize = if IS_MODEL { 2 } else { 24 };
/// The low bit of an occupied slot: a reader is taking a reference. The removal waits.
const READER: usize = 1;

type Page<T> = Box<[AtomicPtr<T>]>;

/// The slots, as every thread sees them.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    /// Page 0 has `FIRST_PAGE` slots, page k as many as all pages before it together.
    /// A page is never freed while the loop exists, so an index stays valid.
    pages: [OnceLock<Page<T>>; PAGES],
    inserts: AtomicU64,
}

/// The only object that stores values into an array. Not `Clone`: there is one for each array.
#[derive(Debug)]
pub(crate) struct SlotWriter<T> {
    slots: Arc<Slots<T>>,
    capacity: usize,
    cursor: usize,
    /// The inserts since `cursor` was last at zero.
    lap: usize,
    /// All inserts, as published in `Slots::inserts`.
    total: u64,
}

impl<T> Slots<T> {
    /// Makes an empty array and its slot writer.
    pub(crate) fn new() -> (Arc<Slots<T>>, SlotWriter<T>) {
        let slots = Arc::new(Slots {
            pages: std::array::from_fn(|_| OnceLock::new()),
            inserts: AtomicU64::new(0),
        });
        let writer = SlotWriter {
            slots: Arc::clone(&slots),
            capacity: 0,
            cursor: 0,
            lap: 0,
            total: 0,
        };
        (slots, writer)
    }

    /// The number of values ever inserted.
    pub(crate) fn inserts(&self) -> u64 {
        // Pairs with the Release in `SlotWriter::insert`.
        self.inserts.load(Ordering::Acquire)
    }

    /// Whether every slot is empty, each at the moment at which it is read.
    pub(crate) fn is_empty(&self) -> bool {
        // Acquire: a removal that is seen makes the inserts before it visible.
        self.each_slot()
            .all(|slot| slot.load(Ordering::Acquire).is_null())
    }

    /// Removes `value` from its slot. Waits for a reader that is taking a reference to it.
    #[inline]
    pub(crate) fn remove(&self, index: u32, value: NonNull<T>) {
        let slot = self.slot(index as usize);
        while slot
            .compare_exchange(
                value.as_ptr(),
                ptr::null_mut(),
                Ordering::AcqRel,
                Ordering::Relaxed,
            )
            .is_err()
        {
            if broken(Mutant::RemoveIgnoresReader) {
                slot.store(ptr::null_mut(), Ordering::Release);
                return;
            }
            spin();
        }
    }

    /// Calls `read` with every inserted value. The removal of a value waits until its call returns.
    pub(crate) fn read(&self, mut read: impl FnMut(NonNull<T>)) {
        for slot in self.each_slot() {
            if let Some(value) = lock(slot) {
                read(value);
                // Release: pairs with the exchange in `remove`, which sees what the reader did.
                slot.store(value.as_ptr(), Ordering::Release);
            }
        }
    }

    fn each_slot(&self) -> impl Iterator<Item = &AtomicPtr<T>> {
        self.pages
            .iter()
            .map_while(OnceLock::get)
            .flat_map(|page| page.iter())
    }

    #[inline]
    fn slot(&self, index: usize) -> &AtomicPtr<T> {
        let page = (index / FIRST_PAGE)
            .checked_ilog2()
            .map_or(0, |log| log as usize + 1);
        let first = if page == 0 {
            0
        } else {
            FIRST_PAGE << (page - 1)
        };
        &self.pages[page]
            .get()
            .expect("an index that was never handed out")[index - first]
    }

    /// Adds a page and returns the new capacity.
    fn grow(&self, capacity: usize) -> usize {
        let page = if capacity == 0 {
            0
        } else {
            (capacity / FIRST_PAGE).ilog2() as usize + 1
        };
        let size = capacity.max(FIRST_PAGE);
        let empty = || AtomicPtr::new(ptr::null_mut());
        self.pages[page].get_or_init(|| (0..size).map(|_| empty()).collect());
        capacity + size
    }
}

impl<T> SlotWriter<T> {
    /// Stores `value` into a free slot and returns its index.
    #[inline]
    pub(crate) fn insert(&mut self, value: NonNull<T>) -> u32 {
        loop {
            if self.cursor == self.capacity {
                self.begin_lap();
            }
            let index = self.cursor;
            self.cursor += 1;
            let slot = self.slots.slot(index);
            // Relaxed: only this slot writer turns null into a pointer.
            if slot.load(Ordering::Relaxed).is_null() {
                self.lap += 1;
                self.total += 1;
                if broken(Mutant::CountBeforeInsert) {
                    self.slots.inserts.store(self.total, Ordering::Release);
                }
                // Release: publishes the value to readers; pairs with the Acquire in `lock`.
                let publish = ordered(Ordering::Release, Mutant::InsertUnpublished);
                slot.store(value.as_ptr(), publish);
                // Release: pairs with the Acquire in `Slots::inserts`. After the slot: a thread
                // that has counted an insert sees its slot filled, or emptied again by the removal.
                self.slots.inserts.store(self.total, Ordering::Release);
                return index as u32;
            }
        }
    }

    /// Returns to the first slot, or doubles the array if the last lap found less than half of the
    /// slots free. So an insert reads two slots on average.
    #[cold]
    fn begin_lap(&mut self) {
        if self.capacity == 0 || self.lap * 2 < self.capacity {
            self.capacity = self.slots.grow(self.capacity);
        } else {
            self.cursor = 0;
        }
        self.lap = 0;
    }
}

/// Sets the reader bit of an occupied slot and returns its value; waits for another reader. Returns
/// `None` if the slot is empty.
fn lock<T>(slot: &AtomicPtr<T>) -> Option<NonNull<T>> {
    loop {
        let value = slot.load(Ordering::Acquire);
        if value.addr() & READER == 0 {
            let value = NonNull::new(value)?;
            let marked = value.as_ptr().map_addr(|address| address | READER);
            let exchange =
                slot.compare_exchange(value.as_ptr(), marked, Ordering::AcqRel, Ordering::Relaxed);
            if exchange.is_ok() {
                return Some(value);
            }
        }
        spin();
    }
}

#[cfg(all(test, not(asyncio_loom)))]
mod tests {
    use super::*;

    #[test]
    fn removed_values_make_room_for_new_ones() {
        let (slots, mut writer) = Slots::new();
        let mut values: Vec<Box<u64>> = (0..1000).map(Box::new).collect();
        for round in 0..50 {
            let placed: Vec<_> = values
                .iter_mut()
                .map(|value| NonNull::from(&mut **value))
                .map(|value| (writer.insert(value), value))
                .collect();
            let mut seen = 0;
            slots.read(|_| seen += 1);
            assert_eq!(seen, 1000);
            for (index, value) in placed {
                slots.remove(index, value);
            }
            assert!(slots.is_empty(), "round {round}");
        }
        assert!(
            writer.capacity <= 4096,
            "the array grew without need: {}",
            writer.capacity
        );
        assert_eq!(slots.inserts(), 50_000);
    }
}
