//! Tests that all other tasks and timers are served while workers are stuck in tasks that block.

use super::*;
use asyncio::blocking;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicIsize};

/// How long a hog blocks its worker.
const HOG: Duration = Duration::from_millis(150);

/// How often a lateness is measured.
const TRIALS: usize = 10;

/// Runs `look` on a foreign thread, against a loop of two workers that have nothing else to do.
fn seen_from_outside<R: Send>(look: impl FnOnce(&EventLoop) -> R + Send) -> R {
    watched(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        let event_loop = runner.get_loop().clone();
        let (over, ended) = futures::channel::oneshot::channel::<()>();
        thread::scope(|scope| {
            let looker = scope.spawn(move || {
                let _over = over;
                look(&event_loop)
            });
            runner.run(async { ended.await.unwrap_err() });
            looker.join().unwrap()
        })
    })
}

/// Blocks a worker for [`HOG`], or until the result is dropped. Returns when it is blocked.
fn hog(event_loop: &EventLoop) -> mpsc::Sender<()> {
    let (begin, begun) = mpsc::channel();
    let (end, ended) = mpsc::channel();
    event_loop.create_task(async move {
        begin.send(()).unwrap();
        let _over = ended.recv_timeout(HOG);
    });
    begun.recv().unwrap();
    end
}

/// How much later a sleep of 5 ms is, while `hogs` workers are blocked, than one of a bare thread.
fn lateness_beside(event_loop: &EventLoop, hogs: usize) -> Duration {
    let hogs: Vec<_> = (0..hogs).map(|_| hog(event_loop)).collect();
    let (send, receive) = mpsc::channel();
    // The time until a worker takes the task counts, too.
    let before = Instant::now();
    event_loop.create_task(async move {
        sleep(5 * TICK).await;
        send.send(before.elapsed() - 5 * TICK).unwrap();
    });
    let control = lateness_of_a_thread(5 * TICK);
    let late = receive.recv().unwrap();
    drop(hogs);
    late.saturating_sub(control)
}

/// Asserts that in one of a few attempts all trials but one are late by `limit` at most. A timer
/// that waits for a hog is late by the whole [`HOG`] in every trial.
fn timers_keep_to(limit: Duration, hogs: usize) {
    seen_from_outside(|event_loop| {
        in_a_quiet_moment(|| {
            let mut late: Vec<_> = (0..TRIALS)
                .map(|_| lateness_beside(event_loop, hogs))
                .collect();
            late.sort_unstable();
            if late[TRIALS - 2] <= limit {
                return Ok(());
            }
            Err(format!("{late:?}"))
        });
    });
}

#[test]
fn timers_are_served_while_one_of_two_workers_is_stuck() {
    timers_keep_to(10 * TICK, 1);
}

#[test]
fn timers_are_served_while_both_workers_are_stuck() {
    timers_keep_to(20 * TICK, 2);
}

#[test]
fn the_wheel_of_a_stuck_worker_is_served() {
    seen_from_outside(|event_loop| {
        in_a_quiet_moment(|| {
            let (send, receive) = mpsc::channel();
            event_loop.create_task(async move {
                let alarm = Arc::new(Alarm::default());
                let mut sleep = sleep(5 * TICK);
                let when = Instant::now() + 5 * TICK;
                assert!(poll_once(&mut sleep, &Waker::from(Arc::clone(&alarm))).is_pending());
                thread::sleep(HOG);
                let rang = alarm.rang();
                send.send(rang.map(|rang| rang.saturating_duration_since(when)))
                    .unwrap();
            });
            match receive.recv().unwrap() {
                Some(late) if late <= 10 * TICK => Ok(()),
                late => Err(format!("late by {late:?}")),
            }
        });
    });
}

#[test]
fn tasks_queued_behind_a_hog_are_taken_over() {
    for workers in [1, 2] {
        on_workers(workers, async {
            // One task fills the slot, the second goes to the deque, a hundred are behind them.
            for many in [1, 2, 102] {
                let hog = create_task(async move {
                    let (send, receive) = mpsc::channel();
                    for n in 0..many {
                        let send = send.clone();
                        create_task(async move { send.send(n).unwrap() });
                    }
                    // The hog does not end before all of them have run.
                    let mut seen: Vec<_> = (0..many)
                        .map(|_| receive.recv_timeout(Duration::from_secs(10)).unwrap())
                        .collect();
                    seen.sort_unstable();
                    seen.into_iter().eq(0..many)
                });
                assert!(hog.await.unwrap());
            }
        });
    }
}

