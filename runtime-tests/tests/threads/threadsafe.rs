//! Tests of `run_coroutine_threadsafe`, and of the concurrent future that it returns.

use super::*;
use asyncio::concurrent::Future;
use asyncio::run_coroutine_threadsafe;
use runtime_tests::blocking_wait;

/// A loop with `workers` workers. The first does not run, since the runner's thread is not in
/// `run`.
fn runner(workers: usize) -> (Runner, EventLoop) {
    let runner = Runner::builder().workers(workers).build().unwrap();
    let event_loop = runner.get_loop().clone();
    (runner, event_loop)
}

// TS-1
#[test]
fn a_thread_gets_the_result_of_a_coroutine() {
    watched(|| {
        let (_runner, event_loop) = runner(2);
        let coro = sleep(Duration::from_millis(1)).with_result(3);
        let future = run_coroutine_threadsafe(coro, &event_loop);
        assert_eq!(future.result(Duration::from_secs(20)).unwrap(), 3);
        assert!(future.done() && !future.cancelled());
    });
}

// TS-1
#[test]
fn a_result_is_there_once() {
    watched(|| {
        let (_runner, event_loop) = runner(2);
        let future = run_coroutine_threadsafe(async { String::from("one") }, &event_loop);
        assert_eq!(future.result(None).unwrap(), "one");
        let again = future.result(None).unwrap_err();
        assert_eq!(again.to_string(), "Result has been taken already.");
        assert!(!future.cancel());
    });
}

// TS-1
#[test]
fn a_time_limit_ends_the_wait_and_not_the_coroutine() {
    watched(|| {
        let (_runner, event_loop) = runner(2);
        let (send, receive) = futures::channel::oneshot::channel();
        let future = run_coroutine_threadsafe(receive, &event_loop);
        for timeout in [Duration::ZERO, Duration::from_millis(1)] {
            assert!(future.result(timeout).unwrap_err().is_timeout());
        }
        assert!(!future.done());
        send.send(7).unwrap();
        assert_eq!(future.result(None).unwrap(), Ok(7));
    });
}

// TS-2
#[test]
fn a_cancelled_future_says_so_at_once_whatever_the_coroutine_does() {
    watched(|| {
        let (_runner, event_loop) = runner(2);
        let (suppressed, dropped) = (Flag::default(), Flag::default());
        let (note, value) = (suppressed.clone(), dropped.set_on_drop());
        let (go_on, wait) = futures::channel::oneshot::channel::<()>();
        let (begin, begun) = mpsc::channel();
        let coro = async move {
            begin.send(()).unwrap();
            catch_cancelled(pending::<()>()).await.unwrap_err();
            note.set();
            wait.await.unwrap();
            value
        };
        let future = run_coroutine_threadsafe(coro, &event_loop);
        begun.recv().unwrap();
        assert!(future.cancel());
        assert!(future.done() && future.cancelled());
        for _ in 0..2 {
            assert!(future.result(None).is_err_and(|error| error.is_cancelled()));
            assert!(future.cancel(), "a cancelled future reports success again");
        }
        event_loop.block_on(until(|| suppressed.is_set())).unwrap();
        assert!(!dropped.is_set());
        go_on.send(()).unwrap();
        event_loop.block_on(until(|| dropped.is_set())).unwrap();
        assert!(future.cancelled(), "the value came too late");
    });
}

// TS-2
#[test]
fn a_cancel_wakes_the_thread_that_waits() {
    watched(|| {
        let (_runner, event_loop) = runner(2);
        let future = Arc::new(run_coroutine_threadsafe(pending::<()>(), &event_loop));
        let waiter = {
            let future = future.clone();
            thread::spawn(move || future.result(None))
        };
        thread::yield_now();
        assert!(future.cancel());
        assert!(waiter.join().unwrap().unwrap_err().is_cancelled());
        event_loop
            .block_on(until(|| event_loop.all_tasks().len() == 1))
            .unwrap();
    });
}

// TS-3
#[test]
fn a_coroutine_that_ends_cancelled_cancels_its_future() {
    watched(|| {
        let (_runner, event_loop) = runner(2);
        let (send_task, task_of) = mpsc::channel();
        let coro = async move {
            send_task.send(current_task().unwrap()).unwrap();
            pending::<()>().await;
        };
        let future = run_coroutine_threadsafe(coro, &event_loop);
        let task = task_of.recv().unwrap();
        task.cancel_with("enough");
        assert_eq!(message(future.result(None)).as_deref(), Some("enough"));
        assert!(future.cancelled());
        event_loop.block_on(task.wait()).unwrap();
        assert!(task.cancelled());
    });
}

// TS-3
#[test]
fn a_panic_is_forwarded_with_its_payload() {
    watched(|| {
        let (_runner, event_loop) = runner(2);
        let coro = async { panic_any(9_u16) };
        let future: Future<()> = run_coroutine_threadsafe(coro, &event_loop);
        let payload = future.result(None).unwrap_err().into_panic();
        assert_eq!(payload.downcast_ref::<u16>(), Some(&9));
        assert!(future.done() && !future.cancelled());
    });
}

