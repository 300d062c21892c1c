//! Tests of cancellation: asyncio's rules CA, as changed by the list of differences.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use asyncio::{
    CancelledError, Task, TaskError, catch_cancelled, checkpoint, create_task, current_task,
    finally, sleep,
};
use futures::channel::oneshot;
use runtime_tests::{Flag, Log, begun, from_many_threads, on_drop, on_workers, until};

#[path = "cancellation/combinators.rs"]
mod combinators;

#[path = "cancellation/nesting.rs"]
mod nesting;

#[path = "cancellation/reasons.rs"]
mod reasons;

/// The message of the cancellation that ended a task; panics if it was not cancelled.
#[track_caller]
fn told<T>(ended: Result<T, TaskError>) -> Option<String> {
    match ended {
        Err(TaskError::Cancelled(error)) => error.message().map(str::to_owned),
        Err(other) => panic!("not cancelled: {other}"),
        Ok(_) => panic!("not cancelled: it returned"),
    }
}

/// Suppresses `limit` requests, and counts them.
async fn stubborn(caught: &AtomicUsize, limit: usize) {
    while caught.load(Ordering::SeqCst) < limit {
        if catch_cancelled(pending::<()>()).await.is_err() {
            caught.fetch_add(1, Ordering::SeqCst);
        }
    }
}

// CA-1
#[test]
fn cancel_is_a_request_that_runs_nothing() {
    on_workers(1, async {
        let dropped = Flag::default();
        let probe = dropped.set_on_drop();
        let task = begun(async move {
            let _probe = probe;
            pending::<()>().await;
        })
        .await;
        assert!(task.cancel() && task.cancel() && task.handle().cancel());
        assert!(!task.done() && !task.cancelled() && !dropped.is_set());
        until(|| task.done()).await;
        assert!(task.cancelled() && dropped.is_set() && !task.cancel());
    });
}

// CA-2
#[test]
fn every_request_counts_until_the_task_is_done() {
    on_workers(1, async {
        let task = begun(pending::<()>()).await;
        assert_eq!(task.cancelling(), 0);
        task.cancel();
        task.cancel();
        assert_eq!(task.cancelling(), 2);
        until(|| task.done()).await;
        assert!(!task.cancel());
        assert_eq!(task.cancelling(), 2, "the count stays as it was at the end");
        assert_eq!(task.handle().cancelling(), 2);
    });
}

// CA-2, reliability 64
#[test]
fn requests_from_many_threads_are_all_counted() {
    on_workers(2, async {
        let (send, receive) = oneshot::channel::<()>();
        let task = begun(async {
            let mut receive = receive;
            while catch_cancelled(&mut receive).await.is_err() {}
        })
        .await;
        let cancel =
            |handle: asyncio::TaskHandle| move || (0..500).for_each(|_| assert!(handle.cancel()));
        let threads = [0; 4].map(|_| std::thread::spawn(cancel(task.handle())));
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(task.cancelling(), 2000);
        send.send(()).unwrap();
        assert!(task.await.is_ok());
    });
}

// CA-6
#[test]
fn a_task_cancelled_before_it_starts_never_runs() {
    on_workers(1, async {
        let (ran, dropped) = (Flag::default(), Flag::default());
        let (run, probe) = (ran.clone(), dropped.set_on_drop());
        let task = create_task(async move {
            let _probe = probe;
            run.set();
        });
        assert!(task.cancel_with("too early"));
        assert_eq!(told(task.await).as_deref(), Some("too early"));
        assert!(!ran.is_set() && dropped.is_set());
    });
}

// CA-1, CA-6, reliability 64
#[test]
fn a_task_ends_with_its_value_or_cancelled_and_never_both() {
    from_many_threads(async |event_loop| {
        let (dropped, (send, receive)) = (Flag::default(), oneshot::channel());
        let probe = dropped.set_on_drop();
        let task = event_loop.create_task(async move {
            let _probe = probe;
            receive.await.unwrap()
        });
        let handle = task.handle();
        let canceller = event_loop.create_task(async move { handle.cancel() });
        let _late = send.send(5);
        let accepted = canceller.await.unwrap();
        match task.await {
            Ok(value) => assert_eq!(value, 5),
            Err(error) => assert!(accepted && error.is_cancelled()),
        }
        assert!(dropped.is_set());
    });
}

// CA-7, difference 3
#[test]
fn what_is_ready_is_returned_and_the_request_waits_for_the_next_suspension() {
    on_workers(1, async {
        let ((send, receive), log) = (oneshot::channel(), Log::default());
        let inner = log.clone();
        let task = begun(async move {
            assert_eq!(receive.await.unwrap(), 5);
            inner.note("received");
            pending::<()>().await;
            inner.note("never");
        })
        .await;
        send.send(5).unwrap();
        assert!(task.cancel());
        assert_eq!(told(task.await), None);
        assert_eq!(log.notes(), ["received"]);
    });
}

