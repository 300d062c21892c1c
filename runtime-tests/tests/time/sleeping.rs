//! Tests of sleeps: they are never early, late by at most their slack, and can be reset.

use super::*;

// TF-3
#[test]
fn a_sleep_of_zero_yields_once_and_gives_its_result() {
    on_workers(1, async {
        let past = Instant::now();
        for mut sleep in [sleep(Duration::ZERO), sleep_until(past)] {
            let polls = Polls::default();
            counting_polls(&polls, &mut sleep).await;
            assert_eq!(polls.count(), 2);
        }
        assert_eq!(sleep(Duration::ZERO).with_result(3).await, 3);
        assert_eq!(sleep(TICK).with_result("later").await, "later");
    });
}

#[test]
fn a_sleep_can_be_sent_shared_and_shown() {
    fn is_all<T: Send + Sync + Unpin + std::fmt::Debug>(_value: &T) {}
    let sleep = sleep(TICK);
    is_all(&sleep);
    is_all(&sleep.exact().with_result(1));
}

#[test]
fn a_sleep_outside_a_loop_panics_and_names_who_made_it() {
    watched(|| {
        let line = line!() + 1;
        let sleep = sleep(TICK);
        let text = caught(|| blocking_wait(sleep)).text;
        assert!(text.contains("no running event loop"), "{text}");
        assert!(text.contains(&format!("sleeping.rs:{line}")), "{text}");
    });
}

