//! Who waits for the time of a loop that is closed: meanwhile, or before. Nothing would ever end
//! that wait, so it ends by a panic that says so, and names the line that made it.
//!
//! A loop's own tasks have ended by then; this is for whoever waits elsewhere, in another executor.
//! (What was checked of a closed loop before were its calls, which return at once; nobody looked at
//! who waits.)

use std::future::Future;
use std::sync::Barrier;

use runtime_tests::Caught;

use super::*;

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Everything that waits for a loop's time outside its tasks.
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

/// The panic says what is wrong, and where the wait was made: in this file.
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

/// Where a wait stands when its loop is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In another executor, on a thread that has entered the loop.
    Entered,
    /// The same, and the thread has left the loop since.
    Left,
}

/// Waits at a place; `begun` is met after the first poll.
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

/// Has all of them wait while `close` closes the loop.
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

/// Has a function of the pool stuck until the sender is dropped.
fn hold_up(runner: &mut Runner) -> mpsc::Sender<()> {
    let (held, free) = mpsc::channel::<()>();
    let (runs, begun) = futures::channel::oneshot::channel();
    runner.run(async {
        drop(asyncio::to_thread(move || {
            runs.send(()).unwrap();
            let _dropped = free.recv();
        }));
        begun.await.unwrap();
    });
    held
}

#[test]
fn a_wait_ends_by_a_panic_when_its_loop_is_shut_down_by_force() {
    closed_meanwhile(Place::Entered, 2, |mut runner| {
        // A function that is stuck: the end is an error, and for the waits it is an end.
        let held = hold_up(&mut runner);
        assert!(runner.shutdown_timeout(TICK).is_err());
        drop(held);
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
        let held = hold_up(&mut runner);
        assert!(runner.shutdown_timeout(TICK).is_err());
        assert_eq!(Arc::strong_count(&woken), 1, "the wheel keeps a waker");
        drop(held);
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

#[test]
fn a_sleep_that_waits_on_another_loop_goes_on_there() {
    watched(|| {
        let first = runner(1);
        let event_loop = first.get_loop().clone();
        let mut second = runner(2);
        second.run(async {
            // Its task is another loop's, and it is bound to the one that has been entered.
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

/// Wherever the close is: a timer is refused, or it is woken.
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

/// A key that came back with a new wheel would take out another's timer, or wake it early.
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
