//! Tests of misuse: what is refused, with which text, and that the panic names the caller's line.

use std::future::pending;
use std::panic::catch_unwind;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use asyncio::{CancelledError, Runner, TaskError, checkpoint, create_local_task, create_task};
use futures::FutureExt;
use runtime_tests::{Caught, blocking_wait, caught, on_workers, until, watched};

/// Catches the panic of an expression, and asserts that it names this line.
macro_rules! refused {
    ($body:expr) => {{
        let (line, found): (u32, Caught) = (line!(), caught(|| $body));
        assert_eq!(
            found.place,
            Some((file!().to_owned(), line)),
            "{}",
            found.text
        );
        found.text
    }};
}

#[path = "bad_use/again.rs"]
mod again;
#[path = "bad_use/settings.rs"]
mod settings;

fn one_worker() -> Runner {
    Runner::builder().workers(1).build().unwrap()
}

#[test]
fn what_needs_a_running_loop_says_so_at_the_line_of_the_caller() {
    let expected = "no running event loop";
    assert!(refused!(create_task(async {})).contains(expected));
    assert!(refused!(create_local_task(async {})).contains(expected));
    assert!(refused!(asyncio::ensure_future(async {})).contains(expected));
    assert!(refused!(asyncio::all_tasks()).contains(expected));
    assert!(refused!(asyncio::get_running_loop()).contains(expected));
    assert!(refused!(asyncio::task::Builder::new().create_task(async {})).contains(expected));
    assert!(refused!(asyncio::task::Builder::new().create_local_task(async {})).contains(expected));
    assert!(asyncio::try_get_running_loop().is_err());
    assert_eq!(asyncio::current_task(), None);
}

// RU-1
#[test]
fn run_inside_a_running_loop_is_refused_at_the_line_of_the_caller() {
    on_workers(1, async {
        let expected = "run() cannot be called from a running event loop";
        assert!(refused!(asyncio::run(async {})).contains(expected));
        assert!(refused!(asyncio::try_run(async {}).is_ok()).contains(expected));
        let mut other = one_worker();
        assert!(refused!(other.run(async {})).contains(expected));
        assert!(refused!(other.try_run(async {}).is_ok()).contains(expected));
    });
}

// RU-1
#[test]
fn run_inside_a_task_of_another_worker_is_refused() {
    on_workers(3, async {
        let tasks: Vec<_> = (0..32)
            .map(|_| create_task(async { caught(|| asyncio::run(async {})).text }))
            .collect();
        for task in tasks {
            assert!(task.await.unwrap().contains("running event loop"));
        }
    });
}

// RU-1
#[test]
fn run_inside_block_on_is_refused() {
    watched(|| {
        let runner = Runner::builder().workers(2).build().unwrap();
        let event_loop = runner.get_loop().clone();
        let text = std::thread::spawn(move || {
            event_loop.block_on(async { refused!(asyncio::run(async {})) })
        });
        assert!(text.join().unwrap().unwrap().contains("running event loop"));
    });
}

// RU-10
#[test]
fn a_closed_runner_refuses_to_run_at_the_line_of_the_caller() {
    watched(|| {
        let mut runner = one_worker();
        runner.close();
        runner.close();
        assert!(refused!(runner.run(async {})).contains("Runner is closed"));
        assert!(refused!(runner.try_run(async {}).is_ok()).contains("Runner is closed"));
    });
}

#[test]
fn a_closed_loop_drops_the_coroutine_and_returns_a_cancelled_task() {
    watched(|| {
        let mut runner = one_worker();
        let event_loop = runner.get_loop().clone();
        runner.close();
        let dropped = runtime_tests::Flag::default();
        let probe = dropped.set_on_drop();
        let mut task = event_loop.create_task(async move {
            let _probe = probe;
            unreachable!("the loop is closed");
        });
        assert!(dropped.is_set() && task.done() && task.cancelled() && !task.cancel());
        let Err(TaskError::Cancelled(error)) = task.result() else {
            panic!("not cancelled")
        };
        assert_eq!(error.message(), Some("Event loop is closed"));
        let refused: Result<asyncio::Task<()>, _> = event_loop.try_create_task(async {});
        assert_eq!(refused.unwrap_err().to_string(), "Event loop is closed");
        assert!(event_loop.is_closed() && !event_loop.is_running());
        let entered = event_loop.enter();
        assert!(create_task(async {}).cancelled());
        drop(entered);
        let ended: Result<(), CancelledError> = event_loop.block_on(async {});
        assert_eq!(ended.unwrap_err().message(), Some("Event loop is closed"));
    });
}

