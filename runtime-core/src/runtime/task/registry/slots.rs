//! One slot array: inserts by its slot writer, removals and reads from any thread.

use std::ptr::{self, NonNull};

use crate::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use crate::sync::{Arc, IS_MODEL, Mutant, OnceLock, StdArc, broken, ordered, spin};

/// The first page has this many slots; each further page doubles the array. (Few in a model: loom
/// keeps a history of each slot.)
const FIRST_PAGE: usize = if IS_MODEL { 2 } else { 64 };
const PAGES: usize = if IS_MODEL { 2 } else { 24 };
/// The low bit of an occupied slot: a reader is taking a reference. The removal waits.
const READER: usize = 1;

type Page<T> = StdArc<[AtomicPtr<T>]>;

/// Where a slot is in its array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) page: u8,
    pub(crate) offset: u32,
}

/// The slots, as every thread sees them.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    /// Page 0 has `FIRST_PAGE` slots, page k as many as all pages before it together.
    /// A page is never freed while the loop exists, so a place stays valid.
    pages: [OnceLock<Page<T>>; PAGES],
    inserts: AtomicU64,
}

/// The only object that stores values into an array. Not `Clone`: there is one for each array.
#[derive(Debug)]
pub(crate) struct SlotWriter<T> {
    slots: Arc<Slots<T>>,
    capacity: usize,
    /// The page that is being filled, its number, and the next slot in it.
    page: Page<T>,
    number: u8,
    next: u32,
    /// All inserts, as published in `Slots::inserts`.
    total: u64,
    /// How many there had been when the first page was last begun.
    total_before_lap: u64,
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
            page: Page::default(),
            number: 0,
            next: 0,
            total: 0,
            total_before_lap: 0,
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
    pub(crate) fn remove(&self, place: Place, value: NonNull<T>) {
        let page = self.page(place.page as usize);
        let slot = &page[place.offset as usize];
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
    fn page(&self, page: usize) -> &Page<T> {
        self.pages[page]
            .get()
            .expect("an index that was never handed out")
    }

    /// Adds a page and returns the new capacity.
    fn grow(&self, capacity: usize) -> usize {
        let size = capacity.max(FIRST_PAGE);
        let empty = || AtomicPtr::new(ptr::null_mut());
        self.pages[page_after(capacity)].get_or_init(|| (0..size).map(|_| empty()).collect());
        capacity + size
    }
}

impl<T> SlotWriter<T> {
    /// Stores `value` into a free slot and returns its place.
    #[inline]
    pub(crate) fn insert(&mut self, value: NonNull<T>) -> Place {
        loop {
            let offset = self.next;
            let Some(slot) = self.page.get(offset as usize) else {
                self.begin_page();
                continue;
            };
            self.next += 1;
            // Relaxed: only this slot writer turns null into a pointer.
            if slot.load(Ordering::Relaxed).is_null() {
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
                let page = self.number;
                return Place { page, offset };
            }
        }
    }

    /// Goes on to the next page. After the last one, returns to the first, or doubles the array if
    /// the last lap found less than half of the slots free. So an insert reads two slots on
    /// average.
    #[cold]
    fn begin_page(&mut self) {
        let pages = page_after(self.capacity);
        let mut page = match self.page.len() {
            0 => 0,
            _ => usize::from(self.number) + 1,
        };
        if page == pages {
            let inserts = (self.total - self.total_before_lap) as usize;
            if inserts * 2 < self.capacity || self.capacity == 0 {
                self.capacity = self.slots.grow(self.capacity);
            } else {
                page = 0;
            }
            self.total_before_lap = self.total;
        }
        self.page = StdArc::clone(self.slots.page(page));
        self.number = page as u8;
        self.next = 0;
    }
}

/// The number of the page that follows the first `capacity` slots.
fn page_after(capacity: usize) -> usize {
    (usize::BITS - (capacity / FIRST_PAGE).leading_zeros()) as usize
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
            for (place, value) in placed {
                slots.remove(place, value);
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
