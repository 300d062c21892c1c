//! How much may be pending until a writer has to wait, and may go on.

/// asyncio's marks for sockets and pipes.
const HIGH: usize = 64 << 10;

/// asyncio's high mark under TLS.
const HIGH_SECURE: usize = 512 << 10;

/// The two marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Watermarks {
    high: usize,
    low: usize,
    chosen: bool,
}

impl Default for Watermarks {
    fn default() -> Watermarks {
        Watermarks {
            high: HIGH,
            low: HIGH / 4,
            chosen: false,
        }
    }
}

impl Watermarks {
    /// The marks that a user has chosen; for what is left open, asyncio's.
    ///
    /// # Panics
    /// The low mark is above the high one.
    #[track_caller]
    pub(super) fn chosen(high: Option<usize>, low: Option<usize>) -> Watermarks {
        let high = high.unwrap_or_else(|| low.map_or(HIGH, |low| low.saturating_mul(4)));
        let low = low.unwrap_or(high / 4);
        assert!(
            low <= high,
            "high ({high}) must be >= low ({low}) must be >= 0"
        );
        Watermarks {
            high,
            low,
            chosen: true,
        }
    }

    /// The connection is encrypted from now on.
    pub(super) fn secure(&mut self) {
        if !self.chosen {
            self.high = HIGH_SECURE;
            self.low = HIGH_SECURE / 4;
        }
    }

    pub(super) fn high(&self) -> usize {
        self.high
    }

    pub(super) fn low(&self) -> usize {
        self.low
    }
}
