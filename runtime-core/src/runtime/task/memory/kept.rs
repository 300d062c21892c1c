//! The blocks that a worker's thread keeps: a list for each class.
//!
//! **M1** A block on a list has come from a slab of the list's class. Nobody uses it, it begins
//! with a [`Free`], and it is on the list of one thread only.
//!
//! The lists belong to their thread: to take a block, or to keep one, is a few loads and stores.
//! Blocks come from the slabs, and go back there, several at a time.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::NonNull;

use super::class::{CLASSES, Free, size_of_class};
use super::slabs;
use crate::sync::local;

/// How many bytes a thread keeps.
const MOST_KEPT: usize = 1 << 20;

/// How many bytes a thread may keep while it sleeps. Each block could be the only one of its slab
/// that is not given back.
const MOST_ASLEEP: usize = 1 << 14;

/// How many bytes come from the slabs at a time, and how many blocks at most.
const BATCH_BYTES: usize = 1 << 13;
const BATCH: usize = 64;

/// How many batches a thread gives back before it looks for work again.
const BATCHES: usize = 16;

struct Kept {
    /// How many workers this thread runs, one inside the other. It keeps nothing if it runs none.
    workers: Cell<usize>,
    /// How many bytes the lists may still take: what the thread may keep, less what is on them.
    /// Negative if that is more, until it is given back.
    room: Cell<isize>,
    lists: [Cell<Option<NonNull<Free>>>; CLASSES],
}

local! {
    static KEPT: Kept = Kept {
        workers: Cell::new(0),
        room: Cell::new(0),
        lists: [const { Cell::new(None) }; CLASSES],
    }
}

/// The size of the blocks of a class, as a part of the room.
const fn part(class: usize) -> isize {
    size_of_class(class) as isize
}

/// Takes a block off this thread's list, if there is one.
#[inline(always)]
pub(super) fn take(class: usize) -> Option<NonNull<u8>> {
    KEPT.with(|kept| {
        let first = kept.lists[class].get()?;
        // SAFETY: M1.
        kept.lists[class].set(unsafe { first.as_ref() }.next);
        kept.room.set(kept.room.get() + part(class));
        Some(first.cast())
    })
}

/// Takes blocks from the slabs: returns one, and puts the others on this thread's list. `None` if
/// the thread runs no worker, or if the slabs are not available.
pub(super) fn fetch(class: usize) -> Option<NonNull<u8>> {
    KEPT.with(|kept| kept.fetch(class))
}

/// Gives a block back, to this thread's list or to its slab.
///
/// # Safety
/// The block came from `take` or `fetch` for this class, on any thread, and is not used any more.
#[inline(always)]
pub(super) unsafe fn give_back(class: usize, block: NonNull<u8>) {
    KEPT.with(|kept| {
        // SAFETY: the caller's promise.
        unsafe { kept.push(class, block.cast()) };
        if kept.room.get() < 0 {
            kept.give_up(class);
        }
    });
}

/// For a worker that has nothing to do, and would sleep now: gives some of what it keeps back, if
/// that is much. True if it did; then the worker looks for work again.
#[inline]
pub(crate) fn give_some_back() -> bool {
    KEPT.with(|kept| kept.is_much() && kept.workers.get() > 0 && kept.give_batches_back())
}

impl Kept {
    /// # Safety
    /// The block came from a slab of this class, and is not used any more.
    #[inline(always)]
    unsafe fn push(&self, class: usize, block: NonNull<Free>) {
        let next = self.lists[class].get();
        // SAFETY: the block has room for a word, is aligned for it, and is the caller's.
        unsafe { block.write(Free { next }) };
        self.lists[class].set(Some(block));
        self.room.set(self.room.get() - part(class));
    }

    fn fetch(&self, class: usize) -> Option<NonNull<u8>> {
        if self.workers.get() == 0 {
            return None;
        }
        let size = size_of_class(class);
        let room = usize::try_from(self.room.get()).unwrap_or(0);
        let most = BATCH.min(BATCH_BYTES / size).min(1 + room / size);
        let taken = slabs::take(class, most)?;
        // SAFETY: the blocks are in nobody's use.
        if let Some(second) = unsafe { taken.first.as_ref() }.next {
            // An allocator that ends tasks may have put some on the list meanwhile.
            let next = self.lists[class].replace(Some(second));
            // SAFETY: as above.
            unsafe { taken.last.write(Free { next }) };
        }
        let listed = part(class) * (taken.count as isize - 1);
        self.room.set(self.room.get() - listed);
        Some(taken.first.cast())
    }

    /// The lists are too long: gives some of this one back. If that is not possible now, they stay
    /// so. (A thread that runs no worker may end before it is possible again, and leave blocks
    /// behind.)
    #[cold]
    #[inline(never)]
    fn give_up(&self, class: usize) {
        let _given = self.give_batch_back(class);
    }

    /// Whether a worker's thread keeps more than while it sleeps.
    #[inline]
    fn is_much(&self) -> bool {
        self.room.get() < (MOST_KEPT - MOST_ASLEEP) as isize
    }

