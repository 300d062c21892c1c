//! One level of the wheel: 64 slots, each a queue of entries that are linked by index.

use crate::slab::{NIL, Slab};
use crate::tick::Tick;

/// One level for each digit of a tick in base 64.
pub(crate) const LEVELS: usize = (u64::BITS as usize).div_ceil(DIGIT_BITS as usize);

const SLOTS: usize = 1 << DIGIT_BITS;
const DIGIT_MASK: u64 = SLOTS as u64 - 1;
const DIGIT_BITS: u32 = 6;

/// A value with its deadline, and its neighbours in the slot.
pub(crate) struct Entry<T> {
    /// The deadline; never before the wheel's time when the entry was linked.
    pub(crate) when: Tick,
    pub(crate) value: T,
    next: u32,
    previous: u32,
}

impl<T> Entry<T> {
    /// Makes an entry that is in no slot yet.
    pub(crate) fn new(when: Tick, value: T) -> Self {
        Self {
            when,
            value,
            next: NIL,
            previous: NIL,
        }
    }

    /// The indices of the entries before and after this one in its slot.
    pub(crate) fn neighbours(&self) -> (u32, u32) {
        (self.previous, self.next)
    }

    /// The index of the next entry in the same slot, which was added after this one.
    pub(crate) fn next(&self) -> u32 {
        self.next
    }
}

/// The level and the slot of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) level: usize,
    pub(crate) slot: usize,
}

impl Place {
    /// The place of an entry by the rule of the wheel: the highest digit in which `when` differs
    /// from `now`; the lowest digit if they are equal.
    #[inline]
    pub(crate) fn of(when: Tick, now: Tick) -> Self {
        debug_assert!(when >= now, "a deadline in the past has no place");
        let level = ((when.0 ^ now.0) | DIGIT_MASK).ilog2() / DIGIT_BITS;
        Self {
            level: level as usize,
            slot: ((when.0 >> (level * DIGIT_BITS)) & DIGIT_MASK) as usize,
        }
    }

    /// The first tick of the span of time that this slot covers, when the time of the wheel is
    /// `now`.
    #[inline]
    pub(crate) fn start(self, now: Tick) -> Tick {
        let shift = self.level as u32 * DIGIT_BITS;
        let digits = (now.0 >> shift) & !DIGIT_MASK | self.slot as u64;
        Tick(digits << shift)
    }
}

/// A queue of entries: first in, first out.
#[derive(Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) first: u32,
    last: u32,
    /// The earliest deadline of all entries that were added since the slot was last empty. No entry
    /// here is due before it; the entry with that deadline may have been removed.
    pub(crate) earliest: Tick,
}

impl Slot {
    const EMPTY: Self = Self {
        first: NIL,
        last: NIL,
        earliest: Tick::MAX,
    };
}

/// 64 slots, and the set of the occupied ones.
pub(crate) struct Level {
    /// Bit *n* is set if and only if slot *n* has an entry.
    occupied: u64,
    /// Bit *n* is set if slot *n* has had entries with different deadlines since it was last empty.
    mixed: u64,
    slots: [Slot; SLOTS],
}

