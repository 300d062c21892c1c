//! Tests of the shortest and the longest delays, in every call that takes a delay.

use super::*;

/// Every power of two in nanoseconds and in seconds, with both neighbours, and the longest delays
/// that the types can express.
fn delays() -> impl Iterator<Item = Duration> {
    let nano = Duration::from_nanos(1);
    let nanos = (0..64).map(|bit| Duration::from_nanos(1 << bit));
    let seconds = (0..64).map(|bit| Duration::from_secs(1 << bit));
    let odd = [
        Duration::from_secs(u64::MAX),
        Duration::from_millis(u64::MAX),
        Duration::from_secs(u64::MAX / 10),
        Duration::from_secs(i64::MAX as u64),
    ];
    nanos
        .chain(seconds)
        .chain(odd)
        .flat_map(move |power| [power - nano, power, power + nano])
        .chain([Duration::MAX, Duration::MAX - nano])
}

/// Whether a delay is longer than any of these tests.
fn is_long(delay: Duration) -> bool {
    delay > Duration::from_secs(60)
}

#[test]
fn a_sleep_of_any_length_neither_panics_nor_ends_early() {
    on_workers(2, async {
        for delay in delays().filter(|delay| is_long(*delay)) {
            let mut sleeps = vec![sleep(delay), sleep(delay).exact()];
            sleeps.extend(Instant::now().checked_add(delay).map(sleep_until));
            for sleep in &mut sleeps {
                assert!(poll_once(sleep, Waker::noop()).is_pending(), "{delay:?}");
            }
        }
        for delay in delays().filter(|delay| *delay < 3 * TICK) {
            let before = Instant::now();
            sleep(delay).await;
            assert!(before.elapsed() >= delay);
        }
    });
}

#[test]
fn a_limit_of_any_length_neither_panics_nor_ends_early() {
    on_workers(2, async {
        for delay in delays() {
            // A result that is ready is returned, even if the limit is zero.
            assert_eq!(wait_for(async { 1 }, delay).await, Ok(1));
            let value = timeout(delay, async |_| 2).await;
            assert_eq!(value, Ok(2));
            let (done, pending) = wait(vec![create_task(async {})]).timeout(delay).await;
            assert_eq!(done.len() + pending.len(), 1);
        }
        let mut limits = Vec::new();
        for delay in delays().filter(|delay| is_long(*delay)) {
            limits.push(begun(wait_for(pending::<()>(), delay)).await);
            let body = async |_: &asyncio::Timeout| pending::<()>().await;
            limits.push(begun(timeout(delay, body)).await);
        }
        sleep(2 * TICK).await;
        for limit in limits {
            assert!(!limit.done());
            limit.cancel();
            assert!(limit.await.unwrap_err().is_cancelled());
        }
        for delay in delays().filter(|delay| *delay < 3 * TICK) {
            assert!(wait_for(pending::<()>(), delay).await.is_err());
        }
    });
}

#[test]
fn a_callback_after_any_delay_neither_panics_nor_comes_early() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        for delay in delays().filter(|delay| is_long(*delay)) {
            let timer = event_loop.call_later(delay, || unreachable!());
            assert!(timer.when() > Instant::now());
            if let Some(when) = Instant::now().checked_add(delay) {
                event_loop.call_at(when, || unreachable!()).cancel();
            }
            // Half of them stay registered until the loop ends.
            if delay.subsec_nanos() % 2 == 0 {
                timer.cancel();
            }
        }
        let calls = Arc::new(AtomicUsize::new(0));
        let short: Vec<_> = delays().filter(|delay| *delay < 3 * TICK).collect();
        let many = short.len();
        for delay in short {
            let (calls, before) = (Arc::clone(&calls), Instant::now());
            event_loop.call_later(delay, move || {
                assert!(before.elapsed() >= delay);
                calls.fetch_add(1, Ordering::SeqCst);
            });
        }
        until(|| calls.load(Ordering::SeqCst) == many).await;
    });
}

#[test]
fn among_timers_of_every_length_the_short_ones_fire_in_time() {
    on_workers(2, async {
        let mut sleeps: Vec<_> = delays()
            .filter(|delay| is_long(*delay))
            .map(sleep)
            .collect();
        for sleep in &mut sleeps {
            assert!(poll_once(sleep, Waker::noop()).is_pending());
        }
        for n in 0..20 {
            let before = Instant::now();
            sleep(n * TICK / 2).await;
            assert!(before.elapsed() < Duration::from_secs(20));
        }
        for sleep in &mut sleeps {
            assert!(poll_once(sleep, Waker::noop()).is_pending());
        }
    });
}

#[test]
fn a_sleep_can_be_reset_to_any_instant() {
    on_workers(2, async {
        let mut sleep = sleep(HOUR);
        for delay in delays() {
            let now = Instant::now();
            if let Some(when) = now.checked_add(delay) {
                sleep.reset(when);
                if is_long(delay) {
                    assert!(poll_once(&mut sleep, Waker::noop()).is_pending());
                }
            }
            if let Some(when) = now.checked_sub(delay) {
                sleep.reset(when);
                (&mut sleep).await;
            }
        }
    });
}

/// In the deterministic mode the clock jumps to the next deadline. A sleep beyond the end of the
/// clock has none, so without this report the run would hang.
#[test]
fn a_sleep_beyond_counting_is_named_by_the_deadlock_that_it_is() {
    for delay in [Duration::MAX, 1000 * 8760 * HOUR] {
        let said = caught(|| {
            let mut runner = Runner::builder().deterministic(1).build().unwrap();
            runner.run(async move { sleep(delay).await });
        });
        assert!(said.text.contains("extremes.rs"), "{delay:?}: {said:?}");
    }
}
