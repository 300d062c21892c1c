//! Tests that callbacks that were registered before the close run, however late the task ends that
//! calls them.
//!
//! A task used to leave the registry before it notified its callbacks, and the close waited for the
//! registry alone. The models ended a task during a shutdown, but none with a callback. The other
//! tests checked only whether tasks had ended, and counted callbacks of loops that were still open.

use std::future::{Future, IntoFuture, pending, poll_fn};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use asyncio::{EventLoop, create_local_task, create_task, sleep};
use runtime_tests::{on_drop, watched};

use super::workers;

#[test]
fn the_callback_of_the_last_task_runs() {
    watched(|| {
        for _ in 0..3_000 {
            let ran = Arc::new(AtomicUsize::new(0));
            let inner = Arc::clone(&ran);
            let mut runner = workers(3);
            runner.run(async move {
                let task = create_task(sleep(Duration::from_secs(3600)));
                task.add_done_callback(move |_| {
                    inner.fetch_add(1, SeqCst);
                });
            });
            runner.close();
            assert_eq!(ran.load(SeqCst), 1, "the callback was lost");
        }
    });
}

#[test]
fn thousands_of_callbacks_of_one_task_run() {
    watched(|| {
        for workers_here in [1, 2, 3] {
            for _ in 0..30 {
                let ran = Arc::new(AtomicUsize::new(0));
                let inner = Arc::clone(&ran);
                let mut runner = workers(workers_here);
                runner.run(async move {
                    let task = create_task(pending::<()>());
                    for _ in 0..3_000 {
                        let ran = Arc::clone(&inner);
                        task.add_done_callback(move |_| {
                            ran.fetch_add(1, SeqCst);
                        });
                    }
                });
                runner.close();
                assert_eq!(ran.load(SeqCst), 3_000, "on {workers_here} workers");
            }
        }
    });
}

/// Registers a callback that registers the next one, until `left` callbacks have run.
fn chain(event_loop: &EventLoop, left: usize, ran: Arc<AtomicUsize>) {
    let next = event_loop.clone();
    event_loop.call_soon(move || {
        ran.fetch_add(1, SeqCst);
        if left > 1 {
            chain(&next, left - 1, ran);
        }
    });
}

#[test]
fn a_chain_of_callbacks_comes_to_its_end() {
    watched(|| {
        for workers_here in [1, 3] {
            let ran = Arc::new(AtomicUsize::new(0));
            let inner = Arc::clone(&ran);
            let mut runner = workers(workers_here);
            runner.run(async move {
                let event_loop = asyncio::get_running_loop();
                let task = create_task(pending::<()>());
                task.add_done_callback(move |_| chain(&event_loop, 20_000, inner));
            });
            runner.close();
            assert_eq!(ran.load(SeqCst), 20_000);
        }
    });
}

#[test]
fn a_chain_without_an_end_does_not_keep_the_loop() {
    for pause in [Duration::ZERO, Duration::from_millis(1)] {
        watched(|| {
            let mut runner = workers(2);
            let event_loop = runner.get_loop().clone();
            fn rearm(event_loop: EventLoop, pause: Duration) {
                let next = event_loop.clone();
                event_loop.call_soon(move || {
                    thread::sleep(pause);
                    rearm(next, pause);
                });
            }
            rearm(event_loop.clone(), pause);
            runner.run(async {});
            runner.close();
            assert!(event_loop.call_soon(|| ()).cancelled());
        });
    }
}

#[test]
fn a_chain_of_callbacks_and_tasks_without_an_end_does_not_keep_the_loop() {
    watched(|| {
        for workers_here in [1, 2] {
            let mut runner = workers(workers_here);
            fn rearm(event_loop: EventLoop) {
                let next = event_loop.clone();
                let task = event_loop.create_task(async {});
                task.add_done_callback(move |_| {
                    let again = next.clone();
                    next.call_soon(move || rearm(again));
                });
            }
            rearm(runner.get_loop().clone());
            runner.run(async {});
            runner.close();
        }
    });
}

