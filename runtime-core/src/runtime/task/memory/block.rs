//! A block for one value: from a slab, or an allocation of its own.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use super::class::{ALIGNMENT, class_of, size_of_class};
use super::kept;

/// Where a block comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It is an allocation of its own.
    Allocator,
    /// It is a part of a slab.
    Slab,
}

/// Allocates a block for a `T`, which is not in it yet.
#[inline(always)]
pub(crate) fn allocate<T>() -> (NonNull<T>, Origin) {
    const { assert!(size_of::<T>() > 0, "a block has a size") };
    let (block, origin) = match const { class_of(Layout::new::<T>()) } {
        Some(class) => match kept::take(class) {
            Some(block) => (block, Origin::Slab),
            None => allocate_anew(class),
        },
        None => (
            allocate_alone(const { layout_of::<T>() }),
            Origin::Allocator,
        ),
    };
    (block.cast(), origin)
}

/// Allocates a block of a class of which this thread has none.
#[cold]
#[inline(never)]
fn allocate_anew(class: usize) -> (NonNull<u8>, Origin) {
    match kept::fetch(class) {
        Some(block) => (block, Origin::Slab),
        None => (allocate_alone(layout_of_class(class)), Origin::Allocator),
    }
}

/// Frees a block, without dropping what is in it.
///
/// # Safety
/// It came from `allocate::<T>`, with this origin, and is not used any more.
#[inline(always)]
pub(crate) unsafe fn free<T>(block: NonNull<T>, origin: Origin) {
    let block = block.cast();
    match (origin, const { class_of(Layout::new::<T>()) }) {
        // SAFETY: it came from the same class, and the caller gives it up.
        (Origin::Slab, Some(class)) => unsafe { kept::give_back(class, block) },
        // SAFETY: it was allocated with this layout: what has no class is never from a slab.
        _ => unsafe { dealloc(block.as_ptr(), const { layout_of::<T>() }) },
    }
}

/// The layout of a block that is an allocation of its own.
const fn layout_of<T>() -> Layout {
    let layout = Layout::new::<T>();
    match class_of(layout) {
        Some(class) => layout_of_class(class),
        None => layout,
    }
}

const fn layout_of_class(class: usize) -> Layout {
    match Layout::from_size_align(size_of_class(class), ALIGNMENT) {
        Ok(layout) => layout,
        Err(_) => panic!("a class has a small size, and the alignment is a power of two"),
    }
}

#[cold]
fn allocate_alone(layout: Layout) -> NonNull<u8> {
    // SAFETY: the size is not zero: `allocate` has asserted that.
    let block = unsafe { alloc(layout) };
    NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout))
}

#[cfg(all(test, not(asyncio_loom)))]
mod tests {
    use std::sync::mpsc::{self, TrySendError};

    use super::kept::Keeping;
    use super::*;

    type Large = [u64; 13];

    fn make<T>(value: T) -> (NonNull<T>, Origin) {
        let (block, origin) = allocate::<T>();
        // SAFETY: the block is new, and for a `T`.
        unsafe { block.write(value) };
        (block, origin)
    }

    fn end<T>((block, origin): (NonNull<T>, Origin)) {
        // SAFETY: each test ends the blocks that it has made, once, by their types.
        unsafe { free(block, origin) };
    }

    fn address<T>((block, _): (NonNull<T>, Origin)) -> usize {
        block.as_ptr().addr()
    }

    #[test]
    fn a_block_is_used_again_for_a_type_of_its_class() {
        let _keeping = Keeping::begin();
        let first = make::<Large>([7; 13]);
        let place = address(first);
        end(first);
        let other = make::<u64>(1);
        assert_ne!(address(other), place);
        let second = make::<[u32; 25]>([9; 25]);
        assert_eq!(address(second), place);
        end(second);
        end(other);
    }

    #[test]
    fn a_thread_without_a_worker_uses_the_allocator() {
        let block = make::<Large>([1; 13]);
        assert_eq!(block.1, Origin::Allocator);
        end(block);
        let keeping = Keeping::begin();
        let block = make::<Large>([1; 13]);
        assert_eq!(block.1, Origin::Slab);
        drop(keeping);
        end(block);
    }

    /// A block that another thread frees.
    struct Sent(NonNull<[u64; 20]>, Origin);

    // SAFETY: blocks belong to no thread.
    unsafe impl Send for Sent {}

    #[test]
    fn blocks_that_threads_exchange_are_each_in_one_hand() {
        let (to, ends): (Vec<_>, Vec<_>) = (0..4).map(|_| mpsc::sync_channel(1_000)).unzip();
        let threads: Vec<_> = ends
            .into_iter()
            .enumerate()
            .map(|(number, received)| {
                let to = to.clone();
                std::thread::spawn(move || exchange(number as u64, to, received))
            })
            .collect();
        drop(to);
        for thread in threads {
            thread.join().expect("no block was in two hands");
        }
    }

    /// Makes blocks, gives them to the threads in turn, and ends those that come here. Every other
    /// thread keeps blocks.
    fn exchange(number: u64, to: Vec<mpsc::SyncSender<Sent>>, received: mpsc::Receiver<Sent>) {
        let _keeping = (number % 2 == 0).then(Keeping::begin);
        let mut held = Vec::new();
        for round in 0..30_000 {
            let value = number * 1_000_000 + round;
            let (block, origin) = make([value; 20]);
            held.push(Sent(block, origin));
            if held.len() > 500 {
                let mut sent = held.swap_remove((value % 500) as usize);
                while let Err(TrySendError::Full(refused)) = to[round as usize % 4].try_send(sent) {
                    sent = refused;
                    received.try_iter().take(1_000).for_each(end_intact);
                    std::thread::yield_now();
                }
            }
        }
        drop(to);
        held.into_iter().chain(received).for_each(end_intact);
    }

    fn end_intact(Sent(block, origin): Sent) {
        // SAFETY: a value was written to it, and its sender does not use it any more.
        let value = unsafe { block.read() };
        assert!(value.iter().all(|word| *word == value[0]), "{value:?}");
        end((block, origin));
    }
}
