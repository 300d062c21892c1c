//! asyncio's locks (LK, EV, CO, SE, BA) and ours: each rule under many seeded schedules, and from
//! several threads at once.

use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use asyncio::{Runner, Task, create_task};
use runtime_tests::{Flag, from_many_threads, until, watched};

#[path = "locks/barrier.rs"]
mod barrier;
#[path = "locks/capacity_limiter.rs"]
mod capacity_limiter;
#[path = "locks/condition.rs"]
mod condition;
#[path = "locks/elsewhere.rs"]
mod elsewhere;
#[path = "locks/event.rs"]
mod event;
#[path = "locks/hostile.rs"]
mod hostile;
#[path = "locks/lock.rs"]
mod lock;
#[path = "locks/moved.rs"]
mod moved;
#[path = "locks/once_cell.rs"]
mod once_cell;
#[path = "locks/philosophers.rs"]
mod philosophers;
#[path = "locks/rw_lock.rs"]
mod rw_lock;
#[path = "locks/semaphore.rs"]
mod semaphore;
#[path = "locks/turns.rs"]
mod turns;
#[path = "locks/types.rs"]
mod types;

#[path = "locks/walks.rs"]
mod walks;

const SEEDS: u64 = 200;

/// Runs `scenario` under seeded schedules of three logical workers, and then from several threads
/// at once, on a loop with three workers.
fn everywhere<S: AsyncFn() + Sync>(scenario: S) {
    under_seeds(3, &scenario);
    from_many_threads(async |_: &asyncio::EventLoop| scenario().await);
}

/// Runs `scenario` once under each seed.
fn under_seeds<S: AsyncFn()>(workers: usize, scenario: S) {
    watched(|| {
        for seed in 0..SEEDS {
            let builder = Runner::builder().workers(workers).deterministic(seed);
            builder.build().unwrap().run(scenario());
        }
    });
}

/// Polls `future` once.
async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|with| Poll::Ready(std::pin::Pin::new(&mut *future).poll(with))).await
}

/// Makes a task that awaits `future`, and returns when `future` has been polled in it, and waits.
async fn in_line<F>(future: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let polled = Flag::default();
    let seen = polled.clone();
    let mut future = Box::pin(future);
    let task = create_task(poll_fn(move |with| {
        let answer = future.as_mut().poll(with);
        assert!(seen.is_set() || answer.is_pending(), "it waits");
        seen.set();
        answer
    }));
    until(|| polled.is_set()).await;
    task
}

/// What has happened, in order.
#[derive(Clone, Debug, Default)]
struct Notes(Arc<Mutex<Vec<usize>>>);

impl Notes {
    fn add(&self, what: usize) {
        self.0.lock().unwrap().push(what);
    }

    fn taken(&self) -> Vec<usize> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}
