//! The wheel: places entries by their deadline, and returns them when time reaches it.

use core::fmt;
use core::iter::FusedIterator;

use crate::level::{Entry, LEVELS, Level, Place};
use crate::slab::{Key, NIL, Slab};
use crate::tick::Tick;

/// A set of values, each with the tick at which it is due.
///
/// Inserting, cancelling and rescheduling take constant time. Between its insertion and its tick,
/// each value moves at most ten times; a move changes two links.
///
/// The levels are part of the struct, so it is 11 KiB large: avoid moving it, or box it. A new
/// wheel owns no other memory.
///
/// ```
/// use runtime_timer::{Tick, Wheel};
///
/// let mut wheel = Wheel::new(Tick(0));
/// wheel.insert(Tick(30), "late");
/// wheel.insert(Tick(10), "early");
/// wheel.insert(Tick(99), "never");
///
/// let due: Vec<_> = wheel.advance(Tick(50)).collect();
/// assert_eq!(due, ["early", "late"]);
/// assert_eq!(wheel.now(), Tick(50));
/// assert_eq!(wheel.len(), 1);
/// ```
pub struct Wheel<T> {
    /// Invariant: every entry is at `Place::of(entry.when, now)`. Code that sets `now` must keep
    /// it.
    now: Tick,
    /// Bit *n* is set if and only if level *n* has an entry.
    occupied: u16,
    levels: [Level; LEVELS],
    entries: Slab<Entry<T>>,
}

impl<T> Wheel<T> {
    /// Makes an empty wheel whose time is `start`. Allocates nothing.
    ///
    /// ```
    /// # use runtime_timer::{Tick, Wheel};
    /// const WHEEL: Wheel<u32> = Wheel::new(Tick(7));
    /// assert!(WHEEL.is_empty());
    /// assert_eq!(WHEEL.now(), Tick(7));
    /// ```
    #[must_use]
    pub const fn new(start: Tick) -> Self {
        Self {
            now: start,
            occupied: 0,
            levels: [Level::EMPTY; LEVELS],
            entries: Slab::new(),
        }
    }

    /// Makes an empty wheel whose time is `start`, with room for `capacity` values.
    ///
    /// ```
    /// # use runtime_timer::{Tick, Wheel};
    /// let wheel: Wheel<u32> = Wheel::with_capacity(Tick(0), 1_000);
    /// assert!(wheel.capacity() >= 1_000);
    /// ```
    #[must_use]
    pub fn with_capacity(start: Tick, capacity: usize) -> Self {
        let mut wheel = Self::new(start);
        wheel.entries.reserve(capacity);
        wheel
    }

    /// The time of the wheel: the tick to which it has been advanced.
    ///
    /// After [`pop_expired`](Self::pop_expired) has returned a value, this is the tick at which the
    /// value was due; after it has returned `None`, the tick that was passed to it, unless the
    /// wheel was already past that.
    #[must_use]
    pub const fn now(&self) -> Tick {
        self.now
    }

    /// The number of values in the wheel.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the wheel has no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of values for which there is memory.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    /// Adds `value`, to be due at `when`, and returns its key.
    ///
    /// If `when` is before [`now`](Self::now), it counts as now, and the value is due at once:
    /// [`pop_expired`](Self::pop_expired) returns it after the values that were already due.
    /// `Tick::MAX` is a deadline like any other.
    ///
    /// # Panics
    ///
    /// If the wheel already has 2³² − 1 values.
    ///
    /// ```
    /// # use runtime_timer::{Tick, Wheel};
    /// let mut wheel = Wheel::new(Tick(100));
    /// wheel.insert(Tick(3), "overdue");
    /// assert_eq!(wheel.pop_expired(Tick(100)), Some("overdue"));
    /// ```
    #[inline(always)]
    pub fn insert(&mut self, when: Tick, value: T) -> Key {
        let when = when.max(self.now);
        let place = Place::of(when, self.now);
        let mut entry = Entry::new(when, value);
        let level = &mut self.levels[place.level];
        let index = self.entries.next_index();
        level.push_new(place.slot, index, &mut entry, &mut self.entries);
        self.occupied |= 1 << place.level;
        self.entries.insert(entry)
    }

    /// Removes a value before it is due and returns it, or `None` if the key is stale.
    ///
    /// ```
    /// # use runtime_timer::{Tick, Wheel};
    /// let mut wheel = Wheel::new(Tick(0));
    /// let key = wheel.insert(Tick(5), "timeout");
    /// assert_eq!(wheel.cancel(key), Some("timeout"));
    /// assert_eq!(wheel.cancel(key), None);
    /// ```
    #[inline(always)]
    pub fn cancel(&mut self, key: Key) -> Option<T> {
        let entry = self.entries.remove(key)?;
        self.unlink(entry.neighbours(), entry.when);
        Some(entry.value)
    }

