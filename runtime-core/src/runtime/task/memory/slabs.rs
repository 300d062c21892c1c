//! Slabs: pieces of memory that are cut into blocks of one class, for all threads.
//!
//! A slab has a header, and then its blocks. Its address is a multiple of its span, so a block's
//! address tells the slab. For each class there is a *depot*: the list of the slabs that have room,
//! which are blocks that have come back, or that were never given out.
//!
//! **M2** What a slab's header says, and the links of the blocks that are in it, is touched only
//! under the lock of its class's depot; or, when it is free, under that of the free slabs, or by
//! the thread that has taken it off every list. `out` counts the blocks that are given out; they
//! belong to who has taken them, until they come back. A slab is on the list of its depot if and
//! only if it has room, and leaves it for good when all its blocks have come back. The pointer to a
//! block is derived from that to its slab, and may be used for all of it.
//!
//! **Memory goes back to the allocator.** A slab whose blocks have all come back is free, for any
//! class. While any worker runs, up to [`MOST_FREE`] of them are kept: a program that makes and
//! ends the same number of tasks again and again would otherwise allocate its slabs each time.
//!
//! **The global allocator** may be the user's. It is called while no lock is held, and by `kept`
//! when its lists are in order.
//!
//! **Nobody waits for long** (`tried`). Who does not get a lock does without: a block comes from
//! the global allocator then, or is kept, and a slab goes back there.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

use super::class::{ALIGNMENT, CLASSES, Free, size_of_class};
use super::tried::Tried;
use crate::sync::atomic::Ordering;
use crate::sync::{IS_MODEL, StdAtomicU64};

/// The alignment of slabs. It is the distance between two of them, if the allocator lays them side
/// by side.
const SPAN: usize = 1 << 15;

/// The size of a slab: less than the span by what glibc keeps beside an allocation, which then lays
/// slabs side by side. With another size it would leave room for one between each two.
const SIZE: usize = SPAN - 16;

/// How many free slabs are kept while workers run.
const MOST_FREE: usize = 64;

const LAYOUT: Layout = match Layout::from_size_align(SIZE, SPAN) {
    Ok(layout) => layout,
    Err(_) => panic!("the span of a slab is a power of two"),
};

/// Blocks of one class that are linked, from the first to the last.
pub(super) struct Chain {
    pub(super) first: NonNull<Free>,
    pub(super) last: NonNull<Free>,
    pub(super) count: usize,
}

/// The beginning of a slab.
#[repr(C, align(16))]
struct Slab {
    /// The first block that has come back.
    returned: Option<NonNull<Free>>,
    /// Where the blocks begin that were never given out, in bytes from the slab's beginning.
    fresh: usize,
    /// How many blocks are given out.
    out: usize,
    /// The neighbours on the depot's list. On the list of free slabs, only the next one.
    previous: Option<SlabPointer>,
    next: Option<SlabPointer>,
}

/// A pointer to all of a slab, not only to its header.
type SlabPointer = NonNull<Slab>;

const _: () = assert!(align_of::<Slab>() == ALIGNMENT);

/// The slabs of one class that have room.
struct Depot {
    first: Option<SlabPointer>,
}

/// Slabs of which no block is given out, and that belong to no class.
struct FreeSlabs {
    first: Option<SlabPointer>,
    count: usize,
}

// SAFETY: M2: slabs belong to no thread.
unsafe impl Send for Depot {}

// SAFETY: as above.
unsafe impl Send for FreeSlabs {}

static DEPOTS: [Tried<Depot>; CLASSES] = [const { Tried::new(Depot::NEW) }; CLASSES];

static FREE: Tried<FreeSlabs> = Tried::new(FreeSlabs {
    first: None,
    count: 0,
});

/// How many threads keep blocks.
static KEEPERS: StdAtomicU64 = StdAtomicU64::new(0);

/// A thread begins to keep blocks.
pub(super) fn arrive() {
    KEEPERS.fetch_add(1, Ordering::Relaxed);
}

/// A thread has stopped keeping blocks, and has given them back. The last one gives the free slabs
/// to the allocator. (One that arrives meanwhile makes new ones.)
pub(super) fn depart() {
    if KEEPERS.fetch_sub(1, Ordering::Relaxed) == 1 && !IS_MODEL {
        while let Some(slab) = take_free() {
            // SAFETY: it is on no list any more.
            unsafe { deallocate(slab) };
        }
    }
}

