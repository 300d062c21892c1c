//! Random walks: futures that are polled, left alone and dropped in any order, held against a count
//! of what each of them must have.

use std::cell::Cell;
use std::pin::Pin;

use asyncio::{Condition, Lock, Semaphore, checkpoint};

use super::*;

/// A pseudo-random generator.
struct Dice(u64);

impl Dice {
    /// Those of the next walk.
    fn of(walks: &Cell<u64>) -> Dice {
        walks.set(walks.get() + 1);
        Dice(walks.get().wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

type Waits<'a> = Vec<Pin<Box<dyn Future<Output = ()> + Send + 'a>>>;

/// Polls each future of which `chosen` approves, and takes out those that have ended. Returns how
/// many these are.
async fn poll_some(waits: &mut Waits<'_>, mut chosen: impl FnMut() -> bool) -> usize {
    let before = waits.len();
    let mut rest = Vec::new();
    for mut wait in waits.drain(..) {
        if !chosen() || poll_once(&mut wait).await.is_pending() {
            rest.push(wait);
        }
    }
    *waits = rest;
    before - waits.len()
}

const STEPS: usize = 60;
/// In so many polls everything that can end has ended.
const ENOUGH: usize = 20;

/// CO-3: as many waits end as there were notifications for somebody who waited: none is lost, and
/// none is doubled, whoever is left alone, dropped, or finds the lock taken.
#[test]
fn a_condition_lets_go_as_many_as_were_notified() {
    let walks = Cell::new(0);
    under_seeds(2, async || {
        for _ in 0..5 {
            let mut dice = Dice::of(&walks);
            let (lock, condition) = (Lock::new(()), Condition::new());
            let mut waits: Waits<'_> = Vec::new();
            let (mut guard, mut owed) = (None, 0);
            for _ in 0..STEPS {
                match dice.below(8) {
                    0 | 1 if guard.is_none() => {
                        if let Some(held) = lock.try_acquire() {
                            let mut wait = Box::pin(condition.wait(held));
                            assert!(poll_once(&mut wait).await.is_pending());
                            waits.push(Box::pin(async { drop(wait.await) }));
                        }
                    }
                    2 | 3 => {
                        let count = 1 + dice.below(2);
                        condition.notify(count);
                        owed = waits.len().min(owed + count);
                    }
                    4 if !waits.is_empty() => {
                        drop(waits.swap_remove(dice.below(waits.len())));
                        owed = owed.min(waits.len());
                    }
                    5 => guard = lock.try_acquire(),
                    6 => guard = None,
                    _ => {
                        let ended = poll_some(&mut waits, || dice.below(3) == 0).await;
                        owed = owed.checked_sub(ended).expect("a wait has ended too early");
                    }
                }
                if dice.below(2) == 0 {
                    checkpoint().await;
                }
            }
            drop(guard);
            for _ in 0..ENOUGH {
                owed -= poll_some(&mut waits, || true).await;
                checkpoint().await;
            }
            assert_eq!(owed, 0, "a notification is lost");
            condition.notify_all();
            for _ in 0..ENOUGH {
                poll_some(&mut waits, || true).await;
                checkpoint().await;
            }
            assert!(waits.is_empty(), "one has missed that all were notified");
        }
    });
}

/// SE-3: as many waits end as there were permits.
#[test]
fn a_semaphore_lets_go_as_many_as_there_are_permits() {
    let walks = Cell::new(0);
    under_seeds(2, async || {
        for _ in 0..5 {
            let mut dice = Dice::of(&walks);
            let semaphore = Semaphore::new(0);
            let mut waits: Waits<'_> = Vec::new();
            let mut free = 0;
            for _ in 0..STEPS {
                match dice.below(6) {
                    0 | 1 => waits.push(Box::pin(async { semaphore.acquire().await.forget() })),
                    2 => {
                        semaphore.release();
                        free += 1;
                    }
                    3 if !waits.is_empty() => drop(waits.swap_remove(dice.below(waits.len()))),
                    _ => {
                        let ended = poll_some(&mut waits, || dice.below(3) == 0).await;
                        free = usize::checked_sub(free, ended).expect("a permit is doubled");
                    }
                }
                if dice.below(2) == 0 {
                    checkpoint().await;
                }
            }
            for _ in 0..ENOUGH {
                free -= poll_some(&mut waits, || true).await;
                checkpoint().await;
            }
            assert!(
                free == 0 || waits.is_empty(),
                "somebody waits beside a free permit"
            );
            assert_eq!(semaphore.available_permits(), free);
        }
    });
}