    /// Changes the deadline of a value to `when`. Returns `false` if the key is stale.
    ///
    /// The value keeps its key and its memory. Among values of the same deadline it is the last
    /// one, as if it had just been inserted.
    ///
    /// ```
    /// # use runtime_timer::{Tick, Wheel};
    /// let mut wheel = Wheel::new(Tick(0));
    /// let key = wheel.insert(Tick(5), "idle for too long");
    /// assert!(wheel.reschedule(key, Tick(50)));
    /// assert_eq!(wheel.pop_expired(Tick(49)), None);
    /// assert_eq!(wheel.pop_expired(Tick(50)), Some("idle for too long"));
    /// assert!(!wheel.reschedule(key, Tick(60)));
    /// ```
    #[inline]
    pub fn reschedule(&mut self, key: Key, when: Tick) -> bool {
        let when = when.max(self.now);
        let Some(entry) = self.entries.get_mut(key) else {
            return false;
        };
        let before = core::mem::replace(&mut entry.when, when);
        let neighbours = entry.neighbours();
        self.unlink(neighbours, before);
        self.link(key.index(), when);
        true
    }

    /// The value of this key, or `None` if the key is stale.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<&T> {
        Some(&self.entries.get(key)?.value)
    }

    /// The value of this key, mutable, or `None` if the key is stale.
    ///
    /// ```
    /// # use runtime_timer::{Tick, Wheel};
    /// let mut wheel = Wheel::new(Tick(0));
    /// let key = wheel.insert(Tick(5), 1);
    /// *wheel.get_mut(key).unwrap() += 1;
    /// assert_eq!(wheel.get(key), Some(&2));
    /// ```
    #[must_use]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        Some(&mut self.entries.get_mut(key)?.value)
    }

    /// The deadline of the value of this key, or `None` if the key is stale.
    ///
    /// For a value that was inserted with a deadline in the past, this is the time of the wheel at
    /// the insertion.
    #[must_use]
    pub fn deadline(&self, key: Key) -> Option<Tick> {
        Some(self.entries.get(key)?.when)
    }

    /// The tick until which the owner may sleep: no value is due before it. `None` if the wheel has
    /// no values.
    ///
    /// It is equal to the earliest deadline, with one exception: if the earliest entry is above
    /// level 0, and an entry of the same slot that was due earlier has been cancelled or
    /// rescheduled, this may be the deadline of the removed entry. (Being exact in that case too
    /// would take a search for each cancellation.) An owner that wakes up at that tick finds no
    /// value due; but [`pop_expired`](Self::pop_expired) has cascaded the slot, and after it has
    /// returned `None`, the next deadline is always later than [`now`](Self::now), so the owner
    /// does not spin.
    ///
    /// Takes constant time.
    ///
    /// ```
    /// # use runtime_timer::{Tick, Wheel};
    /// let mut wheel = Wheel::new(Tick(0));
    /// assert_eq!(wheel.next_deadline(), None);
    /// wheel.insert(Tick(9_999), ());
    /// wheel.insert(Tick(1_234_567), ());
    /// assert_eq!(wheel.next_deadline(), Some(Tick(9_999)));
    /// ```
    #[must_use]
    #[inline]
    pub fn next_deadline(&self) -> Option<Tick> {
        let first = self.first_place()?;
        Some(self.levels[first.level].slot(first.slot).earliest)
    }

    /// Advances the time towards `to`, and returns the next value that is due by then, or `None` if
    /// there is none left.
    ///
    /// Call it until it returns `None`; the time of the wheel has then reached `to`. The values are
    /// in the order of their deadlines, and among equal deadlines in the order of insertion. The
    /// wheel may be changed between two calls, but a loop that keeps inserting values that are
    /// already due at `to` does not end.
    ///
    /// Time does not run backwards: if `to` is before [`now`](Self::now), no value is due.
    ///
    /// ```
    /// # use runtime_timer::{Tick, Wheel};
    /// let mut wheel = Wheel::new(Tick(0));
    /// wheel.insert(Tick(u64::MAX), "the last one");
    /// wheel.insert(Tick(8), "b");
    /// wheel.insert(Tick(8), "c");
    /// wheel.insert(Tick(7), "a");
    /// assert_eq!(wheel.pop_expired(Tick(8)), Some("a"));
    /// assert_eq!(wheel.now(), Tick(7));
    /// assert_eq!(wheel.pop_expired(Tick(8)), Some("b"));
    /// assert_eq!(wheel.pop_expired(Tick(8)), Some("c"));
    /// assert_eq!(wheel.pop_expired(Tick(8)), None);
    /// assert_eq!(wheel.pop_expired(Tick::MAX), Some("the last one"));
    /// ```
    #[inline]
    pub fn pop_expired(&mut self, to: Tick) -> Option<T> {
        while let Some(first) = self.first_place() {
            let start = first.start(self.now);
            if start > to {
                break;
            }
            if first.level == 0 {
                self.now = start;
                return Some(self.take_first(first));
            }
            self.cascade(first, to);
        }
        // The first occupied slot begins after `to`, so all entries still differ from the new now
        // in the same digit as from the old one: their places stay correct.
        self.now = self.now.max(to);
        None
    }

    /// Returns all values that are due at `to`: [`pop_expired`](Self::pop_expired) as an iterator.
    ///
    /// Values that were not taken when the iterator is dropped stay in the wheel, and are still
    /// due.
    ///
    /// ```
    /// # use runtime_timer::{Tick, Wheel};
    /// let mut wheel = Wheel::new(Tick(0));
    /// wheel.insert(Tick(2), 'b');
    /// wheel.insert(Tick(1), 'a');
    /// assert!(wheel.advance(Tick(2)).eq(['a', 'b']));
    /// ```
    pub fn advance(&mut self, to: Tick) -> Advance<'_, T> {
        Advance { wheel: self, to }
    }

    /// Drops all values and frees their memory. The time stays the same; all keys become stale.
    ///
    /// The wheel is emptied before the values are dropped, so that a panic in one of their
    /// destructors leaves it valid and empty.
    pub fn clear(&mut self) {
        self.levels = [Level::EMPTY; LEVELS];
        self.occupied = 0;
        self.entries.clear();
    }

    /// Frees the memory behind the last value. Values never move, so vacant memory before it stays.
    /// Takes time proportional to the capacity.
    ///
    /// Without this call, the wheel keeps the memory of its greatest number of values, and reuses
    /// it.
    ///
    /// ```
    /// # use runtime_timer::{Tick, Wheel};
    /// let mut wheel = Wheel::new(Tick(0));
    /// let keys: Vec<_> = (0..1_000).map(|n| wheel.insert(Tick(n), n)).collect();
    /// for key in keys {
    ///     wheel.cancel(key);
    /// }
    /// wheel.shrink_to_fit();
    /// assert_eq!(wheel.capacity(), 0);
    /// ```
    pub fn shrink_to_fit(&mut self) {
        self.entries.shrink_to_fit();
    }

    /// The place of the entries that are due next: the first occupied slot of the lowest occupied
    /// level.
    #[inline]
    fn first_place(&self) -> Option<Place> {
        if self.occupied == 0 {
            return None;
        }
        let level = self.occupied.trailing_zeros() as usize;
        let slot = self.levels[level].first_occupied();
        Some(Place { level, slot })
    }

    /// Removes the first entry of an occupied slot, and returns its value.
    #[inline]
    fn take_first(&mut self, place: Place) -> T {
        let index = self.levels[place.level].slot(place.slot).first;
        let entry = self.entries.take(index);
        debug_assert_eq!(entry.when, self.now);
        self.unlink(entry.neighbours(), self.now);
        entry.value
    }

    /// Moves the time into the first occupied slot, and the slot's entries to their new places.
    ///
    /// The time does not move to the start of the slot but to its earliest deadline, or to `to` if
    /// that is before: so the entries skip levels on their way down, and a single entry moves to
    /// level 0 directly. Entries with one deadline, if it is reached, move as they are linked: the
    /// slot at level 0 to which all of them go is empty, and none of them is touched. (Memory that
    /// has not been used since the insertion is slow.)
    fn cascade(&mut self, place: Place, to: Tick) {
        let uniform = self.levels[place.level].is_uniform(place.slot);
        let slot = self.levels[place.level].detach(place.slot);
        self.note_if_emptied(place.level);
        debug_assert!(
            slot.earliest > self.now,
            "a slot was entered before it was emptied"
        );
        self.now = slot.earliest.min(to);
        if uniform && self.now == slot.earliest {
            let place = Place::of(self.now, self.now);
            self.levels[place.level].attach(place.slot, slot);
            self.occupied |= 1 << place.level;
            return;
        }
        let mut index = slot.first;
        while index != NIL {
            let entry = self.entries.at(index);
            let (when, next) = (entry.when, entry.next());
            self.link(index, when);
            index = next;
        }
    }

    #[inline]
    fn link(&mut self, index: u32, when: Tick) {
        let place = Place::of(when, self.now);
        self.levels[place.level].push(place.slot, index, &mut self.entries);
        self.occupied |= 1 << place.level;
    }

    #[inline(always)]
    fn unlink(&mut self, neighbours: (u32, u32), when: Tick) {
        let place = Place::of(when, self.now);
        self.levels[place.level].unlink(place.slot, neighbours, &mut self.entries);
        self.note_if_emptied(place.level);
    }

    #[inline]
    fn note_if_emptied(&mut self, level: usize) {
        let empty = self.levels[level].is_empty();
        self.occupied &= !(u16::from(empty) << level);
    }
}

impl<T> fmt::Debug for Wheel<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Wheel")
            .field("now", &self.now)
            .field("len", &self.len())
            .field("next_deadline", &self.next_deadline())
            .finish_non_exhaustive()
    }
}

/// The values of a wheel that are due, in order; made by [`Wheel::advance`].
#[derive(Debug)]
#[must_use = "time does not move until the iterator is used"]
pub struct Advance<'wheel, T> {
    wheel: &'wheel mut Wheel<T>,
    to: Tick,
}

impl<T> Iterator for Advance<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.wheel.pop_expired(self.to)
    }
}

impl<T> FusedIterator for Advance<'_, T> {}
