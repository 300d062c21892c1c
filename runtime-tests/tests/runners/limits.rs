//! Tests of a shutdown with a limit, and of one during which other threads make tasks.

use super::*;
use std::sync::mpsc;

// RU-2, reliability 70
#[test]
fn a_shutdown_during_a_storm_of_new_tasks_drops_every_future() {
    watched(|| {
        for limit in [None, Some(Duration::from_millis(20))] {
            let mut runner = workers(2);
            let (made, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let storm = |event_loop: EventLoop| {
                let (made, dropped) = (Arc::clone(&made), Arc::clone(&dropped));
                move || {
                    loop {
                        let dropped = Arc::clone(&dropped);
                        let probe = on_drop(move || {
                            dropped.fetch_add(1, Ordering::SeqCst);
                        });
                        made.fetch_add(1, Ordering::SeqCst);
                        let task = event_loop.try_create_task(async move {
                            let _probe = probe;
                            pending::<()>().await;
                        });
                        if task.is_err() {
                            return;
                        }
                    }
                }
            };
            let threads: Vec<_> = (0..4)
                .map(|_| thread::spawn(storm(runner.get_loop().clone())))
                .collect();
            runner.run(until(|| made.load(Ordering::SeqCst) > 50));
            let before = Instant::now();
            match limit {
                Some(limit) => drop(runner.shutdown_timeout(limit)),
                None => runner.close(),
            }
            assert!(before.elapsed() < Duration::from_secs(5), "{limit:?}");
            threads
                .into_iter()
                .for_each(|thread| thread.join().unwrap());
            drop(runner);
            let deadline = Instant::now() + Duration::from_secs(5);
            while dropped.load(Ordering::SeqCst) < made.load(Ordering::SeqCst)
                && Instant::now() < deadline
            {
                thread::yield_now();
            }
            assert_eq!(dropped.load(Ordering::SeqCst), made.load(Ordering::SeqCst));
        }
    });
}

#[test]
fn a_shutdown_within_its_limit_is_no_error() {
    watched(|| {
        let mut runner = workers(2);
        runner.run(async { drop(begun(pending::<()>()).await) });
        assert!(runner.shutdown_timeout(Duration::from_secs(20)).is_ok());
        assert!(
            runner.shutdown_timeout(Duration::ZERO).is_ok(),
            "a second shutdown is no error"
        );
    });
}

#[test]
fn at_the_limit_idle_tasks_are_dropped_where_they_stand() {
    for count in [1, 3] {
        watched(|| {
            let mut runner = workers(count);
            let dropped = Flag::default();
            let probe = dropped.set_on_drop();
            let task = runner.run(begun(async move {
                let _probe = probe;
                loop {
                    let _refused = catch_cancelled(pending::<()>()).await;
                }
            }));
            let before = Instant::now();
            let ended = runner.shutdown_timeout(Duration::from_millis(20));
            assert!(before.elapsed() < Duration::from_secs(2));
            assert!(dropped.is_set() && task.done());
            assert_eq!(ended.unwrap_err().stuck(), &[] as &[String]);
        });
    }
}

#[test]
fn at_the_limit_stuck_tasks_are_named_and_left_behind() {
    watched(|| {
        let mut runner = workers(2);
        let (release, blocked) = mpsc::channel::<()>();
        let task = asyncio::task::Builder::new().name("the stuck one");
        let entered = runner.get_loop().enter();
        let inside = Flag::default();
        let flag = inside.clone();
        let task = task.create_task(async move {
            flag.set();
            let _released = blocked.recv();
        });
        drop(entered);
        while !inside.is_set() {
            thread::yield_now();
        }
        let error = runner
            .shutdown_timeout(Duration::from_millis(20))
            .unwrap_err();
        assert_eq!(error.stuck().len(), 1, "{error}");
        let expected = format!("the stuck one created at {}:", file!());
        assert!(error.stuck()[0].starts_with(&expected), "{error}");
        drop(runner);
        release.send(()).unwrap();
        let deadline = Instant::now() + Duration::from_secs(5);
        while !task.done() && Instant::now() < deadline {
            thread::yield_now();
        }
        assert!(task.done(), "the stuck task must end after its release");
    });
}

#[test]
fn at_the_limit_a_root_of_a_foreign_thread_is_dropped_too() {
    watched(|| {
        let mut runner = workers(2);
        let (event_loop, inside) = (runner.get_loop().clone(), Flag::default());
        let flag = inside.clone();
        let thread = thread::spawn(move || {
            event_loop.block_on(async move {
                flag.set();
                loop {
                    let _refused = catch_cancelled(pending::<()>()).await;
                }
            })
        });
        while !inside.is_set() {
            thread::yield_now();
        }
        let error = runner
            .shutdown_timeout(Duration::from_millis(20))
            .unwrap_err();
        drop(runner);
        let deadline = Instant::now() + Duration::from_secs(3);
        while !thread.is_finished() && Instant::now() < deadline {
            thread::yield_now();
        }
        assert!(thread.is_finished(), "block_on never returns: {error}");
        let ended: Result<(), CancelledError> = thread.join().unwrap();
        assert!(ended.is_err());
    });
}

#[test]
fn at_the_limit_tasks_that_await_each_other_are_dropped() {
    watched(|| {
        let mut runner = workers(2);
        let handles = runner.run(async {
            let (send, receive) = futures::channel::oneshot::channel::<asyncio::Task<()>>();
            let one = begun(async move { drop(receive.await.unwrap().await) }).await;
            let (first, second) = (one.handle(), begun(async move { drop(one.await) }).await);
            let handles = [first, second.handle()];
            send.send(second).ok().unwrap();
            handles
        });
        let before = Instant::now();
        let _named = runner.shutdown_timeout(Duration::from_millis(20));
        assert!(before.elapsed() < Duration::from_secs(5));
        assert!(handles.iter().all(asyncio::TaskHandle::done));
    });
}
