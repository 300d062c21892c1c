//! The memory of tasks: each worker keeps what ended tasks leave, for the next ones.
//!
//! A task is one allocation, made and freed once. The system's allocator takes a tenth of the
//! instructions of a short task for that. So a thread that runs a worker keeps freed blocks, by
//! their sizes, and gives them out again: a load and a store each.
//!
//! **M1** A block on a list is an allocation with the layout of the list's class. Nobody uses it,
//! it begins with a [`Free`], and it is on the list of one thread only.
//!
//! * A block is an allocation of the global allocator, with a layout that its size class alone
//!   decides. So it does not matter which thread frees it, nor whether that thread keeps blocks.
//! * The lists belong to their thread. Nothing here is shared, and there is no protocol.
//! * A thread keeps at most [`MOST_KEPT`] bytes, and frees them when its worker leaves.
//!
//! `ASYNCIO_TUNE=no-task-memory` turns it off. A tool that watches allocations, an address
//! sanitizer for example, sees more with it off.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use crate::sync::{IS_MODEL, local};

/// Sizes are rounded up to a multiple of this. Allocators round up once more, most to a multiple of
/// 16, but glibc's to 8 bytes more than that: so classes 16 bytes apart would waste 8 bytes, and
/// with them another 8, on the one or on the other.
const GRAIN: usize = 8;

/// The alignment of every block: what allocators give in any case.
const ALIGNMENT: usize = 16;

/// How many size classes there are: up to a kibibyte.
const CLASSES: usize = 128;

/// How many bytes a thread keeps.
const MOST_KEPT: usize = 1 << 20;

/// A block that is not in use. Its first word points to the next one of its class.
struct Free {
    next: *mut Free,
}

struct Kept {
    /// How many workers this thread runs, one inside the other. It keeps nothing if it runs none.
    workers: Cell<usize>,
    /// How many bytes the lists may still take.
    room: Cell<usize>,
    lists: [Cell<*mut Free>; CLASSES],
}

local! {
    static KEPT: Kept = Kept {
        workers: Cell::new(0),
        room: Cell::new(0),
        lists: [const { Cell::new(ptr::null_mut()) }; CLASSES],
    }
}

/// The size class of a type's blocks. `None` if they are not kept.
const fn class_of(layout: Layout) -> Option<usize> {
    let class = layout.size().div_ceil(GRAIN);
    if IS_MODEL || layout.align() > ALIGNMENT || class == 0 || class > CLASSES {
        return None;
    }
    Some(class - 1)
}

const fn size_of_class(class: usize) -> usize {
    (class + 1) * GRAIN
}

/// The layout of a type's blocks.
const fn layout_of<T>() -> Layout {
    let layout = Layout::new::<T>();
    match class_of(layout) {
        None => layout,
        Some(class) => match Layout::from_size_align(size_of_class(class), ALIGNMENT) {
            Ok(layout) => layout,
            Err(_) => layout,
        },
    }
}

/// Moves `value` to a block of its own.
#[inline(always)]
pub(super) fn new<T>(value: T) -> NonNull<T> {
    const { assert!(size_of::<T>() > 0, "a block has a size") };
    let kept = match const { class_of(Layout::new::<T>()) } {
        Some(class) => take(class),
        None => None,
    };
    let block = kept
        .unwrap_or_else(|| allocate(const { layout_of::<T>() }))
        .cast();
    // SAFETY: the block is as large as a `T`, aligned for it, and nobody else's.
    unsafe { block.write(value) };
    block
}

/// Frees the block that `new` returned, without dropping what is in it.
///
/// # Safety
/// It came from `new::<T>`, and is not used any more.
#[inline(always)]
pub(super) unsafe fn free<T>(block: NonNull<T>) {
    let block = block.cast();
    if let Some(class) = const { class_of(Layout::new::<T>()) } {
        // SAFETY: the block has the size of its class, and the caller gives it up.
        if unsafe { keep(class, block) } {
            return;
        }
    }
    // SAFETY: `new` allocated it with the same layout, or another thread did for the same class.
    unsafe { dealloc(block.as_ptr(), const { layout_of::<T>() }) };
}