// CA-9, difference 3
#[test]
fn a_task_that_returns_before_the_delivery_keeps_its_value() {
    on_workers(1, async {
        let task = create_task(async {
            current_task().unwrap().cancel();
            5
        });
        assert_eq!(task.await.unwrap(), 5);
        let (send, receive) = oneshot::channel();
        let task = begun(receive).await;
        send.send(6).unwrap();
        assert!(task.cancel());
        assert_eq!(task.await.unwrap(), Ok(6));
        let task = create_task(async {
            current_task().unwrap().cancel();
            panic!("instead of the cancellation");
        });
        assert!(task.await.unwrap_err().is_panic());
    });
}

// CA-8
#[test]
fn many_requests_before_a_task_resumes_are_one_delivery() {
    on_workers(1, async {
        let task = begun(async {
            assert!(catch_cancelled(pending::<()>()).await.is_err());
            for _ in 0..10 {
                checkpoint().await;
            }
            sleep(Duration::from_millis(1)).await;
            create_task(async { 5 }).await.unwrap()
        })
        .await;
        (0..5).for_each(|_| assert!(task.cancel()));
        assert_eq!(task.cancelling(), 5);
        assert_eq!(task.await.unwrap(), 5);
    });
}

// CA-8
#[test]
fn cleanup_may_await_and_is_interrupted_by_the_next_request() {
    on_workers(1, async {
        let log = Log::default();
        let inner = log.clone();
        let task = begun(async move {
            let first = catch_cancelled(pending::<()>()).await.unwrap_err();
            checkpoint().await;
            inner.note("cleaning");
            let second = catch_cancelled(pending::<()>()).await.unwrap_err();
            inner.note("interrupted");
            assert_eq!(
                (first.message(), second.message()),
                (Some("one"), Some("two"))
            );
            second.raise().await;
        })
        .await;
        task.cancel_with("one");
        until(|| log.notes() == ["cleaning"]).await;
        task.cancel_with("two");
        assert_eq!(told(task.await).as_deref(), Some("two"));
        assert_eq!(log.notes(), ["cleaning", "interrupted"]);
    });
}

// CA-8, CA-18
#[test]
fn every_delivery_that_is_waited_for_arrives_on_any_thread() {
    from_many_threads(async |_| {
        let caught: &'static AtomicUsize = Box::leak(Box::default());
        let task = begun(stubborn(caught, 3)).await;
        for count in 1..=3 {
            task.cancel();
            until(|| caught.load(Ordering::SeqCst) >= count || task.done()).await;
        }
        match task.await {
            Ok(()) => assert_eq!(caught.load(Ordering::SeqCst), 3),
            // The request was delivered before the task reached `catch_cancelled`.
            Err(error) => assert!(error.is_cancelled() && caught.load(Ordering::SeqCst) == 0),
        }
    });
}

// CA-11
#[test]
fn a_request_of_somebody_else_is_a_value_for_the_awaiter() {
    on_workers(1, async {
        let task = begun(async {
            let inner = create_task(pending::<()>());
            inner.cancel_with("by the test");
            let seen = told(inner.await);
            checkpoint().await;
            (seen, current_task().unwrap().cancelling())
        })
        .await;
        assert_eq!(task.await.unwrap(), (Some("by the test".to_owned()), 0));
    });
}

// CA-12
#[test]
fn a_suppressed_request_stays_counted_until_it_is_taken_back() {
    on_workers(1, async {
        let task = begun(async {
            assert!(catch_cancelled(pending::<()>()).await.is_err());
            let own = current_task().unwrap();
            checkpoint().await;
            (
                own.cancelling(),
                own.uncancel(),
                own.uncancel(),
                own.cancelling(),
            )
        })
        .await;
        task.cancel();
        assert_eq!(task.await.unwrap(), (1, 0, 0, 0));
    });
}

// CA-13
#[test]
fn uncancel_at_zero_drops_a_request_that_was_not_delivered() {
    on_workers(1, async {
        let ((send, receive), (open, opened)) = (oneshot::channel(), oneshot::channel::<()>());
        let task = begun(async move {
            let value = receive.await.unwrap();
            opened.await.unwrap();
            value
        })
        .await;
        assert!(task.cancel() && task.cancel());
        assert_eq!(task.uncancel(), 1);
        assert_eq!(task.uncancel(), 0);
        assert_eq!(task.uncancel(), 0, "the count does not go below zero");
        send.send(5).unwrap();
        for _ in 0..10 {
            checkpoint().await;
        }
        assert!(!task.done());
        open.send(()).unwrap();
        assert_eq!(task.await.unwrap(), 5);
    });
}

// CA-13
#[test]
fn uncancel_above_zero_keeps_the_request() {
    on_workers(1, async {
        let task = begun(pending::<()>()).await;
        task.cancel();
        task.cancel();
        assert_eq!(task.uncancel(), 1);
        until(|| task.done()).await;
        assert!(task.cancelled());
        assert_eq!(task.uncancel(), 1, "a task that is done keeps its count");
        assert_eq!(task.cancelling(), 1);
    });
}

