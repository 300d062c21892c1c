//! The limit of a reader.

/// How many bytes there may be before a separator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit(usize);

impl Limit {
    /// A limit that a user has chosen.
    ///
    /// # Panics
    /// It is 0.
    #[track_caller]
    pub(super) fn of(limit: usize) -> Limit {
        assert!(limit > 0, "Limit cannot be <= 0");
        Limit(limit)
    }

    pub(super) fn get(self) -> usize {
        self.0
    }
}

impl Default for Limit {
    /// asyncio's.
    fn default() -> Limit {
        Limit(64 << 10)
    }
}
