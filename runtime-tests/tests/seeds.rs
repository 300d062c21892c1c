//! Tests of the deterministic mode: planted bugs are found within a thousand seeds, and a seed
//! repeats its schedule on every machine.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use asyncio::{EventLoop, Runner, checkpoint, create_task};
use runtime_tests::watched;

/// Runs `body` under a seed. Returns the text of the panic if it panics.
fn under<T>(seed: u64, workers: usize, body: impl AsyncFn() -> T) -> Result<T, String> {
    let mut runner = Runner::builder()
        .workers(workers)
        .deterministic(seed)
        .build()
        .unwrap();
    let outcome = catch_unwind(AssertUnwindSafe(|| runner.run(async { body().await })));
    outcome.map_err(|panic| {
        let literal = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        literal
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default()
    })
}

/// Asserts that one of the first thousand seeds makes `body` panic with `text`, within five
/// seconds, and that it does so again.
fn finds<T>(text: &str, body: impl AsyncFn() -> T) {
    watched(|| {
        let begin = Instant::now();
        let fails = |seed: &u64| under(*seed, 2, &body).is_err_and(|panic| panic.contains(text));
        let seed = (0..1000)
            .find(fails)
            .expect("no seed of a thousand makes it panic");
        assert!(
            begin.elapsed() < Duration::from_secs(5),
            "it took {:?}",
            begin.elapsed()
        );
        assert!(fails(&seed), "seed {seed} fails once, but not again");
    });
}

#[test]
fn a_lost_update_is_found() {
    finds("an update was lost", async || {
        let counter = Arc::new(AtomicU32::new(0));
        let increments: Vec<_> = (0..2)
            .map(|_| {
                let counter = Arc::clone(&counter);
                create_task(async move {
                    // Read, await, write: an update of the other task in between is lost.
                    let read = counter.load(Ordering::Relaxed);
                    checkpoint().await;
                    counter.store(read + 1, Ordering::Relaxed);
                })
            })
            .collect();
        for increment in increments {
            increment.await.unwrap();
        }
        assert_eq!(counter.load(Ordering::Relaxed), 2, "an update was lost");
    });
}

#[test]
fn a_missed_notification_is_found() {
    finds("deadlock", async || {
        let ready = Arc::new(AtomicBool::new(false));
        let bell = asyncio::Future::<()>::new();
        let waiter = create_task({
            let (ready, bell) = (Arc::clone(&ready), bell.clone());
            async move {
                if !ready.load(Ordering::Relaxed) {
                    // The task looks at the bell once, after this checkpoint: a notification that
                    // comes later is missed.
                    checkpoint().await;
                    let rings = bell.done();
                    if !rings {
                        asyncio::Future::<()>::new().await.unwrap();
                    }
                }
            }
        });
        let notifier = create_task(async move {
            checkpoint().await;
            ready.store(true, Ordering::Relaxed);
            bell.set_result(()).unwrap();
        });
        notifier.await.unwrap();
        waiter.await.unwrap();
    });
}

#[test]
fn a_deadlock_is_found_and_says_who_waits() {
    finds("deadlock", async || {
        let forks: [Arc<AtomicBool>; 2] = Default::default();
        let philosophers: Vec<_> = (0..2)
            .map(|left| {
                let (first, second) = (Arc::clone(&forks[left]), Arc::clone(&forks[1 - left]));
                create_task(async move {
                    for fork in [&first, &second] {
                        while fork.swap(true, Ordering::Relaxed) {
                            // A philosopher puts its forks down only after its meal. If both forks
                            // are taken here, neither will eat.
                            if first.load(Ordering::Relaxed) && second.load(Ordering::Relaxed) {
                                std::future::pending::<()>().await;
                            }
                            checkpoint().await;
                        }
                        checkpoint().await;
                    }
                    first.store(false, Ordering::Relaxed);
                    second.store(false, Ordering::Relaxed);
                })
            })
            .collect();
        for philosopher in philosophers {
            philosopher.await.unwrap();
        }
    });
}

/// Runs a program with sleeps, children, pool functions and a cancellation, and returns the hash of
/// its schedule.
fn schedule(seed: u64, workers: usize) -> u64 {
    let mut runner = Runner::builder()
        .workers(workers)
        .deterministic(seed)
        .build()
        .unwrap();
    runner.run(async {
        let tasks: Vec<_> = (1..20u64)
            .map(|n| {
                create_task(async move {
                    asyncio::sleep(Duration::from_secs(n % 3)).await;
                    let child = create_task(async move { n });
                    checkpoint().await;
                    let squared = asyncio::to_thread(move || n * n).await.unwrap();
                    child.await.unwrap() + squared
                })
            })
            .collect();
        tasks[3].cancel();
        for task in tasks {
            drop(task.await);
        }
    });
    let schedule = runner.get_loop().metrics().schedule;
    runner.close();
    schedule
}

