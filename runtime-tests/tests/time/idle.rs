//! Tests that an idle loop uses no processor time and wakes no thread.

use super::*;
use asyncio::blocking;
use std::fs;

/// The processor time that all threads of this process have used, and how often each was woken.
fn spent() -> (Duration, Vec<(String, u64)>) {
    let mut time = Duration::ZERO;
    let mut wakes = Vec::new();
    for thread in fs::read_dir("/proc/self/task").unwrap() {
        let path = thread.unwrap().path();
        // The files of a thread that has just ended do not exist any more.
        let read = |file| fs::read_to_string(path.join(file)).unwrap_or_default();
        let nanos = read("schedstat").split(' ').next().map(str::parse::<u64>);
        time += Duration::from_nanos(nanos.and_then(Result::ok).unwrap_or_default());
        let status = read("status");
        let count = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
            .and_then(|count| count.trim().parse().ok());
        wakes.push((read("comm").trim().to_owned(), count.unwrap_or_default()));
    }
    wakes.sort();
    (time, wakes)
}

/// The same for two seconds, after a pause of one second. A foreign thread measures, since a timer
/// of the loop would wake a worker.
async fn spent_at_rest() -> (Duration, Vec<(String, u64)>) {
    let (send, receive) = futures::channel::oneshot::channel();
    measure_at_rest(move |spent| send.send(spent).unwrap());
    receive.await.unwrap()
}

fn measure_at_rest(report: impl FnOnce((Duration, Vec<(String, u64)>)) + Send + 'static) {
    thread::spawn(move || {
        thread::sleep(Duration::from_secs(1));
        let (time, wakes) = spent();
        thread::sleep(Duration::from_secs(2));
        let (later, more) = spent();
        assert_eq!(wakes.len(), more.len(), "{wakes:?} {more:?}");
        let woken = wakes.into_iter().zip(more);
        let woken = woken.map(|((name, before), (same, after))| {
            assert_eq!(name, same);
            (name, after - before)
        });
        report((later - time, woken.collect()));
    });
}

/// Asserts that almost no processor time was used, and that no thread was woken but the measuring
/// one: the monitor is parked, too.
fn assert_rest((time, woken): (Duration, Vec<(String, u64)>)) {
    assert!(time < 20 * TICK, "{time:?} of processor time");
    let sum: u64 = woken.iter().map(|(_, count)| count).sum();
    assert!(sum <= 4, "{woken:?}");
}

#[test]
fn ten_thousand_sleeping_tasks_cost_no_time_and_no_wake_ups() {
    alone(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        runner.run(async {
            for _ in 0..10_000 {
                create_task(sleep(HOUR));
            }
            assert_rest(spent_at_rest().await);
        });
    });
}

#[test]
fn a_loop_that_was_never_used_is_at_rest() {
    alone(|| {
        let mut runner = Runner::builder().workers(3).build().unwrap();
        runner.run(async { assert_rest(spent_at_rest().await) });
    });
}

#[test]
fn nothing_ticks_while_main_or_every_worker_is_inside_blocking() {
    for tasks in [0, 1, 4] {
        alone(|| {
            let mut runner = Runner::builder().workers(2).build().unwrap();
            runner.run(async {
                let inside: Vec<_> = (0..tasks)
                    .map(|_| {
                        let (gate, wait) = mpsc::channel::<()>();
                        let task = create_task(async move {
                            blocking(|| wait.recv().unwrap_err());
                        });
                        (gate, task)
                    })
                    .collect();
                let (send, receive) = mpsc::channel();
                measure_at_rest(move |spent| send.send(spent).unwrap());
                assert_rest(blocking(|| receive.recv().unwrap()));
                for (gate, task) in inside {
                    drop(gate);
                    task.await.unwrap();
                }
            });
        });
    }
}

#[test]
fn after_a_burst_the_loop_comes_to_rest_again() {
    alone(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        runner.run(async {
            // Stuck workers, spares and timers of all workers; then nothing.
            let tasks: Vec<_> = (0..200)
                .map(|n| {
                    create_task(async move {
                        sleep(n % 10 * TICK).await;
                        if n % 50 == 0 {
                            thread::sleep(20 * TICK);
                        }
                    })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            assert_rest(spent_at_rest().await);
        });
    });
}

#[test]
fn ten_thousand_timers_of_a_second_share_their_wake_ups() {
    alone(|| {
        let mut runner = Runner::builder().workers(1).build().unwrap();
        runner.run(async {
            let before = get_running_loop().metrics().parks;
            let tasks: Vec<_> = (0..10_000)
                .map(|n| create_task(sleep(Duration::from_secs(1) + n * TICK / 20)))
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            // Spread over half a second, on a grid of two milliseconds and finer.
            let parks = get_running_loop().metrics().parks - before;
            assert!(parks < 800, "the worker parked {parks} times");
        });
    });
}
