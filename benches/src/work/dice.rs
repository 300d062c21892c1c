//! Pseudo-random delays that are the same in every run and for every runtime.

use std::time::Duration;

/// A sequence of delays fixed by its seed (Marsaglia's xorshift, 64 bits).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        // Never zero, the only state of xorshift that does not change.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A delay from `shortest` up to, not including, `longest`.
    pub(crate) fn delay(&mut self, shortest: Duration, longest: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let span = (longest - shortest).as_micros() as u64;
        shortest + Duration::from_micros(self.0 % span)
    }
}