#[inline(always)]
fn take(class: usize) -> Option<NonNull<u8>> {
    KEPT.with(|kept| {
        let first = NonNull::new(kept.lists[class].get())?;
        // SAFETY: M1.
        let next = unsafe { first.as_ref() }.next;
        kept.lists[class].set(next);
        kept.room.set(kept.room.get() + size_of_class(class));
        Some(first.cast())
    })
}

/// Puts a block on its list. False if the thread keeps no more.
///
/// # Safety
/// The block has the layout of its class, and is not used any more.
#[inline(always)]
unsafe fn keep(class: usize, block: NonNull<u8>) -> bool {
    KEPT.with(|kept| {
        let Some(room) = kept.room.get().checked_sub(size_of_class(class)) else {
            return false;
        };
        let block = block.cast::<Free>();
        let next = kept.lists[class].get();
        // SAFETY: the block has room for a word, is aligned for it, and is the caller's.
        unsafe { block.write(Free { next }) };
        kept.lists[class].set(block.as_ptr());
        kept.room.set(room);
        true
    })
}

#[cold]
#[inline(never)]
fn allocate(layout: Layout) -> NonNull<u8> {
    // SAFETY: the size is not zero: `new` has asserted that.
    let block = unsafe { alloc(layout) };
    NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout))
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
                kept.give_back();
                kept.room.set(0);
            }
        });
    }
}

impl Kept {
    fn give_back(&self) {
        for (class, list) in self.lists.iter().enumerate() {
            let layout = Layout::from_size_align(size_of_class(class), ALIGNMENT);
            let layout = layout.expect("a small size, and a power of two");
            let mut next = NonNull::new(list.replace(ptr::null_mut()));
            while let Some(block) = next {
                // SAFETY: M1.
                next = NonNull::new(unsafe { block.as_ref() }.next);
                // SAFETY: M1: the layout is the block's, and it is on no list any more.
                unsafe { dealloc(block.as_ptr().cast(), layout) };
            }
        }
    }
}

#[cfg(all(test, not(asyncio_loom)))]
mod tests {
    use super::*;

    type Large = [u64; 13];

    fn end<T>(block: NonNull<T>) {
        // SAFETY: each test ends the blocks that it has made, once, by their types.
        unsafe { free(block) };
    }

    fn address<T>(block: NonNull<T>) -> usize {
        block.as_ptr().addr()
    }

    #[test]
    fn a_block_is_used_again_for_a_type_of_its_class() {
        let _keeping = Keeping::begin();
        let first = new::<Large>([7; 13]);
        let place = address(first);
        end(first);
        let other = new::<u64>(1);
        assert_ne!(address(other), place);
        let second = new::<[u32; 25]>([9; 25]);
        assert_eq!(address(second), place);
        end(second);
        end(other);
    }

    #[test]
    fn a_block_is_no_larger_than_its_type() {
        assert_eq!(layout_of::<[u64; 13]>().size(), 104);
        assert_eq!(layout_of::<[u64; 14]>().size(), 112);
        assert_eq!(layout_of::<[u64; 14]>().align(), ALIGNMENT);
        assert_eq!(layout_of::<u8>().size(), 8);
    }

    #[test]
    fn a_thread_keeps_a_mebibyte_and_nothing_without_a_worker() {
        let kept = || KEPT.with(|kept| MOST_KEPT.saturating_sub(kept.room.get()));
        {
            let _keeping = Keeping::begin();
            let blocks: Vec<_> = (0..20_000).map(|_| new::<Large>([1; 13])).collect();
            for block in blocks {
                end(block);
            }
            assert!((MOST_KEPT - 104..=MOST_KEPT).contains(&kept()));
            let _inner = Keeping::begin();
        }
        assert_eq!(KEPT.with(|kept| kept.room.get()), 0);
        let block = new::<Large>([1; 13]);
        end(block);
        assert!(KEPT.with(|kept| kept.lists.iter().all(|list| list.get().is_null())));
    }

    #[test]
    fn a_block_may_be_freed_by_any_thread() {
        let _keeping = Keeping::begin();
        let block = new::<Large>([3; 13]).as_ptr().expose_provenance();
        let thread = std::thread::spawn(move || {
            let _keeping = Keeping::begin();
            let block = NonNull::new(ptr::with_exposed_provenance_mut::<Large>(block));
            end(block.expect("it came from a block"));
        });
        thread.join().expect("no panic");
    }
}
