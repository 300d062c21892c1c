//! Tests of running and shutting down: asyncio's rules RU, without signals.

use std::cell::RefCell;
use std::fs;
use std::future::pending;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use asyncio::{
    CancelledError, EventLoop, Runner, catch_cancelled, checkpoint, create_task, current_task,
    finally, sleep,
};
use runtime_tests::{Flag, Log, alone, begun, caught, on_drop, on_workers, soon, until, watched};

#[path = "runners/deadlocks.rs"]
mod deadlocks;

#[path = "runners/limits.rs"]
mod limits;

#[path = "runners/local.rs"]
mod local;

fn workers(count: usize) -> Runner {
    Runner::builder().workers(count).build().unwrap()
}

// RU-2
#[test]
fn when_main_returns_every_other_task_is_cancelled_and_waited_for() {
    for workers in [1, 3] {
        let log = Log::default();
        let inner = log.clone();
        let value = on_workers(workers, async move {
            let cleanup = async move {
                checkpoint().await;
                sleep(Duration::from_millis(2)).await;
                create_task(async {}).await.unwrap();
                inner.note("cleaned up, with timers and new tasks");
            };
            begun(finally(pending::<()>(), cleanup)).await;
            5
        });
        assert_eq!((value, log.notes().len()), (5, 1));
    }
}

// RU-2
#[test]
fn a_panic_of_main_goes_on_after_the_shutdown() {
    for workers in [1, 3] {
        let log = Log::default();
        let inner = log.clone();
        let found = caught(|| {
            on_workers(workers, async move {
                begun(finally(
                    pending::<()>(),
                    async move { inner.note("cleaned") },
                ))
                .await;
                panic_any(9_u16);
            });
        });
        assert_eq!(found.payload.downcast_ref(), Some(&9_u16));
        assert_eq!(log.notes(), ["cleaned"]);
    }
}

// RU-3, difference 20
#[test]
fn a_leftover_that_panics_leaves_mains_result_alone() {
    let value = on_workers(2, async {
        for _ in 0..5 {
            begun(finally(pending::<()>(), async {
                panic!("during the shutdown")
            }))
            .await;
        }
        3
    });
    assert_eq!(value, 3);
}

// RU-4
#[test]
fn a_leftover_is_cancelled_once_and_waited_for_if_it_refuses() {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let before = Instant::now();
    on_workers(2, async move {
        begun(async move {
            assert!(catch_cancelled(pending::<()>()).await.is_err());
            count.fetch_add(1, Ordering::SeqCst);
            let second = catch_cancelled(sleep(Duration::from_millis(50))).await;
            count.fetch_add(usize::from(second.is_err()), Ordering::SeqCst);
        })
        .await;
    });
    assert_eq!(requests.load(Ordering::SeqCst), 1);
    assert!(before.elapsed() >= Duration::from_millis(50));
}

// RU-4, SH-6
#[test]
fn a_shield_does_not_survive_the_shutdown() {
    let dropped = Flag::default();
    let probe = dropped.set_on_drop();
    on_workers(2, async move {
        let inner = begun(async move {
            let _probe = probe;
            pending::<()>().await;
        })
        .await;
        begun(async move { asyncio::shield(inner).await }).await;
    });
    assert!(dropped.is_set());
}

// RU-5, difference 10
#[test]
fn tasks_made_during_the_shutdown_are_ended_too() {
    fn heirs(depth: usize, ended: Arc<AtomicUsize>) -> impl Future<Output = ()> + Send {
        let (count, next) = (Arc::clone(&ended), ended);
        let cleanup = async move {
            if depth > 0 {
                let boxed: std::pin::Pin<Box<dyn Future<Output = ()> + Send>> =
                    Box::pin(heirs(depth - 1, next));
                begun(boxed).await;
            }
            count.fetch_add(1, Ordering::SeqCst);
        };
        finally(pending::<()>(), cleanup)
    }
    for workers in [1, 3] {
        let ended = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ended);
        on_workers(workers, async move { drop(begun(heirs(10, count)).await) });
        assert_eq!(ended.load(Ordering::SeqCst), 11);
    }
}

// RU-5, reliability 71
#[test]
fn tasks_made_in_destructors_during_the_shutdown_are_ended_too() {
    fn spawning(
        depth: usize,
        dropped: Arc<AtomicUsize>,
    ) -> impl Future<Output = ()> + Send + 'static {
        let probe = on_drop(move || {
            dropped.fetch_add(1, Ordering::SeqCst);
            if depth > 0 {
                let future: std::pin::Pin<Box<dyn Future<Output = ()> + Send>> =
                    Box::pin(spawning(depth - 1, dropped));
                create_task(future);
            }
        });
        async move {
            let _probe = probe;
            pending::<()>().await;
        }
    }
    let dropped = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&dropped);
    on_workers(2, async move { drop(create_task(spawning(10, count))) });
    assert_eq!(dropped.load(Ordering::SeqCst), 11);
}

