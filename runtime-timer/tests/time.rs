//! When values are due, and in which order, in edge cases that random operations seldom reach.

use runtime_timer::{Tick, Wheel};

/// Every tick next to a power of 64, and the ends of the counter.
fn ticks_at_level_boundaries() -> Vec<u64> {
    let powers = (0..=10).map(|exponent| 64_u64.pow(exponent));
    let mut ticks: Vec<u64> = powers.flat_map(|p| [p - 1, p, p + 1]).collect();
    ticks.extend([1 << 63, u64::MAX - 64, u64::MAX - 1, u64::MAX]);
    ticks.sort_unstable();
    ticks.dedup();
    ticks
}

#[test]
fn nothing_comes_out_one_tick_early() {
    for start in ticks_at_level_boundaries() {
        for when in ticks_at_level_boundaries() {
            let mut wheel = Wheel::new(Tick(start));
            wheel.insert(Tick(when), ());
            if when > start {
                assert_eq!(wheel.pop_expired(Tick(when - 1)), None, "{start} → {when}");
            }
            let due = Tick(when.max(start));
            assert_eq!(wheel.next_deadline(), Some(due), "{start} → {when}");
            assert_eq!(wheel.pop_expired(due), Some(()), "{start} → {when}");
        }
    }
}

#[test]
fn values_come_out_in_order_however_far_apart_they_are() {
    let ticks = ticks_at_level_boundaries();
    let mut wheel = Wheel::new(Tick(0));
    for &when in ticks.iter().rev() {
        wheel.insert(Tick(when), when);
    }
    assert!(wheel.advance(Tick::MAX).eq(ticks));
    assert_eq!(wheel.now(), Tick::MAX);
}

#[test]
fn equal_deadlines_come_out_first_in_first_out_from_whatever_distance_they_were_set() {
    let when = Tick(64 * 64 * 64 + 5);
    let mut wheel = Wheel::new(Tick(0));
    for (value, now) in [0, 63, 4_096, 262_144, 262_148].into_iter().enumerate() {
        assert_eq!(wheel.pop_expired(Tick(now)), None);
        wheel.insert(when, value);
    }
    assert!(wheel.advance(when).eq(0..5));
}

#[test]
fn a_rescheduled_value_goes_to_the_end_of_the_queue() {
    let mut wheel = Wheel::new(Tick(0));
    let first = wheel.insert(Tick(9), "first");
    wheel.insert(Tick(9), "second");
    assert!(wheel.reschedule(first, Tick(9)));
    assert!(wheel.advance(Tick(9)).eq(["second", "first"]));
}

#[test]
fn a_deadline_in_the_past_is_due_at_once_but_behind_what_was_due_before() {
    let mut wheel = Wheel::new(Tick(100));
    wheel.insert(Tick(100), "due now");
    let overdue = wheel.insert(Tick(1), "overdue");
    assert_eq!(wheel.deadline(overdue), Some(Tick(100)));
    assert!(wheel.advance(Tick(100)).eq(["due now", "overdue"]));
}

#[test]
fn time_does_not_run_backwards() {
    let mut wheel = Wheel::new(Tick(100));
    wheel.insert(Tick(50), ());
    assert_eq!(wheel.pop_expired(Tick(99)), None);
    assert_eq!(wheel.now(), Tick(100));
    assert_eq!(wheel.pop_expired(Tick(100)), Some(()));
}

#[test]
fn the_end_of_the_counter_is_a_time_like_any_other() {
    let mut wheel = Wheel::new(Tick(u64::MAX - 1));
    wheel.insert(Tick::MAX, "last");
    assert_eq!(wheel.pop_expired(Tick(u64::MAX - 1)), None);
    assert_eq!(wheel.pop_expired(Tick::MAX), Some("last"));
    wheel.insert(Tick::MAX, "later still");
    assert_eq!(wheel.next_deadline(), Some(Tick::MAX));
    assert_eq!(wheel.pop_expired(Tick::MAX), Some("later still"));
    assert_eq!(wheel.pop_expired(Tick::MAX), None);
}

#[test]
fn what_an_iterator_leaves_behind_is_due_still() {
    let mut wheel = Wheel::new(Tick(0));
    wheel.insert(Tick(3), 'a');
    wheel.insert(Tick(5), 'b');
    assert_eq!(wheel.advance(Tick(9)).next(), Some('a'));
    assert_eq!(wheel.now(), Tick(3));
    assert_eq!(wheel.next_deadline(), Some(Tick(5)));
    assert!(wheel.advance(Tick(9)).eq(['b']));
    assert_eq!(wheel.now(), Tick(9));
}

#[test]
fn a_value_inserted_while_others_are_handed_out_takes_its_turn() {
    let mut wheel = Wheel::new(Tick(0));
    wheel.insert(Tick(10), "ten");
    wheel.insert(Tick(5_000), "five thousand");
    assert_eq!(wheel.pop_expired(Tick(9_000)), Some("ten"));
    wheel.insert(Tick(4_000), "four thousand");
    assert!(
        wheel
            .advance(Tick(9_000))
            .eq(["four thousand", "five thousand"])
    );
}

#[test]
fn a_sleeper_wakes_up_once_for_each_timer_if_none_is_cancelled() {
    let mut wheel = Wheel::new(Tick(12_345));
    for n in 1..=1_000 {
        wheel.insert(Tick(12_345 + n * 99_991), n);
    }
    let mut wakeups = 0;
    while let Some(next) = wheel.next_deadline() {
        wakeups += 1;
        assert_eq!(wheel.advance(next).count(), 1);
    }
    assert_eq!(wakeups, 1_000);
}

#[test]
fn a_cancelled_deadline_wakes_a_sleeper_up_once_at_most() {
    let mut wheel = Wheel::new(Tick(0));
    let gone = wheel.insert(Tick(70_000), "gone");
    wheel.insert(Tick(73_000), "there");
    wheel.cancel(gone);
    let first = wheel.next_deadline().unwrap();
    assert_eq!(wheel.pop_expired(first), None);
    let second = wheel.next_deadline().unwrap();
    assert_eq!(second, Tick(73_000));
    assert_eq!(wheel.pop_expired(second), Some("there"));
}
