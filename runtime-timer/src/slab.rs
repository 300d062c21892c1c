//! Stores the entries: a vector with a free list, and keys that are never valid for a second entry.

use alloc::vec::Vec;
use core::mem;
use core::num::NonZeroU64;

/// Identifies one entry of one wheel, as long as the entry is in it.
///
/// When the entry has fired or was cancelled, the key is *stale*: every method then returns that
/// there is no such entry, even if another entry uses its memory. A key is meaningless to any other
/// wheel than the one that returned it.
///
/// ```
/// # use runtime_timer::{Tick, Wheel};
/// let mut wheel = Wheel::new(Tick(0));
/// let first = wheel.insert(Tick(1), "first");
/// wheel.cancel(first);
/// let second = wheel.insert(Tick(1), "second");
/// assert_ne!(first, second);
/// assert_eq!(wheel.get(first), None);
/// assert_eq!(wheel.get(second), Some(&"second"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    // From one counter for the whole slab, not a generation for each cell: at one insertion per
    // nanosecond, it takes 584 years to run out, while 32 bits in a busy cell last a minute. It
    // also continues over the cells that `shrink_to_fit` frees.
    serial: NonZeroU64,
    index: u32,
}

impl Key {
    /// The two numbers that the key consists of, for an owner that has something else to put into
    /// the four bytes between the end of the second and the size of a key.
    ///
    /// ```
    /// # use runtime_timer::{Key, Tick, Wheel};
    /// let mut wheel = Wheel::new(Tick(0));
    /// let key = wheel.insert(Tick(1), "tea");
    /// let (serial, index) = key.into_parts();
    /// assert_eq!(Key::from_parts(serial, index), key);
    /// ```
    #[must_use]
    #[inline]
    pub const fn into_parts(self) -> (NonZeroU64, u32) {
        (self.serial, self.index)
    }

    /// The key of these parts. Parts that are not those of a key make a key that is stale.
    #[must_use]
    #[inline]
    pub const fn from_parts(serial: NonZeroU64, index: u32) -> Self {
        Self { serial, index }
    }

    pub(crate) fn index(self) -> u32 {
        self.index
    }
}

/// An index that no cell has: `grow` refuses it.
pub(crate) const NIL: u32 = u32::MAX;

/// Items in cells. An item does not move until it is taken.
pub(crate) struct Slab<T> {
    cells: Vec<Cell<T>>,
    /// The head of the free list: the cell that was vacated last, which is most likely in the
    /// cache.
    first_vacant: u32,
    len: usize,
    next_serial: NonZeroU64,
}

