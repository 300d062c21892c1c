//! Large vectors that are not in use: each thread keeps a few.
//!
//! A connection gives its buffers back whenever they are empty, so that idle ones keep little. A
//! busy one takes them again at once. From the system's allocator that costs page faults, because
//! it returns large pieces to the kernel.

use std::cell::RefCell;

use crate::sync::local;

/// How many vectors a thread keeps, and how large they may be.
const KEPT: usize = 8;
const MOST: usize = 256 << 10;

local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = RefCell::new(Vec::new())
}

/// An empty vector with room for so many bytes, and for twice as many at most: who receives a byte,
/// and then waits, must not keep the memory that somebody else has needed.
pub(super) fn take(room: usize) -> Vec<u8> {
    let spare = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        let fits = |vector: &Vec<u8>| (room..=2 * room).contains(&vector.capacity());
        let place = spare.iter().rposition(fits)?;
        Some(spare.swap_remove(place))
    });
    let vector = spare.ok().flatten();
    vector.unwrap_or_else(|| Vec::with_capacity(room))
}

/// Takes a vector that is not needed any more.
pub(super) fn give(mut vector: Vec<u8>) {
    if vector.capacity() > MOST {
        return;
    }
    vector.clear();
    // At the end of the thread nothing is kept.
    let _kept = SPARE.try_with(|spare| {
        let mut spare = spare.borrow_mut();
        if spare.len() == KEPT {
            // What nobody has taken for the longest time, or nearly so.
            spare.remove(0);
        }
        spare.push(vector);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_taken_again() {
        let vector = take(100_000);
        let before = vector.as_ptr();
        give(vector);
        let again = take(50_000);
        assert_eq!(again.as_ptr(), before);
        assert!(again.is_empty());
    }

    #[test]
    fn who_needs_little_gets_nothing_large() {
        give(Vec::with_capacity(MOST));
        assert!(take(4_096).capacity() <= 8_192);
        assert!(take(MOST).capacity() >= MOST);
    }

    #[test]
    fn a_thread_keeps_a_few_that_are_not_too_large() {
        give(Vec::with_capacity(MOST + 1));
        for _ in 0..2 * KEPT {
            give(Vec::with_capacity(MOST));
        }
        assert_eq!(SPARE.with(|spare| spare.borrow().len()), KEPT);
    }
}
