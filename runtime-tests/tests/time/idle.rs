//! A loop that has nothing to do does nothing.

use super::*;
use asyncio::blocking;
use std::fs;

/// The processor's time that all threads of this process have had, and how often each was woken.
fn spent() -> (Duration, Vec<(String, u64)>) {
    let mut time = Duration::ZERO;
    let mut wakes = Vec::new();
    for thread in fs::read_dir("/proc/self/task").unwrap() {
        let path = thread.unwrap().path();
        // One that has just ended has no files any more.
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

/// The same, of two seconds after one of rest: measured by a foreign thread, since a timer of the
/// loop's own would wake it.
async fn spent_at_rest() -> (Duration, Vec<(String, u64)>) {
    let (send, receive) = futures::channel::oneshot::channel();
    look_at_rest(move |spent| send.send(spent).unwrap());
    receive.await.unwrap()
}

fn look_at_rest(tell: impl FnOnce((Duration, Vec<(String, u64)>)) + Send + 'static) {
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
        tell((later - time, woken.collect()));
    });
}

/// No time, and nobody woken but the thread that looks: the poller thread is in bed, too.
fn is_rest((time, woken): (Duration, Vec<(String, u64)>)) {
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
            is_rest(spent_at_rest().await);
        });
    });
}

#[test]
fn a_loop_that_was_never_used_is_at_rest() {
    alone(|| {
        let mut runner = Runner::builder().workers(3).build().unwrap();
        runner.run(async { is_rest(spent_at_rest().await) });
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
                let (tell, told) = mpsc::channel();
                look_at_rest(move |spent| tell.send(spent).unwrap());
                is_rest(blocking(|| told.recv().unwrap()));
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
            // Stuck workers, spares and timers from everywhere; then nothing.
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
            is_rest(spent_at_rest().await);
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
            assert!(parks < 800, "{parks} sleeps of the worker");
        });
    });
}
