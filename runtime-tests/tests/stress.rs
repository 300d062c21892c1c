//! The stress test: many threads spawn, wake, cancel, steal, sleep and shut down at once, for a
//! limited time.
//!
//! `ASYNCIO_STRESS_SECONDS` replaces the two seconds of a usual run; `ASYNCIO_TUNE=none` runs it
//! with every optimisation off. A hang is a failure: the watchdog ends the process.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use asyncio::{EventLoop, Runner, TaskError};
use runtime_tests::watched;

/// How many futures were made and dropped: equal at the end of every loop.
#[derive(Default)]
struct Census {
    made: AtomicU64,
    dropped: AtomicU64,
}

/// Owned by a counted future: its making and its drop are those of the future.
struct Counted(Arc<Census>);

impl Counted {
    fn new(census: &Arc<Census>) -> Counted {
        census.made.fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(census))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

/// A small pseudo-random generator: every run makes the same choices, though not with the same
/// timing.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) % sides
    }
}

/// A tree of tasks that yield, sleep, cancel each other, panic, and are dropped or awaited.
fn grow(census: Arc<Census>, seed: u64, depth: u32) -> asyncio::Task<u64> {
    let counted = Counted::new(&census);
    asyncio::create_task(async move {
        let _counted = counted;
        let mut dice = Dice(seed | 1);
        let mut sum = 1;
        for child in 0..if depth == 0 { 0 } else { 3 } {
            let task = grow(
                Arc::clone(&census),
                seed.wrapping_mul(31) + child,
                depth - 1,
            );
            match dice.roll(8) {
                0 => drop(task),
                1 => {
                    task.cancel();
                    drop(task.await);
                }
                2 => asyncio::sleep(Duration::from_micros(dice.roll(300))).await,
                3 => {
                    let cleanup = asyncio::finally(task, asyncio::checkpoint());
                    drop(asyncio::wait_for(cleanup, Duration::from_micros(dice.roll(300))).await);
                }
                4 => {
                    let task = asyncio::catch_cancelled(task).await;
                    sum += task.ok().and_then(Result::ok).unwrap_or(0);
                }
                _ => sum += task.await.unwrap_or(0),
            }
            asyncio::checkpoint().await;
        }
        assert!(dice.roll(500) != 0, "one in five hundred tasks panics");
        sum
    })
}

/// The body of a foreign thread: submits, awaits, cancels and wakes tasks until `stop` is set.
fn harass(event_loop: &EventLoop, census: &Arc<Census>, seed: u64, stop: &AtomicBool) {
    let mut dice = Dice(seed | 1);
    while !stop.load(Ordering::Relaxed) {
        let counted = Counted::new(census);
        let turns = dice.roll(4);
        let task = event_loop.create_task(async move {
            let _counted = counted;
            let mut left = turns;
            poll_fn(move |cx| {
                if left == 0 {
                    return Poll::Ready(());
                }
                left -= 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
            turns
        });
        match dice.roll(4) {
            0 => drop(task),
            1 => {
                task.cancel();
            }
            2 => {
                let handle = task.handle();
                let waited = event_loop.block_on(async move { handle.wait().await });
                assert!(waited.is_err() || task.done());
            }
            _ => match event_loop.block_on(task) {
                Ok(Ok(answer)) => assert_eq!(answer, turns),
                Ok(Err(TaskError::Cancelled(_))) | Err(_) => {}
                Ok(Err(other)) => panic!("{other}"),
            },
        }
    }
}

fn one_loop(workers: usize, seed: u64, time: Duration) {
    let census = Arc::new(Census::default());
    let stop = Arc::new(AtomicBool::new(false));
    let mut runner = Runner::builder().workers(workers).build().unwrap();
    // Detached tasks that panic are reported as never retrieved, which is intended.
    let foreign: Vec<_> = (0..3)
        .map(|thread| {
            let event_loop = runner.get_loop().clone();
            let (census, stop) = (Arc::clone(&census), Arc::clone(&stop));
            thread::spawn(move || harass(&event_loop, &census, seed + thread, &stop))
        })
        .collect();
    let begin = Instant::now();
    let mut round = 0;
    runner.run(async {
        while begin.elapsed() < time {
            round += 1;
            let roots: Vec<_> = (0..4)
                .map(|n| grow(Arc::clone(&census), seed + n, 3))
                .collect();
            for root in roots {
                drop(root.await);
            }
        }
        // These tasks still run when the shutdown begins.
        for n in 0..8 {
            drop(grow(Arc::clone(&census), seed + round + n, 3));
        }
    });
    // In half of the runs the foreign threads still use the loop while it closes.
    if seed % 2 == 0 {
        stop.store(true, Ordering::Relaxed);
    }
    runner.close();
    stop.store(true, Ordering::Relaxed);
    for thread in foreign {
        thread.join().unwrap();
    }
    drop(runner);
    let (made, dropped) = (
        census.made.load(Ordering::Relaxed),
        census.dropped.load(Ordering::Relaxed),
    );
    assert_eq!(made, dropped, "a future was leaked, or dropped twice");
}

#[test]
fn nothing_hangs_and_nothing_is_lost_whatever_happens_at_once() {
    let seconds = std::env::var("ASYNCIO_STRESS_SECONDS")
        .ok()
        .and_then(|text| text.parse().ok());
    let time = Duration::from_secs_f64(seconds.unwrap_or(2.0));
    // The tasks' own panics are part of the test; only other panics are printed.
    std::panic::set_hook(Box::new(|info| {
        let text = info
            .payload()
            .downcast_ref::<&str>()
            .copied()
            .unwrap_or_default();
        if !text.starts_with("one in five hundred") {
            eprintln!("{info}");
        }
    }));
    let body = move || {
        let begin = Instant::now();
        let mut seed = 1;
        while begin.elapsed() < time {
            for workers in [1, 2, 4] {
                one_loop(workers, seed, time / 40);
                seed += 1;
            }
        }
    };
    // The watchdog's limit is for the usual two seconds.
    if time < Duration::from_secs(10) {
        watched(body)
    } else {
        body()
    }
}
