//! Tests of `EventLoop::advance`, which moves a paused clock.

use super::*;

/// Runs `body` on loops with a time hold: with 1, 2, 4 and 8 workers, and under seeds.
fn on_held_loops(body: impl AsyncFn(EventLoop)) {
    watched(|| {
        let held = async || {
            let event_loop = get_running_loop();
            let _hold = event_loop.hold_time();
            body(event_loop).await;
        };
        for workers in [1, 2, 4, 8] {
            for _ in 0..10 {
                paused(workers).run(held());
            }
            for seed in 0..10 {
                let builder = Runner::builder().workers(workers).deterministic(seed);
                builder.build().unwrap().run(held());
            }
        }
    });
}

#[test]
fn what_is_due_at_the_end_has_run() {
    on_held_loops(async |event_loop| {
        for _ in 0..5 {
            let sleeper = create_task(asyncio::sleep(SECOND));
            let called = Arc::new(AtomicBool::new(false));
            let (flag, here) = (Arc::clone(&called), event_loop.clone());
            event_loop.call_later(SECOND, move || {
                // The task that a callback creates at that instant has also ended when `advance`
                // returns, and so has the callback that the task registers.
                drop(create_task(async move {
                    asyncio::checkpoint().await;
                    here.call_soon(move || flag.store(true, Ordering::SeqCst));
                }));
            });
            event_loop.advance(SECOND).await;
            assert!(sleeper.done());
            assert!(called.load(Ordering::SeqCst));
        }
    });
}

#[test]
fn what_runs_on_the_pool_at_the_end_is_over() {
    on_held_loops(async |event_loop| {
        let job = create_task(async {
            asyncio::sleep(SECOND).await;
            asyncio::to_thread(|| 7).await.unwrap()
        });
        event_loop.advance(SECOND).await;
        assert!(job.done());
    });
}

#[test]
fn several_at_once_stop_at_each_end() {
    on_held_loops(async |event_loop| {
        let start = event_loop.time();
        let advances: Vec<_> = [3, 1, 2, 2]
            .into_iter()
            .map(|seconds| {
                let event_loop = event_loop.clone();
                create_task(async move {
                    let sleeper = create_task(asyncio::sleep(seconds * SECOND));
                    event_loop.advance(seconds * SECOND).await;
                    assert_eq!(event_loop.time() - start, seconds * SECOND);
                    assert!(sleeper.done());
                })
            })
            .collect();
        for advance in advances {
            advance.await.unwrap();
        }
        assert_eq!(event_loop.time() - start, 3 * SECOND);
    });
}

#[test]
fn one_inside_another_ends_first() {
    on_held_loops(async |event_loop| {
        let (start, here) = (event_loop.time(), event_loop.clone());
        let nested = create_task(async move {
            asyncio::sleep(SECOND).await;
            here.advance(SECOND).await;
            here.time() - start
        });
        event_loop.advance(10 * SECOND).await;
        assert_eq!(nested.await.unwrap(), 2 * SECOND);
        assert_eq!(event_loop.time() - start, 10 * SECOND);
    });
}

#[test]
fn one_that_is_dropped_leaves_time_where_it_is() {
    on_held_loops(async |event_loop| {
        let start = event_loop.time();
        let limited = asyncio::wait_for(event_loop.advance(10 * SECOND), SECOND);
        assert!(limited.await.is_err());
        assert_eq!(event_loop.time() - start, SECOND);
        let sleeper = create_task(asyncio::sleep(SECOND));
        event_loop.advance(Duration::ZERO).await;
        assert!(!sleeper.done());
        assert_eq!(event_loop.time() - start, SECOND);
        event_loop.advance(SECOND).await;
        assert!(sleeper.done());
    });
}

#[test]
fn by_zero_it_waits_until_nothing_more_happens() {
    on_held_loops(async |event_loop| {
        let start = event_loop.time();
        let busy = create_task(async {
            for _ in 0..20 {
                asyncio::checkpoint().await;
                create_task(async {}).await.unwrap();
            }
        });
        event_loop.advance(Duration::ZERO).await;
        assert!(busy.done());
        assert_eq!(event_loop.time(), start);
    });
}

#[test]
fn time_that_is_not_held_stops_at_the_end_as_well() {
    on_paused_loops(async |event_loop| {
        let start = event_loop.time();
        let sleeper = create_task(asyncio::sleep(YEAR));
        event_loop.advance(SECOND).await;
        assert_eq!(event_loop.time() - start, SECOND);
        sleeper.await.unwrap();
    });
}

#[test]
fn it_goes_by_its_own_loop_wherever_it_is_polled() {
    watched(|| {
        let runner = paused(2);
        let event_loop = runner.get_loop().clone();
        let _held = event_loop.hold_time();
        let start = event_loop.time();
        let sleeper = event_loop.create_task(asyncio::sleep(YEAR));
        let moved = asyncio::run({
            let event_loop = event_loop.clone();
            async move { asyncio::wait_for(event_loop.advance(YEAR), 20 * SECOND).await }
        });
        moved.unwrap();
        assert!(sleeper.done());
        // On a thread without a loop.
        blocking_wait(event_loop.advance(YEAR));
        assert_eq!(event_loop.time() - start, 2 * YEAR);
    });
}

#[test]
fn the_end_of_its_loop_ends_it_by_a_panic() {
    watched(|| {
        // The only worker is this thread, which does not run the loop: the clock does not move.
        let mut runner = paused(1);
        let begun = runner.get_loop().advance(YEAR);
        let never_polled = runner.get_loop().advance(YEAR);
        let waiter = std::thread::spawn(move || caught(|| blocking_wait(begun)));
        // Give the thread time to begin its wait; nothing shows that from outside.
        std::thread::sleep(Duration::from_millis(20));
        runner.close();
        let late = caught(|| blocking_wait(never_polled));
        for said in [waiter.join().unwrap(), late] {
            assert!(said.text.contains("Event loop is closed"), "{said:?}");
            assert!(said.text.contains("advance.rs"), "{said:?}");
        }
    });
}

#[test]
fn a_use_that_cannot_be_is_refused_in_the_line_of_the_call() {
    let event_loop = paused(1).get_loop().clone();
    let closed = caught(|| drop(event_loop.advance(SECOND)));
    assert!(closed.text.contains("closed"), "{closed:?}");
    let place = closed.place.as_ref().map(|(file, _)| file.as_str());
    assert!(place.is_some_and(|file| file.ends_with("advance.rs")));
    let beyond = caught(|| paused(1).run(async { get_running_loop().advance(1000 * YEAR).await }));
    assert!(beyond.text.contains("beyond the end of time"), "{beyond:?}");
    assert!(beyond.text.contains("advance.rs"), "{beyond:?}");
}