#[test]
fn a_seed_repeats_its_schedule_on_every_machine() {
    watched(|| {
        assert_eq!(schedule(7, 4), schedule(7, 4));
        let schedules = (0..50).map(|seed| schedule(seed, 4));
        let distinct: std::collections::BTreeSet<_> = schedules.collect();
        assert!(
            distinct.len() > 45,
            "only {} schedules of 50 seeds",
            distinct.len()
        );
        // This number changes with the scheduler, but not with the machine.
        assert_eq!(
            schedule(7, 4),
            GOLDEN,
            "the scheduler's choices have changed"
        );
    });
}

const GOLDEN: u64 = 16_420_482_036_049_466_104;

#[test]
fn a_thread_that_disturbs_the_sleep_of_the_loop_changes_no_schedule() {
    let program = |disturbed: bool| {
        let mut runner = Runner::builder()
            .workers(4)
            .deterministic(7)
            .build()
            .unwrap();
        let event_loop = runner.get_loop().clone();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            if disturbed {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        // At the end of each time hold the loop looks at the clock.
                        drop(event_loop.hold_time());
                    }
                });
            }
            runner.run(async {
                for _ in 0..200 {
                    let sleepers: Vec<_> = (0..4)
                        .map(|_| create_task(asyncio::sleep(Duration::from_secs(1))))
                        .collect();
                    for sleeper in sleepers {
                        sleeper.await.unwrap();
                    }
                }
            });
            over.store(true, Ordering::Relaxed);
        });
        runner.get_loop().metrics().schedule
    };
    watched(|| assert_eq!(program(true), program(false)));
}

/// Waits, on a foreign thread, until a worker of the loop has parked.
fn await_sleep(event_loop: &EventLoop, parks: u64) {
    while event_loop.metrics().parks == parks {
        std::thread::yield_now();
    }
}

#[test]
fn a_foreign_thread_wakes_a_local_task_of_any_worker() {
    watched(|| {
        for seed in 0..20 {
            let outcome = under(seed, 4, async || {
                let event_loop = asyncio::get_running_loop();
                let hold = event_loop.hold_time();
                let sleeper = create_task(asyncio::sleep(Duration::from_secs(1)));
                let tasks: Vec<_> = (0..4).map(|_| create_task(woken_locally())).collect();
                for task in tasks {
                    assert_eq!(task.await.unwrap(), 7);
                }
                drop(hold);
                sleeper.await.unwrap();
            });
            outcome.unwrap();
        }
    });
}

/// Awaits a local task that waits for a foreign thread.
async fn woken_locally() -> u32 {
    let event_loop = asyncio::get_running_loop();
    let parks = event_loop.metrics().parks;
    let (sender, receiver) = futures::channel::oneshot::channel();
    let local = asyncio::create_local_task(async move { receiver.await.unwrap() });
    std::thread::spawn(move || {
        await_sleep(&event_loop, parks);
        sender.send(7).unwrap();
    });
    local.await.unwrap()
}

#[test]
fn a_time_that_is_held_is_no_deadlock() {
    // Longer than the loop waits for a foreign thread before it reports a deadlock.
    const WORK: Duration = Duration::from_millis(50);
    watched(|| {
        let outcome = under(1, 2, async || {
            let event_loop = asyncio::get_running_loop();
            let hold = event_loop.hold_time();
            let done = asyncio::Future::new();
            let answer = done.clone();
            std::thread::spawn(move || {
                std::thread::sleep(WORK);
                event_loop.call_soon_threadsafe(move || answer.set_result(7).unwrap());
                drop(hold);
            });
            done.await.unwrap()
        });
        assert_eq!(outcome, Ok(7));
    });
}

#[test]
fn a_deadlock_is_found_when_time_is_let_go() {
    finds("deadlock", async || {
        let hold = asyncio::get_running_loop().hold_time();
        std::thread::spawn(move || drop(hold));
        std::future::pending::<()>().await;
    });
}

