//! Tests of the paused clock on any number of workers: when it jumps, and when it must not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use asyncio::{EventLoop, Runner, create_task, get_running_loop};
use runtime_tests::{blocking_wait, caught, watched};

#[path = "paused_time/advance.rs"]
mod advance;

#[path = "paused_time/shutdown.rs"]
mod shutdown;

#[path = "paused_time/lending.rs"]
mod lending;

const SECOND: Duration = Duration::from_secs(1);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A loop with a paused clock.
fn paused(workers: usize) -> Runner {
    let builder = Runner::builder().workers(workers).start_paused(true);
    builder.build().unwrap()
}

/// Runs `body` on loops with a paused clock, with one, two and four workers.
fn on_paused_loops(body: impl AsyncFn(EventLoop)) {
    watched(|| {
        for workers in [1, 2, 4] {
            paused(workers).run(async { body(get_running_loop()).await });
        }
    });
}

#[test]
fn a_year_passes_in_no_time_and_exactly() {
    let begin = Instant::now();
    on_paused_loops(async |event_loop| {
        let start = event_loop.time();
        asyncio::sleep(YEAR).await;
        assert_eq!(event_loop.time() - start, YEAR);
    });
    assert!(begin.elapsed() < 10 * SECOND);
}

#[test]
fn the_paused_clock_does_not_move_while_a_task_runs() {
    on_paused_loops(async |event_loop| {
        let start = event_loop.time();
        let sleeper = asyncio::create_task(asyncio::sleep(SECOND));
        for _ in 0..1000 {
            asyncio::checkpoint().await;
            assert_eq!(event_loop.time(), start);
        }
        assert!(!sleeper.done());
        sleeper.await.unwrap();
        assert_eq!(event_loop.time() - start, SECOND);
    });
}

