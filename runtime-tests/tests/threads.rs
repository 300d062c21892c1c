//! Tests of functions on threads, and of coroutines that threads submit: asyncio's rules TS.

use std::future::pending;
use std::panic::panic_any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use asyncio::{
    EventLoop, Runner, TaskError, catch_cancelled, checkpoint, context_var, create_task,
    current_task, finally, get_running_loop, sleep, to_thread, try_get_running_loop,
};
use runtime_tests::{Flag, Log, alone, begun, caught, on_drop, on_workers, soon, until, watched};

#[path = "threads/default_executor.rs"]
mod default_executor;
#[path = "threads/executor.rs"]
mod executor;
#[path = "threads/in_place.rs"]
mod in_place;
#[path = "threads/pool.rs"]
mod pool;
#[path = "threads/seeded.rs"]
mod seeded;
#[path = "threads/storm.rs"]
mod storm;
#[path = "threads/threadsafe.rs"]
mod threadsafe;

/// Returns a function that blocks until the sender sends or is dropped.
fn blocked() -> (mpsc::Sender<()>, impl FnOnce() + Send + 'static) {
    let (open, gate) = mpsc::channel();
    (open, move || {
        let _opened_or_dropped = gate.recv();
    })
}

/// The message of a task that was cancelled; panics if it was not.
fn message<T: std::fmt::Debug>(outcome: Result<T, TaskError>) -> Option<String> {
    match outcome {
        Err(TaskError::Cancelled(error)) => error.message().map(str::to_owned),
        other => panic!("not cancelled: {other:?}"),
    }
}

/// Sets an exception handler that sends each context to the returned receiver.
fn reports(event_loop: &EventLoop) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    event_loop.set_exception_handler(move |_, context| {
        let _receiver_dropped = sender.send(format!("{context:?}"));
    });
    receiver
}

#[test]
fn a_function_runs_on_a_thread_that_has_no_loop() {
    on_workers(2, async {
        let here = thread::current().id();
        let there = to_thread(move || {
            assert!(try_get_running_loop().is_err());
            assert!(current_task().is_none());
            assert_eq!(thread::current().name(), Some("asyncio-blocking"));
            // A loop of its own is allowed.
            let inner = asyncio::run(async { create_task(async { 42 }).await.unwrap() });
            assert_eq!(inner, 42);
            thread::current().id()
        });
        assert_ne!(there.await.unwrap(), here);
    });
}

