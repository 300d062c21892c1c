//! The choices of a scheduler: pseudo-random numbers, or none, where nothing else decides.
//!
//! In a usual loop the only choice is which worker a thief visits first. In the **deterministic
//! mode** one thread turns all the workers of a loop, and everything that chance decides otherwise
//! is drawn from one seed: which worker turns next, what it takes, where a woken task is put, and
//! in which order timers of one instant fire. So a schedule is a function of the seed.
//!
//! A turn that finds nothing to do draws nothing: the number of such turns depends on what wakes
//! the thread, which the seed does not determine.
//!
//! With a single worker there is nothing to choose, and the order is asyncio's: everything that is
//! ready (the root, local tasks, all other tasks and callbacks) is in one queue, first in, first
//! out.

use std::cell::Cell;

/// How much of a schedule is left to choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SchedulingPolicy {
    /// A thief chooses which worker it visits first. All else follows from timing.
    Stealing,
    /// Nothing is chosen: there is one queue, first in, first out.
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

/// The constants of FNV-1a, which gives the same hash on every machine.
const HASH_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const HASH_PRIME: u64 = 0x0100_0000_01b3;

impl Choices {
    /// The choices of a worker in a usual loop.
    pub(crate) fn stealing(worker: usize) -> Choices {
        Choices::new(worker as u64, SchedulingPolicy::Stealing)
    }

    /// The choices of a loop with `workers` workers on one thread.
    pub(crate) fn seeded(seed: u64, workers: usize) -> Choices {
        let policy = match workers {
            1 => SchedulingPolicy::Fifo,
            _ => SchedulingPolicy::Random,
        };
        Choices::new(seed, policy)
    }

    fn new(seed: u64, policy: SchedulingPolicy) -> Choices {
        // Mixed by splitmix64, so that neighbouring seeds give unrelated streams.
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

    /// The current place in the stream.
    pub(crate) fn position(&self) -> Position {
        Position(self.state.get())
    }

    /// Goes back to `position`: what was drawn since has decided nothing.
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

    /// A number below `count`. Zero, the usual way, if the policy leaves no choice.
    #[inline]
    pub(crate) fn one_of(&self, count: usize) -> usize {
        if self.policy == SchedulingPolicy::Random {
            self.any() % count
        } else {
            0
        }
    }

    /// Brings `values` into any order, if the policy leaves a choice.
    pub(crate) fn shuffle<T>(&self, values: &mut [T]) {
        if self.policy == SchedulingPolicy::Random {
            for last in (1..values.len()).rev() {
                values.swap(last, self.any() % (last + 1));
            }
        }
    }

    /// Notes that `worker` polls `task`, and returns the hash of the schedule so far.
    pub(crate) fn record(&self, worker: usize, task: u64) -> u64 {
        let step = |hash: u64, word: u64| (hash ^ word).wrapping_mul(HASH_PRIME);
        let schedule = step(step(self.schedule.get(), worker as u64), task);
        self.schedule.set(schedule);
        schedule
    }
}
