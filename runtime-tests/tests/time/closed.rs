//! Tests of waits for the time of a loop that is closed before or during the wait. Nothing would
//! ever end such a wait, so it panics with "Event loop is closed" and the line that made it.
//!
//! The loop's own tasks have ended by then; the tests are about waits in another executor. (Earlier
//! tests called methods of a closed loop, which return at once, but had no waits.)

use std::future::Future;
use std::sync::Barrier;

use runtime_tests::Caught;

use super::*;

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Every kind of future that waits for a loop's time and can be polled outside its tasks.
fn waits() -> Vec<(&'static str, Wait)> {
    let mut ticked = asyncio::interval(HOUR);
    let mut rare = asyncio::interval(Duration::MAX);
    let planned = Instant::now() + HOUR;
    vec![
        ("sleep", Box::pin(sleep(HOUR))),
        ("exact sleep", Box::pin(sleep(HOUR).exact())),
        ("sleep for ever", Box::pin(sleep(Duration::MAX))),
        ("sleep beyond counting", Box::pin(sleep(1000 * 8760 * HOUR))),
        ("sleep_until", Box::pin(sleep_until(planned))),
        ("result", Box::pin(sleep(HOUR).with_result(()))),
        (
            "interval",
            Box::pin(async move {
                ticked.tick().await;
                ticked.tick().await;
            }),
        ),
        (
            "interval for ever",
            Box::pin(async move {
                rare.tick().await;
                rare.tick().await;
            }),
        ),
        (
            "interval_at",
            Box::pin(async move {
                asyncio::interval_at(planned, HOUR).tick().await;
            }),
        ),
        (
            "beside others",
            Box::pin(async {
                futures::future::join(sleep(HOUR), pending::<()>()).await;
            }),
        ),
    ]
}

/// Asserts that the panic says that the loop is closed, and that the wait was made in this file.
#[track_caller]
fn says_closed(name: &str, said: &Caught) {
    let (closed, here) = ("Event loop is closed", "closed.rs:");
    assert!(said.text.contains(closed), "{name}: {said:?}");
    assert!(said.text.contains(here), "{name}: {said:?}");
}

fn runner(workers: usize) -> Runner {
    Runner::builder().workers(workers).build().unwrap()
}

#[test]
fn a_wait_that_begins_on_a_closed_loop_panics_at_once() {
    watched(|| {
        for (name, wait) in waits() {
            let event_loop = runner(2).get_loop().clone();
            let _guard = event_loop.enter();
            says_closed(name, &caught(|| blocking_wait(wait)));
        }
    });
}

#[test]
fn what_is_over_at_once_needs_no_loop_that_is_open() {
    watched(|| {
        let event_loop = runner(1).get_loop().clone();
        let _guard = event_loop.enter();
        blocking_wait(async {
            sleep(Duration::ZERO).await;
            sleep_until(Instant::now() - TICK).await;
        });
    });
}

/// The state of the waiting thread when the loop is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The thread, which runs another executor, has entered the loop.
    Entered,
    /// The same, but the thread has left the loop after the first poll.
    Left,
}

/// Polls `wait` to its end, and waits at the barrier `begun` after the first poll.
fn wait_at(place: Place, event_loop: &EventLoop, begun: &Barrier, mut wait: Wait) -> Caught {
    caught(|| {
        let mut guard = Some(event_loop.enter());
        let mut first = true;
        let wait = poll_fn(|cx| {
            let polled = wait.as_mut().poll(cx);
            if std::mem::take(&mut first) {
                guard.take_if(|_| place == Place::Left);
                begun.wait();
            }
            polled
        });
        blocking_wait(wait);
    })
}

/// Starts all waits, each on a thread, calls `close`, and asserts that each wait panics.
fn closed_meanwhile(place: Place, workers: usize, close: impl Fn(Runner)) {
    watched(|| {
        let runner = runner(workers);
        let event_loop = runner.get_loop().clone();
        let begun = Barrier::new(waits().len() + 1);
        thread::scope(|scope| {
            let waiters: Vec<_> = waits()
                .into_iter()
                .map(|(name, wait)| {
                    let (event_loop, begun) = (&event_loop, &begun);
                    let body = move || wait_at(place, event_loop, begun, wait);
                    (name, scope.spawn(body))
                })
                .collect();
            begun.wait();
            close(runner);
            for (name, waiter) in waiters {
                says_closed(name, &waiter.join().unwrap());
            }
        });
    });
}

#[test]
fn a_wait_ends_by_a_panic_when_its_loop_is_dropped() {
    for workers in [1, 2] {
        closed_meanwhile(Place::Entered, workers, drop);
        closed_meanwhile(Place::Left, workers, drop);
    }
}

#[test]
fn a_wait_ends_by_a_panic_when_its_loop_is_closed() {
    closed_meanwhile(Place::Entered, 2, |mut runner| runner.close());
    closed_meanwhile(Place::Left, 2, |mut runner| runner.close());
}

/// Runs a function on the pool that is stuck until the returned sender is dropped.
fn block_pool(runner: &mut Runner) -> mpsc::Sender<()> {
    let (release, blocked) = mpsc::channel::<()>();
    let (runs, begun) = futures::channel::oneshot::channel();
    runner.run(async {
        drop(asyncio::to_thread(move || {
            runs.send(()).unwrap();
            let _released = blocked.recv();
        }));
        begun.await.unwrap();
    });
    release
}