// TS-3
#[test]
fn a_panic_that_nobody_takes_is_reported_once() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let reports = reports(&event_loop);
        let unseen: Future<()> = run_coroutine_threadsafe(async { panic!("unseen") }, &event_loop);
        drop(unseen);
        until(|| reports.try_recv().is_ok_and(|text| text.contains("unseen"))).await;

        let begun = Flag::default();
        let begin = begun.clone();
        let coro = async move {
            begin.set();
            let _cancelled = catch_cancelled(pending::<()>()).await;
            panic!("too late");
        };
        let late: Future<()> = run_coroutine_threadsafe(coro, &event_loop);
        until(|| begun.is_set()).await;
        late.cancel();
        until(|| {
            reports
                .try_recv()
                .is_ok_and(|text| text.contains("too late"))
        })
        .await;

        let seen: Future<()> = run_coroutine_threadsafe(async { panic!("seen") }, &event_loop);
        assert!(seen.await.unwrap_err().is_panic());
        assert!(reports.try_recv().is_err());
    });
}

// TS-3
#[test]
fn a_panic_in_a_destructor_during_a_cancellation_is_a_panic() {
    watched(|| {
        let (_runner, event_loop) = runner(2);
        let (send_task, task_of) = mpsc::channel();
        let coro = async move {
            let _bomb = on_drop(|| panic!("in the destructor"));
            send_task.send(current_task().unwrap()).unwrap();
            pending::<()>().await;
        };
        let future = run_coroutine_threadsafe(coro, &event_loop);
        task_of.recv().unwrap().cancel();
        assert!(future.result(None).unwrap_err().is_panic());
    });
}

// TS-4
#[test]
fn on_a_loop_that_is_closed_the_future_is_cancelled_already() {
    watched(|| {
        let (mut runner, event_loop) = runner(2);
        runner.close();
        let dropped = Flag::default();
        let probe = dropped.set_on_drop();
        let future = run_coroutine_threadsafe(async move { drop(probe) }, &event_loop);
        assert!(future.cancelled() && dropped.is_set());
        for _ in 0..2 {
            let text = message(future.result(None));
            assert_eq!(text.as_deref(), Some("Event loop is closed"));
        }
        let ran = Flag::default();
        let note = ran.clone();
        future.add_done_callback(move |future| {
            assert!(future.cancelled());
            note.set();
        });
        assert!(ran.is_set(), "there is no callback queue any more");
    });
}

// TS-4
#[test]
fn a_shutdown_ends_the_wait_of_every_thread() {
    watched(|| {
        let (mut runner, event_loop) = runner(2);
        let (begin, begun) = mpsc::channel();
        let waiters = [(); 4].map(|()| {
            let (event_loop, begin) = (event_loop.clone(), begin.clone());
            thread::spawn(move || {
                let future = run_coroutine_threadsafe(pending::<()>(), &event_loop);
                begin.send(()).unwrap();
                future.result(None)
            })
        });
        waiters.iter().for_each(|_| begun.recv().unwrap());
        runner.close();
        for waiter in waiters {
            assert!(waiter.join().unwrap().unwrap_err().is_cancelled());
        }
    });
}

#[test]
fn on_a_worker_of_the_same_loop_a_wait_panics_and_a_look_does_not() {
    for workers in [1, 2] {
        on_workers(workers, async {
            let event_loop = get_running_loop();
            let future = run_coroutine_threadsafe(async { 4 }, &event_loop);
            let line = line!() + 1;
            let found = caught(|| future.result(Duration::from_secs(1)));
            assert_eq!(found.place, Some((file!().to_owned(), line)));
            assert!(found.text.contains("would wait for itself"));
            until(|| future.done()).await;
            assert_eq!(future.result(None).unwrap(), 4);
            let never = run_coroutine_threadsafe(pending::<()>(), &event_loop);
            assert!(never.result(Duration::ZERO).unwrap_err().is_timeout());
        });
    }
}

#[test]
fn a_wait_for_a_loop_that_nobody_runs_panics_unless_it_has_a_limit() {
    watched(|| {
        // In the deterministic mode this thread is all of the workers.
        let seeded = Runner::builder().workers(2).deterministic(1);
        for mut runner in [runner(1).0, seeded.build().unwrap()] {
            let future = run_coroutine_threadsafe(async { 5 }, runner.get_loop());
            let found = caught(|| future.result(None));
            assert!(found.text.contains("would wait for ever"));
            let timeout = Duration::from_millis(1);
            assert!(future.result(timeout).unwrap_err().is_timeout());
            runner.run(until(|| future.done()));
            assert_eq!(future.result(None).unwrap(), 5);
        }
    });
}

#[test]
fn a_task_of_another_loop_may_await_it() {
    watched(|| {
        let (_runner, event_loop) = runner(2);
        let value = asyncio::run(async {
            let coro = async { create_task(async { 6 }).await.unwrap() };
            run_coroutine_threadsafe(coro, &event_loop).await.unwrap()
        });
        assert_eq!(value, 6);
        // An executor without a loop may await it, too.
        let future = run_coroutine_threadsafe(sleep(Duration::from_millis(1)), &event_loop);
        assert!(blocking_wait(future).is_ok());
    });
}

