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

/// How long a quiet batch may take before thieves are notified after all.
const TIME: Duration = Duration::from_micros(100);

/// After how many turns the time is looked at, beside the first few.
const TURNS_BETWEEN_LOOKS: u32 = 8;

/// Counts the turns in which thieves are not notified.
#[derive(Debug)]
pub(crate) struct QuietBatch {
    /// How many quiet turns are left.
    turns: usize,
    /// How many there have been.
    done: u32,
    since: Instant,
}

/// A quiet batch that takes longer than it may.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooLong {
    pub(crate) turns: u32,
    pub(crate) took: Duration,
}

impl QuietBatch {
    pub(crate) fn new() -> QuietBatch {
        QuietBatch {
            turns: 0,
            done: 0,
            since: Instant::now(),
        }
    }

    /// So many tasks are about to be woken together, on a worker that has nothing else to do. True
    /// if they are few enough for a quiet batch.
    pub(crate) fn begin(&mut self, tasks: usize) -> bool {
        self.turns = 0;
        if tasks > 0 {
            self.since = Instant::now();
            self.done = 0;
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

    /// The worker has looked at the clock: ends a batch that takes too long.
    pub(crate) fn end_if_long(&mut self, now: Instant) {
        if now.saturating_duration_since(self.since) > TIME {
            self.turns = 0;
        }
    }

    /// Counts a turn. Reports it if the batch takes too long, and ends it. `waits`: whether more
    /// waits than the worker runs next; if not, the time does not matter.
    #[inline]
    pub(crate) fn end_turn(&mut self, waits: impl FnOnce() -> bool) -> Option<TooLong> {
        self.turns -= 1;
        self.done += 1;
        let turns = self.done;
        let looks = turns.is_power_of_two() || turns % TURNS_BETWEEN_LOOKS == 0;
        if !looks || !waits() {
            return None;
        }
        let took = self.since.elapsed();
        (took > TIME).then(|| {
            self.turns = 0;
            TooLong { turns, took }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun_before(tasks: usize, time: Duration) -> QuietBatch {
        let mut batch = QuietBatch::new();
        assert!(batch.begin(tasks));
        batch.since -= time;
        batch
    }

    #[test]
    fn a_batch_ends_after_its_turns_or_its_time() {
        let mut batch = begun_before(3, Duration::ZERO);
        batch.since += Duration::from_secs(60);
        for left in (0..6).rev() {
            assert!(batch.end_turn(|| true).is_none());
            assert_eq!(batch.is_over(), left == 0);
        }
        let mut batch = begun_before(3, 2 * TIME);
        let too_long = batch
            .end_turn(|| true)
            .expect("the first turn looks at the clock");
        assert!(too_long.turns == 1 && too_long.took > TIME && batch.is_over());
    }

    #[test]
    fn what_comes_meanwhile_does_not_make_a_batch_longer_than_its_time() {
        let mut batch = begun_before(2, TIME);
        let looks = (0..100).take_while(|_| {
            batch.end_if_long(Instant::now());
            let quiet = batch.extend(1);
            quiet && batch.end_turn(|| true).is_none()
        });
        assert_eq!(looks.count(), 0, "the batch goes on after its time");
        assert!(!batch.extend(1), "a batch that is over begins anew");
    }

    #[test]
    fn a_batch_has_a_limit_also_in_parts() {
        let mut batch = begun_before(MOST, Duration::ZERO);
        assert!(!batch.extend(1) && batch.is_over());
        assert!(!QuietBatch::new().begin(MOST + 1));
    }
}