impl Level {
    pub(crate) const EMPTY: Self = Self {
        occupied: 0,
        mixed: 0,
        slots: [Slot::EMPTY; SLOTS],
    };

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.occupied == 0
    }

    /// The first occupied slot. The level must not be empty.
    #[inline]
    pub(crate) fn first_occupied(&self) -> usize {
        debug_assert!(!self.is_empty());
        self.occupied.trailing_zeros() as usize
    }

    #[inline]
    pub(crate) fn slot(&self, slot: usize) -> &Slot {
        &self.slots[slot]
    }

    /// Whether all entries of a slot have the same deadline. May be false although they have.
    #[inline]
    pub(crate) fn is_uniform(&self, slot: usize) -> bool {
        self.mixed & (1 << slot) == 0
    }

    /// Makes a detached queue, whose entries belong here, that of an empty slot.
    #[inline]
    pub(crate) fn attach(&mut self, slot: usize, queue: Slot) {
        debug_assert_eq!(self.occupied & (1 << slot), 0, "the slot has a queue");
        self.slots[slot] = queue;
        self.occupied |= 1 << slot;
    }

    /// Appends an entry that is about to be stored at `index`: notes its neighbours in it.
    #[inline]
    pub(crate) fn push_new<T>(
        &mut self,
        slot: usize,
        index: u32,
        entry: &mut Entry<T>,
        entries: &mut Slab<Entry<T>>,
    ) {
        let queue = &mut self.slots[slot];
        entry.previous = queue.last;
        if queue.last == NIL {
            queue.first = index;
            queue.earliest = entry.when;
        } else {
            self.mixed |= u64::from(entry.when != queue.earliest) << slot;
            queue.earliest = queue.earliest.min(entry.when);
            entries.at_mut(queue.last).next = index;
        }
        queue.last = index;
        self.occupied |= 1 << slot;
    }

    /// Appends an entry, which must be in no slot.
    #[inline]
    pub(crate) fn push<T>(&mut self, slot: usize, index: u32, entries: &mut Slab<Entry<T>>) {
        let queue = &mut self.slots[slot];
        let entry = entries.at_mut(index);
        entry.next = NIL;
        entry.previous = queue.last;
        let when = entry.when;
        if queue.last == NIL {
            queue.first = index;
            queue.earliest = when;
        } else {
            self.mixed |= u64::from(when != queue.earliest) << slot;
            queue.earliest = queue.earliest.min(when);
            entries.at_mut(queue.last).next = index;
        }
        queue.last = index;
        self.occupied |= 1 << slot;
    }

    /// Removes an entry, which may have been taken out of its cell, from its slot, at any position
    /// of the queue: links its neighbours to each other.
    #[inline]
    pub(crate) fn unlink<T>(
        &mut self,
        slot: usize,
        (previous, next): (u32, u32),
        entries: &mut Slab<Entry<T>>,
    ) {
        let queue = &mut self.slots[slot];
        if previous == NIL {
            queue.first = next;
        } else {
            entries.at_mut(previous).next = next;
        }
        if next == NIL {
            queue.last = previous;
        } else {
            entries.at_mut(next).previous = previous;
        }
        if queue.first == NIL {
            self.detach(slot);
        }
    }

    /// Empties a slot and returns its queue. The entries stay linked to each other; the caller must
    /// link them again.
    #[inline]
    pub(crate) fn detach(&mut self, slot: usize) -> Slot {
        self.occupied &= !(1 << slot);
        self.mixed &= !(1 << slot);
        core::mem::replace(&mut self.slots[slot], Slot::EMPTY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tick written in base 64, highest digit first.
    fn digits(digits: &[u64]) -> Tick {
        Tick(digits.iter().fold(0, |count, digit| count * 64 + digit))
    }

    #[test]
    fn a_place_is_at_the_highest_digit_that_differs() {
        let now = digits(&[7, 12, 55]);
        let place = |when| Place::of(when, now);
        assert_eq!(place(now), Place { level: 0, slot: 55 });
        assert_eq!(place(digits(&[7, 12, 58])), Place { level: 0, slot: 58 });
        assert_eq!(place(digits(&[7, 14, 3])), Place { level: 1, slot: 14 });
        assert_eq!(place(digits(&[8, 0, 0])), Place { level: 2, slot: 8 });
        assert_eq!(
            place(Tick::MAX),
            Place {
                level: 10,
                slot: 15
            }
        );
    }

    #[test]
    fn a_place_starts_where_its_lower_digits_are_zero() {
        let now = digits(&[7, 12, 55]);
        let start = |level, slot| Place { level, slot }.start(now);
        assert_eq!(start(0, 58), digits(&[7, 12, 58]));
        assert_eq!(start(1, 14), digits(&[7, 14, 0]));
        assert_eq!(start(2, 8), digits(&[8, 0, 0]));
        assert_eq!(start(10, 15), Tick(15 << 60));
    }

    #[test]
    fn an_entry_takes_sixteen_bytes_beside_its_value() {
        assert_eq!(size_of::<Entry<u64>>(), 16 + size_of::<u64>());
    }
}
