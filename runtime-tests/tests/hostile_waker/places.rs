//! Tests of two polls whose wakers have the same data pointer: the target of the last poll is
//! woken.
//!
//! Whether a new waker is the stored one is decided by the stored clone (`Waker::will_wake`). A
//! waker that was passed earlier proves nothing: it may have been dropped, and another one may be
//! at its address. (All other tests poll with wakers that own what they wake, and keep them.)

use asyncio::{Future as LoopFuture, Runner, gather, run_coroutine_threadsafe, timeout, wait_for};

use super::*;

type Made = BoxFuture<'static, ()>;

/// Polls what `make` makes for one target and then for another, from one place, and ends it.
/// Returns how often each target was woken.
fn woken(make: impl FnOnce() -> (Made, Box<dyn FnOnce()>)) -> [usize; 2] {
    let (mut made, end) = make();
    let place = borrowing::Place::default();
    let targets: [Arc<AtomicUsize>; 2] = Default::default();
    for target in &targets {
        let poll = |waker: &Waker| made.as_mut().poll(&mut Context::from_waker(waker));
        assert!(place.with(target, poll).is_pending());
    }
    end();
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while targets[1].load(Ordering::SeqCst) == 0 && std::time::Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(1));
    }
    targets.map(|target| target.load(Ordering::SeqCst))
}

#[track_caller]
fn the_last_is_woken(make: impl FnOnce() -> (Made, Box<dyn FnOnce()>)) {
    let woken = woken(make);
    assert!(woken[1] >= 1, "{woken:?}");
    assert_eq!(woken[0], 0, "{woken:?}");
}

const SOON: Duration = Duration::from_millis(30);

/// A task that waits until the function is called.
fn gated() -> (Task<()>, Box<dyn FnOnce()>) {
    let (open, opened) = futures::channel::oneshot::channel::<()>();
    let task = create_task(opened.map(drop));
    (task, Box::new(move || open.send(()).unwrap()))
}

fn on_a_loop(body: impl FnOnce()) {
    runtime_tests::watched(|| {
        let runner = Runner::builder().workers(2).build().unwrap();
        let _guard = runner.get_loop().enter();
        body();
    });
}

#[test]
fn two_wakers_at_one_place_wait_for_a_sleep() {
    on_a_loop(|| the_last_is_woken(|| (sleep(SOON).boxed(), Box::new(|| ()))));
    on_a_loop(|| the_last_is_woken(|| (sleep(SOON).exact().boxed(), Box::new(|| ()))));
}

#[test]
fn two_wakers_at_one_place_wait_for_a_task() {
    on_a_loop(|| {
        the_last_is_woken(|| {
            let (task, end) = gated();
            (task.map(drop).boxed(), end)
        });
    });
}

#[test]
fn two_wakers_at_one_place_wait_for_the_end_of_a_task() {
    on_a_loop(|| {
        the_last_is_woken(|| {
            let (task, end) = gated();
            (task.handle().wait().boxed(), end)
        });
    });
}

#[test]
fn two_wakers_at_one_place_wait_for_a_shield_and_a_gather() {
    on_a_loop(|| {
        the_last_is_woken(|| {
            let (task, end) = gated();
            (shield(task).map(drop).boxed(), end)
        });
        the_last_is_woken(|| {
            let (task, end) = gated();
            (gather(vec![task]).map(drop).boxed(), end)
        });
    });
}

#[test]
fn two_wakers_at_one_place_wait_for_a_future() {
    on_a_loop(|| {
        the_last_is_woken(|| {
            let future = LoopFuture::<()>::new();
            let result = future.clone();
            let end = move || result.set_result(()).unwrap();
            (future.map(drop).boxed(), Box::new(end))
        });
        let event_loop = asyncio::get_running_loop();
        the_last_is_woken(|| {
            let (task, end) = gated();
            let future = run_coroutine_threadsafe(task, &event_loop);
            (future.map(drop).boxed(), end)
        });
    });
}

#[test]
fn two_wakers_at_one_place_wait_for_the_time_to_go() {
    runtime_tests::watched(|| {
        let mut runner = Runner::builder()
            .workers(1)
            .start_paused(true)
            .build()
            .unwrap();
        let event_loop = runner.get_loop().clone();
        the_last_is_woken(|| {
            let end = move || runner.run(sleep(Duration::from_secs(60)));
            let advance = event_loop.advance(Duration::from_secs(1));
            (advance.boxed(), Box::new(end))
        });
    });
}

/// The timer of a limit and its `Timeout` handle wake the task that polled it last. Limits are
/// polled inside a task.
#[test]
fn two_wakers_at_one_place_wait_for_a_limit() {
    on_workers(2, async {
        for moved in [false, true] {
            let woken = create_task(async move {
                let (sender, receiver) = std::sync::mpsc::channel();
                let far = Duration::from_secs(3600);
                let limited: BoxFuture<'static, ()> = if moved {
                    timeout(far, async move |limit: &asyncio::Timeout| {
                        sender.send(limit.clone()).unwrap();
                        pending::<()>().await;
                    })
                    .map(drop)
                    .boxed()
                } else {
                    drop(sender);
                    wait_for(pending::<()>(), SOON).map(drop).boxed()
                };
                woken(move || {
                    let end = move || {
                        if let Ok(limit) = receiver.recv() {
                            limit.reschedule(Some(std::time::Instant::now())).unwrap();
                        }
                    };
                    (limited, Box::new(end))
                })
            });
            let woken = woken.await.unwrap();
            assert!(woken[1] >= 1 && woken[0] == 0, "{moved}: {woken:?}");
        }
    });
}