#[test]
fn a_wait_ends_by_a_panic_when_its_loop_is_shut_down_by_force() {
    closed_meanwhile(Place::Entered, 2, |mut runner| {
        // A pool function is stuck: the shutdown returns an error, and the waits end all the same.
        let release = block_pool(&mut runner);
        assert!(runner.shutdown_timeout(TICK).is_err());
        drop(release);
    });
}

struct Quiet;

impl Wake for Quiet {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn the_waker_of_a_wait_does_not_outlive_a_shutdown_by_force() {
    watched(|| {
        let mut runner = runner(2);
        let guard = runner.get_loop().enter();
        let woken = Arc::new(Quiet);
        let waker = Waker::from(Arc::clone(&woken));
        let mut nap = Box::pin(sleep(HOUR));
        assert!(
            nap.as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        drop((guard, waker));
        let release = block_pool(&mut runner);
        assert!(runner.shutdown_timeout(TICK).is_err());
        assert_eq!(Arc::strong_count(&woken), 1, "the wheel keeps a waker");
        drop(release);
    });
}

#[test]
fn a_sleep_that_is_carried_over_begins_anew_on_the_next_loop() {
    watched(|| {
        for _ in 0..20 {
            let mut nap = Box::pin(sleep(10 * TICK));
            let mut late = Box::pin(sleep_until(Instant::now() + 5 * TICK));
            asyncio::run(poll_fn(|cx| {
                let _ = (nap.as_mut().poll(cx), late.as_mut().poll(cx));
                Poll::Ready(())
            }));
            asyncio::run(futures::future::join(nap, late));
        }
    });
}

/// The time of a paused loop begins with the loop, that of a running one does not.
#[test]
fn a_sleep_that_is_carried_over_to_another_clock_ends_at_its_instant() {
    watched(|| {
        asyncio::run(sleep(20 * TICK));
        for paused_first in [true, false] {
            let runner = |paused| Runner::builder().workers(1).start_paused(paused).build();
            let mut first = runner(paused_first).unwrap();
            let event_loop = first.get_loop().clone();
            let end = event_loop.time() + 200 * TICK;
            let mut nap = Box::pin(sleep_until(end));
            first.run(poll_fn(|cx| {
                assert!(nap.as_mut().poll(cx).is_pending());
                Poll::Ready(())
            }));
            drop(first);
            let mut second = runner(!paused_first).unwrap();
            let event_loop = second.get_loop().clone();
            second.run(nap);
            let late = event_loop.time().checked_duration_since(end);
            assert!(
                late.expect("not early") < Duration::from_secs(5),
                "{late:?}"
            );
        }
    });
}

#[test]
fn a_sleep_that_waits_on_another_loop_goes_on_there() {
    watched(|| {
        let first = runner(1);
        let event_loop = first.get_loop().clone();
        let mut second = runner(2);
        second.run(async {
            // The task belongs to the second loop; the sleep is bound to the first, which is
            // entered at the first poll.
            let mut nap = Box::pin(sleep(20 * TICK));
            poll_fn(|cx| {
                let _guard = event_loop.enter();
                Poll::Ready(nap.as_mut().poll(cx).is_pending())
            })
            .await;
            drop(first);
            nap.await;
        });
    });
}

/// At every moment of the close, a new timer is either refused or woken.
#[test]
fn no_wait_that_begins_while_the_loop_is_closed_is_left_behind() {
    watched(|| {
        for round in 0..40 {
            let runner = runner(1 + round % 2);
            let event_loop = runner.get_loop().clone();
            let begun = Barrier::new(4);
            thread::scope(|scope| {
                for _ in 0..3 {
                    let (event_loop, begun) = (&event_loop, &begun);
                    scope.spawn(move || {
                        let _guard = event_loop.enter();
                        begun.wait();
                        let said = caught(|| {
                            blocking_wait(async {
                                for _ in 0..10_000 {
                                    let soon = sleep(Duration::from_micros(10));
                                    futures::future::join(soon, sleep(TICK)).await;
                                }
                            });
                        });
                        says_closed("sleep", &said);
                    });
                }
                begun.wait();
                thread::sleep(Duration::from_micros(50 * round as u64));
                drop(runner);
            });
        }
    });
}

/// If a new wheel gave out a key of an old one again, the drop of an old sleep would cancel the
/// timer of a new one.
#[test]
fn what_is_left_of_a_closed_loop_does_nothing_to_the_next() {
    watched(|| {
        let mut left = Vec::new();
        {
            let runner = runner(1);
            let _guard = runner.get_loop().enter();
            for _ in 0..100 {
                let mut nap = Box::pin(sleep(HOUR));
                let waker = Waker::noop();
                assert!(
                    nap.as_mut()
                        .poll(&mut Context::from_waker(waker))
                        .is_pending()
                );
                left.push(nap);
            }
        }
        on_workers(1, async move {
            let naps: Vec<_> = (0..100).map(|_| create_task(sleep(5 * TICK))).collect();
            asyncio::checkpoint().await;
            drop(left);
            for nap in naps {
                nap.await.unwrap();
            }
        });
    });
}