#[test]
fn sleepers_wake_in_the_order_of_their_deadlines() {
    on_paused_loops(async |event_loop| {
        let start = event_loop.time();
        let tasks: Vec<_> = (1..=200u32)
            .rev()
            .map(|seconds| {
                let event_loop = event_loop.clone();
                asyncio::create_task(async move {
                    asyncio::sleep(seconds * SECOND).await;
                    assert_eq!(event_loop.time() - start, seconds * SECOND);
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(event_loop.time() - start, 200 * SECOND);
    });
}

#[test]
fn a_cron_of_a_year_runs_every_hour() {
    on_paused_loops(async |event_loop| {
        let start = event_loop.time();
        let runs = Arc::new(AtomicU32::new(0));
        let jobs: Vec<_> = (0..4)
            .map(|_| {
                let (event_loop, runs) = (event_loop.clone(), Arc::clone(&runs));
                asyncio::create_task(async move {
                    while event_loop.time() - start < YEAR / 4 {
                        asyncio::sleep(3600 * SECOND).await;
                        runs.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        for job in jobs {
            job.await.unwrap();
        }
        assert_eq!(runs.load(Ordering::Relaxed), 4 * 365 * 24 / 4);
    });
}

#[test]
fn a_function_on_the_pool_holds_time() {
    on_paused_loops(async |event_loop| {
        let start = event_loop.time();
        let sleeper = asyncio::create_task(asyncio::sleep(SECOND));
        let seen = event_loop.clone();
        let function = move || {
            // Real time, so that a wrong jump would have time to happen.
            std::thread::sleep(Duration::from_millis(20));
            seen.time()
        };
        assert_eq!(asyncio::to_thread(function).await.unwrap(), start);
        sleeper.await.unwrap();
        assert_eq!(event_loop.time() - start, SECOND);
    });
}

#[test]
fn time_that_is_held_moves_only_by_advance() {
    on_paused_loops(async |event_loop| {
        let start = event_loop.time();
        let held = event_loop.hold_time();
        let woken = Arc::new(AtomicU32::new(0));
        for seconds in [1, 2, 3] {
            let woken = Arc::clone(&woken);
            drop(asyncio::create_task(async move {
                asyncio::sleep(seconds * SECOND).await;
                woken.fetch_add(1, Ordering::Relaxed);
            }));
        }
        event_loop.advance(SECOND / 2).await;
        assert_eq!(
            (event_loop.time() - start, woken.load(Ordering::Relaxed)),
            (SECOND / 2, 0)
        );
        event_loop.advance(2 * SECOND).await;
        assert_eq!(
            (event_loop.time() - start, woken.load(Ordering::Relaxed)),
            (5 * SECOND / 2, 2)
        );
        drop(held);
        asyncio::sleep(10 * SECOND).await;
        assert_eq!(woken.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn timeouts_and_callbacks_go_by_the_paused_clock() {
    on_paused_loops(async |event_loop| {
        let start = event_loop.time();
        let forever = std::future::pending::<()>();
        assert!(asyncio::wait_for(forever, 3600 * SECOND).await.is_err());
        assert_eq!(event_loop.time() - start, 3600 * SECOND);
        let outcome = asyncio::timeout(60 * SECOND, async |scope| {
            let when = scope.when().unwrap() + 60 * SECOND;
            scope.reschedule(Some(when)).unwrap();
            std::future::pending::<()>().await;
        });
        assert!(outcome.await.is_err());
        assert_eq!(event_loop.time() - start, 3720 * SECOND);
        let called = asyncio::Future::new();
        let answer = called.clone();
        event_loop.call_later(280 * SECOND, move || answer.set_result(7).unwrap());
        assert_eq!(called.await.unwrap(), 7);
        assert_eq!(event_loop.time() - start, 4000 * SECOND);
    });
}

#[test]
fn what_a_foreign_thread_does_inside_block_on_holds_time() {
    watched(|| {
        let mut runner = paused(2);
        let event_loop = runner.get_loop().clone();
        let start = event_loop.time();
        let foreign = std::thread::spawn(move || {
            event_loop.block_on(async {
                for step in 1..=50u32 {
                    asyncio::sleep(SECOND).await;
                    assert_eq!(get_running_loop().time() - start, step * SECOND);
                }
            })
        });
        foreign.join().unwrap().unwrap();
        runner.run(async {});
    });
}

#[test]
#[should_panic(expected = "start_paused(true)")]
fn advance_is_refused_where_the_clock_is_not_paused() {
    asyncio::run(async { get_running_loop().advance(SECOND).await });
}

#[asyncio::test(start_paused = true)]
async fn the_attribute_starts_a_test_with_a_paused_clock() {
    let start = get_running_loop().time();
    asyncio::sleep(YEAR).await;
    assert_eq!(get_running_loop().time() - start, YEAR);
}

#[test]
fn a_function_on_the_pool_is_not_forgotten() {
    watched(|| {
        paused(1).run(async {
            for _ in 0..10_000 {
                asyncio::to_thread(|| ()).await.unwrap();
            }
        });
    });
}

#[test]
fn a_coroutine_of_a_thread_is_not_forgotten() {
    watched(|| {
        let runner = paused(2);
        for _ in 0..10_000 {
            let future = asyncio::run_coroutine_threadsafe(async {}, runner.get_loop());
            future.result(None).unwrap();
        }
    });
}

#[test]
fn a_hold_of_a_foreign_thread_holds_at_once() {
    watched(|| {
        let mut runner = paused(2);
        let event_loop = runner.get_loop().clone();
        let over = Arc::new(AtomicBool::new(false));
        let set_over = Arc::clone(&over);
        let holder = std::thread::spawn(move || {
            for _ in 0..20_000 {
                let _held = event_loop.hold_time();
                let before = event_loop.time();
                (0..200).for_each(|_| std::hint::spin_loop());
                assert_eq!(event_loop.time(), before);
            }
            set_over.store(true, Ordering::SeqCst);
        });
        runner.run(async {
            while !over.load(Ordering::SeqCst) && !holder.is_finished() {
                asyncio::sleep(SECOND).await;
            }
        });
        holder.join().unwrap();
    });
}

#[test]
fn what_is_beyond_counting_never_comes() {
    on_paused_loops(async |event_loop| {
        let start = event_loop.time();
        let sleeps = [600 * YEAR, 1000 * YEAR, Duration::MAX].map(|delay| {
            event_loop.call_later(delay, || unreachable!());
            create_task(asyncio::sleep(delay))
        });
        // The longest time that a loop can count: 584 years.
        let end_of_time = Duration::from_nanos(u64::MAX - 1);
        event_loop.advance(end_of_time).await;
        assert_eq!(event_loop.time() - start, end_of_time);
        let late = create_task(asyncio::sleep(SECOND));
        event_loop.advance(Duration::ZERO).await;
        assert!(
            !late.done(),
            "the clock is at its end, and a sleep has ended"
        );
        assert!(sleeps.iter().all(|sleep| !sleep.done()));
    });
}
