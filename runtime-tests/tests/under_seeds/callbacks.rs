//! Tests of `asyncio::Future`, `call_soon`, `call_later` and `to_thread` under many schedules.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use asyncio::{TaskError, to_thread};
use runtime_tests::{Flag, until};

use super::*;

// TF-4, TF-7: the task that sets, the one that cancels, and the awaiters see the same outcome, and
// every callback runs once.
#[asyncio::test(seeds = 300, workers = 3)]
async fn of_those_who_end_a_future_one_wins_and_all_see_the_same() {
    let mut dice = Dice::thrown().await;
    let future = asyncio::Future::<u32>::new();
    let calls = Arc::new(AtomicUsize::new(0));
    let awaiters = [0; 3].map(|_| create_task(future.clone()));
    let (setter, canceller) = (future.clone(), future.clone());
    let (first, second) = (dice.below(4), dice.below(4));
    let set = create_task(async move {
        steps(first).await;
        setter.set_result(7).is_ok()
    });
    let cancel = create_task(async move {
        steps(second).await;
        canceller.cancel()
    });
    for _ in 0..3 {
        let calls = Arc::clone(&calls);
        future.add_done_callback(move |future| {
            assert!(future.done());
            calls.fetch_add(1, Ordering::Relaxed);
        });
        checkpoint().await;
    }
    let (set, cancel) = (set.await.unwrap(), cancel.await.unwrap());
    assert!(set != cancel, "exactly one of the two ends the future");
    for awaiter in awaiters {
        match awaiter.await.unwrap() {
            Ok(value) => assert!(set && value == 7),
            Err(error) => assert!(cancel && error.is_cancelled()),
        }
    }
    until(|| calls.load(Ordering::Relaxed) == 3).await;
    steps(3).await;
    assert_eq!(calls.load(Ordering::Relaxed), 3);
}

// Differences 3 and 15: a cancelled awaiter leaves the future to the others.
#[asyncio::test(seeds = 300, workers = 3)]
async fn cancelling_who_awaits_a_future_leaves_it_alone() {
    let mut dice = Dice::thrown().await;
    let future = asyncio::Future::<Arc<()>>::new();
    let value = Arc::new(());
    let (victim, other) = (create_task(future.clone()), create_task(future.clone()));
    let cancel = cancelled_after(&victim, 0, dice.below(5));
    steps(dice.below(5)).await;
    future.set_result(Arc::clone(&value)).unwrap();
    other.await.unwrap().unwrap();
    match victim.await {
        Ok(result) => drop(result.unwrap()),
        Err(error) => assert!(matches!(error, TaskError::Cancelled(_))),
    }
    cancel.await.unwrap();
    drop(future);
    assert_eq!(
        Arc::strong_count(&value),
        1,
        "a reference to the value is left"
    );
}

// LH-1, TS-6: callbacks run first in, first out for each caller, never two at once, and never
// inside the caller.
#[asyncio::test(seeds = 300, workers = 3)]
async fn callbacks_run_in_order_and_one_at_a_time() {
    let mut dice = Dice::thrown().await;
    let event_loop = get_running_loop();
    let (inside, ran) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(Mutex::new(Vec::new())),
    );
    let caller = |caller: u32| {
        let (event_loop, count) = (event_loop.clone(), dice.below(3));
        let (inside, ran) = (Arc::clone(&inside), Arc::clone(&ran));
        create_task(async move {
            for call in 0..4 {
                let (inside, ran, before) = (
                    Arc::clone(&inside),
                    Arc::clone(&ran),
                    ran.lock().unwrap().len(),
                );
                let logged = Arc::clone(&ran);
                event_loop.call_soon(move || {
                    assert!(!inside.swap(true, Ordering::Relaxed), "two at once");
                    ran.lock().unwrap().push((caller, call));
                    inside.store(false, Ordering::Relaxed);
                });
                assert_eq!(
                    logged.lock().unwrap().len(),
                    before,
                    "not inside the caller"
                );
                steps(count).await;
            }
        })
    };
    let callers: Vec<_> = (0..3).map(caller).collect();
    for caller in callers {
        caller.await.unwrap();
    }
    until(|| ran.lock().unwrap().len() == 12).await;
    for caller in 0..3 {
        let calls = ran.lock().unwrap().clone().into_iter();
        let calls = calls.filter_map(|(by, call)| (by == caller).then_some(call));
        assert_eq!(calls.collect::<Vec<_>>(), [0, 1, 2, 3]);
    }
}

// LH-1: timers fire in the order of their instants; a cancelled one does not.
#[asyncio::test(seeds = 300, workers = 3)]
async fn timers_fire_in_order_at_their_time_unless_cancelled() {
    let mut dice = Dice::thrown().await;
    let event_loop = get_running_loop();
    let fired = Arc::new(Mutex::new(Vec::new()));
    let alive = Arc::new(());
    let timer = |_| {
        let ticks = dice.below(5);
        let (clock, fired, alive) = (event_loop.clone(), Arc::clone(&fired), Arc::clone(&alive));
        let due = clock.time() + TICK * ticks;
        let handle = event_loop.call_later(TICK * ticks, move || {
            let _alive = alive;
            let late = clock.time().duration_since(due);
            assert!(clock.time() >= due && late < TICK / 100, "{late:?} late");
            fired.lock().unwrap().push(due);
        });
        assert_eq!(handle.when(), due);
        handle
    };
    let timers: Vec<_> = (0..8).map(timer).collect();
    sleep(TICK * 2).await;
    steps(dice.below(3)).await;
    let before = fired.lock().unwrap().len();
    let late = timers
        .iter()
        .filter(|timer| timer.when() > event_loop.time());
    let late = late.inspect(|timer| timer.cancel()).count();
    sleep(TICK * 5).await;
    let fired = fired.lock().unwrap();
    assert!(fired.is_sorted());
    assert!(before <= fired.len() && fired.len() + late == 8);
    drop(timers);
    assert_eq!(Arc::strong_count(&alive), 1, "no callback is kept");
}

// TS-8: a cancel ends the task; the function either has run to its end, or will never run.
#[asyncio::test(seeds = 300, workers = 3)]
async fn a_function_on_a_thread_runs_once_or_never() {
    let mut dice = Dice::thrown().await;
    let census = Census::default();
    let (ran, gone) = (Flag::default(), Flag::default());
    let (in_function, on_drop) = (ran.clone(), gone.set_on_drop());
    let awaiter = create_task(census.of(
        async move {
            to_thread(move || {
                let _on_drop = on_drop;
                assert!(!in_function.is_set());
                in_function.set();
                7
            })
            .await
        },
        1,
    ));
    let cancel = cancelled_after(&awaiter, 0, dice.below(5));
    match awaiter.await {
        Ok(value) => assert!(value.unwrap() == 7 && ran.is_set()),
        Err(error) => assert!(error.is_cancelled() && cancel.await.unwrap()),
    }
    until(|| gone.is_set()).await;
    census.assert_over(1);
}

// LH-1: a paused clock jumps to the exact deadline of a timer, as it does for `sleep`.
#[asyncio::test(seeds = 20)]
async fn in_a_still_time_a_timer_fires_at_its_very_instant() {
    let event_loop = get_running_loop();
    let late = asyncio::Future::new();
    let (clock, lateness) = (event_loop.clone(), late.clone());
    let due = event_loop.time() + TICK * 3_600_001;
    event_loop.call_at(due, move || {
        lateness
            .set_result(clock.time().duration_since(due))
            .unwrap();
    });
    assert_eq!(late.await.unwrap(), Duration::ZERO);
}
