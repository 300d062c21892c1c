//! Runs tests on loops with a known number of workers, and waits for conditions instead of for a
//! fixed time.

use std::future::Future;
use std::panic::Location;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use asyncio::{EventLoop, Runner, Task, checkpoint, create_task};

use crate::probes::Flag;
use crate::watchdog::{test_name, watched_as};

/// How many foreign threads act at once.
const THREADS: usize = 4;

/// How often each thread acts at most.
const ROUNDS: usize = 1000;

/// How long the threads act at most.
const TIME: Duration = Duration::from_millis(300);

/// How long [`until`] waits.
const LOOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs `main`, watched, on a loop with `workers` workers.
#[track_caller]
pub fn on_workers<F: Future>(workers: usize, main: F) -> F::Output {
    watched_as(test_name::<F>(), || runner(workers).run(main))
}

/// Runs `scenario`, watched, over and over on four foreign threads at once, against one loop.
pub fn from_many_threads<S: AsyncFn(&EventLoop) + Sync>(scenario: S) {
    watched_as(test_name::<S>(), || {
        let mut runner = runner(3);
        let event_loop = runner.get_loop().clone();
        let start = Barrier::new(THREADS);
        let act = || {
            start.wait();
            let until = Instant::now() + TIME;
            for _ in (0..ROUNDS).take_while(|_| Instant::now() < until) {
                let ended = event_loop.block_on(scenario(&event_loop));
                assert_eq!(ended, Ok(()), "the root was cancelled");
            }
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(act)).collect();
            for thread in threads {
                if let Err(payload) = thread.join() {
                    std::panic::resume_unwind(payload);
                }
            }
        });
        runner.close();
    });
}

fn runner(workers: usize) -> Runner {
    let builder = Runner::builder().workers(workers);
    builder.build().expect("a loop can be started")
}

/// Yields until `condition` holds.
///
/// # Panics
/// If it still does not hold after ten seconds.
#[track_caller]
pub fn until(mut condition: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let caller = Location::caller();
    let deadline = Instant::now() + LOOP_TIMEOUT;
    async move {
        while !condition() {
            assert!(
                Instant::now() < deadline,
                "{caller}: the condition does not hold after {LOOP_TIMEOUT:?}"
            );
            checkpoint().await;
        }
    }
}

/// Waits until `condition` holds, outside of every loop. The system may show a thread for a moment
/// after it has been joined.
///
/// # Panics
/// If it still does not hold after ten seconds.
#[track_caller]
pub fn soon(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + LOOP_TIMEOUT;
    while !condition() {
        assert!(
            Instant::now() < deadline,
            "the condition does not hold after {LOOP_TIMEOUT:?}"
        );
        std::thread::yield_now();
    }
}

/// Makes a task, and waits until its first poll has begun. On a loop with one worker the task is
/// suspended or has ended by then.
pub async fn begun<F>(coro: F) -> Task<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let flag = Flag::default();
    let begun = flag.clone();
    let task = create_task(async move {
        begun.set();
        coro.await
    });
    until(|| flag.is_set()).await;
    task
}
