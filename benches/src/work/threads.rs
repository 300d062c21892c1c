//! Workloads between the runtime and other threads: tasks from foreign threads, and functions for
//! the blocking pool.

use std::future::poll_fn;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::runtimes::{Blocking, Tasks};

/// Starts `count` tasks from this thread, which is not one of the runtime, and blocks it until the
/// last task has run.
pub fn spawn_from_outside<R: Tasks>(spawner: &R::Spawner, count: usize) {
    let countdown = Arc::new(Countdown {
        left: AtomicUsize::new(count),
        waiter: thread::current(),
    });
    for _ in 0..count {
        let countdown = Arc::clone(&countdown);
        R::spawn_from(spawner, async move { countdown.one_less() });
    }
    countdown.wait();
}

struct Countdown {
    left: AtomicUsize,
    waiter: Thread,
}

impl Countdown {
    fn one_less(&self) {
        // Pairs with the Acquire in `wait`.
        if self.left.fetch_sub(1, Ordering::Release) == 1 {
            self.waiter.unpark();
        }
    }

    fn wait(&self) {
        // Pairs with the Release in `one_less`.
        while self.left.load(Ordering::Acquire) > 0 {
            thread::park();
        }
    }
}

/// Endless tasks that work briefly and wake themselves, so that no run queue is ever empty.
///
/// They do not use the runtime's own yield: tokio's defers a task until the worker has no other
/// tasks, and a worker without tasks checks the injector. Tasks that are woken by each other, or by
/// sockets, do not let the worker run out of tasks.
#[derive(Debug)]
pub struct BusyLoop(Arc<AtomicBool>);

/// How long such a task works before it wakes itself.
const WORK: Duration = Duration::from_nanos(500);

impl BusyLoop {
    /// Starts `tasks` such tasks, from inside the runtime.
    pub fn start<R: Tasks>(tasks: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        for _ in 0..tasks {
            let stop = Arc::clone(&stop);
            R::detach(R::spawn(async move {
                // Relaxed: the flag publishes nothing else.
                while !stop.load(Ordering::Relaxed) {
                    let begin = Instant::now();
                    while begin.elapsed() < WORK {
                        std::hint::spin_loop();
                    }
                    wake_oneself().await;
                }
            }));
        }
        Self(stop)
    }
}

async fn wake_oneself() {
    let mut woken = false;
    poll_fn(|context| {
        if woken {
            return Poll::Ready(());
        }
        woken = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl Drop for BusyLoop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Submits `count` functions that do nothing to the blocking pool, then awaits all of them in
/// order.
pub async fn blocking_jobs<R: Blocking>(count: usize) {
    let jobs: Vec<_> = (0..count)
        .map(|index| R::to_thread(move || index))
        .collect();
    for job in jobs {
        black_box(job.await);
    }
}

#[cfg(all(test, feature = "others"))]
mod tests {
    use super::*;
    use crate::runtimes::{Asyncio, Smol, Tokio};

    fn tasks_and_functions_cross_the_edge<R: Blocking>() {
        R::run(2, async {
            blocking_jobs::<R>(50).await;
            let busy = BusyLoop::start::<R>(4);
            let spawner = R::spawner();
            let (done, all_ran) = ::futures::channel::oneshot::channel();
            thread::spawn(move || {
                spawn_from_outside::<R>(&spawner, 50);
                done.send(())
            });
            all_ran.await.expect("the foreign thread ends");
            drop(busy);
        });
    }

    #[test]
    fn tasks_and_functions_cross_the_edge_of_asyncio() {
        tasks_and_functions_cross_the_edge::<Asyncio>();
    }

    #[test]
    fn tasks_and_functions_cross_the_edge_of_tokio() {
        tasks_and_functions_cross_the_edge::<Tokio>();
    }

    #[test]
    fn tasks_and_functions_cross_the_edge_of_smol() {
        tasks_and_functions_cross_the_edge::<Smol>();
    }
}
