//! A binary heap, smallest first, that stays as it is if a comparison panics.
//!
//! Each operation makes all its comparisons first and moves items afterwards. Items that are equal
//! come out in the order in which they went in.

use std::cmp::Ordering;

#[derive(Debug)]
pub(super) struct Heap<T> {
    /// No entry comes before its parent: that of entry `i` is entry `(i - 1) / 2`.
    entries: Vec<Entry<T>>,
    last_number: u64,
}

#[derive(Debug)]
struct Entry<T> {
    item: T,
    /// The order of insertion.
    number: u64,
}

impl<T> Heap<T> {
    pub(super) const fn new() -> Heap<T> {
        Heap {
            entries: Vec::new(),
            last_number: 0,
        }
    }

    /// Returns all items, in any order.
    pub(super) fn take_all(&mut self) -> impl Sized + use<T> {
        std::mem::take(&mut self.entries)
    }
}

impl<T: Ord> Heap<T> {
    /// Returns the place that an item is to be inserted at.
    fn place_of(&self, item: &T) -> usize {
        let mut place = self.entries.len();
        while place > 0 {
            let parent = (place - 1) / 2;
            // One that is equal was there before.
            if item.cmp(&self.entries[parent].item) != Ordering::Less {
                break;
            }
            place = parent;
        }
        place
    }

    /// Inserts the item that `slot` has, and leaves it there if a comparison panics.
    pub(super) fn push(&mut self, slot: &mut Option<T>) {
        let Some(place) = slot.as_ref().map(|item| self.place_of(item)) else {
            return;
        };
        self.last_number += 1;
        let number = self.last_number;
        let mut at = self.entries.len();
        self.entries
            .extend(slot.take().map(|item| Entry { item, number }));
        while at > place {
            let parent = (at - 1) / 2;
            self.entries.swap(at, parent);
            at = parent;
        }
    }

    /// Takes the smallest item.
    pub(super) fn pop(&mut self) -> Option<T> {
        let last = self.entries.len().checked_sub(1)?;
        let place = self.place_of_last(last);
        let item = self.entries.swap_remove(0).item;
        // The last one is the first now. It goes down to its place, by way of that one's parents.
        let mut at = 0;
        for level in (0..(place + 1).ilog2()).rev() {
            let child = ((place + 1) >> level) - 1;
            self.entries.swap(at, child);
            at = child;
        }
        Some(item)
    }

    /// Returns where the entry `last` belongs if the first one is taken.
    fn place_of_last(&self, last: usize) -> usize {
        let mut place = 0;
        loop {
            let child = 2 * place + 1;
            if child >= last {
                return place;
            }
            let other = child + 1;
            let smaller = match other < last && self.is_before(other, child) {
                true => other,
                false => child,
            };
            if !self.is_before(smaller, last) {
                return place;
            }
            place = smaller;
        }
    }

    fn is_before(&self, left: usize, right: usize) -> bool {
        let (left, right) = (&self.entries[left], &self.entries[right]);
        let by_item = left.item.cmp(&right.item);
        by_item.then_with(|| left.number.cmp(&right.number)) == Ordering::Less
    }
}
