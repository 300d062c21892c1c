//! Tests that a shutdown that has to wait sleeps. It used to poll with `yield_now` while only a
//! callback ran; no test measured the processor time of a wait.

use std::fs;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use asyncio::{finally, sleep};
use runtime_tests::{alone, begun};

use super::workers;

/// The processor time that the process has used so far, in ticks of 10 ms.
fn ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split(' ').collect();
    fields[12].parse::<u64>().unwrap() + fields[13].parse::<u64>().unwrap()
}

/// Asserts that `wait`, which takes a second or more, uses less than 200 ms of processor time.
#[track_caller]
fn assert_idle(wait: impl FnOnce()) {
    let before = ticks();
    wait();
    let used = ticks() - before;
    assert!(used < 20, "waiting took {used} ticks of the processor");
}

const WAIT: Duration = Duration::from_millis(1500);

#[test]
fn a_close_sleeps_while_a_callback_runs() {
    alone(|| {
        let mut runner = workers(2);
        let event_loop = runner.get_loop().clone();
        let (begun, has_begun) = mpsc::channel();
        event_loop.call_soon(move || {
            begun.send(()).unwrap();
            thread::sleep(WAIT);
        });
        has_begun.recv().unwrap();
        assert_idle(|| runner.close());
    });
}

#[test]
fn a_close_sleeps_while_a_task_cleans_up_or_blocks() {
    alone(|| {
        let mut runner = workers(3);
        runner.run(async {
            begun(finally(std::future::pending::<()>(), sleep(WAIT))).await;
            begun(async {
                let _late = runtime_tests::on_drop(|| thread::sleep(WAIT));
                std::future::pending::<()>().await;
            })
            .await;
        });
        assert_idle(|| runner.close());
    });
}

#[test]
fn a_close_sleeps_while_a_function_of_the_pool_runs() {
    alone(|| {
        let mut runner = workers(2);
        runner.run(async {
            let (begun, has_begun) = mpsc::channel();
            drop(asyncio::to_thread(move || {
                begun.send(()).unwrap();
                thread::sleep(WAIT);
            }));
            asyncio::to_thread(move || has_begun.recv().unwrap())
                .await
                .unwrap();
        });
        assert_idle(|| runner.close());
    });
}

#[test]
fn an_end_by_force_sleeps_until_its_limit_and_after_it() {
    alone(|| {
        let mut runner = workers(2);
        let event_loop = runner.get_loop().clone();
        let (release, blocked) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        drop(event_loop.create_task(async move {
            begun.send(()).unwrap();
            let _released = blocked.recv();
        }));
        has_begun.recv().unwrap();
        assert_idle(|| assert!(runner.shutdown_timeout(WAIT).is_err()));
        release.send(()).unwrap();
    });
}

#[test]
fn the_thread_of_a_runner_that_is_closed_by_a_drop_sleeps_as_well() {
    alone(|| {
        let runner = workers(1);
        runner.get_loop().call_later(Duration::ZERO, || ());
        let event_loop = runner.get_loop().clone();
        let root = thread::spawn(move || {
            event_loop.block_on(finally(std::future::pending::<()>(), async {
                thread::sleep(WAIT);
            }))
        });
        while runner.get_loop().all_tasks().is_empty() {
            thread::yield_now();
        }
        assert_idle(|| drop(runner));
        assert!(root.join().unwrap().is_err());
    });
}