// RU-9
#[test]
fn a_cancelled_main_panics_with_the_error_at_the_line_of_the_caller() {
    async fn cancelled_main() {
        current_task().unwrap().cancel_with("by itself");
        pending::<()>().await;
    }
    watched(|| {
        let (line, found) = (line!(), caught(|| asyncio::run(cancelled_main())));
        let error: &CancelledError = found.payload.downcast_ref().unwrap();
        assert_eq!(
            (error.message(), error.by_signal()),
            (Some("by itself"), None)
        );
        assert_eq!(found.place, Some((file!().to_owned(), line)));
        let error: Result<(), CancelledError> = asyncio::try_run(cancelled_main());
        assert_eq!(error.unwrap_err().message(), Some("by itself"));
        let mut runner = workers(2);
        let (line, found) = (line!(), caught(|| runner.run(cancelled_main())));
        assert!(found.payload.is::<CancelledError>());
        assert_eq!(found.place, Some((file!().to_owned(), line)));
    });
}

// RU-9
#[test]
fn a_main_that_suppresses_its_cancellation_returns_its_value() {
    let value = on_workers(2, async {
        let own = current_task().unwrap();
        let canceller = create_task(async move { own.cancel() });
        let caught = catch_cancelled(pending::<()>()).await.is_err();
        (caught, canceller.await.unwrap())
    });
    assert_eq!(value, (true, true));
}

// RU-10
#[test]
fn tasks_live_on_between_two_runs_and_end_at_close() {
    watched(|| {
        let mut runner = workers(2);
        let (worked, ended) = (Flag::default(), Flag::default());
        let (work, end) = (worked.clone(), ended.set_on_drop());
        let task = runner.run(begun(async move {
            let _end = end;
            pending::<()>().await;
        }));
        let between = runner.get_loop().create_task(async move { work.set() });
        // Difference 10: the other workers run between two runs.
        runtime_tests::blocking_wait(between).unwrap();
        assert!(worked.is_set() && !task.done());
        runner.run(async { assert!(!task.done()) });
        runner.close();
        assert!(ended.is_set() && task.cancelled());
    });
}

#[test]
fn the_shutdown_cancels_the_roots_of_foreign_threads_and_waits_for_them() {
    watched(|| {
        for _ in 0..100 {
            let mut runner = workers(2);
            let (event_loop, inside, cleaned) =
                (runner.get_loop().clone(), Flag::default(), Flag::default());
            let (flag, clean) = (inside.clone(), cleaned.clone());
            let thread = thread::spawn(move || {
                let body = async move {
                    flag.set();
                    pending::<()>().await;
                };
                let cleanup = async move {
                    checkpoint().await;
                    clean.set();
                };
                event_loop.block_on(finally(body, cleanup))
            });
            while !inside.is_set() {
                thread::yield_now();
            }
            runner.close();
            assert!(cleaned.is_set());
            assert!(thread.join().unwrap().is_err());
        }
    });
}

// Reliability 78
#[test]
fn calls_from_other_threads_after_and_during_the_close_are_answered() {
    watched(|| {
        for _ in 0..30 {
            let mut runner = workers(2);
            let handle = runner.run(begun(pending::<()>())).handle();
            let call = |event_loop: EventLoop, handle: asyncio::TaskHandle| {
                move || {
                    for _ in 0..100 {
                        handle.cancel();
                        handle.add_done_callback(|_| ());
                        let mut task = event_loop.create_task(async { 1 });
                        let polled = futures::FutureExt::now_or_never(&mut task);
                        assert!(polled.is_some() || !event_loop.is_closed() || task.done());
                        let _ended = event_loop.block_on(checkpoint());
                        let _tasks = (
                            event_loop.all_tasks(),
                            event_loop.metrics(),
                            event_loop.time(),
                        );
                    }
                }
            };
            let threads: Vec<_> = (0..3)
                .map(|_| thread::spawn(call(runner.get_loop().clone(), handle.clone())))
                .collect();
            runner.close();
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
        }
    });
}

// Reliability 72
#[test]
fn a_runner_may_be_made_and_dropped_inside_a_task() {
    on_workers(2, async {
        for _ in 0..20 {
            let own = current_task();
            let dropped = Flag::default();
            let inner = workers(2);
            let probe = dropped.set_on_drop();
            inner.get_loop().create_task(async move {
                let _probe = probe;
                pending::<()>().await;
            });
            drop(inner);
            assert!(dropped.is_set());
            assert_eq!(current_task(), own);
            checkpoint().await;
            create_task(async {}).await.unwrap();
        }
    });
}

