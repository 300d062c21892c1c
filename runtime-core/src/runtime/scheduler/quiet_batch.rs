//! A batch of tasks that events or timers have woken together.
//!
//! Up to so many wake no other worker at first: most tasks that slept run for a short time and
//! sleep again, and have done so before another worker would be awake. (A task that runs for long
//! is found by the monitor.)
//!
//! What comes while such a batch is run belongs to it, and does not make it longer than 100 µs: a
//! worker that events keep busy gets help. Its next batch begins when it has had nothing to do.

use std::time::{Duration, Instant};

/// How many tasks a quiet batch has at most.
const MOST: usize = 256;

/// How long a quiet batch may take before thieves are notified after all, and after how many turns
/// that is checked.
const TIME: Duration = Duration::from_micros(100);
const TURNS_BETWEEN_LOOKS: usize = 16;

/// Counts the turns in which thieves are not notified.
#[derive(Debug)]
pub(crate) struct QuietBatch {
    turns: usize,
    since: Instant,
}

impl QuietBatch {
    pub(crate) fn new() -> QuietBatch {
        QuietBatch {
            turns: 0,
            since: Instant::now(),
        }
    }

    /// So many tasks are about to be woken together, on a worker that has nothing else to do. True
    /// if they are few enough for a quiet batch.
    pub(crate) fn begin(&mut self, tasks: usize) -> bool {
        self.turns = 0;
        if tasks > 0 {
            self.since = Instant::now();
        }
        self.add(tasks)
    }

    /// So many tasks are about to be woken together, on a worker that is busy. True if they belong
    /// to a quiet batch.
    pub(crate) fn extend(&mut self, tasks: usize) -> bool {
        !self.is_over() && self.add(tasks)
    }

    fn add(&mut self, tasks: usize) -> bool {
        // Each of them may wake one more: who waits for it.
        let turns = self.turns + 2 * tasks;
        let few = turns <= 2 * MOST;
        self.turns = if few { turns } else { 0 };
        few
    }

    /// Whether thieves are notified.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        self.turns == 0
    }

    /// Counts a turn.
    pub(crate) fn end_turn(&mut self) {
        self.turns -= 1;
        let looks = self.turns % TURNS_BETWEEN_LOOKS == 0;
        if looks && self.since.elapsed() > TIME {
            self.turns = 0;
        }
    }
}