/// Takes up to `most` blocks, at least one. `None` if that would have to wait for too long.
pub(super) fn take(class: usize, most: usize) -> Option<Chain> {
    let depot = &DEPOTS[class];
    let taken = depot.lock()?.take(class, most);
    if taken.is_some() {
        return taken;
    }
    let slab = new();
    let Some(mut depot) = depot.lock() else {
        // SAFETY: it is new.
        unsafe { free(slab) };
        return None;
    };
    // SAFETY: as above.
    unsafe { depot.link(slab) };
    depot.take(class, most)
}

/// What `put_back` has left.
pub(super) struct Rest {
    pub(super) first: Option<NonNull<Free>>,
    /// How many blocks were put back.
    pub(super) count: usize,
    /// Calls the global allocator when it is dropped.
    pub(super) emptied: Emptied,
}

/// Slabs that are on no list, and of which no block is given out. They are freed when this is
/// dropped.
#[must_use = "the allocator may be the user's, and is called where this is dropped"]
pub(super) struct Emptied(Option<SlabPointer>);

/// Gives linked blocks back, `most` of them, from `first` on. `None` if that would have to wait for
/// too long.
///
/// # Safety
/// The blocks were taken for this class, and are not used any more.
pub(super) unsafe fn put_back(class: usize, first: NonNull<Free>, most: usize) -> Option<Rest> {
    let mut depot = DEPOTS[class].lock()?;
    let (mut next, mut count, mut emptied) = (Some(first), 0, Emptied(None));
    while let Some(block) = next.filter(|_| count < most) {
        // SAFETY: the caller's blocks are linked to each other.
        next = unsafe { block.as_ref() }.next;
        // SAFETY: the caller's promise.
        unsafe { depot.put_back(class, block, &mut emptied) };
        count += 1;
    }
    Some(Rest {
        first: next,
        count,
        emptied,
    })
}

impl Drop for Emptied {
    fn drop(&mut self) {
        while let Some(slab) = self.0 {
            // SAFETY: M2: this thread has taken it off every list.
            self.0 = unsafe { header(slab) }.next;
            // SAFETY: as above.
            unsafe { free(slab) };
        }
    }
}

impl Depot {
    const NEW: Depot = Depot { first: None };

    /// Takes up to `most` blocks. `None` if no slab has room.
    fn take(&mut self, class: usize, most: usize) -> Option<Chain> {
        let mut chain: Option<Chain> = None;
        while let Some(slab) = self.first {
            let count = chain.as_ref().map_or(0, |chain| chain.count);
            if count == most {
                break;
            }
            // SAFETY: M2: the slab is on the list, so it is alive and has room.
            let taken = unsafe { take_from(slab, class, most - count) };
            // SAFETY: as above.
            if !unsafe { header(slab) }.has_room(class) {
                // SAFETY: as above.
                unsafe { self.unlink(slab) };
            }
            chain = Some(match chain {
                // SAFETY: both chains are in nobody's use yet.
                Some(before) => unsafe { before.then(taken) },
                None => taken,
            });
        }
        chain
    }

    /// # Safety
    /// The block was taken from a slab of this class, and is not used any more.
    unsafe fn put_back(&mut self, class: usize, mut block: NonNull<Free>, emptied: &mut Emptied) {
        // SAFETY: the caller's promise.
        let slab = unsafe { slab_of(block) };
        // SAFETY: M2: a slab lives while a block of it is given out.
        let header = unsafe { header(slab) };
        let had_room = header.has_room(class);
        let next = header.returned.replace(block);
        header.out -= 1;
        let is_free = header.out == 0;
        // SAFETY: the caller gives the block up.
        unsafe { block.as_mut() }.next = next;
        match (had_room, is_free) {
            // SAFETY: M2: with room it was on the list, without it was not.
            (true, true) => unsafe { self.unlink(slab) },
            // SAFETY: as above.
            (false, false) => unsafe { self.link(slab) },
            _ => {}
        }
        if is_free {
            // SAFETY: as above: now it is on no list.
            let header = unsafe { self::header(slab) };
            header.next = emptied.0.replace(slab);
        }
    }

    /// # Safety
    /// The slab is alive, belongs to this class, and is not on the list.
    unsafe fn link(&mut self, slab: SlabPointer) {
        if let Some(neighbour) = self.first {
            // SAFETY: M2: what is on the list is alive.
            unsafe { header(neighbour) }.previous = Some(slab);
        }
        // SAFETY: the caller's promise.
        let header = unsafe { header(slab) };
        header.previous = None;
        header.next = self.first.replace(slab);
    }

