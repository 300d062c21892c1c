//! Tests of the combinators under many seeded schedules: what a cancellation at any moment may do
//! to them, and what it must not. The rule numbers are those of asyncio's rules.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use asyncio::{
    Task, TaskHandle, catch_cancelled, checkpoint, create_task, finally, get_running_loop, sleep,
};

#[path = "under_seeds/callbacks.rs"]
mod callbacks;
#[path = "under_seeds/cleanups.rs"]
mod cleanups;
#[path = "under_seeds/gathers.rs"]
mod gathers;
#[path = "under_seeds/group_programs.rs"]
mod group_programs;
#[path = "under_seeds/groups.rs"]
mod groups;
#[path = "under_seeds/limits.rs"]
mod limits;
#[path = "under_seeds/order.rs"]
mod order;
#[path = "under_seeds/player.rs"]
mod player;
#[path = "under_seeds/programs.rs"]
mod programs;
#[path = "under_seeds/requests.rs"]
mod requests;
#[path = "under_seeds/shutdowns.rs"]
mod shutdowns;
#[path = "under_seeds/waits.rs"]
mod waits;

const TICK: Duration = Duration::from_millis(1);

/// A pseudo-random generator whose start depends on the seed: it begins with the hash of the
/// schedule so far.
struct Dice(u64);

impl Dice {
    /// Runs some tasks, so that every seed has a schedule of its own, and starts from its hash.
    async fn thrown() -> Dice {
        let idle: Vec<_> = (0..6).map(|_| create_task(checkpoint())).collect();
        for task in idle {
            task.await.unwrap();
        }
        Dice(get_running_loop().metrics().schedule | 1)
    }

    /// A number below `limit`.
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let number = (self.0 >> 32) % u64::from(limit);
        u32::try_from(number).expect("it is below the limit")
    }
}

/// Yields `count` times.
async fn steps(count: u32) {
    for _ in 0..count {
        checkpoint().await;
    }
}

/// Makes a task that cancels `task` after `ticks` ticks and `count` yields, and returns the result
/// of `cancel`.
fn cancelled_after<T>(task: &Task<T>, ticks: u32, count: u32) -> Task<bool> {
    let task: TaskHandle = task.handle();
    create_task(async move {
        if ticks > 0 {
            sleep(TICK * ticks).await;
        }
        steps(count).await;
        task.cancel()
    })
}

/// Counts futures: how many have begun, how many have ended, and how many still exist.
#[derive(Clone, Default)]
struct Census {
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    alive: Arc<()>,
}

impl Census {
    /// Returns `body`, counted. It has ended when its cleanup has ended, which yields `cleanup`
    /// times; a request during the cleanup cuts it short (CA-8).
    fn of<F: Future>(&self, body: F, cleanup: u32) -> impl Future<Output = F::Output> + use<F> {
        let Census {
            begun,
            ended,
            alive,
        } = self.clone();
        async move {
            let _alive = alive;
            begun.fetch_add(1, Ordering::Relaxed);
            let cleanup = async move {
                drop(catch_cancelled(steps(cleanup)).await);
                ended.fetch_add(1, Ordering::Relaxed);
            };
            finally(body, cleanup).await
        }
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    fn ended(&self) -> usize {
        self.ended.load(Ordering::Relaxed)
    }

    /// Asserts that every counted future has ended and been dropped, and that `holders` clones of
    /// this census exist.
    #[track_caller]
    fn assert_over(&self, holders: usize) {
        assert_eq!(self.begun(), self.ended(), "a future has not cleaned up");
        assert_eq!(Arc::strong_count(&self.alive), holders, "a future is left");
    }
}
