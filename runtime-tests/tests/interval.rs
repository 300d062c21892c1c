//! Tests of `interval` and `interval_at`: ticks do not drift, and none is lost.

use std::time::{Duration, Instant};

use asyncio::{
    MissedTickBehavior, Runner, create_task, get_running_loop, interval, interval_at, wait_for,
};
use futures::{FutureExt, Stream, StreamExt};
use runtime_tests::{
    Flag, begun, blocking_wait, caught, from_many_threads, on_workers, until, watched,
};

const TICK: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// An instant that is `by` before now.
fn past(by: Duration) -> Instant {
    now()
        .checked_sub(by)
        .expect("the clock has run for a while")
}

/// The time of the running loop.
fn now() -> Instant {
    get_running_loop().time()
}

#[test]
fn the_first_tick_comes_at_once_and_the_others_are_counted_from_it() {
    from_many_threads(async |_| {
        let before = now();
        let mut ticks = interval(TICK);
        let first = ticks.tick().await;
        assert!(before <= first && first <= now());
        let mut last = first;
        for _ in 0..3 {
            let tick = ticks.tick().await;
            assert!(now() >= tick, "a tick is never early");
            let since = (tick - first).as_nanos();
            assert!(tick > last && since % TICK.as_nanos() == 0);
            last = tick;
        }
    });
}

#[test]
fn the_first_tick_does_not_even_yield() {
    on_workers(1, async {
        assert!(interval(HOUR).tick().now_or_never().is_some());
    });
}

#[test]
fn a_start_is_waited_for() {
    from_many_threads(async |_| {
        let start = now() + 2 * TICK;
        let mut ticks = interval_at(start, HOUR);
        assert_eq!(ticks.tick().await, start);
        assert!(now() >= start);
        assert_eq!(ticks.tick().now_or_never(), None);
    });
}

#[test]
fn an_interval_made_before_its_loop_starts_when_it_is_polled() {
    watched(|| {
        let mut ticks = interval(HOUR);
        let mut runner = Runner::builder().workers(1).build().unwrap();
        runner.run(async {
            let before = now();
            assert!(ticks.tick().await >= before);
        });
    });
}

#[test]
fn missed_ticks_are_skipped_by_default() {
    on_workers(1, async {
        let period = 40 * TICK;
        let start = past(100 * TICK);
        let mut ticks = interval_at(start, period);
        assert_eq!(ticks.missed_tick_behavior(), MissedTickBehavior::Skip);
        let before = now();
        assert_eq!(ticks.tick().await, start, "the late one comes all the same");
        let after = now();
        let next = ticks.tick().await;
        assert!(before < next && next <= after + period);
        assert_eq!((next - start).as_nanos() % period.as_nanos(), 0);
    });
}

