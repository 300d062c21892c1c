//! The choices of a scheduler: where nothing else decides, a number does.
//!
//! In a usual loop only thieves choose, whom to visit first. In the **deterministic mode** all the
//! workers of a loop are turned by one thread, and everything that chance decides elsewhere is
//! drawn from one seed: which worker turns next, what it takes, where what it wakes is put, in which
//! order timers of one instant fire. So a schedule is a function of the seed.
//!
//! A turn that finds nothing to do draws nothing: how many there are of those depends on what wakes
//! the thread, and that is not the seed's.
//!
//! With a single worker there is nothing to choose, and the order is asyncio's: everything that is
//! ready stands in one **line**, the root, local tasks, any other tasks and callbacks, first in, first
//! out.

use std::cell::Cell;

/// How much of a schedule is left to choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SchedulingPolicy {
    /// What thieves need.
    Stealing,
    /// None: one line.
    Fifo,
    /// Everything is drawn from a seed.
    Random,
}

/// A place in a stream of choices.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Position(u64);

/// A stream of choices. Not `Sync`: it belongs to one thread.
#[derive(Debug)]
pub(crate) struct Choices {
    state: Cell<u64>,
    policy: SchedulingPolicy,
    /// A hash of the schedule so far.
    schedule: Cell<u64>,
}

/// FNV-1a's, which any machine computes alike.
const HASH_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const HASH_PRIME: u64 = 0x0100_0000_01b3;

impl Choices {
    /// Those of a worker in a usual loop.
    pub(crate) fn stealing(worker: usize) -> Choices {
        Choices::new(worker as u64, SchedulingPolicy::Stealing)
    }

    /// Those of a loop of `workers` workers on one thread.
    pub(crate) fn seeded(seed: u64, workers: usize) -> Choices {
        let policy = match workers {
            1 => SchedulingPolicy::Fifo,
            _ => SchedulingPolicy::Random,
        };
        Choices::new(seed, policy)
    }

    fn new(seed: u64, policy: SchedulingPolicy) -> Choices {
        // Spread by splitmix64, so that neighbouring seeds have nothing in common.
        let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let state = Cell::new((state ^ (state >> 31)) | 1);
        Choices {
            state,
            policy,
            schedule: Cell::new(HASH_BASIS),
        }
    }

    #[inline]
    pub(crate) fn policy(&self) -> SchedulingPolicy {
        self.policy
    }

    /// Where the stream stands.
    pub(crate) fn position(&self) -> Position {
        Position(self.state.get())
    }

    /// Goes back: what was drawn since decided nothing.
    pub(crate) fn return_to(&self, position: Position) {
        self.state.set(position.0);
    }

    /// Any number.
    pub(crate) fn any(&self) -> usize {
        let mut state = self.state.get();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.state.set(state);
        (state >> 33) as usize
    }

    /// One of `count` ways; the first, the usual one, where there is no choice.
    #[inline]
    pub(crate) fn one_of(&self, count: usize) -> usize {
        if self.policy == SchedulingPolicy::Random {
            self.any() % count
        } else {
            0
        }
    }

    /// Brings `values` into any order.
    pub(crate) fn shuffle<T>(&self, values: &mut [T]) {
        if self.policy == SchedulingPolicy::Random {
            for last in (1..values.len()).rev() {
                values.swap(last, self.any() % (last + 1));
            }
        }
    }

    /// Notes that `worker` polls `task`, and returns the hash of the schedule up to here.
    pub(crate) fn record(&self, worker: usize, task: u64) -> u64 {
        let step = |hash: u64, word: u64| (hash ^ word).wrapping_mul(HASH_PRIME);
        let schedule = step(step(self.schedule.get(), worker as u64), task);
        self.schedule.set(schedule);
        schedule
    }
}