#[test]
fn no_sleep_is_early_on_any_worker() {
    on_workers(3, async {
        let tasks: Vec<_> = (1..=48)
            .map(|seed| {
                create_task(async move {
                    let mut dice = Dice(0x9e37_79b9 * seed);
                    for round in 0..40 {
                        let delay = dice.micros(3000);
                        let before = Instant::now();
                        match round % 3 {
                            0 => sleep(delay).await,
                            1 => sleep(delay).exact().await,
                            _ => sleep_until(before + delay).await,
                        }
                        let slept = before.elapsed();
                        assert!(slept >= delay, "{slept:?} instead of {delay:?}");
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// The median lateness of forty sleeps, and that of forty sleeps of a bare thread at the same time.
fn lateness(runner: &mut Runner, delay: Duration, exact: bool) -> (Duration, Duration) {
    let control = thread::spawn(move || {
        let late = (0..40).map(|_| lateness_of_a_thread(delay));
        median(late.collect())
    });
    let late = runner.run(async move {
        let mut late = Vec::new();
        for _ in 0..40 {
            let before = Instant::now();
            let sleep = sleep(delay);
            if exact { sleep.exact() } else { sleep }.await;
            late.push(before.elapsed().saturating_sub(delay));
        }
        median(late)
    });
    (late, control.join().unwrap())
}

#[test]
fn a_sleep_is_late_by_little_more_than_a_bare_threads() {
    watched(|| {
        let mut runner = Runner::builder().workers(2).build().unwrap();
        for exact in [false, true] {
            // The slack of 10 ms is a fiftieth of a millisecond.
            in_a_quiet_moment(|| match lateness(&mut runner, 10 * TICK, exact) {
                (late, control) if late <= 2 * control + TICK / 2 => Ok(()),
                both => Err(format!("exact: {exact}, late and control: {both:?}")),
            });
        }
    });
}

#[test]
fn an_exact_sleep_has_no_slack_whatever_the_loop_allows() {
    watched(|| {
        let builder = Runner::builder().workers(2);
        let mut runner = builder.timer_slack(4.0, 100 * TICK).build().unwrap();
        in_a_quiet_moment(|| match lateness(&mut runner, 5 * TICK, true) {
            (late, control) if late <= 2 * control + TICK => Ok(()),
            both => Err(format!("late and control: {both:?}")),
        });
    });
}

#[test]
fn a_slack_lets_sleeps_share_their_wake_up_and_is_kept_to() {
    watched(|| {
        let builder = Runner::builder().workers(1);
        let mut runner = builder.timer_slack(1.0, 40 * TICK).build().unwrap();
        in_a_quiet_moment(|| {
            let (woken, late) = runner.run(async {
                let before = get_running_loop().metrics().parks;
                let tasks: Vec<_> = (0..200)
                    .map(|n| {
                        create_task(async move {
                            let when = Instant::now() + 45 * TICK + n * TICK / 10;
                            sleep_until(when).await;
                            Instant::now().duration_since(when)
                        })
                    })
                    .collect();
                let mut late = Duration::ZERO;
                for task in tasks {
                    late = late.max(task.await.unwrap());
                }
                (get_running_loop().metrics().parks - before, late)
            });
            // Two hundred deadlines in 20 ms, on a grid of 40 ms.
            if woken <= 10 && late <= 50 * TICK {
                return Ok(());
            }
            Err(format!("{woken} wake-ups, late by {late:?}"))
        });
    });
}

#[test]
fn a_sleep_can_be_reset_to_an_earlier_instant() {
    on_workers(2, async {
        let mut sleep = sleep(HOUR);
        assert!(poll_once(&mut sleep, Waker::noop()).is_pending());
        let before = Instant::now();
        sleep.reset(before + 2 * TICK);
        (&mut sleep).await;
        assert!(before.elapsed() >= 2 * TICK);
    });
}

#[test]
fn a_sleep_can_be_reset_to_a_later_instant() {
    on_workers(2, async {
        let mut sleep = sleep(2 * TICK);
        let alarm = Arc::new(Alarm::default());
        assert!(poll_once(&mut sleep, &Waker::from(Arc::clone(&alarm))).is_pending());
        let before = Instant::now();
        sleep.reset(before + 20 * TICK);
        assert_eq!(Arc::strong_count(&alarm), 1, "the old timer is removed");
        (&mut sleep).await;
        assert!(before.elapsed() >= 20 * TICK);
    });
}

#[test]
fn a_sleep_wakes_who_polled_it_last_a_task_or_another() {
    on_workers(2, async {
        let alarm = Arc::new(Alarm::default());
        let other = Waker::from(Arc::clone(&alarm));
        let mut long = sleep(HOUR);
        for _ in 0..3 {
            for _ in 0..2 {
                assert!(poll_once(&mut long, &other).is_pending());
                assert_eq!(Arc::strong_count(&alarm), 3, "the other's is on the wheel");
            }
            for _ in 0..2 {
                let again = poll_fn(|cx| Poll::Ready(poll_once(&mut long, cx.waker())));
                assert!(again.await.is_pending());
                assert_eq!(Arc::strong_count(&alarm), 2, "the task's is on the wheel");
            }
        }
        let mut short = sleep(2 * TICK);
        assert!(poll_once(&mut short, &other).is_pending());
        short.await;
        assert_eq!(Arc::strong_count(&alarm), 2);
    });
}

#[test]
fn a_sleep_that_is_over_can_begin_anew() {
    on_workers(2, async {
        let mut sleep = sleep(TICK);
        for _ in 0..3 {
            (&mut sleep).await;
            // The sleep stays ready until it is reset.
            assert!(poll_once(&mut sleep, Waker::noop()).is_ready());
            let when = Instant::now() + 2 * TICK;
            sleep.reset(when);
            (&mut sleep).await;
            assert!(Instant::now() >= when);
        }
        let polls = Polls::default();
        sleep.reset(Instant::now());
        counting_polls(&polls, &mut sleep).await;
        assert_eq!(
            polls.count(),
            2,
            "a sleep until a past instant suspends once"
        );
    });
}

#[test]
fn a_sleep_reset_over_and_over_fires_once() {
    on_workers(2, async {
        let mut sleep = sleep(HOUR);
        let alarm = Arc::new(Alarm::default());
        let waker = Waker::from(Arc::clone(&alarm));
        for n in 1..1000u32 {
            sleep.reset(Instant::now() + if n % 2 == 0 { HOUR } else { 2 * HOUR });
            assert!(poll_once(&mut sleep, &waker).is_pending());
        }
        drop(waker);
        assert_eq!(
            Arc::strong_count(&alarm),
            2,
            "only the last of a thousand timers is registered"
        );
        sleep.reset(Instant::now() + TICK);
        (&mut sleep).await;
        assert_eq!(
            alarm.rang(),
            None,
            "the old waker is removed with the old timer"
        );
    });
}

#[test]
fn a_sleep_wakes_whoever_polled_it_last() {
    on_workers(2, async {
        let mut sleep = sleep(4 * TICK);
        let [first, last] = [(); 2].map(|()| Arc::new(Alarm::default()));
        assert!(poll_once(&mut sleep, &Waker::from(Arc::clone(&first))).is_pending());
        assert!(poll_once(&mut sleep, &Waker::from(Arc::clone(&last))).is_pending());
        until(|| last.rang().is_some()).await;
        assert_eq!(first.rang(), None);
        sleep.await;
    });
}

#[test]
fn a_slack_that_is_no_fraction_is_refused_in_the_line_of_the_call() {
    for fraction in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -0.1] {
        let said = caught(|| drop(Runner::builder().timer_slack(fraction, TICK)));
        assert!(said.text.contains("fraction"), "{fraction}: {said:?}");
        let place = said.place.as_ref().map(|(file, _)| file.as_str());
        assert!(
            place.is_some_and(|file| file.ends_with("sleeping.rs")),
            "{said:?}"
        );
    }
    drop(Runner::builder().timer_slack(f64::MAX, Duration::MAX));
}