#[test]
fn missed_ticks_in_a_burst_come_one_after_the_other() {
    on_workers(1, async {
        let start = past(100 * TICK);
        let mut ticks = interval_at(start, 40 * TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for number in 0..5 {
            assert_eq!(ticks.tick().await, start + 40 * number * TICK);
        }
        assert!(now() >= start + 160 * TICK);
    });
}

#[test]
fn after_a_delay_the_ticks_are_counted_anew() {
    on_workers(1, async {
        let period = 10 * TICK;
        let start = past(35 * TICK);
        let mut ticks = interval_at(start, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let before = now();
        assert_eq!(ticks.tick().await, start);
        let after = now();
        let second = ticks.tick().await;
        assert!(before + period <= second && second <= after + period);
        assert!(ticks.tick().await >= second + period);
    });
}

#[asyncio::test(start_paused = true)]
async fn ticks_are_by_the_clock_of_the_loop() {
    let mut ticks = interval(HOUR);
    let first = ticks.tick().await;
    for number in 1..=24 {
        assert_eq!(ticks.tick().await, first + number * HOUR);
        assert!(now() >= first + number * HOUR);
    }
}

#[test]
fn a_tick_that_is_dropped_while_it_waits_is_not_lost() {
    from_many_threads(async |_| {
        let start = now() + 2 * TICK;
        let mut ticks = interval_at(start, HOUR);
        assert_eq!(ticks.tick().now_or_never(), None);
        let tick = match wait_for(ticks.tick(), TICK / 2).await {
            Ok(tick) => tick,
            Err(_dropped) => ticks.tick().await,
        };
        assert_eq!(tick, start);
    });
}

#[test]
fn a_tick_that_is_dropped_before_it_is_polled_is_not_lost() {
    on_workers(1, async {
        let start = past(3 * HOUR / 2);
        let mut ticks = interval_at(start, HOUR);
        drop(ticks.tick());
        assert_eq!(ticks.tick().await, start);
        // Skipped: start + 1 h. It waits for start + 2 h.
        assert_eq!(ticks.tick().now_or_never(), None);
    });
}

#[test]
fn who_is_slower_than_the_ticks_can_still_be_cancelled() {
    on_workers(1, async {
        let polled = Flag::default();
        let seen = polled.clone();
        let task = begun(async move {
            let mut ticks = interval_at(past(TICK), Duration::from_nanos(1));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
            loop {
                ticks.tick().await;
                seen.set();
            }
        })
        .await;
        until(|| polled.is_set()).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_task_that_waits_for_a_tick_is_cancelled_at_once() {
    from_many_threads(async |_| {
        let task = begun(async {
            let mut ticks = interval(HOUR);
            ticks.tick().await;
            ticks.tick().await
        })
        .await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn an_interval_may_be_moved_to_another_task_between_two_ticks() {
    from_many_threads(async |_| {
        let mut ticks = interval(TICK);
        let first = ticks.tick().await;
        assert_eq!(ticks.tick().now_or_never(), None);
        let second = create_task(async move { ticks.tick().await });
        assert_eq!(second.await.unwrap(), first + TICK);
    });
}

#[test]
fn reset_counts_from_now() {
    on_workers(1, async {
        let mut ticks = interval_at(past(HOUR), 2 * TICK);
        let before = now();
        ticks.reset();
        let after = now();
        let tick = ticks.tick().await;
        assert!(before + 2 * TICK <= tick && tick <= after + 2 * TICK);
    });
}

#[test]
fn an_interval_is_a_stream() {
    on_workers(2, async {
        let ticks: Vec<Instant> = interval(TICK).take(3).collect().await;
        assert!(ticks.is_sorted() && ticks.len() == 3);
        assert_eq!(interval(TICK).size_hint(), (usize::MAX, None));
    });
}

#[test]
fn a_period_beyond_counting_has_one_tick() {
    on_workers(1, async {
        for behavior in [
            MissedTickBehavior::Skip,
            MissedTickBehavior::Burst,
            MissedTickBehavior::Delay,
        ] {
            let mut ticks = interval(Duration::MAX);
            ticks.set_missed_tick_behavior(behavior);
            ticks.tick().await;
            assert!(wait_for(ticks.tick(), TICK).await.is_err());
        }
    });
}

#[test]
fn an_overdue_tick_lets_the_others_have_a_turn() {
    on_workers(1, async {
        let turn = Flag::default();
        let seen = turn.clone();
        let mut ticks = interval_at(past(TICK), HOUR);
        let other = create_task(async move { seen.set() });
        ticks.tick().await;
        assert!(turn.is_set());
        other.await.unwrap();
    });
}

#[test]
fn a_period_of_zero_is_refused_at_the_callers_line() {
    let place = |line| Some((file!().to_owned(), line));
    let panic = caught(|| interval(Duration::ZERO));
    assert_eq!(panic.place, place(line!() - 1));
    assert_eq!(panic.text, "the period of an interval is zero");
    let panic = caught(|| interval_at(Instant::now(), Duration::ZERO));
    assert_eq!(panic.place, place(line!() - 1));
}

#[test]
fn outside_a_loop_the_panic_names_the_line_that_made_it() {
    let mut ticks = interval(HOUR);
    let made = line!() - 1;
    let panic = caught(|| blocking_wait(ticks.tick()));
    let place = format!("{}:{made}", file!());
    assert!(panic.text.contains(&place), "{}", panic.text);
    let mut ticks = interval_at(Instant::now() + HOUR, HOUR);
    let made = line!() - 1;
    let panic = caught(|| blocking_wait(ticks.tick()));
    let place = format!("{}:{made}", file!());
    assert!(panic.text.contains(&place), "{}", panic.text);
}