#[test]
fn cancelling_the_awaiter_cancels_the_coroutine() {
    watched(|| {
        let (_runner, event_loop) = runner(2);
        let log = Log::default();
        let inner = log.clone();
        let (send_task, task_of) = mpsc::channel();
        asyncio::run(async move {
            let coro = async move {
                send_task.send(current_task().unwrap()).unwrap();
                let cancelled = catch_cancelled(pending::<()>()).await.unwrap_err();
                assert_eq!(cancelled.message(), Some("both ways"));
                inner.note("coroutine");
                cancelled.raise().await
            };
            let future = run_coroutine_threadsafe(coro, &event_loop);
            let awaiter = begun(async move { future.await.is_ok() }).await;
            let task = task_of.recv().unwrap();
            checkpoint().await;
            awaiter.cancel_with("both ways");
            assert!(awaiter.await.unwrap_err().is_cancelled());
            task.wait().await;
            assert!(task.cancelled());
        });
        assert_eq!(log.notes(), ["coroutine"]);
    });
}

#[test]
fn an_awaiter_sees_the_cancel_of_somebody_else_as_a_value() {
    on_workers(2, async {
        let future = run_coroutine_threadsafe(pending::<()>(), &get_running_loop());
        let (send, receive) = mpsc::channel();
        future.add_done_callback(move |future| send.send(future.cancelled()).unwrap());
        let task = asyncio::all_tasks().pop().unwrap();
        let awaiter = begun(future).await;
        task.cancel();
        assert!(awaiter.await.unwrap().unwrap_err().is_cancelled());
        until(|| receive.try_recv() == Ok(true)).await;
    });
}

#[test]
fn callbacks_run_in_the_callback_queue_in_order_and_may_take_the_result() {
    on_workers(2, async {
        let log = Log::default();
        let (go, wait) = futures::channel::oneshot::channel::<()>();
        let coro = async move {
            wait.await.unwrap();
            8
        };
        let future = run_coroutine_threadsafe(coro, &get_running_loop());
        for text in ["first", "second"] {
            let log = log.clone();
            future.add_done_callback(move |_| log.note(text));
        }
        let (send, receive) = mpsc::channel();
        future.add_done_callback(move |future| {
            assert!(current_task().is_none());
            send.send(future.result(None).unwrap()).unwrap();
        });
        go.send(()).unwrap();
        until(|| receive.try_recv() == Ok(8)).await;
        assert_eq!(log.notes(), ["first", "second"]);
        let late = log.clone();
        future.add_done_callback(move |_| late.note("late"));
        until(|| log.notes().len() == 3).await;
    });
}

#[test]
fn a_dropped_future_leaves_the_coroutine_running() {
    watched(|| {
        let (_runner, event_loop) = runner(2);
        let ran = Flag::default();
        let note = ran.clone();
        let coro = async move {
            checkpoint().await;
            note.set();
        };
        drop(run_coroutine_threadsafe(coro, &event_loop));
        event_loop.block_on(until(|| ran.is_set())).unwrap();
    });
}

#[test]
fn the_coroutine_is_a_task_created_at_the_line_of_the_call() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let coro = async { current_task().unwrap().location() };
        let line = line!() + 1;
        let place = run_coroutine_threadsafe(coro, &event_loop).await.unwrap();
        assert_eq!((place.file(), place.line()), (file!(), line));
    });
}

asyncio::context_var! { static WHO: &'static str = "default" }

// No other test reads a context variable in such a callback.
#[test]
fn a_done_callback_runs_in_a_copy_of_its_callers_context() {
    watched(|| {
        let (mut runner, event_loop) = runner(2);
        let (sender, receiver) = std::sync::mpsc::channel();
        let future = run_coroutine_threadsafe(sleep(Duration::from_millis(1)), &event_loop);
        let sends = |sender: &std::sync::mpsc::Sender<_>| {
            let sender = sender.clone();
            move |_: &Future<()>| {
                let seen = WHO.get();
                let _token = WHO.set("overwritten");
                sender.send(seen).unwrap();
            }
        };
        runner.run(async {
            future.add_done_callback(sends(&sender));
            let _token = WHO.set("first");
            future.add_done_callback(sends(&sender));
            let _token = WHO.set("second");
            future.add_done_callback(sends(&sender));
            future.await.unwrap();
        });
        let seen: Vec<_> = receiver.iter().take(3).collect();
        assert_eq!(seen, ["default", "first", "second"]);
        // The same on a closed loop.
        let future = run_coroutine_threadsafe(async {}, &event_loop);
        runner.close();
        let context = asyncio::Context::new();
        context.run(|| {
            let _token = WHO.set("late");
            future.add_done_callback(sends(&sender));
        });
        assert_eq!(receiver.recv().unwrap(), "late");
    });
}