// Reliability 72
#[test]
fn a_runner_may_be_dropped_by_a_destructor_of_a_thread_local() {
    thread_local! { static RUNNER: RefCell<Option<Runner>> = const { RefCell::new(None) } }
    watched(|| {
        for raise_first in [false, true] {
            let (log, ended) = (Log::default(), Flag::default());
            let (note, end) = (log.clone(), ended.set_on_drop());
            let thread = thread::spawn(move || {
                // The thread-local runner is registered before or after the library's own
                // thread-locals, so it is destroyed after or before them.
                if raise_first {
                    asyncio::try_run(async {
                        current_task().unwrap().cancel();
                        catch_cancelled(pending::<()>())
                            .await
                            .unwrap_err()
                            .raise()
                            .await
                    })
                    .map(|never: ()| never)
                    .unwrap_err();
                }
                let mut runner = workers(1);
                runner.run(async move {
                    begun(async move {
                        let _end = end;
                        let error = catch_cancelled(pending::<()>()).await.unwrap_err();
                        checkpoint().await;
                        note.note("cleaned");
                        error.raise().await;
                    })
                    .await
                    .add_done_callback(|task| assert!(task.cancelled()));
                });
                RUNNER.set(Some(runner));
            });
            thread.join().unwrap();
            assert!(ended.is_set());
            assert_eq!(log.notes(), ["cleaned"]);
        }
    });
}

// Reliability 72
#[test]
fn a_runner_may_be_dropped_while_its_thread_unwinds() {
    watched(|| {
        let log = Log::default();
        let inner = log.clone();
        let found = caught(|| {
            let mut runner = workers(2);
            let cleanup = async move {
                checkpoint().await;
                let panicked = create_task(async { panic!("a task's own") }).await;
                assert!(panicked.map(|(): ()| ()).unwrap_err().is_panic());
                inner.note("cleaned");
            };
            runner.run(async { drop(begun(finally(pending::<()>(), cleanup)).await) });
            panic_any(6_i8);
        });
        assert_eq!(found.payload.downcast_ref(), Some(&6_i8));
        assert_eq!(log.notes(), ["cleaned"]);
    });
}

// Reliability 74
#[test]
fn neither_threads_nor_descriptors_leak() {
    alone(|| {
        let count = |folder: &str| fs::read_dir(folder).unwrap().count();
        let cycle = || {
            let mut runner = workers(3);
            runner.run(async {
                drop(begun(pending::<()>()).await);
                sleep(Duration::from_micros(1)).await;
            });
        };
        let threads = count("/proc/self/task");
        (0..5).for_each(|_| cycle());
        let before = count("/proc/self/fd");
        (0..300).for_each(|_| cycle());
        soon(|| count("/proc/self/task") == threads);
        assert_eq!(count("/proc/self/fd"), before);
    });
}

#[test]
fn every_thread_of_the_loop_runs_both_hooks_once() {
    watched(|| {
        let (started, stopped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (start, stop) = (Arc::clone(&started), Arc::clone(&stopped));
        let own = thread::current().id();
        let mut runner = Runner::builder()
            .workers(4)
            .thread_name("hooked")
            .on_thread_start(move || {
                assert_ne!(
                    thread::current().id(),
                    own,
                    "a hook must not run on the caller's thread"
                );
                assert!(thread::current().name().unwrap().starts_with("hooked"));
                start.fetch_add(1, Ordering::SeqCst);
            })
            .on_thread_stop(move || {
                stop.fetch_add(1, Ordering::SeqCst);
            })
            .build()
            .unwrap();
        runner.run(async { create_task(async {}).await.unwrap() });
        runner.close();
        assert!(started.load(Ordering::SeqCst) >= 3);
        assert_eq!(
            started.load(Ordering::SeqCst),
            stopped.load(Ordering::SeqCst)
        );
    });
}

// Reliability 55
#[test]
fn a_thread_hook_that_panics_leaves_the_loop_alive() {
    watched(|| {
        let mut runner = Runner::builder()
            .workers(3)
            .on_thread_start(|| panic!("in a hook"))
            .build()
            .unwrap();
        let value = runner.run(async {
            sleep(Duration::from_millis(1)).await;
            let tasks: Vec<_> = (0..100)
                .map(|number| create_task(async move { number }))
                .collect();
            let mut sum = 0;
            for task in tasks {
                sum += task.await.unwrap();
            }
            sum
        });
        assert_eq!(value, 4950);
        runner.close();
    });
}
