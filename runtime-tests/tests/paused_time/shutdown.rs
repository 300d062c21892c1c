//! Tests that the limit of a shutdown is real time, even if the loop's clock is paused.

use std::sync::mpsc;
use std::thread;

use super::*;
use asyncio::{checkpoint, create_task};
use runtime_tests::{Flag, begun, until};

const LIMIT: Duration = Duration::from_millis(30);

fn paused(workers: usize) -> Runner {
    let builder = Runner::builder().workers(workers).start_paused(true);
    builder.build().unwrap()
}

/// The body of a task that no cancellation request ends.
async fn refusing(step: impl AsyncFn()) {
    loop {
        drop(asyncio::catch_cancelled(step()).await);
    }
}

/// Shuts the runner down, asserts that the limit was reached, and returns how long it took.
fn ends_at_the_limit(mut runner: Runner) -> Duration {
    let begin = Instant::now();
    assert!(runner.shutdown_timeout(LIMIT).is_err());
    begin.elapsed()
}

#[test]
fn a_task_that_yields_for_ever_is_dropped_at_the_limit() {
    watched(|| {
        for workers in [1, 2] {
            let mut runner = paused(workers);
            runner.run(async { drop(begun(refusing(checkpoint)).await) });
            assert!(ends_at_the_limit(runner) >= LIMIT);
        }
    });
}

#[test]
fn a_task_that_waits_for_nothing_is_dropped_at_the_limit() {
    watched(|| {
        for workers in [1, 2] {
            let mut runner = paused(workers);
            runner.run(async { drop(begun(refusing(std::future::pending)).await) });
            assert!(ends_at_the_limit(runner) >= LIMIT);
        }
    });
}

#[test]
fn a_task_that_is_stuck_is_named_at_the_limit() {
    watched(|| {
        let mut runner = paused(2);
        let (release, blocked) = mpsc::channel::<()>();
        runner.run(async {
            let inside = Flag::default();
            let flag = inside.clone();
            drop(create_task(async move {
                flag.set();
                let _released = blocked.recv();
            }));
            // Main does not await, so the other worker takes the task.
            while !inside.is_set() {
                thread::yield_now();
            }
        });
        assert!(ends_at_the_limit(runner) >= LIMIT);
        release.send(()).unwrap();
    });
}

#[test]
fn a_loop_that_has_jumped_a_year_ahead_waits_no_longer_than_its_limit() {
    watched(|| {
        let mut runner = paused(2);
        let (_release, blocked) = mpsc::channel::<()>();
        runner.run(async {
            asyncio::sleep(YEAR).await;
            let inside = Flag::default();
            let flag = inside.clone();
            drop(asyncio::to_thread(move || {
                flag.set();
                let _released = blocked.recv();
            }));
            until(|| inside.is_set()).await;
        });
        assert!((LIMIT..5 * SECOND).contains(&ends_at_the_limit(runner)));
    });
}

#[test]
fn a_function_has_the_whole_limit() {
    watched(|| {
        let mut runner = paused(2);
        let (release, blocked) = mpsc::channel::<()>();
        runner.run(async {
            let inside = Flag::default();
            let flag = inside.clone();
            drop(asyncio::to_thread(move || {
                flag.set();
                let _released = blocked.recv();
            }));
            until(|| inside.is_set()).await;
            // The paused clock still shows the time at which the loop was made, 60 ms ago.
            thread::sleep(2 * LIMIT);
        });
        let releaser = thread::spawn(move || {
            thread::sleep(LIMIT / 2);
            release.send(())
        });
        assert!(runner.shutdown_timeout(2 * LIMIT).is_ok());
        releaser.join().unwrap().unwrap();
    });
}

#[test]
fn a_limit_holds_under_a_seed_while_a_foreign_thread_keeps_time() {
    watched(|| {
        let mut runner = Runner::builder().deterministic(1).build().unwrap();
        let event_loop = runner.get_loop().clone();
        let (release, blocked) = mpsc::channel::<()>();
        let inside = Flag::default();
        let flag = inside.clone();
        let foreign = thread::spawn(move || {
            event_loop.block_on(async move {
                flag.set();
                let _released = blocked.recv();
            })
        });
        while !inside.is_set() {
            thread::yield_now();
        }
        runner.run(async {});
        assert!(ends_at_the_limit(runner) >= LIMIT);
        release.send(()).unwrap();
        drop(foreign.join().unwrap());
    });
}