enum Cell<T> {
    Vacant { next: u32 },
    Occupied { serial: NonZeroU64, item: T },
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self {
            cells: Vec::new(),
            first_vacant: NIL,
            len: 0,
            next_serial: NonZeroU64::MIN,
        }
    }

    pub(crate) fn reserve(&mut self, additional: usize) {
        let vacant = self.cells.len() - self.len;
        self.cells.reserve(additional.saturating_sub(vacant));
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn capacity(&self) -> usize {
        self.cells.capacity()
    }

    /// The index of the cell that the next insertion uses.
    ///
    /// # Panics
    /// If there can be no more cells.
    #[inline]
    pub(crate) fn next_index(&self) -> u32 {
        match self.first_vacant {
            NIL => self.index_after_the_last(),
            vacant => vacant,
        }
    }

    #[cold]
    fn index_after_the_last(&self) -> u32 {
        let index = u32::try_from(self.cells.len()).unwrap_or(NIL);
        assert_ne!(index, NIL, "a wheel holds at most 2^32 - 1 entries");
        index
    }

    #[inline]
    pub(crate) fn insert(&mut self, item: T) -> Key {
        let serial = self.next_serial;
        let occupied = Cell::Occupied { serial, item };
        let index = self.first_vacant;
        if let Some(cell) = self.cells.get_mut(index as usize) {
            let Cell::Vacant { next } = *cell else {
                unreachable!("the free list leads to an occupied cell");
            };
            self.first_vacant = next;
            *cell = occupied;
            self.count_inserted(Key { serial, index })
        } else {
            let index = self.grow(occupied);
            self.count_inserted(Key { serial, index })
        }
    }

    fn count_inserted(&mut self, key: Key) -> Key {
        self.len += 1;
        self.next_serial = key.serial.saturating_add(1);
        key
    }

    #[cold]
    fn grow(&mut self, occupied: Cell<T>) -> u32 {
        let index = self.index_after_the_last();
        self.cells.push(occupied);
        index
    }

    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        match self.cells.get(key.index as usize)? {
            Cell::Occupied { serial, item } if *serial == key.serial => Some(item),
            _ => None,
        }
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        match self.cells.get_mut(key.index as usize)? {
            Cell::Occupied { serial, item } if *serial == key.serial => Some(item),
            _ => None,
        }
    }

    /// The item in a cell that is known to be occupied.
    ///
    /// # Panics
    /// If the cell is vacant.
    #[inline]
    pub(crate) fn at(&self, index: u32) -> &T {
        match &self.cells[index as usize] {
            Cell::Occupied { item, .. } => item,
            Cell::Vacant { .. } => unreachable!("a link leads to a vacant cell"),
        }
    }

    /// Like [`Slab::at`], but mutable.
    #[inline]
    pub(crate) fn at_mut(&mut self, index: u32) -> &mut T {
        match &mut self.cells[index as usize] {
            Cell::Occupied { item, .. } => item,
            Cell::Vacant { .. } => unreachable!("a link leads to a vacant cell"),
        }
    }

    /// Empties the cell of this key, and returns its item. The next insertion uses the cell.
    #[inline]
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        let cell = self.cells.get_mut(key.index as usize)?;
        match cell {
            Cell::Occupied { serial, .. } if *serial == key.serial => {}
            _ => return None,
        }
        let vacant = Cell::Vacant {
            next: self.first_vacant,
        };
        let Cell::Occupied { item, .. } = mem::replace(cell, vacant) else {
            return None;
        };
        self.first_vacant = key.index;
        self.len -= 1;
        Some(item)
    }

    /// Empties a cell that is known to be occupied, and returns its item. The next insertion uses
    /// the cell.
    ///
    /// # Panics
    /// If the cell is vacant.
    #[inline]
    pub(crate) fn take(&mut self, index: u32) -> T {
        let vacant = Cell::Vacant {
            next: self.first_vacant,
        };
        match mem::replace(&mut self.cells[index as usize], vacant) {
            Cell::Occupied { item, .. } => {
                self.first_vacant = index;
                self.len -= 1;
                item
            }
            Cell::Vacant { .. } => unreachable!("a link leads to a vacant cell"),
        }
    }

    /// Drops all items, after the slab has been emptied: a destructor that panics leaves it empty.
    /// The serial numbers continue, so that old keys stay stale.
    pub(crate) fn clear(&mut self) {
        self.first_vacant = NIL;
        self.len = 0;
        drop(mem::take(&mut self.cells));
    }

    /// Frees the vacant cells at the end. Vacant cells before an item stay, because items cannot
    /// move. The free list is sorted, so that insertions fill the front and a later call can free
    /// more.
    pub(crate) fn shrink_to_fit(&mut self) {
        while matches!(self.cells.last(), Some(Cell::Vacant { .. })) {
            self.cells.pop();
        }
        self.cells.shrink_to_fit();
        self.first_vacant = NIL;
        let indices = 0..self.cells.len() as u32;
        for (cell, index) in self.cells.iter_mut().zip(indices).rev() {
            if let Cell::Vacant { next } = cell {
                *next = mem::replace(&mut self.first_vacant, index);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_takes_eight_bytes_beside_its_item() {
        assert_eq!(size_of::<Cell<[u64; 3]>>(), 8 + size_of::<[u64; 3]>());
    }

    #[test]
    fn the_cell_vacated_last_is_used_first() {
        let mut slab = Slab::new();
        let keys = ['a', 'b', 'c'].map(|item| slab.insert(item));
        slab.take(keys[0].index());
        slab.take(keys[2].index());
        assert_eq!(slab.insert('d').index(), keys[2].index());
        assert_eq!(slab.insert('e').index(), keys[0].index());
        assert_eq!(slab.insert('f').index(), 3);
    }

    #[test]
    fn after_shrinking_the_foremost_cell_is_used_first() {
        let mut slab = Slab::new();
        let keys = ['a', 'b', 'c', 'd'].map(|item| slab.insert(item));
        for key in [keys[0], keys[1], keys[3]] {
            slab.take(key.index());
        }
        slab.shrink_to_fit();
        let indices = ['e', 'f', 'g'].map(|item| slab.insert(item).index());
        assert_eq!(indices, [0, 1, 3]);
    }
}
