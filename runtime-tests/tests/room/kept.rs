//! Tests of the memory that a handle keeps of an ended task or a closed loop: the header, and
//! nothing that is big.
//!
//! The tests of leaks count drops. In the bugs that these tests cover, everything had been dropped,
//! but the memory stayed allocated.

#![expect(
    clippy::async_yields_async,
    reason = "the tasks are to be kept, and not awaited"
)]

use super::*;
use asyncio::{Task, create_task, gather, run_coroutine_threadsafe};
use runtime_tests::alone;

/// How many futures or outputs are kept, and how big each is: 62 MiB in all.
const ENDS: usize = 1000;
const SIZE: usize = 64 * 1024;
/// How much the process may grow.
const MEBIBYTES: f64 = 12.0;

/// The resident memory of the process, in mebibytes.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kibibytes = line.unwrap().split_whitespace().nth(1).unwrap();
    kibibytes.parse::<f64>().unwrap() / 1024.0
}

/// Keeps what `make` returns for each of [`ENDS`] calls, and asserts that the process grows little.
async fn keeps_little<K>(make: impl AsyncFn() -> K) {
    let _first = make().await;
    let before = resident();
    let mut kept = Vec::new();
    for _ in 0..ENDS {
        kept.push(make().await);
    }
    let grown = resident() - before;
    assert!(grown < MEBIBYTES, "{ENDS} ends left {grown} MiB behind");
}

/// A small future with a big output.
async fn big_output() -> [u8; SIZE] {
    asyncio::checkpoint().await;
    [7; SIZE]
}

#[test]
#[cfg(target_os = "linux")]
fn handles_keep_nothing_of_a_big_future() {
    alone(|| {
        asyncio::run(keeps_little(async || {
            let task = create_task(big::<SIZE>());
            let handle = task.handle();
            task.await.unwrap();
            handle
        }));
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_task_that_is_done_keeps_nothing_of_a_big_future() {
    alone(|| {
        asyncio::run(keeps_little(async || {
            let task = create_task(big::<SIZE>());
            task.handle().wait().await;
            task
        }));
        asyncio::run(keeps_little(async || {
            let task = asyncio::create_local_task(big::<SIZE>());
            task.handle().wait().await;
            task
        }));
    });
}

#[test]
#[cfg(target_os = "linux")]
fn wakers_keep_nothing_of_a_big_future() {
    alone(|| {
        asyncio::run(keeps_little(async || {
            let task = create_task(async {
                let waker = std::future::poll_fn(|cx| std::task::Poll::Ready(cx.waker().clone()));
                let waker = waker.await;
                big::<SIZE>().await;
                waker
            });
            task.await.unwrap()
        }));
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_task_keeps_nothing_of_a_big_output_that_was_taken() {
    alone(|| {
        asyncio::run(keeps_little(async || {
            let mut task: Task<[u8; SIZE]> = create_task(big_output());
            let output = (&mut task).await.unwrap();
            assert_eq!(output[3], 7);
            task
        }));
        asyncio::run(keeps_little(async || {
            let task = create_task(big_output());
            let handle = task.handle();
            drop(task);
            handle.wait().await;
            handle
        }));
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_future_for_threads_keeps_nothing_of_what_was_taken() {
    alone(|| {
        asyncio::run(keeps_little(async || {
            let event_loop = asyncio::get_running_loop();
            let mut future = run_coroutine_threadsafe(big_output(), &event_loop);
            assert_eq!((&mut future).await.unwrap()[3], 7);
            future
        }));
        asyncio::run(keeps_little(async || {
            let event_loop = asyncio::get_running_loop();
            let mut future = run_coroutine_threadsafe(big::<SIZE>(), &event_loop);
            assert_eq!((&mut future).await.unwrap(), 7);
            future
        }));
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_gather_keeps_nothing_of_children_that_have_ended() {
    alone(|| {
        asyncio::run(keeps_little(async || {
            let gather = gather([big::<SIZE>()]);
            // Waits until the child has ended; the gather has not taken its output.
            while asyncio::all_tasks().len() > 1 {
                asyncio::checkpoint().await;
            }
            gather
        }));
    });
}

#[test]
#[cfg(target_os = "linux")]
fn handles_of_callbacks_and_functions_keep_nothing_of_them() {
    alone(|| {
        asyncio::run(keeps_little(async || {
            let (done, buffer) = (asyncio::Future::new(), [7u8; SIZE]);
            let set = done.clone();
            let event_loop = asyncio::get_running_loop();
            let call = move || set.set_result(black_box(&buffer)[3]).unwrap();
            let handle = event_loop.call_later(Duration::ZERO, call);
            assert_eq!(done.await.unwrap(), 7);
            handle
        }));
        asyncio::run(keeps_little(async || {
            let buffer = [7u8; SIZE];
            let mut task = asyncio::to_thread(move || black_box(&buffer)[3]);
            assert_eq!((&mut task).await.unwrap(), 7);
            task
        }));
    });
}

/// How many closed loops are kept, and how much one may keep allocated: about 2 KiB for each worker
/// and for each possible stand-in.
const LOOPS: usize = 200;
// Of these, a kibibyte for each worker is the buffer of its stack of new tasks.
const KIBIBYTES_OF_A_LOOP: f64 = 20.0;

/// A closed loop that has run tasks, timers and a function on a pool thread.
fn closed_loop() -> asyncio::EventLoop {
    let builder = asyncio::Runner::builder()
        .workers(2)
        .max_blocking_threads(1);
    let mut runner = builder.build().unwrap();
    let event_loop = runner.run(async {
        let tasks: Vec<_> = (0..50)
            .map(|_| create_task(asyncio::sleep(Duration::from_micros(10))))
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        asyncio::to_thread(|| ()).await.unwrap();
        asyncio::get_running_loop()
    });
    runner.close();
    event_loop
}

// The timers were woken and dropped at the close, but their memory stayed allocated: a wheel of
// 11 KiB for each worker, 85 KiB in all.
#[test]
#[cfg(target_os = "linux")]
fn a_handle_of_a_closed_loop_keeps_little() {
    alone(|| {
        let _first: Vec<_> = (0..20).map(|_| closed_loop()).collect();
        let before = resident();
        let kept: Vec<_> = (0..LOOPS).map(|_| closed_loop()).collect();
        let each = (resident() - before) * 1024.0 / LOOPS as f64;
        assert!(kept.iter().all(asyncio::EventLoop::is_closed));
        assert!(
            each < KIBIBYTES_OF_A_LOOP,
            "{each:.1} KiB of each closed loop"
        );
    });
}