// TF-9
#[test]
fn a_task_that_awaits_itself_is_told_so() {
    on_workers(2, async {
        let (send, receive) = futures::channel::oneshot::channel();
        let task = create_task(async move {
            let mut own: asyncio::Task<String> = receive.await.unwrap();
            let Err(TaskError::InvalidState(error)) = (&mut own).await else {
                panic!("no error")
            };
            error.to_string()
        });
        let handle = task.handle();
        send.send(task).ok().unwrap();
        handle.wait().await;
        assert!(!handle.cancelled());
    });
}

// TF-9
#[test]
fn the_text_of_awaiting_oneself_is_that_of_asyncio() {
    on_workers(2, async {
        let (send, receive) = futures::channel::oneshot::channel();
        let (report, reported) = futures::channel::oneshot::channel();
        let task = create_task(async move {
            let own: asyncio::Task<()> = receive.await.unwrap();
            report.send(own.await.unwrap_err().to_string()).unwrap();
        });
        send.send(task).ok().unwrap();
        let text = reported.await.unwrap();
        assert!(text.contains("Task cannot await on itself"));
    });
}

// TF-9
#[test]
fn polling_a_task_after_its_end_panics_cleanly() {
    on_workers(2, async {
        let mut task = create_task(async { 1 });
        assert_eq!((&mut task).await.unwrap(), 1);
        let mut context = Context::from_waker(Waker::noop());
        assert!(
            caught(|| task.poll_unpin(&mut context))
                .text
                .contains("after its end")
        );
        assert!(matches!(task.result(), Err(TaskError::InvalidState(_))));
        assert!(task.done() && !task.cancelled());
    });
}

#[test]
fn a_sleep_outside_a_loop_names_the_line_that_made_it() {
    let line = line!() + 1;
    let sleep = asyncio::sleep(Duration::from_millis(1));
    let text = caught(|| blocking_wait(sleep)).text;
    assert!(text.contains("no running event loop"), "{text}");
    assert!(text.contains(&format!("{}:{line}", file!())), "{text}");
    let line = line!() + 1;
    let sleep = asyncio::sleep_until(Instant::now() + Duration::from_secs(1));
    let text = caught(|| blocking_wait(sleep)).text;
    assert!(text.contains(&format!("{}:{line}", file!())), "{text}");
}

#[test]
fn a_sleep_made_outside_a_loop_sleeps_inside_one() {
    let sleep = asyncio::sleep(Duration::from_millis(2));
    let before = Instant::now();
    on_workers(1, sleep);
    assert!(before.elapsed() >= Duration::from_millis(2));
}

#[test]
fn block_on_a_worker_of_the_same_loop_is_refused_at_the_line_of_the_caller() {
    on_workers(2, async {
        let event_loop = asyncio::get_running_loop();
        assert!(
            refused!(event_loop.block_on(async {}).is_ok()).contains("worker of the same loop")
        );
        let own = event_loop.clone();
        let task = create_task(async move { caught(|| own.block_on(async {})).text });
        assert!(task.await.unwrap().contains("worker of the same loop"));
    });
}

#[test]
fn block_on_where_nobody_would_run_the_loop_is_refused() {
    watched(|| {
        // In the deterministic mode this thread is all of the workers.
        let seeded = Runner::builder().workers(2).deterministic(1);
        for runner in [one_worker(), seeded.build().unwrap()] {
            let event_loop = runner.get_loop().clone();
            let text = refused!(event_loop.block_on(async {}).is_ok());
            assert!(text.contains("wait for ever"), "{text}");
        }
    });
}

