//! The size classes of blocks.

use std::alloc::Layout;
use std::ptr::NonNull;

use crate::sync::IS_MODEL;

/// Sizes are rounded up to a multiple of this. Wider classes would waste more: the smallest task
/// has 104 bytes.
const GRAIN: usize = 8;

/// The strictest alignment of a block. The size of a type is a multiple of its alignment; so the
/// blocks of its class lie at multiples of it, if the first one does.
pub(super) const ALIGNMENT: usize = 16;

/// How many size classes there are: up to a kibibyte.
pub(super) const CLASSES: usize = 128;

/// A block that is not in use. Its first word points to the next one of its class.
pub(super) struct Free {
    pub(super) next: Option<NonNull<Free>>,
}

/// The size class of a type. `None` if its blocks are allocations of their own.
pub(super) const fn class_of(layout: Layout) -> Option<usize> {
    let class = layout.size().div_ceil(GRAIN);
    if IS_MODEL || layout.align() > ALIGNMENT || class == 0 || class > CLASSES {
        return None;
    }
    Some(class - 1)
}

/// The size of the blocks of a class.
pub(super) const fn size_of_class(class: usize) -> usize {
    (class + 1) * GRAIN
}

const _: () = assert!(
    size_of::<Free>() <= size_of_class(0),
    "a block has room for a word"
);

#[cfg(test)]
mod tests {
    use super::*;

    fn size<T>() -> Option<usize> {
        class_of(Layout::new::<T>()).map(size_of_class)
    }

    #[test]
    fn a_block_is_as_large_as_its_type_up_to_eight_bytes() {
        assert_eq!(size::<[u64; 13]>(), Some(104));
        assert_eq!(size::<[u32; 25]>(), Some(104));
        assert_eq!(size::<u8>(), Some(8));
        assert_eq!(size::<u128>(), Some(16));
        assert_eq!(size::<[u8; 1024]>(), Some(1024));
    }

    #[test]
    fn large_types_and_those_with_a_strict_alignment_have_no_class() {
        #[repr(align(32))]
        struct Strict {
            _byte: u8,
        }
        assert_eq!(size::<[u8; 1025]>(), None);
        assert_eq!(size::<Strict>(), None);
        assert_eq!(size::<()>(), None);
    }
}
