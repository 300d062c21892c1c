//! The rules of the combinators, under many schedules each: what a cancellation at any moment may
//! do to them, and what it may not. Rule numbers are those of asyncio's rules.

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

/// Numbers that the seed has drawn: they begin with the schedule so far.
struct Dice(u64);

impl Dice {
    /// Lets some tasks run, so that every seed has a schedule of its own, and begins with that.
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

/// Steps aside so many times.
async fn steps(count: u32) {
    for _ in 0..count {
        checkpoint().await;
    }
}

/// Cancels a task after so many ticks and steps. Returns what `cancel` answered.
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

/// How many of something have begun, how many have ended, and how many are still there.
#[derive(Clone, Default)]
struct Census {
    begun: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
    alive: Arc<()>,
}

impl Census {
    /// `body`, counted: it has ended when it has cleaned up, which takes some steps as well, unless
    /// a request comes only then: that cuts them short (CA-8).
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

    /// Nobody is left; `holders` handles of this census are.
    #[track_caller]
    fn assert_over(&self, holders: usize) {
        assert_eq!(self.begun(), self.ended(), "who has begun has cleaned up");
        assert_eq!(Arc::strong_count(&self.alive), holders, "nobody is left");
    }
}
