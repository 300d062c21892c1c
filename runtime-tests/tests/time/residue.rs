//! Tests that timers that never fire leave nothing behind.

use super::*;
use asyncio::tasks::Sleep;

/// Polls `many` sleeps of an hour, each with a reference to `alarm`.
fn registered(many: usize, alarm: &Arc<Alarm>) -> Vec<Sleep> {
    let waker = Waker::from(Arc::clone(alarm));
    let mut sleeps: Vec<_> = (0..many).map(|_| sleep(HOUR)).collect();
    for sleep in &mut sleeps {
        assert!(poll_once(sleep, &waker).is_pending());
    }
    sleeps
}

// TF-3
#[test]
fn a_cancelled_sleep_takes_its_timer_out() {
    on_workers(1, async {
        let alarm = Arc::new(Alarm::default());
        let task = begun({
            let waker = Waker::from(Arc::clone(&alarm));
            async move {
                let mut sleep = sleep(HOUR);
                poll_fn(move |_| poll_once(&mut sleep, &waker)).await;
            }
        })
        .await;
        assert_eq!(Arc::strong_count(&alarm), 3, "the wheel has one reference");
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(Arc::strong_count(&alarm), 1);
        assert_eq!(alarm.rang(), None);
    });
}

#[test]
fn timers_dropped_on_their_own_worker_are_gone_at_once() {
    on_workers(1, async {
        let alarm = Arc::new(Alarm::default());
        let sleeps = registered(1000, &alarm);
        assert_eq!(Arc::strong_count(&alarm), 1001);
        drop(sleeps);
        assert_eq!(Arc::strong_count(&alarm), 1);
    });
}

#[test]
fn timers_dropped_by_other_threads_are_gone_at_the_next_visit() {
    on_workers(3, async {
        let alarm = Arc::new(Alarm::default());
        for _ in 0..20 {
            // Registered on all workers, and dropped by foreign threads while the workers run.
            let makers: Vec<_> = (0..6)
                .map(|_| {
                    let alarm = Arc::clone(&alarm);
                    create_task(async move { registered(200, &alarm) })
                })
                .collect();
            let mut droppers = Vec::new();
            for maker in makers {
                let sleeps = maker.await.unwrap();
                droppers.push(thread::spawn(move || drop(sleeps)));
                sleep(Duration::from_micros(50)).await;
            }
            for dropper in droppers {
                dropper.join().unwrap();
            }
        }
        for _visit in 0..500 {
            if Arc::strong_count(&alarm) == 1 {
                break;
            }
            let visits: Vec<_> = (0..8).map(|_| create_task(sleep(TICK))).collect();
            for visit in visits {
                visit.await.unwrap();
            }
        }
        assert_eq!(Arc::strong_count(&alarm), 1);
        assert_eq!(alarm.rang(), None);
    });
}

#[test]
fn the_end_of_the_loop_lets_go_of_timers_that_outlive_it() {
    watched(|| {
        let alarm = Arc::new(Alarm::default());
        let mut runner = Runner::builder().workers(2).build().unwrap();
        let sleeps = runner.run(async { registered(100, &alarm) });
        runner.close();
        drop(runner);
        drop(sleeps);
        assert_eq!(Arc::strong_count(&alarm), 1);
    });
}

#[test]
fn a_sleep_that_is_forgotten_rings_nobody_twice_and_harms_nobody() {
    on_workers(2, async {
        let alarm = Arc::new(Alarm::default());
        let mut sleeping = sleep(TICK);
        assert!(poll_once(&mut sleeping, &Waker::from(Arc::clone(&alarm))).is_pending());
        std::mem::forget(sleeping);
        until(|| alarm.rang().is_some()).await;
        sleep(2 * TICK).await;
        until(|| Arc::strong_count(&alarm) == 1).await;
    });
}

/// The resident memory of this process, in bytes.
#[cfg(target_os = "linux")]
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages = pages.split_whitespace().nth(1).unwrap();
    pages.parse::<usize>().unwrap() * 4096
}

#[cfg(target_os = "linux")]
#[test]
fn a_hundred_thousand_timers_registered_and_dropped_leave_no_memory_taken() {
    alone(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        runner.run(async {
            let mut after_two = 0;
            for round in 0..8 {
                let alarm = Arc::new(Alarm::default());
                drop(registered(100_000, &alarm));
                assert_eq!(Arc::strong_count(&alarm), 1);
                // Limits that are never reached, which is the usual case.
                for _ in 0..10_000 {
                    assert_eq!(wait_for(async { 1 }, HOUR).await, Ok(1));
                }
                if round == 1 {
                    after_two = resident();
                }
            }
            let grown = resident().saturating_sub(after_two);
            assert!(grown < 2 << 20, "grown by {grown} bytes");
        });
    });
}

#[cfg(target_os = "linux")]
#[test]
fn timers_that_come_and_go_one_by_one_leave_no_memory_taken() {
    alone(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        runner.run(async {
            let mut before = 0;
            for round in 0..200_000 {
                let mut sleep = sleep(HOUR);
                assert!(poll_once(&mut sleep, Waker::noop()).is_pending());
                if round == 20_000 {
                    before = resident();
                }
            }
            let grown = resident().saturating_sub(before);
            assert!(grown < 1 << 20, "grown by {grown} bytes");
        });
    });
}