    /// # Safety
    /// The slab is on the list.
    unsafe fn unlink(&mut self, slab: SlabPointer) {
        // SAFETY: M2: what is on the list is alive.
        let Slab { previous, next, .. } = *unsafe { header(slab) };
        match previous {
            // SAFETY: as above.
            Some(previous) => unsafe { header(previous) }.next = next,
            None => self.first = next,
        }
        if let Some(next) = next {
            // SAFETY: as above.
            unsafe { header(next) }.previous = previous;
        }
    }
}

impl Chain {
    /// # Safety
    /// The blocks of both chains are in nobody's use.
    unsafe fn then(self, other: Chain) -> Chain {
        let next = Some(other.first);
        // SAFETY: the caller's promise.
        unsafe { self.last.write(Free { next }) };
        Chain {
            first: self.first,
            last: other.last,
            count: self.count + other.count,
        }
    }
}

impl Slab {
    fn has_room(&self, class: usize) -> bool {
        self.returned.is_some() || self.fresh + size_of_class(class) <= SIZE
    }
}

/// # Safety
/// The slab is alive. The lock of its class is held, or that of the free slabs if it is there; or
/// it is on no list, and this thread's. The result is used no more when this is called for the same
/// slab again.
unsafe fn header<'a>(mut slab: SlabPointer) -> &'a mut Slab {
    // SAFETY: the caller's promise.
    unsafe { slab.as_mut() }
}

/// The slab of a block.
///
/// # Safety
/// The block is in a slab, and its pointer was derived from that of the slab.
unsafe fn slab_of(block: NonNull<Free>) -> SlabPointer {
    let offset = block.addr().get() & (SPAN - 1);
    // SAFETY: the slab begins there: its address is a multiple of its span.
    unsafe { block.byte_sub(offset) }.cast()
}

/// Links up to `most` blocks of a slab, and counts them as given out.
///
/// # Safety
/// The slab is alive and has room, and the lock of its class is held.
unsafe fn take_from(slab: SlabPointer, class: usize, most: usize) -> Chain {
    // SAFETY: the caller's promise.
    let header = unsafe { header(slab) };
    // What has come back is linked already.
    let (mut first, mut last) = (header.returned, None::<NonNull<Free>>);
    let mut count = 0;
    while let Some(block) = header.returned.filter(|_| count < most) {
        // SAFETY: M2: what has come back is in nobody's use.
        header.returned = unsafe { block.as_ref() }.next;
        last = Some(block);
        count += 1;
    }
    let size = size_of_class(class);
    while count < most && header.fresh + size <= SIZE {
        // SAFETY: what is fresh is within the slab.
        let block = unsafe { slab.byte_add(header.fresh) }.cast::<Free>();
        header.fresh += size;
        match last {
            // SAFETY: it is in nobody's use yet.
            Some(last) => unsafe { last.write(Free { next: Some(block) }) },
            None => first = Some(block),
        }
        last = Some(block);
        count += 1;
    }
    header.out += count;
    let (first, last) = first.zip(last).expect("the slab has room");
    // SAFETY: as above.
    unsafe { last.write(Free { next: None }) };
    Chain { first, last, count }
}

/// Returns a slab that is on no list, for any class.
fn new() -> SlabPointer {
    let slab = take_free().unwrap_or_else(allocate);
    let header = Slab {
        returned: None,
        fresh: size_of::<Slab>(),
        out: 0,
        previous: None,
        next: None,
    };
    // SAFETY: it is nobody else's, larger than a header, and aligned for it.
    unsafe { slab.write(header) };
    slab
}

/// Keeps a slab for any class, or gives it to the allocator.
///
/// # Safety
/// The slab is alive, on no list, and none of its blocks is given out.
unsafe fn free(slab: SlabPointer) {
    // Relaxed: what is kept although no worker runs any more is kept until one has run.
    let may_keep = KEEPERS.load(Ordering::Relaxed) > 0;
    if let Some(mut free) = may_keep.then(|| FREE.lock()).flatten() {
        if free.count < MOST_FREE {
            // SAFETY: the caller's promise.
            unsafe { header(slab) }.next = free.first.replace(slab);
            free.count += 1;
            return;
        }
    }
    // SAFETY: the caller's promise.
    unsafe { deallocate(slab) };
}

