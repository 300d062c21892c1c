//! Workloads that measure memory: tasks that never end.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::runtimes::{Tasks, Timers};

/// Starts `count` tasks that have been polled once and wait for ever.
pub async fn leave_pending<R: Tasks>(count: usize) {
    leave_waiting::<R, _>(count, std::future::pending::<()>).await;
}

/// Starts `count` tasks that have been polled once and sleep for an hour.
pub async fn leave_sleeping<R: Timers>(count: usize) {
    leave_waiting::<R, _>(count, || R::sleep(Duration::from_secs(3_600))).await;
}

/// How many tasks have been polled. A static, with a closure that captures nothing, so that the
/// task's future is only as large as the future that it awaits.
static POLLED: AtomicUsize = AtomicUsize::new(0);

async fn leave_waiting<R: Tasks, W>(count: usize, wait: impl Fn() -> W + Copy + Send + 'static)
where
    W: Future<Output: Send> + Send + 'static,
{
    let before = POLLED.load(Ordering::Relaxed);
    for started in 1..=count {
        R::detach(R::spawn(async move {
            POLLED.fetch_add(1, Ordering::Relaxed);
            wait().await;
        }));
        // In small batches, so that no run queue grows with the count.
        while started % 100 == 0 && POLLED.load(Ordering::Relaxed) < before + started {
            R::yield_now().await;
        }
    }
}

#[cfg(all(test, feature = "others"))]
mod tests {
    use super::*;
    use crate::runtimes::{Asyncio, Smol, Tokio};

    #[test]
    fn every_task_left_behind_has_been_polled() {
        let before = POLLED.load(Ordering::Relaxed);
        Tokio::run(2, leave_pending::<Tokio>(200));
        Smol::run(2, leave_sleeping::<Smol>(200));
        Asyncio::run(2, leave_sleeping::<Asyncio>(200));
        assert_eq!(POLLED.load(Ordering::Relaxed) - before, 600);
    }
}