// CA-13
#[test]
fn a_task_may_take_back_its_own_request() {
    from_many_threads(async |event_loop| {
        let task = event_loop.create_task(async {
            let own = current_task().unwrap();
            for _ in 0..3 {
                own.cancel();
                assert_eq!(own.uncancel(), 0);
                checkpoint().await;
            }
            5
        });
        assert_eq!(task.await.unwrap(), 5);
    });
}

// CA-14
#[test]
fn a_message_arrives_and_none_is_none() {
    on_workers(1, async {
        let task = begun(pending::<()>()).await;
        task.cancel();
        assert_eq!(told(task.await), None);
        let task = begun(pending::<()>()).await;
        task.handle().cancel_with(String::from("owned"));
        assert_eq!(told(task.await).as_deref(), Some("owned"));
    });
}

// CA-14
#[test]
fn of_two_messages_to_a_suspended_task_the_first_wins() {
    on_workers(1, async {
        let task = begun(pending::<()>()).await;
        task.cancel_with("one");
        task.cancel_with("two");
        assert_eq!(told(task.await).as_deref(), Some("one"));
        let task = begun(pending::<()>()).await;
        task.cancel_with("one");
        task.cancel();
        assert_eq!(told(task.await).as_deref(), Some("one"));
    });
}

// CA-14
#[test]
fn a_plain_request_to_a_suspended_task_wins_over_a_later_message() {
    on_workers(1, async {
        let task = begun(pending::<()>()).await;
        task.cancel();
        task.cancel_with("two");
        assert_eq!(told(task.await), None);
    });
}

// CA-14
#[test]
fn of_two_messages_to_a_task_that_has_not_started_the_last_wins() {
    on_workers(1, async {
        let task = create_task(async {});
        task.cancel_with("one");
        task.cancel_with("two");
        assert_eq!(told(task.await).as_deref(), Some("two"));
    });
}

// CA-14
#[test]
fn of_two_messages_to_a_task_that_is_about_to_run_the_last_wins() {
    on_workers(1, async {
        let (send, receive) = oneshot::channel();
        let task = begun(async {
            receive.await.unwrap();
            pending::<()>().await;
        })
        .await;
        send.send(()).unwrap();
        task.cancel_with("one");
        task.cancel_with("two");
        assert_eq!(told(task.await).as_deref(), Some("two"));
    });
}

// CA-14
#[test]
fn an_old_message_does_not_come_back() {
    on_workers(1, async {
        let task = begun(async {
            let mut seen = Vec::new();
            for _ in 0..3 {
                let error: CancelledError = catch_cancelled(pending::<()>()).await.unwrap_err();
                seen.push(error.message().map(str::to_owned));
            }
            seen
        })
        .await;
        task.cancel_with("taken back");
        while task.uncancel() > 0 {}
        task.cancel();
        until(|| task.cancelling() == 1).await;
        for _ in 0..5 {
            checkpoint().await;
        }
        task.cancel_with("second");
        for _ in 0..5 {
            checkpoint().await;
        }
        task.cancel();
        let expected = [None, Some("second".to_owned()), None];
        assert_eq!(task.await.unwrap(), expected);
    });
}

// CA-15
#[test]
fn a_panic_in_a_destructor_during_cancellation_counts_as_panicked() {
    from_many_threads(async |event_loop| {
        let bomb = on_drop(|| std::panic::panic_any("in a destructor"));
        let task: Task<()> = event_loop.create_task(async move {
            let _bomb = bomb;
            pending().await
        });
        task.cancel();
        let handle = task.handle();
        let error = task.await.unwrap_err();
        assert!(error.is_panic() && !handle.cancelled());
        assert_eq!(error.into_panic().downcast_ref(), Some(&"in a destructor"));
    });
}

// CA-15
#[test]
fn a_panic_in_the_cleanup_replaces_the_cancellation() {
    on_workers(1, async {
        let task = begun(finally(pending::<()>(), async { panic!("in the cleanup") })).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_panic());
    });
}

// CA-18
#[test]
fn a_request_of_a_foreign_thread_arrives_promptly() {
    on_workers(2, async {
        for _ in 0..200 {
            let task = begun(sleep(Duration::from_secs(3600))).await;
            let handle = task.handle();
            let before = std::time::Instant::now();
            let thread = std::thread::spawn(move || handle.cancel());
            assert_eq!(told(task.await), None);
            assert!(before.elapsed() < Duration::from_millis(500));
            assert!(thread.join().unwrap());
        }
    });
}

#[test]
fn destructors_of_a_cancelled_future_run_inside_its_task_and_may_await_nothing() {
    on_workers(1, async {
        let (send, receive) = oneshot::channel();
        let task = begun(async move {
            let _probe = on_drop(move || {
                let own = current_task();
                send.send((own, asyncio::try_get_running_loop().is_ok()))
                    .unwrap();
            });
            pending::<()>().await;
        })
        .await;
        let handle = task.handle();
        task.cancel();
        assert_eq!(receive.await.unwrap(), (Some(handle), true));
    });
}
