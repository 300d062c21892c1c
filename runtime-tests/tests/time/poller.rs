//! Tests of a new, earlier timer while a thread waits in the poller for a later one, or for none.

use super::*;

/// How long a wait of 2 ms may take: less than the later timers, and more than the delay on a busy
/// machine.
const IN_TIME: Duration = Duration::from_secs(10);

/// Runs `visit` on a foreign thread, against a loop with `workers` workers whose main waits until
/// `visit` has ended. With `later`, a task of the loop sleeps that long.
fn visited<R: Send>(
    workers: usize,
    later: Option<Duration>,
    visit: impl FnOnce(&EventLoop) -> R + Send,
) -> R {
    watched(|| {
        let mut runner = Runner::builder().workers(workers).build().unwrap();
        let event_loop = runner.get_loop().clone();
        let (over, ended) = futures::channel::oneshot::channel::<()>();
        thread::scope(|scope| {
            let visitor = scope.spawn(move || {
                let _over = over;
                visit(&event_loop)
            });
            runner.run(async {
                if let Some(later) = later {
                    drop(create_task(sleep(later)));
                }
                let _canceled = ended.await;
            });
            visitor.join().unwrap()
        })
    })
}

/// Waits long enough for all workers to park; nothing shows that from outside.
fn let_workers_park() {
    thread::sleep(8 * TICK);
}

#[test]
fn a_timer_of_a_foreign_thread_fires_while_the_poller_sleeps_for_a_later_one() {
    for later in [None, Some(HOUR)] {
        visited(2, later, |event_loop| {
            for _ in 0..5 {
                let_workers_park();
                let before = Instant::now();
                event_loop.block_on(sleep(2 * TICK)).unwrap();
                assert!(before.elapsed() >= 2 * TICK && before.elapsed() < IN_TIME);
            }
        });
    }
}

#[test]
fn a_callback_set_by_a_foreign_thread_fires_while_the_poller_sleeps() {
    for (workers, later) in [(1, None), (1, Some(HOUR)), (2, None), (2, Some(HOUR))] {
        visited(workers, later, |event_loop| {
            for _ in 0..3 {
                let_workers_park();
                let (send, receive) = mpsc::channel();
                event_loop.call_later(2 * TICK, move || send.send(()).unwrap());
                receive.recv_timeout(IN_TIME).unwrap();
            }
        });
    }
}

#[test]
fn a_task_from_a_foreign_thread_sleeps_while_the_poller_sleeps_for_a_later_one() {
    for workers in [1, 2, 3] {
        visited(workers, Some(HOUR), |event_loop| {
            for _ in 0..3 {
                let_workers_park();
                let (send, receive) = mpsc::channel();
                event_loop.create_task(async move {
                    sleep(2 * TICK).await;
                    send.send(()).unwrap();
                });
                receive.recv_timeout(IN_TIME).unwrap();
            }
        });
    }
}

#[test]
fn an_earlier_timer_of_another_worker_fires_in_time() {
    on_workers(3, async {
        let later = begun(sleep(HOUR)).await;
        for _ in 0..20 {
            // Any worker may run each of them. The thread in the poller waits for the hour, or for
            // another of these timers.
            let tasks = [3, 2, 1].map(|n| {
                create_task(async move {
                    let before = Instant::now();
                    sleep(n * TICK).await;
                    before.elapsed()
                })
            });
            for task in tasks {
                assert!(task.await.unwrap() < IN_TIME);
            }
        }
        assert!(!later.done());
    });
}

#[test]
fn a_timer_that_is_reset_to_an_earlier_instant_by_others_fires_in_time() {
    visited(2, Some(HOUR), |event_loop| {
        for _ in 0..5 {
            let (send, receive) = mpsc::channel();
            let task =
                event_loop.create_task(timeout(HOUR, async move |scope: &asyncio::Timeout| {
                    send.send(scope.clone()).unwrap();
                    pending::<()>().await;
                }));
            let scope = receive.recv_timeout(IN_TIME).unwrap();
            let_workers_park();
            scope.reschedule(Some(Instant::now() + 2 * TICK)).unwrap();
            let before = Instant::now();
            assert!(event_loop.block_on(task).unwrap().unwrap().is_err());
            assert!(before.elapsed() < IN_TIME);
        }
    });
}

#[test]
fn the_earliest_timer_may_be_cancelled_while_the_poller_sleeps_for_it() {
    visited(2, Some(HOUR), |event_loop| {
        for _ in 0..5 {
            let first = event_loop.call_later(20 * TICK, || unreachable!("it was cancelled"));
            let_workers_park();
            first.cancel();
            event_loop.block_on(sleep(30 * TICK)).unwrap();
        }
    });
}

#[test]
fn many_threads_sleep_at_once_each_in_its_own_root() {
    for workers in [2, 3] {
        visited(workers, Some(HOUR), |event_loop| {
            thread::scope(|scope| {
                for seed in 1..=6 {
                    scope.spawn(move || {
                        let mut dice = Dice(0x9e37_79b9 * seed);
                        for _ in 0..60 {
                            let delay = dice.micros(1500);
                            let before = Instant::now();
                            event_loop.block_on(sleep(delay)).unwrap();
                            let slept = before.elapsed();
                            assert!(slept >= delay && slept < IN_TIME, "{slept:?}");
                        }
                    });
                }
            });
        });
    }
}

#[test]
fn a_root_on_a_foreign_thread_has_all_of_time() {
    watched(|| {
        // This thread, which is worker 0, does not run the loop: the other worker serves it.
        let runner = Runner::builder().workers(2).build().unwrap();
        let event_loop = runner.get_loop().clone();
        let foreign = thread::spawn(move || {
            event_loop.block_on(async {
                sleep(2 * TICK).await;
                let mut reset = sleep(HOUR);
                assert!(poll_once(&mut reset, Waker::noop()).is_pending());
                reset.reset(Instant::now() + TICK);
                reset.await;
                assert!(wait_for(pending::<()>(), TICK).await.is_err());
                let limited = timeout(HOUR, async |scope| {
                    scope.reschedule(Some(Instant::now() + TICK)).unwrap();
                    pending::<()>().await;
                });
                assert!(limited.await.is_err());
            })
        });
        assert_eq!(foreign.join().unwrap(), Ok(()));
    });
}

/// All callbacks are due at tick 0, at which the loop's clock begins. So the kernel timer is armed
/// for the same deadline again and again: it fires, is taken out, and is armed again, while the
/// poller goes to sleep for the sleep at the end. (No other test covers it: elsewhere every
/// deadline is a different instant, and a model in which the kernel timer never fires has no expiry
/// that the engine could wrongly still expect.)
#[test]
fn a_deadline_that_comes_again_and_again_leaves_the_kernels_timer_armed() {
    for workers in [2, 4] {
        watched(|| {
            for _ in 0..120 {
                let mut runner = Runner::builder().workers(workers).build().unwrap();
                runner.run(async {
                    let event_loop = get_running_loop();
                    let past = Instant::now() - 5 * TICK;
                    for _ in 0..5_000 {
                        event_loop.call_at(past, || ());
                    }
                    sleep(5 * TICK).await;
                });
            }
        });
    }
}