#[test]
fn with_one_worker_tasks_start_in_the_order_in_which_they_are_made() {
    // TF-1
    for seed in 0..20 {
        let order = under(seed, 1, async || {
            let log = Arc::new(std::sync::Mutex::new(Vec::new()));
            let tasks: Vec<_> = (0..10)
                .map(|n| {
                    let log = Arc::clone(&log);
                    create_task(async move { log.lock().unwrap().push(n) })
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
            log.lock().unwrap().clone()
        });
        assert_eq!(order.unwrap(), (0..10).collect::<Vec<_>>());
    }
}

#[asyncio::test(seeds = 200)]
async fn the_attribute_tries_many_seeds() {
    let begin = asyncio::get_running_loop().time();
    let answers = asyncio::gather((async { 1 }, async { 2 })).await.unwrap();
    asyncio::sleep(Duration::from_secs(3600)).await;
    assert_eq!(answers, (1, 2));
    assert_eq!(
        asyncio::get_running_loop().time() - begin,
        Duration::from_secs(3600)
    );
}

#[asyncio::test(seed = 7, workers = 3)]
async fn the_attribute_takes_one_seed() -> Result<(), asyncio::TaskError> {
    create_task(async {}).await
}

/// Runs a test of this file in a process of its own, with an environment variable set. Returns
/// whether it passed, and its output.
fn again(test: &str, variable: &str, value: &str) -> (bool, String) {
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(variable, value)
        .output()
        .unwrap();
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    assert!(
        printed.contains("running 1 test"),
        "no test has the name {test}"
    );
    (output.status.success(), printed)
}

#[test]
fn the_environment_names_a_seed_or_is_refused() {
    let test = "the_attribute_tries_many_seeds";
    for seed in ["17", " 17 ", "", "18446744073709551615"] {
        let (passed, said) = again(test, "ASYNCIO_SEED", seed);
        assert!(passed, "{seed:?}: {said}");
    }
    for seed in ["0x11", "17,", "-1", "18446744073709551616"] {
        let (passed, said) = again(test, "ASYNCIO_SEED", seed);
        assert!(!passed && said.contains("is no seed"), "{seed:?}: {said}");
    }
}

#[test]
fn behind_the_greatest_seed_comes_zero() {
    let mut seeds = Vec::new();
    asyncio::seeds::explore(u64::MAX - 1, 4, |seed| seeds.push(seed));
    if std::env::var_os("ASYNCIO_SEED").is_none() {
        assert_eq!(seeds, [u64::MAX - 1, u64::MAX, 0, 1]);
    }
}

#[test]
fn a_seed_has_two_workers_whatever_the_machine_and_the_environment_say() {
    let workers = |runner: Runner| runner.get_loop().metrics().workers;
    let seeded = Runner::builder().deterministic(1).build().unwrap();
    assert_eq!(workers(seeded), 2);
    let three = Runner::builder().deterministic(1).workers(3);
    assert_eq!(workers(three.build().unwrap()), 3);
    if std::env::var_os("ASYNCIO_WORKERS").is_none() {
        let test = "a_seed_has_two_workers_whatever_the_machine_and_the_environment_say";
        let (passed, said) = again(test, "ASYNCIO_WORKERS", "5");
        assert!(passed, "{said}");
    }
}

#[test]
fn a_seed_has_a_paused_clock_in_any_order_of_the_calls() {
    watched(|| {
        let day = Duration::from_secs(24 * 3600);
        for builder in [
            Runner::builder().deterministic(1).start_paused(false),
            Runner::builder().start_paused(false).deterministic(1),
        ] {
            let mut runner = builder.build().unwrap();
            let event_loop = runner.get_loop().clone();
            let begin = event_loop.time();
            runner.run(asyncio::sleep(day));
            assert_eq!(event_loop.time() - begin, day);
        }
    });
}

#[test]
fn a_seed_gives_the_same_schedule_and_the_same_names_whatever_other_loops_do() {
    let names = |seed| {
        let mut runner = Runner::builder().deterministic(seed).build().unwrap();
        let names = runner.run(async {
            let tasks: Vec<_> = (0..600).map(|_| create_task(checkpoint())).collect();
            let mut names = Vec::new();
            for task in tasks {
                names.push(task.get_name());
                task.await.unwrap();
            }
            names
        });
        (names, runner.get_loop().metrics().schedule)
    };
    watched(|| {
        let first = names(7);
        // Another loop takes task numbers in between, and at the same time.
        let mut other = Runner::builder().workers(2).build().unwrap();
        let same = other.run(async {
            let others = (0..600).map(|_| create_task(async {}));
            let busy = asyncio::gather_all(others);
            let same = asyncio::to_thread(move || names(7)).await.unwrap();
            busy.await.unwrap();
            same
        });
        assert_eq!(first, same);
        assert_eq!(first.0[0], "Task-2", "the first task after main");
    });
}