fn take_free() -> Option<SlabPointer> {
    let mut free = FREE.lock()?;
    let slab = free.first?;
    // SAFETY: what is on this list is alive.
    free.first = unsafe { header(slab) }.next;
    free.count -= 1;
    Some(slab)
}

#[cold]
fn allocate() -> SlabPointer {
    // SAFETY: the size is not zero.
    let slab = unsafe { alloc(LAYOUT) };
    NonNull::new(slab.cast()).unwrap_or_else(|| handle_alloc_error(LAYOUT))
}

/// # Safety
/// As for `free`.
unsafe fn deallocate(slab: SlabPointer) {
    // SAFETY: `allocate` made it with this layout.
    unsafe { dealloc(slab.as_ptr().cast(), LAYOUT) };
}

#[cfg(all(test, not(asyncio_loom)))]
mod tests {
    use super::*;

    fn blocks(chain: Chain) -> Vec<NonNull<Free>> {
        // SAFETY: the chain's blocks are linked, and in nobody's use.
        let next = |block: &NonNull<Free>| unsafe { block.as_ref() }.next;
        let blocks: Vec<_> = std::iter::successors(Some(chain.first), next).collect();
        assert_eq!(blocks.len(), chain.count);
        blocks
    }

    /// Takes as many blocks as so many slabs have.
    fn take_slabs(depot: &mut Depot, class: usize, slabs: usize) -> Vec<NonNull<Free>> {
        let count = slabs * ((SIZE - size_of::<Slab>()) / size_of_class(class));
        let mut taken = Vec::new();
        while taken.len() < count {
            let most = (count - taken.len()).min(7);
            if depot.first.is_none() {
                // SAFETY: it is new.
                unsafe { depot.link(new()) };
            }
            taken.extend(blocks(depot.take(class, most).expect("a slab has room")));
        }
        taken
    }

    fn put_back(depot: &mut Depot, class: usize, taken: Vec<NonNull<Free>>) {
        let mut emptied = Emptied(None);
        for block in taken {
            // SAFETY: each block was taken from this depot, and is put back once.
            unsafe { depot.put_back(class, block, &mut emptied) };
        }
    }

    #[test]
    fn blocks_are_apart_and_aligned() {
        for class in [0, 12, 13, 127] {
            let mut depot = Depot::NEW;
            let taken = take_slabs(&mut depot, class, 2);
            assert!(depot.first.is_none(), "there are more than two slabs");
            let size = size_of_class(class);
            let alignment = if size % 16 == 0 { 16 } else { 8 };
            let mut places: Vec<_> = taken.iter().map(|block| block.addr().get()).collect();
            places.sort_unstable();
            assert!(places.iter().all(|place| place % alignment == 0));
            assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= size));
            put_back(&mut depot, class, taken);
            assert!(depot.first.is_none(), "a slab is left that is empty");
        }
    }

    #[test]
    fn what_has_come_back_is_given_out_again() {
        const CLASS: usize = 127;
        let mut depot = Depot::NEW;
        let mut taken = take_slabs(&mut depot, CLASS, 10);
        let last = taken.split_off(1);
        // All slabs but one are free now, and that one is taken from next.
        put_back(&mut depot, CLASS, last);
        let again = take_slabs(&mut depot, CLASS, 1);
        assert!(!again.contains(&taken[0]));
        let slab = |block: &NonNull<Free>| block.addr().get() / SPAN;
        assert!(again.iter().any(|block| slab(block) == slab(&taken[0])));
        put_back(&mut depot, CLASS, again);
        put_back(&mut depot, CLASS, taken);
        assert!(depot.first.is_none(), "a slab is left that is empty");
    }

    #[test]
    fn who_does_not_get_the_lock_does_without() {
        const CLASS: usize = 126;
        let chain = take(CLASS, 3).expect("nobody else uses this class");
        let locked = DEPOTS[CLASS].lock().expect("as above");
        let waiter = std::thread::spawn(|| take(CLASS, 1).is_none());
        assert!(waiter.join().expect("no panic"));
        // SAFETY: it was taken above.
        assert!(unsafe { super::put_back(CLASS, chain.first, 3) }.is_none());
        drop(locked);
        // SAFETY: as above.
        let rest = unsafe { super::put_back(CLASS, chain.first, 2) }.expect("nobody has the lock");
        let first = rest.first.expect("three blocks were taken");
        // SAFETY: as above.
        let rest = unsafe { super::put_back(CLASS, first, 2) }.expect("as above");
        assert!(rest.first.is_none() && rest.count == 1);
    }
}
