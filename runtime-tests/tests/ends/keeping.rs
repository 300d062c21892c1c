//! Tests that a closed loop frees its resources, even if there are still references to it.
//!
//! Earlier tests counted the descriptors of loops without references. A handle, a waker in a timing
//! wheel, or an exception handler that owns its loop kept the whole loop alive.

use std::fs;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use asyncio::{ContextVar, EventLoop, Runner, create_task, get_running_loop, sleep};
use runtime_tests::{Flag, alone};

use super::workers;

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Waits until at most `expected` descriptors are open. Panics after ten seconds.
#[track_caller]
fn assert_descriptors(expected: usize) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while descriptors() > expected {
        assert!(
            Instant::now() < deadline,
            "{} descriptors are open instead of {expected}",
            descriptors()
        );
        thread::sleep(Duration::from_millis(1));
    }
}

/// Keeps what `keep` returns for each of two hundred loops, and asserts that no descriptor stays
/// open because of it.
#[track_caller]
fn assert_nothing_kept<T>(mut keep: impl FnMut(&mut Runner) -> T) {
    let mut runner = workers(2);
    runner.run(async {});
    drop(runner);
    let before = descriptors();
    let kept: Vec<_> = (0..200)
        .map(|_| {
            let mut runner = workers(2);
            let kept = keep(&mut runner);
            runner.close();
            kept
        })
        .collect();
    assert_eq!(descriptors(), before, "with {} handles", kept.len());
}

#[test]
fn handles_of_every_kind_keep_no_descriptor() {
    alone(|| {
        assert_nothing_kept(|runner| runner.get_loop().clone());
        assert_nothing_kept(|runner| runner.run(async { create_task(async { 1 }) }));
        assert_nothing_kept(|runner| {
            runner.run(async { create_task(sleep(Duration::from_secs(3600))).handle() })
        });
        assert_nothing_kept(|runner| {
            runner.run(async { get_running_loop().call_later(Duration::from_secs(9), || ()) })
        });
        assert_nothing_kept(|runner| {
            let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
            let inner = Arc::clone(&waker);
            runner
                .run(async move {
                    create_task(poll_fn(move |cx| {
                        *inner.lock().unwrap() = Some(cx.waker().clone());
                        Poll::Ready(())
                    }))
                    .await
                })
                .unwrap();
            let waker = waker.lock().unwrap().take();
            waker.unwrap()
        });
        assert_nothing_kept(|runner| {
            let future = asyncio::run_coroutine_threadsafe(async { 5 }, runner.get_loop());
            runner.run(async {});
            future
        });
    });
}

static LOOP: ContextVar<EventLoop> = ContextVar::new("LOOP", None);

#[test]
fn a_context_variable_that_holds_the_loop_keeps_no_descriptor() {
    alone(|| {
        assert_nothing_kept(|runner| {
            runner.run(async {
                drop(LOOP.set(get_running_loop()));
                create_task(async {}).await.unwrap();
            });
        });
    });
}

#[test]
fn an_exception_handler_that_holds_its_loop_goes_with_the_close() {
    alone(|| {
        assert_nothing_kept(|runner| {
            let (event_loop, gone) = (runner.get_loop().clone(), Flag::default());
            let (owned, probe) = (event_loop.clone(), gone.set_on_drop());
            event_loop.set_exception_handler(move |_, _| {
                let _all = (&probe, owned.time());
            });
            runner.run(async { create_task(async {}).await.unwrap() });
            runner.close();
            assert!(gone.is_set(), "the handler is kept");
            // A handler that is set after the close is dropped at once.
            let (late, owned) = (Flag::default(), event_loop.clone());
            let probe = late.set_on_drop();
            event_loop.set_exception_handler(move |_, _| {
                let _all = (&probe, owned.time());
            });
            assert!(late.is_set(), "the late handler is kept");
        });
    });
}

#[test]
fn the_handler_is_called_for_what_happens_during_the_close() {
    alone(|| {
        let (reports, reported) = mpsc::channel();
        let mut runner = workers(2);
        runner.get_loop().set_exception_handler(move |_, context| {
            reports.send(context.message().to_owned()).unwrap();
        });
        runner.run(async {
            let task = create_task(std::future::pending::<()>());
            task.add_done_callback(|_| panic!("in the last callback"));
        });
        runner.close();
        assert_eq!(reported.recv().as_deref(), Ok("Exception in callback"));
        assert!(reported.recv().is_err(), "the handler has been dropped");
    });
}

#[test]
fn an_end_by_force_gives_everything_back_when_what_was_stuck_has_ended() {
    alone(|| {
        let before = descriptors();
        let mut kept = Vec::new();
        for _ in 0..100 {
            let mut runner = workers(4);
            runner.run(async {
                drop(asyncio::to_thread(|| {
                    thread::sleep(Duration::from_millis(10))
                }));
                for micros in 0..100 {
                    drop(create_task(async move {
                        loop {
                            sleep(Duration::from_micros(micros)).await;
                        }
                    }));
                }
                sleep(Duration::from_millis(3)).await;
            });
            kept.push(runner.get_loop().clone());
            let _forced = runner.shutdown_timeout(Duration::from_micros(100));
        }
        assert_descriptors(before);
    });
}

#[test]
fn a_thread_that_is_left_behind_keeps_the_poller_until_it_ends() {
    alone(|| {
        let before = descriptors();
        let mut runner = workers(2);
        let (release, blocked) = mpsc::channel::<()>();
        let (begun, has_begun) = mpsc::channel();
        drop(runner.get_loop().create_task(async move {
            begun.send(()).unwrap();
            let _released = blocked.recv();
            sleep(Duration::from_millis(1)).await;
        }));
        has_begun.recv().unwrap();
        let event_loop = runner.get_loop().clone();
        assert!(runner.shutdown_timeout(Duration::ZERO).is_err());
        drop(runner);
        event_loop.call_soon(|| ());
        release.send(()).unwrap();
        assert_descriptors(before);
        // None of these calls touches the number of a descriptor that the file has now.
        let file = fs::File::open("/proc/self/stat").unwrap();
        assert!(event_loop.call_soon(|| ()).cancelled());
        drop(event_loop.create_task(async {}));
        drop(file);
    });
}