#[test]
fn a_local_task_on_a_thread_that_runs_nothing_is_refused() {
    watched(|| {
        let runner = Runner::builder().workers(2).build().unwrap();
        let _entered = runner.get_loop().enter();
        assert!(
            refused!(create_local_task(async {})).contains("no running event loop on this thread")
        );
    });
}

#[test]
fn no_workers_are_refused_at_the_line_of_the_caller() {
    assert!(refused!(Runner::builder().workers(0)).contains("at least one worker"));
    assert!(refused!(Runner::builder().max_blocking_threads(0)).contains("at least one"));
}

#[test]
fn raising_outside_a_task_panics() {
    let error = watched(|| {
        asyncio::try_run(async {
            asyncio::current_task().unwrap().cancel();
            pending::<()>().await;
        })
    });
    let text = caught(|| blocking_wait(error.unwrap_err().raise())).text;
    assert!(text.contains("outside a task"), "{text}");
}

#[test]
fn into_panic_of_another_error_panics_at_the_line_of_the_caller() {
    on_workers(1, async {
        let task = create_task(pending::<()>());
        task.cancel();
        let error = task.await.unwrap_err();
        assert!(refused!(error.into_panic()).contains("did not panic"));
    });
}

// Reliability 79
#[test]
fn no_duration_is_too_long_or_too_short_to_sleep() {
    on_workers(2, async {
        let mut delays = vec![
            Duration::MAX,
            Duration::from_nanos(1),
            Duration::from_millis(u64::MAX),
        ];
        for power in 0..64 {
            for delta in [-1_i128, 0, 1] {
                let number = u64::try_from((1_i128 << power) + delta).unwrap_or(u64::MAX);
                delays.extend([
                    Duration::from_nanos(number),
                    Duration::from_micros(number),
                    Duration::from_millis(number),
                    Duration::from_secs(number),
                ]);
            }
        }
        let long = Duration::from_millis(500);
        let now = Instant::now();
        for delay in delays {
            let mut sleeps = vec![asyncio::sleep(delay)];
            sleeps.extend(now.checked_add(delay).map(asyncio::sleep_until));
            sleeps.extend(now.checked_sub(delay).map(asyncio::sleep_until));
            for mut sleep in sleeps {
                let _polled = sleep.poll_unpin(&mut Context::from_waker(Waker::noop()));
            }
            if delay > long + now.elapsed() {
                let task = create_task(asyncio::sleep(delay));
                checkpoint().await;
                assert!(!task.done(), "{delay:?} is over too soon");
                task.cancel();
                until(|| task.done()).await;
            }
        }
    });
}

// TF-3
#[test]
fn a_sleep_suspends_however_short_it_is() {
    on_workers(1, async {
        for nanoseconds in [0, 1, 2, 1000] {
            let mut sleep = asyncio::sleep(Duration::from_nanos(nanoseconds));
            let polled = sleep.poll_unpin(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending(), "{nanoseconds} ns: others starve");
        }
    });
}

// Reliability 79
#[test]
fn every_short_sleep_ends_and_none_is_early() {
    on_workers(2, async {
        let sleeps = (0..25).flat_map(|power| [(1_u64 << power) - 1, 1 << power, (1 << power) + 1]);
        let tasks: Vec<_> = sleeps
            .map(Duration::from_nanos)
            .map(|delay| {
                create_task(async move {
                    let before = Instant::now();
                    asyncio::sleep(delay).await;
                    (delay, before.elapsed())
                })
            })
            .collect();
        for task in tasks {
            let (delay, slept) = task.await.unwrap();
            assert!(slept >= delay, "{slept:?} is less than {delay:?}");
        }
    });
}

#[test]
fn misuse_leaves_the_thread_as_it_was() {
    watched(|| {
        let nested = || asyncio::run(async { asyncio::run(async {}) });
        for _ in 0..3 {
            assert!(caught(nested).text.contains("running event loop"));
            assert!(catch_unwind(asyncio::get_running_loop).is_err());
            assert_eq!(asyncio::run(async { 1 }), 1);
        }
    });
}
