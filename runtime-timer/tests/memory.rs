//! Memory and keys: cancelled timers leave nothing behind, and keys of removed timers are stale.

use std::cell::Cell;
use std::mem::size_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use runtime_timer::{Key, Tick, Wheel};

const MILLION: u64 = 1_000_000;

/// Deadlines all over the levels, without a random number generator.
fn scattered(n: u64) -> Tick {
    Tick(1 + n.wrapping_mul(0x9E37_79B9_7F4A_7C15) % (1 << 40))
}

#[test]
fn a_million_timers_of_which_99_percent_are_cancelled_leave_no_residue() {
    let mut wheel = Wheel::new(Tick(0));
    let keys: Vec<Key> = (0..MILLION)
        .map(|n| wheel.insert(scattered(n), n))
        .collect();
    for (&key, n) in keys.iter().zip(0..).filter(|(_, n)| n % 100 != 0) {
        assert_eq!(wheel.cancel(key), Some(n));
    }
    assert_eq!(wheel.len() as u64, MILLION / 100);
    assert_eq!(wheel.advance(Tick::MAX).count() as u64, MILLION / 100);
    assert_eq!(wheel.next_deadline(), None);
    wheel.shrink_to_fit();
    assert_eq!(wheel.capacity(), 0);
}

#[test]
fn a_million_timers_one_after_the_other_need_the_room_of_one() {
    let mut wheel = Wheel::with_capacity(Tick(0), 1);
    let capacity = wheel.capacity();
    for n in 0..MILLION {
        let key = wheel.insert(scattered(n), n);
        assert_eq!(wheel.cancel(key), Some(n));
    }
    assert_eq!(wheel.capacity(), capacity);
}

#[test]
fn the_room_of_fired_timers_is_used_again() {
    let mut wheel = Wheel::with_capacity(Tick(0), 100);
    let capacity = wheel.capacity();
    for round in 0..1_000 {
        for n in 0..100 {
            wheel.insert(Tick(round * 1_000 + n), n);
        }
        assert_eq!(wheel.advance(Tick(round * 1_000 + 999)).count(), 100);
    }
    assert_eq!(wheel.capacity(), capacity);
}

#[test]
fn shrinking_keeps_what_is_waiting_and_fills_the_front_first() {
    let mut wheel = Wheel::new(Tick(0));
    let keys: Vec<Key> = (0..1_000).map(|n| wheel.insert(Tick(n), n)).collect();
    for &key in keys.iter().filter(|&&key| key != keys[10]) {
        wheel.cancel(key);
    }
    wheel.shrink_to_fit();
    assert_eq!(wheel.get(keys[10]), Some(&10));
    assert!(wheel.capacity() < 100);
    let capacity = wheel.capacity();
    for n in 0..10 {
        wheel.insert(Tick(n), n);
    }
    assert_eq!(wheel.capacity(), capacity);
    assert!(wheel.advance(Tick(10)).eq(0..=10));
}

#[test]
fn a_key_stays_stale_when_its_room_is_used_again() {
    let mut wheel = Wheel::new(Tick(0));
    let fired = wheel.insert(Tick(0), 1);
    assert_eq!(wheel.pop_expired(Tick(0)), Some(1));
    let cancelled = wheel.insert(Tick(0), 2);
    assert_eq!(wheel.cancel(cancelled), Some(2));
    let waiting = wheel.insert(Tick(0), 3);
    for stale in [fired, cancelled] {
        assert_eq!(wheel.get(stale), None);
        assert_eq!(wheel.get_mut(stale), None);
        assert_eq!(wheel.deadline(stale), None);
        assert_eq!(wheel.cancel(stale), None);
        assert!(!wheel.reschedule(stale, Tick(1)));
    }
    assert_eq!(wheel.cancel(waiting), Some(3));
}

#[test]
fn a_key_stays_stale_when_its_room_was_given_back() {
    let mut wheel = Wheel::new(Tick(0));
    let stale = wheel.insert(Tick(1), 1);
    wheel.cancel(stale);
    wheel.shrink_to_fit();
    wheel.insert(Tick(1), 2);
    assert_eq!(wheel.cancel(stale), None);
    wheel.clear();
    wheel.insert(Tick(1), 3);
    assert_eq!(wheel.cancel(stale), None);
}

#[test]
fn clearing_drops_every_value_and_keeps_the_time() {
    let shared = Rc::new(());
    let mut wheel = Wheel::new(Tick(5));
    for n in 0..100 {
        wheel.insert(scattered(n), Rc::clone(&shared));
    }
    wheel.clear();
    assert_eq!(Rc::strong_count(&shared), 1);
    assert_eq!(
        (wheel.now(), wheel.len(), wheel.next_deadline()),
        (Tick(5), 0, None)
    );
}

#[test]
fn a_destructor_that_panics_while_the_wheel_is_cleared_does_it_no_harm() {
    struct Bomb<'fuse>(&'fuse Cell<bool>);
    impl Drop for Bomb<'_> {
        fn drop(&mut self) {
            assert!(!self.0.get(), "boom");
        }
    }
    let armed = Cell::new(true);
    let mut wheel = Wheel::new(Tick(0));
    wheel.insert(Tick(1), Bomb(&armed));
    assert!(catch_unwind(AssertUnwindSafe(|| wheel.clear())).is_err());
    armed.set(false);
    assert!(wheel.is_empty());
    wheel.insert(Tick(2), Bomb(&armed));
    assert_eq!(wheel.advance(Tick::MAX).count(), 1);
}

#[test]
fn a_wheel_is_as_large_as_its_documentation_says() {
    assert!(size_of::<Wheel<u64>>() <= 12 * 1_024);
    assert_eq!(size_of::<Option<Key>>(), 16);
}

#[test]
fn a_wheel_goes_wherever_its_values_can_go() {
    fn assert_send_and_sync<T: Send + Sync>() {}
    assert_send_and_sync::<Wheel<u64>>();
}
