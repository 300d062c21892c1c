//! Tests of `call_later` and `call_at`: LH-1, and the callback timers.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use asyncio::{Future, Runner, create_task, get_running_loop};
use runtime_tests::{Flag, Log, from_many_threads, on_workers, until, watched};

use super::drained;

const TICK: Duration = Duration::from_millis(1);

// LH-1
#[test]
fn timers_fire_in_the_order_of_their_instants_whoever_sets_them() {
    on_workers(3, async {
        let event_loop = get_running_loop();
        let base = event_loop.time() + 20 * TICK;
        let fired = Arc::new(Mutex::new(Vec::new()));
        let setters: Vec<_> = (0..4)
            .map(|setter| {
                let (event_loop, fired) = (event_loop.clone(), Arc::clone(&fired));
                create_task(async move {
                    for n in (0..250).rev() {
                        let when = base + Duration::from_micros(n * 40 + setter);
                        let fired = Arc::clone(&fired);
                        event_loop.call_at(when, move || {
                            assert!(get_running_loop().time() >= when, "early");
                            fired.lock().unwrap().push(when);
                        });
                        if n % 50 == 0 {
                            asyncio::checkpoint().await;
                        }
                    }
                })
            })
            .collect();
        for setter in setters {
            setter.await.unwrap();
        }
        until(|| fired.lock().unwrap().len() == 1000).await;
        let fired = fired.lock().unwrap();
        assert!(fired.is_sorted(), "the timers fired out of order");
    });
}

#[test]
fn call_later_counts_from_now_and_says_when() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let fired = Future::new();
        let firing = fired.clone();
        let before = Instant::now();
        let timer = event_loop.call_later(5 * TICK, move || {
            firing.set_result(Instant::now()).unwrap();
        });
        assert!(timer.when() >= before + 5 * TICK);
        assert!(timer.when() <= Instant::now() + 5 * TICK);
        let when = timer.when();
        drop(timer);
        assert!(
            fired.await.unwrap() >= when,
            "it fires although its handle is dropped, and not early"
        );
    });
}

#[test]
fn call_at_in_the_past_runs_soon() {
    on_workers(1, async {
        let event_loop = get_running_loop();
        let log = Log::default();
        let [soon, past, later, zero] = [(); 4].map(|()| log.clone());
        event_loop.call_soon(move || soon.note("soon"));
        event_loop.call_at(Instant::now() - TICK, move || past.note("past"));
        event_loop.call_later(Duration::ZERO, move || zero.note("zero"));
        event_loop.call_soon(move || later.note("soon again"));
        assert!(log.notes().is_empty(), "never inside the caller");
        drained(&event_loop).await;
        assert_eq!(log.notes(), ["soon", "past", "zero", "soon again"]);
    });
}

#[test]
fn a_delay_beyond_all_time_is_no_error() {
    on_workers(1, async {
        let event_loop = get_running_loop();
        let timer = event_loop.call_later(Duration::MAX, || unreachable!());
        assert!(timer.when() > Instant::now());
        drained(&event_loop).await;
        timer.cancel();
        assert!(timer.cancelled());
    });
}

#[test]
fn a_cancelled_timer_is_dropped_at_once_and_leaves_the_others() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let (dropped, fired) = (Flag::default(), Flag::default());
        let (on_drop, fire) = (dropped.set_on_drop(), fired.clone());
        // Late enough that a busy machine cancels it in time.
        let delay = Duration::from_secs(1);
        let first = event_loop.call_later(delay, move || {
            let _on_drop = on_drop;
            unreachable!("it was cancelled");
        });
        let second = event_loop.call_later(delay + TICK, move || fire.set());
        // Cancels on another thread, and then once more here.
        thread::scope(|scope| {
            scope.spawn(|| first.cancel());
        });
        first.cancel();
        assert!(first.cancelled() && dropped.is_set());
        until(|| fired.is_set()).await;
        assert!(!second.cancelled());
    });
}

#[test]
fn an_earlier_timer_fires_before_the_one_that_the_loop_waits_for() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let fired = Flag::default();
        let fire = fired.clone();
        let late = event_loop.call_later(Duration::from_secs(3600), || unreachable!());
        event_loop.call_later(2 * TICK, move || fire.set());
        until(|| fired.is_set()).await;
        late.cancel();
    });
}

#[test]
fn a_timer_may_set_and_cancel_timers() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let done = Future::new();
        let (again, at_last) = (event_loop.clone(), done.clone());
        let victim = event_loop.call_later(Duration::from_secs(3600), || unreachable!());
        event_loop.call_later(TICK, move || {
            victim.cancel();
            again.call_later(TICK, move || at_last.set_result(()).unwrap());
        });
        done.await.unwrap();
    });
}

// LH-2
#[test]
fn the_end_of_the_loop_cancels_the_timers_that_wait() {
    watched(|| {
        let dropped = Flag::default();
        let on_drop = dropped.set_on_drop();
        let mut runner = Runner::builder().workers(2).build().unwrap();
        let event_loop = runner.get_loop().clone();
        let timer = runner.run(async move {
            get_running_loop().call_later(Duration::from_secs(3600), move || drop(on_drop))
        });
        assert!(!timer.cancelled());
        runner.close();
        assert!(timer.cancelled() && dropped.is_set());
        timer.cancel();
        drop(event_loop);
    });
}

#[test]
fn setting_firing_and_cancelling_timers_on_many_threads() {
    from_many_threads(async |event_loop| {
        let fired = Future::new();
        let firing = fired.clone();
        let soon = event_loop.call_later(Duration::from_micros(200), move || {
            firing.set_result(()).unwrap();
        });
        let never = event_loop.call_later(TICK / 2, || ());
        never.cancel();
        fired.await.unwrap();
        assert!(Instant::now() >= soon.when(), "early");
        assert!(never.cancelled());
    });
}