/// How long a task waits that was made by one which then blocks its worker.
fn time_behind_a_hog(event_loop: &EventLoop) -> Duration {
    // All workers sleep in between, if others do not keep them busy.
    thread::sleep(5 * TICK);
    let (send, receive) = mpsc::channel();
    event_loop.create_task(async move {
        let (ran, runs) = mpsc::channel();
        let before = Instant::now();
        create_task(async move { ran.send(()) });
        let _late = runs.recv_timeout(HOG);
        send.send(before.elapsed()).unwrap();
    });
    receive.recv().unwrap()
}

/// The monitor sleeps as long as workers wake up for short times only. That must not include one
/// that is stuck, while another wakes up every now and then.
#[test]
fn a_task_behind_a_hog_runs_soon_although_another_worker_keeps_waking_up() {
    in_a_quiet_moment(|| {
        seen_from_outside(|event_loop| {
            let over = AtomicBool::new(false);
            let mut took = thread::scope(|scope| {
                scope.spawn(|| {
                    while !over.load(Ordering::Relaxed) {
                        event_loop.create_task(async {});
                        thread::sleep(TICK / 2);
                    }
                });
                let took: Vec<_> = (0..TRIALS).map(|_| time_behind_a_hog(event_loop)).collect();
                over.store(true, Ordering::Relaxed);
                took
            });
            took.sort_unstable();
            match took[TRIALS - 2] {
                late if late > 10 * TICK => Err(format!("{took:?}")),
                _ => Ok(()),
            }
        })
    });
}

#[test]
fn a_task_that_sleeps_runs_on_while_every_worker_is_stuck() {
    for workers in [1, 2] {
        on_workers(workers, async move {
            let hogs: Vec<_> = (0..workers)
                .map(|_| {
                    create_task(async {
                        let (send, receive) = mpsc::channel();
                        create_task(async move {
                            sleep(2 * TICK).await;
                            send.send(()).unwrap();
                        });
                        receive.recv_timeout(Duration::from_secs(10)).unwrap();
                    })
                })
                .collect();
            for hog in hogs {
                hog.await.unwrap();
            }
        });
    }
}

#[test]
fn spare_workers_retire_when_the_stuck_ones_are_back() {
    watched(|| {
        let threads = Arc::new(AtomicIsize::new(0));
        let (more, fewer) = (Arc::clone(&threads), Arc::clone(&threads));
        let count = || threads.load(Ordering::SeqCst);
        let builder = Runner::builder().workers(2).max_spare_workers(2);
        let mut runner = builder
            .on_thread_start(move || {
                more.fetch_add(1, Ordering::SeqCst);
            })
            .on_thread_stop(move || {
                fewer.fetch_sub(1, Ordering::SeqCst);
            })
            .build()
            .unwrap();
        // The second worker and the monitor; they may take a moment to start.
        runner.run(until(|| count() == 2));
        for _ in 0..5 {
            runner.run(async {
                // All four block until the last of them has begun: that takes both spares.
                let meeting = Arc::new(Barrier::new(4));
                let hogs: Vec<_> = (0..4)
                    .map(|_| {
                        let meeting = Arc::clone(&meeting);
                        create_task(async move {
                            meeting.wait();
                        })
                    })
                    .collect();
                for hog in hogs {
                    hog.await.unwrap();
                }
                assert!(count() <= 4);
                until(|| count() == 2).await;
            });
        }
        runner.close();
        assert_eq!(count(), 0);
    });
}

#[test]
fn without_spares_what_waits_for_the_only_worker_waits() {
    watched(|| {
        let builder = Runner::builder().workers(1).max_spare_workers(0);
        builder.build().unwrap().run(async {
            let (ran, seen) = (Flag::default(), Flag::default());
            let (run, see) = (ran.clone(), seen.clone());
            let task = create_task(async move { run.set() });
            thread::sleep(30 * TICK);
            if ran.is_set() {
                see.set();
            }
            task.await.unwrap();
            assert!(!seen.is_set(), "another thread ran it");
        });
    });
}

#[test]
fn local_tasks_wait_for_their_stuck_thread() {
    on_workers(2, async {
        for _ in 0..5 {
            let hog = create_task(async {
                let own = thread::current().id();
                let ran = Flag::default();
                let run = ran.clone();
                let mut local = create_local_task(async move {
                    sleep(TICK).await;
                    run.set();
                    thread::current().id()
                });
                let fellow = create_local_task(async { thread::current().id() });
                thread::sleep(20 * TICK);
                assert!(!ran.is_set(), "only its own thread may run it");
                // From here on another worker may take over this task, but not the local tasks.
                assert_eq!(fellow.await.unwrap(), own);
                assert_eq!((&mut local).await.unwrap(), own);
            });
            hog.await.unwrap();
        }
    });
}

