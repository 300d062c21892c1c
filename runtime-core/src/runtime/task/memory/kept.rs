//! The blocks that a worker's thread keeps: a list for each class.
//!
//! **M1** A block on a list has come from a slab of the list's class. Nobody uses it, it begins
//! with a [`Free`], and it is on the list of one thread only.
//!
//! The lists belong to their thread: to take a block, or to keep one, is a load and a store. Blocks
//! come from the slabs, and go back there, several at a time.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::NonNull;

use super::class::{CLASSES, Free, size_of_class};
use super::slabs::{self, Chain};
use crate::sync::local;

/// How many bytes a thread keeps.
const MOST_KEPT: usize = 1 << 20;

/// How many bytes come from the slabs at a time, and how many blocks at most.
const BATCH_BYTES: usize = 1 << 13;
const BATCH: usize = 64;

struct Kept {
    /// How many workers this thread runs, one inside the other. It keeps nothing if it runs none.
    workers: Cell<usize>,
    /// How many bytes the lists may still take.
    room: Cell<usize>,
    lists: [Cell<Option<NonNull<Free>>>; CLASSES],
}

local! {
    static KEPT: Kept = Kept {
        workers: Cell::new(0),
        room: Cell::new(0),
        lists: [const { Cell::new(None) }; CLASSES],
    }
}

/// Takes a block off this thread's list, if there is one.
#[inline(always)]
pub(super) fn take(class: usize) -> Option<NonNull<u8>> {
    KEPT.with(|kept| {
        let first = kept.lists[class].get()?;
        // SAFETY: M1.
        kept.lists[class].set(unsafe { first.as_ref() }.next);
        kept.room.set(kept.room.get() + size_of_class(class));
        Some(first.cast())
    })
}

/// Takes blocks from the slabs: returns one, and puts the others on this thread's list, which must
/// be empty. `None` if the thread runs no worker, or if the slabs are not available.
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
        let block = block.cast::<Free>();
        match kept.room.get().checked_sub(size_of_class(class)) {
            // SAFETY: the caller's promise.
            Some(room) => unsafe { kept.push(class, block, room) },
            // SAFETY: the caller's promise.
            None => unsafe { kept.give_up(class, block) },
        }
    });
}

impl Kept {
    /// # Safety
    /// The block came from a slab of this class, and is not used any more.
    #[inline(always)]
    unsafe fn push(&self, class: usize, block: NonNull<Free>, room: usize) {
        let next = self.lists[class].get();
        // SAFETY: the block has room for a word, is aligned for it, and is the caller's.
        unsafe { block.write(Free { next }) };
        self.lists[class].set(Some(block));
        self.room.set(room);
    }

    fn fetch(&self, class: usize) -> Option<NonNull<u8>> {
        if self.workers.get() == 0 {
            return None;
        }
        let size = size_of_class(class);
        let room = self.room.get();
        let most = BATCH.min(BATCH_BYTES / size).min(1 + room / size);
        let Chain { first, count } = slabs::take(class, most)?;
        // SAFETY: M1, also for blocks that were just taken.
        let next = unsafe { first.as_ref() }.next;
        self.lists[class].set(next);
        self.room.set(room - (count - 1) * size);
        Some(first.cast())
    }

    /// Gives a block back to its slab, since there is no room on the lists, and some of the list's
    /// with it. If that is not possible now, keeps it all the same. (So a thread that runs no
    /// worker may leave blocks behind that nobody uses.)
    ///
    /// # Safety
    /// The block came from a slab of this class, and is not used any more.
    #[cold]
    #[inline(never)]
    unsafe fn give_up(&self, class: usize, block: NonNull<Free>) {
        let room = self.room.get();
        // SAFETY: the caller's promise.
        unsafe { self.push(class, block, room) };
        if self.give_batch_back(class) {
            self.room.set(self.room.get() - size_of_class(class));
        }
    }

    /// Gives blocks of a list back. False if the list is empty, or if that is not possible now.
    fn give_batch_back(&self, class: usize) -> bool {
        let Some(first) = self.lists[class].get() else {
            return false;
        };
        // SAFETY: M1.
        let Some(rest) = (unsafe { slabs::put_back(class, first, BATCH) }) else {
            return false;
        };
        self.lists[class].set(rest.first);
        let given = rest.count * size_of_class(class);
        self.room.set(self.room.get() + given);
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
                kept.room.set(MOST_KEPT);
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
                for class in 0..CLASSES {
                    while kept.give_batch_back(class) {}
                }
                kept.room.set(0);
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
            assert_eq!(kept() * size + room, MOST_KEPT);
            let _inner = Keeping::begin();
        }
        assert_eq!(KEPT.with(|kept| kept.room.get()), 0);
        assert_eq!(kept(), 0);
        assert_eq!(take(CLASS).or_else(|| fetch(CLASS)), None);
    }

    #[test]
    fn blocks_come_several_at_a_time_if_there_is_room_for_them() {
        let _keeping = Keeping::begin();
        let first = one();
        assert_eq!(kept(), BATCH - 1);
        KEPT.with(|kept| kept.room.set(0));
        let rest: Vec<_> = std::iter::from_fn(|| (kept() > 0).then(|| take(CLASS))).collect();
        KEPT.with(|kept| kept.room.set(0));
        let last = one();
        assert_eq!(kept(), 0, "there is room for none");
        end(first);
        end(last);
        rest.into_iter().flatten().for_each(end);
        assert_eq!(kept(), 0);
    }
}