// TS-7
#[test]
fn a_function_has_a_copy_of_its_callers_context() {
    context_var! { static NAME: &'static str }
    on_workers(2, async {
        let _token = NAME.set("caller");
        let seen = to_thread(|| {
            let seen = NAME.get();
            let _token = NAME.set("function");
            (seen, NAME.get())
        });
        let _token = NAME.set("caller again");
        assert_eq!(seen.await.unwrap(), ("caller", "function"));
        assert_eq!(NAME.get(), "caller again");
    });
}

// TS-7
#[test]
fn a_context_is_there_even_if_the_caller_has_set_nothing() {
    context_var! { static NUMBER: i32 = 1 }
    on_workers(1, async {
        let seen = to_thread(|| {
            let _token = NUMBER.set(2);
            NUMBER.get()
        });
        assert_eq!(seen.await.unwrap(), 2);
        assert_eq!(NUMBER.get(), 1);
    });
}

// TS-7
#[test]
fn a_panic_of_the_function_comes_back_as_it_was() {
    on_workers(2, async {
        let task = to_thread(|| -> i32 { panic_any(17_u8) });
        let payload = task.await.unwrap_err().into_panic();
        assert_eq!(payload.downcast_ref::<u8>(), Some(&17));
        assert_eq!(to_thread(|| 1).await.unwrap(), 1, "the pool goes on");
    });
}

// TS-8
#[test]
fn cancelled_the_task_ends_at_once_and_a_started_function_runs_on() {
    on_workers(2, async {
        let (open, gate) = blocked();
        let (started, ended, dropped) = (Flag::default(), Flag::default(), Flag::default());
        let (begin, end, value) = (started.clone(), ended.clone(), dropped.set_on_drop());
        let task = to_thread(move || {
            begin.set();
            gate();
            end.set();
            value
        });
        until(|| started.is_set()).await;
        assert!(task.cancel());
        assert!(task.await.is_err_and(|error| error.is_cancelled()));
        assert!(!ended.is_set() && !dropped.is_set());
        open.send(()).unwrap();
        until(|| dropped.is_set()).await;
        assert!(ended.is_set());
    });
}

// TS-8
#[test]
fn cancelling_the_awaiter_cancels_the_call() {
    on_workers(1, async {
        let (_open, gate) = blocked();
        let started = Flag::default();
        let begin = started.clone();
        let awaiter = create_task(async move {
            to_thread(move || {
                begin.set();
                gate();
            })
            .await
        });
        until(|| started.is_set()).await;
        awaiter.cancel();
        assert!(awaiter.await.unwrap_err().is_cancelled());
    });
}

// TS-8
#[test]
fn a_function_that_waits_in_line_is_dropped_by_the_cancel_and_never_runs() {
    watched(|| {
        let builder = Runner::builder().workers(2).max_blocking_threads(1);
        builder.build().unwrap().run(async {
            let (open, gate) = blocked();
            let first = to_thread(gate);
            let (ran, dropped) = (Flag::default(), Flag::default());
            let (run, probe) = (ran.clone(), dropped.set_on_drop());
            let second = to_thread(move || {
                run.set();
                drop(probe);
            });
            checkpoint().await;
            assert!(!dropped.is_set());
            second.cancel();
            assert!(second.await.unwrap_err().is_cancelled());
            assert!(dropped.is_set(), "the function is dropped with its task");
            let third = to_thread(|| 3);
            open.send(()).unwrap();
            first.await.unwrap();
            assert_eq!(third.await.unwrap(), 3);
            assert!(!ran.is_set());
        });
    });
}

// TS-7
#[test]
fn a_call_outside_every_loop_panics_at_its_line() {
    let line = line!() + 1;
    let found = caught(|| to_thread(|| 1));
    assert_eq!(found.place, Some((file!().to_owned(), line)));
    assert!(found.text.contains("no running event loop"));
}

#[test]
fn the_call_is_a_task_with_a_place_a_name_and_a_loop() {
    on_workers(2, async {
        let (_open, gate) = blocked();
        let line = line!() + 1;
        let task = to_thread(gate);
        assert_eq!(task.location().line(), line);
        assert_eq!(task.get_loop(), get_running_loop());
        assert!(asyncio::all_tasks().contains(&task.handle()));
        task.set_name("blocked");
        assert_eq!(task.get_name(), "blocked");
    });
}

// RU-12
#[test]
fn run_returns_when_the_function_has_ended_though_its_await_was_cancelled_long_before() {
    watched(|| {
        let log = Log::default();
        let (main, function) = (log.clone(), log.clone());
        let (open, gate) = blocked();
        let outcome = asyncio::try_run(async move {
            let started = Flag::default();
            let begin = started.clone();
            let call = to_thread(move || {
                begin.set();
                gate();
                function.note("function ends");
            });
            until(|| started.is_set()).await;
            current_task().unwrap().cancel();
            let _ = catch_cancelled(call).await.unwrap_err();
            main.note("main ends");
            thread::spawn(move || open.send(()));
        });
        assert_eq!(outcome, Ok(()));
        assert_eq!(log.notes(), ["main ends", "function ends"]);
    });
}

#[test]
fn during_the_shutdown_the_pool_still_works() {
    let log = Log::default();
    let inner = log.clone();
    on_workers(2, async move {
        let cleanup = async move {
            let note = inner.clone();
            to_thread(move || note.note("cleaned up")).await.unwrap();
        };
        begun(finally(pending::<()>(), cleanup)).await;
    });
    assert_eq!(log.notes(), ["cleaned up"]);
}

#[test]
fn at_the_shutdown_what_waits_in_line_is_dropped_unrun() {
    watched(|| {
        let builder = Runner::builder().workers(2).max_blocking_threads(1);
        let ran = Flag::default();
        let run = ran.clone();
        let (open, gate) = blocked();
        builder.build().unwrap().run(async move {
            let started = Flag::default();
            let begin = started.clone();
            let _first = to_thread(move || {
                begin.set();
                gate();
            });
            until(|| started.is_set()).await;
            let second = to_thread(move || run.set()).handle();
            // Until the shutdown has reached it.
            thread::spawn(move || {
                while !second.done() {
                    thread::yield_now();
                }
                open.send(())
            });
        });
        assert!(!ran.is_set());
    });
}

// RU-2
#[test]
fn at_the_limit_a_function_that_blocks_is_named_and_left_behind() {
    watched(|| {
        let (_open, gate) = blocked();
        let mut runner = Runner::builder().workers(2).build().unwrap();
        runner.run(async { drop(begun_on_thread(gate).await) });
        let begin = Instant::now();
        let error = runner
            .shutdown_timeout(Duration::from_millis(20))
            .unwrap_err();
        assert!(begin.elapsed() < Duration::from_secs(5));
        assert_eq!(error.stuck().len(), 1, "{error}");
        assert!(error.stuck()[0].contains("threads.rs"), "{error}");
        let late = runner.get_loop().run_in_executor(None, || 1);
        assert!(late.cancelled());
    });
}

/// Starts `function` on a thread, and waits until it runs.
async fn begun_on_thread(function: impl FnOnce() + Send + 'static) -> asyncio::Task<()> {
    let started = Flag::default();
    let begin = started.clone();
    let task = to_thread(move || {
        begin.set();
        function();
    });
    until(|| started.is_set()).await;
    task
}