#[test]
fn blocking_hands_the_queue_over_without_waiting_for_anybody_to_notice() {
    watched(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        in_a_quiet_moment(|| {
            let waits = runner.run(async {
                let mut waits = Vec::new();
                for _ in 0..40 {
                    let (send, receive) = mpsc::channel();
                    create_task(async move { send.send(Instant::now()).unwrap() });
                    let before = Instant::now();
                    let ran = blocking(|| receive.recv().unwrap());
                    waits.push(ran.saturating_duration_since(before));
                    sleep(TICK / 5).await;
                }
                waits
            });
            // The monitor looks every millisecond, and must see a worker stuck in two looks.
            match median(waits) {
                wait if wait < TICK => Ok(()),
                wait => Err(format!("{wait:?}")),
            }
        });
    });
}

/// How long sleeps of 20 ms in main take while a child blocks its thread by `block`.
async fn sleeps_beside_children(block: fn()) -> Vec<Duration> {
    let mut took = Vec::new();
    for _ in 0..6 {
        let child = create_task(async move { block() });
        let before = Instant::now();
        sleep(20 * TICK).await;
        took.push(before.elapsed());
        child.await.unwrap();
    }
    took
}

// In earlier tests main had no second child that blocks.
#[test]
fn a_child_that_blocks_freezes_main_once_at_most() {
    let blocks: [fn(); 2] = [
        || thread::sleep(2 * HOG),
        || blocking(|| thread::sleep(2 * HOG)),
    ];
    for (workers, spares) in [(2, 2), (1, 1), (2, 0)] {
        for block in blocks {
            in_a_quiet_moment(|| {
                let builder = Runner::builder().workers(workers).max_spare_workers(spares);
                let took = builder.build().unwrap().run(sleeps_beside_children(block));
                match took.iter().filter(|took| **took > HOG).count() {
                    0 | 1 => Ok(()),
                    _ => Err(format!("{workers} workers: {took:?}")),
                }
            });
        }
    }
}

#[test]
fn with_one_worker_and_no_spare_everything_runs_all_the_same() {
    watched(|| {
        let builder = Runner::builder().workers(1).max_spare_workers(0);
        builder.build().unwrap().run(async {
            for _ in 0..3 {
                create_task(async { thread::sleep(60 * TICK) })
                    .await
                    .unwrap();
                create_task(async {}).await.unwrap();
            }
        });
    });
}

#[test]
fn what_waits_is_run_when_every_spare_is_stuck_as_well() {
    watched(|| {
        let builder = Runner::builder().workers(1).max_spare_workers(1);
        builder.build().unwrap().run(async {
            create_task(async { thread::sleep(60 * TICK) })
                .await
                .unwrap();
            // From now on worker 0 is apart: it runs only main and local tasks. The first of these
            // tasks blocks the spare until the second has run.
            let (send, receive) = mpsc::channel();
            let first = create_task(async move { receive.recv().unwrap() });
            sleep(5 * TICK).await;
            let second = create_task(async move { send.send(()).unwrap() });
            first.await.unwrap();
            second.await.unwrap();
        });
    });
}

#[test]
fn after_a_freeze_main_and_its_tasks_hand_over_as_before() {
    on_workers(2, async {
        create_task(async { thread::sleep(60 * TICK) })
            .await
            .unwrap();
        let own = thread::current().id();
        for n in 0..500 {
            let local = create_local_task(async { thread::current().id() });
            assert_eq!(create_task(async move { n }).await.unwrap(), n);
            assert_eq!(local.await.unwrap(), own);
            if n % 100 == 0 {
                sleep(TICK).await;
            }
        }
    });
}

/// Between a freeze and the end of the time apart, the workers are awake for microseconds only.
#[test]
fn a_time_apart_ends_although_workers_only_wake_up_for_short_times() {
    on_workers(2, async {
        let own = thread::current().id();
        let runs_here = || async {
            let task = create_task(async { thread::current().id() });
            task.await.unwrap() == own
        };
        create_task(async { thread::sleep(60 * TICK) })
            .await
            .unwrap();
        assert!(!runs_here().await, "worker 0 is not apart");
        let begin = Instant::now();
        while !runs_here().await {
            assert!(
                begin.elapsed() < Duration::from_secs(15),
                "worker 0 stays apart"
            );
            sleep(2 * TICK).await;
        }
    });
}