    #[cold]
    #[inline(never)]
    fn give_batches_back(&self) -> bool {
        let mut given = 0;
        for class in 0..CLASSES {
            while self.is_much() && given < BATCHES && self.give_batch_back(class) {
                given += 1;
            }
        }
        given > 0
    }

    /// Gives blocks of a list back. False if the list is empty, or if that is not possible now.
    fn give_batch_back(&self, class: usize) -> bool {
        let Some(first) = self.lists[class].get() else {
            return false;
        };
        // SAFETY: M1. What is put back is on the list until the next line, and nobody takes it from
        // there: the allocator is not called before that.
        let Some(rest) = (unsafe { slabs::put_back(class, first, BATCH) }) else {
            return false;
        };
        self.lists[class].set(rest.first);
        let given = part(class) * rest.count as isize;
        self.room.set(self.room.get() + given);
        // Calls the global allocator, which may be the user's: the list is in order now.
        drop(rest.emptied);
        true
    }
}

/// This thread keeps blocks until this, and every other one of the thread, has been dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Keeping(PhantomData<*const ()>);

impl Keeping {
    /// For a thread that runs a worker of a loop.
    pub(crate) fn begin() -> Keeping {
        KEPT.with(|kept| {
            if kept.workers.replace(kept.workers.get() + 1) == 0 {
                slabs::arrive();
                kept.room.set(kept.room.get() + MOST_KEPT as isize);
            }
        });
        Keeping(PhantomData)
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        KEPT.with(|kept| {
            let others = kept.workers.get() - 1;
            kept.workers.set(others);
            if others == 0 {
                // First, so that a task that the allocator ends meanwhile does not stay on a list.
                kept.room.set(kept.room.get() - MOST_KEPT as isize);
                for class in 0..CLASSES {
                    while kept.give_batch_back(class) {}
                }
                slabs::depart();
            }
        });
    }
}

#[cfg(all(test, not(asyncio_loom)))]
mod tests {
    use super::*;

    const CLASS: usize = 12;

    fn one() -> NonNull<u8> {
        take(CLASS)
            .or_else(|| fetch(CLASS))
            .expect("the slabs are available")
    }

    fn end(block: NonNull<u8>) {
        // SAFETY: each test ends what it has taken, once.
        unsafe { give_back(CLASS, block) };
    }

    fn kept() -> usize {
        // SAFETY: M1.
        let next = |block: &NonNull<Free>| unsafe { block.as_ref() }.next;
        KEPT.with(|kept| std::iter::successors(kept.lists[CLASS].get(), next).count())
    }

    #[test]
    fn a_thread_keeps_a_mebibyte_and_nothing_without_a_worker() {
        let size = size_of_class(CLASS);
        {
            let _keeping = Keeping::begin();
            let blocks: Vec<_> = (0..20_000).map(|_| one()).collect();
            blocks.into_iter().for_each(end);
            let most = MOST_KEPT / size;
            assert!((most - BATCH..=most).contains(&kept()));
            let room = KEPT.with(|kept| kept.room.get());
            assert_eq!((kept() * size) as isize + room, MOST_KEPT as isize);
            let _inner = Keeping::begin();
        }
        assert_eq!(KEPT.with(|kept| kept.room.get()), 0);
        assert_eq!(kept(), 0);
        assert_eq!(take(CLASS).or_else(|| fetch(CLASS)), None);
    }

    #[test]
    fn blocks_come_several_at_a_time_if_there_is_room_for_them() {
        let _keeping = Keeping::begin();
        let mut blocks = vec![one()];
        assert_eq!(kept(), BATCH - 1);
        blocks.extend((1..BATCH).map(|_| one()));
        let room = KEPT.with(|kept| kept.room.replace(0));
        blocks.push(one());
        assert_eq!(kept(), 0, "there is room for none");
        KEPT.with(|kept| kept.room.set(room));
        blocks.into_iter().for_each(end);
        assert_eq!(kept(), BATCH + 1);
    }

    #[test]
    fn who_would_sleep_gives_much_back_and_little_not() {
        let _keeping = Keeping::begin();
        let blocks: Vec<_> = (0..5_000).map(|_| one()).collect();
        blocks.into_iter().for_each(end);
        assert!(kept() >= 5_000);
        while give_some_back() {}
        let left = kept() * size_of_class(CLASS);
        assert!(left <= MOST_ASLEEP, "{left} bytes are kept");
        end(one());
        assert!(!give_some_back());
    }

    #[test]
    fn what_cannot_be_given_back_is_counted() {
        let blocks = {
            let _keeping = Keeping::begin();
            let blocks = [one(), one(), one()];
            let room = KEPT.with(|kept| kept.room.get());
            assert_eq!(room + part(CLASS) * kept() as isize, MOST_KEPT as isize);
            blocks
        };
        // As if the lock had not been available.
        for block in blocks {
            // SAFETY: it was taken above, and is given back once.
            KEPT.with(|kept| unsafe { kept.push(CLASS, block.cast()) });
        }
        assert_eq!(KEPT.with(|kept| kept.room.get()), -3 * part(CLASS));
        end(take(CLASS).expect("three are on the list"));
        assert_eq!((kept(), KEPT.with(|kept| kept.room.get())), (0, 0));
    }
}
