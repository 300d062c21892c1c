//! The key under which a source is registered with a poller.

/// How many bits the index of a slot has, and the generation of the slot. The rest is the index of
/// the poller.
const INDEX_BITS: u32 = usize::BITS / 2;
const GENERATION_BITS: u32 = usize::BITS / 2 - usize::BITS / 8;

/// The last keys are the poller's own, and those of another poller than the first.
const POLLER: usize = 0;

/// An index of a slot, and the slot's generation when the source was put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(super) index: usize,
    pub(super) generation: usize,
}

impl Key {
    /// How many slots there may be.
    pub(super) const SLOTS: usize = 1 << INDEX_BITS;

    /// The generation that follows.
    pub(super) fn next_generation(generation: usize) -> usize {
        (generation + 1) % (1 << GENERATION_BITS)
    }

    /// The key as a poller has it.
    pub(crate) fn to_word(self) -> usize {
        self.index | self.generation << INDEX_BITS | POLLER << (INDEX_BITS + GENERATION_BITS)
    }

    pub(crate) fn from_word(word: usize) -> Key {
        Key {
            index: word % Key::SLOTS,
            generation: (word >> INDEX_BITS) % (1 << GENERATION_BITS),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_word() {
        let last = (1 << GENERATION_BITS) - 1;
        for index in [0, 1, Key::SLOTS - 1] {
            for generation in [0, 1, last] {
                let key = Key { index, generation };
                assert_eq!(Key::from_word(key.to_word()), key);
                assert!(key.to_word() < usize::MAX - 2, "the poller's own keys");
            }
        }
        assert_eq!(Key::next_generation(last), 0);
    }
}
