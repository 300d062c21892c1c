//! Tests of functions in the deterministic mode: they run on the loop's own thread, in an order in
//! which a pool could run them.

use std::collections::BTreeSet;
use std::sync::Mutex;

use super::*;
use asyncio::ThreadPoolExecutor;

fn seeded(seed: u64) -> Runner {
    let builder = Runner::builder().workers(2).deterministic(seed);
    builder.build().unwrap()
}

/// The order in which an executor with `threads` threads ends five functions that do not block.
fn order(seed: u64, threads: usize) -> Vec<usize> {
    seeded(seed).run(async {
        let executor = ThreadPoolExecutor::new(threads);
        let log = Arc::new(Mutex::new(Vec::new()));
        let calls: Vec<_> = (0..5)
            .map(|number| {
                let log = Arc::clone(&log);
                let call = move || log.lock().unwrap().push(number);
                get_running_loop().run_in_executor(Some(&executor), call)
            })
            .collect();
        for call in calls {
            call.await.unwrap();
        }
        log.lock().unwrap().clone()
    })
}

#[test]
fn an_executor_of_one_thread_runs_its_functions_in_order_under_any_seed() {
    watched(|| {
        for seed in 0..50 {
            assert_eq!(order(seed, 1), [0, 1, 2, 3, 4], "seed {seed}");
        }
    });
}

#[test]
fn an_executor_of_two_threads_runs_them_in_the_orders_of_two() {
    watched(|| {
        let orders: BTreeSet<_> = (0..200).map(|seed| order(seed, 2)).collect();
        for order in &orders {
            // One thread may be delayed; the other takes the remaining functions in order.
            for (ended, number) in order.iter().enumerate() {
                let older = (0..*number).filter(|older| !order[..ended].contains(older));
                assert!(older.count() < 2, "{order:?}");
            }
        }
        assert!(orders.len() > 8, "{} of 16 orders", orders.len());
    });
}

#[test]
fn an_executor_that_was_shut_down_refuses_under_a_seed() {
    watched(|| {
        seeded(1).run(async {
            let executor = ThreadPoolExecutor::new(1);
            executor.shutdown(false);
            let dropped = Flag::default();
            let probe = dropped.set_on_drop();
            let call = get_running_loop().run_in_executor(Some(&executor), move || drop(probe));
            assert!(call.cancelled() && dropped.is_set());
            let text = message(call.await);
            assert_eq!(text.as_deref(), Some("Executor shutdown has been called"));
        });
    });
}

#[test]
fn a_shutdown_that_waits_has_run_everything_under_a_seed() {
    watched(|| {
        for seed in 0..20 {
            seeded(seed).run(async {
                let executor = Arc::new(ThreadPoolExecutor::new(2));
                let ran = Arc::new(AtomicUsize::new(0));
                let calls = [(); 5].map(|()| {
                    let ran = Arc::clone(&ran);
                    let call = move || ran.fetch_add(1, Ordering::SeqCst);
                    get_running_loop().run_in_executor(Some(&executor), call)
                });
                let own = Arc::clone(&executor);
                let itself = get_running_loop()
                    .run_in_executor(Some(&executor), move || caught(|| own.shutdown(true)).text);
                checkpoint().await;
                executor.shutdown(true);
                assert_eq!(ran.load(Ordering::SeqCst), 5, "seed {seed}");
                for call in calls {
                    call.await.unwrap();
                }
                assert!(itself.await.unwrap().contains("would wait for itself"));
            });
        }
    });
}

#[test]
fn a_function_that_is_withdrawn_leaves_the_others_their_order() {
    watched(|| {
        let notes = |seed| {
            seeded(seed).run(async {
                let executor = ThreadPoolExecutor::new(1);
                let log = Log::default();
                let calls = ["first", "second", "third"].map(|name| {
                    let log = log.clone();
                    get_running_loop().run_in_executor(Some(&executor), move || log.note(name))
                });
                calls[1].cancel();
                for call in calls {
                    drop(call.await);
                }
                log.notes()
            })
        };
        let orders: BTreeSet<_> = (0..50).map(notes).collect();
        // The second function may have run before the request arrives.
        let expected = [vec!["first", "second", "third"], vec!["first", "third"]];
        assert_eq!(orders, BTreeSet::from(expected));
    });
}

#[test]
fn an_executor_outlives_a_loop_that_left_functions_in_its_line() {
    watched(|| {
        let executor = ThreadPoolExecutor::new(1);
        let ran = Flag::default();
        let mut abandoned = seeded(1);
        abandoned.run(async {
            let ran = ran.clone();
            drop(get_running_loop().run_in_executor(Some(&executor), move || ran.set()));
        });
        drop(abandoned.shutdown_timeout(Duration::ZERO));
        let before = ran.is_set();
        let next = seeded(2).run(async {
            let call = get_running_loop().run_in_executor(Some(&executor), || 7);
            call.await.unwrap()
        });
        assert_eq!((next, ran.is_set()), (7, before));
    });
}

#[test]
fn a_function_sees_no_loop_and_no_task_under_a_seed_either() {
    let look = || {
        let inner = asyncio::run(async { create_task(async { 42 }).await.unwrap() });
        assert!(
            caught(|| drop(to_thread(|| 1)))
                .text
                .contains("no running event loop")
        );
        (
            inner,
            try_get_running_loop().is_err(),
            current_task().is_none(),
        )
    };
    watched(|| {
        let main = async {
            let seen = to_thread(look).await.unwrap();
            assert!(current_task().is_some(), "the main task is current again");
            seen
        };
        assert_eq!(seeded(1).run(main), (42, true, true));
    });
}

#[test]
fn what_a_function_wakes_and_makes_is_run_under_a_seed() {
    watched(|| {
        for (seed, workers) in (0..50).flat_map(|seed| [(seed, 1), (seed, 3)]) {
            let builder = Runner::builder().workers(workers).deterministic(seed);
            builder.build().unwrap().run(async {
                let (send, receive) = futures::channel::oneshot::channel();
                let event_loop = get_running_loop();
                let function = to_thread(move || {
                    send.send(1).unwrap();
                    event_loop.create_task(async { 2 })
                });
                assert_eq!(receive.await.unwrap(), 1);
                assert_eq!(function.await.unwrap().await.unwrap(), 2);
            });
        }
    });
}

#[test]
fn a_function_that_waits_for_its_own_loop_is_refused_under_a_seed() {
    let refusals = |event_loop: EventLoop| {
        let future = asyncio::run_coroutine_threadsafe(async { 1 }, &event_loop);
        let waits = caught(|| future.result(Duration::from_secs(1)));
        let blocks = caught(|| event_loop.block_on(async {}));
        // A loop that the function runs itself does not hide the outer loop.
        let inside = caught(|| asyncio::run(async { event_loop.block_on(async {}) }));
        [waits.text, blocks.text, inside.text]
    };
    watched(|| {
        let texts = seeded(1).run(async {
            let event_loop = get_running_loop();
            to_thread(move || refusals(event_loop)).await.unwrap()
        });
        for text in texts {
            assert!(text.contains("in the deterministic mode"), "{text}");
        }
    });
}