/// Two threads register callbacks on a task that has ended. Each may run the other's callbacks.
#[test]
fn callbacks_that_come_after_the_end_and_before_the_close_run() {
    watched(|| {
        for _ in 0..300 {
            let mut runner = workers(2);
            let task = runner.get_loop().create_task(async {}).handle();
            let closing = Arc::new(AtomicBool::new(false));
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let (task, closing) = (task.clone(), Arc::clone(&closing));
                    thread::spawn(move || {
                        let (mut registered, ran) = (0, Arc::new(AtomicUsize::new(0)));
                        loop {
                            let inner = Arc::clone(&ran);
                            task.add_done_callback(move |_| {
                                inner.fetch_add(1, SeqCst);
                            });
                            if closing.load(SeqCst) {
                                return (registered, ran);
                            }
                            registered += 1;
                        }
                    })
                })
                .collect();
            runner.run(sleep(Duration::from_micros(200)));
            closing.store(true, SeqCst);
            runner.close();
            for thread in threads {
                let (registered, ran) = thread.join().unwrap();
                assert!(ran.load(SeqCst) >= registered, "a callback was lost");
            }
        }
    });
}

/// In that round a foreign thread can create no more tasks, but it can still start the callback
/// queue.
#[test]
fn a_task_that_ends_on_a_foreign_thread_in_a_late_round_calls_its_callbacks() {
    watched(|| {
        for _ in 0..50 {
            let ran = Arc::new(AtomicUsize::new(0));
            let mut runner = workers(2);
            let event_loop = runner.get_loop().clone();
            let (begun, has_begun) = mpsc::channel();
            let inner = Arc::clone(&ran);
            let foreign = thread::spawn(move || {
                event_loop.block_on(async move {
                    let _on_drop = on_drop(move || {
                        let task = create_local_task(pending::<()>());
                        task.add_done_callback(move |_| {
                            inner.fetch_add(1, SeqCst);
                        });
                    });
                    begun.send(()).unwrap();
                    pending::<()>().await;
                })
            });
            has_begun.recv().unwrap();
            runner.close();
            assert!(foreign.join().unwrap().is_err(), "the shutdown cancels it");
            assert_eq!(ran.load(SeqCst), 1, "the callback was lost");
        }
    });
}

/// An awaiter of a task is woken before the close returns, whatever kind of waker it has.
#[test]
fn a_foreign_waiter_of_the_last_task_is_woken_before_the_close_returns() {
    watched(|| {
        for _ in 0..500 {
            let mut runner = workers(3);
            let task = runner.get_loop().create_task(pending::<()>());
            let (polled_once, is_polled) = mpsc::channel();
            let waiter = thread::spawn(move || {
                let mut task = Box::pin(task.into_future());
                let mut first = true;
                runtime_tests::blocking_wait(poll_fn(move |cx| {
                    let polled = task.as_mut().poll(cx);
                    if std::mem::take(&mut first) {
                        polled_once.send(()).unwrap();
                    }
                    polled.map(|end| end.is_err())
                }))
            });
            is_polled.recv().unwrap();
            runner.close();
            assert!(waiter.join().unwrap());
        }
    });
}

#[test]
fn an_end_by_force_is_over_soon_whatever_the_callbacks_do() {
    watched(|| {
        let mut runner = workers(2);
        let event_loop = runner.get_loop().clone();
        let (release, blocked) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        event_loop.call_soon(move || {
            begun.send(()).unwrap();
            let _released = blocked.recv();
        });
        has_begun.recv().unwrap();
        let waits = event_loop.call_soon(|| ());
        let begin = Instant::now();
        let error = runner
            .shutdown_timeout(Duration::from_millis(50))
            .unwrap_err();
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert_eq!(error.stuck().len(), 1, "{error}");
        let expected = format!("callback registered at {}:", file!());
        assert!(error.stuck()[0].starts_with(&expected), "{error}");
        assert!(
            waits.cancelled(),
            "the callback never runs, so its handle is cancelled"
        );
        release.send(()).unwrap();
    });
}
