//! Why a task was cancelled, by which task, and at which line: `CancelledError::reason`.

use std::future::pending;
use std::panic::Location;
use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use asyncio::{
    CancelReason, CancelScope, CancelSource, CancelledError, Runner, TaskError, TaskId,
    catch_cancelled, checkpoint, create_task, current_task, gather, move_on_after,
    run_coroutine_threadsafe, timeout, wait_for,
};
use futures::channel::oneshot;
use runtime_tests::{begun, on_workers, until};

const HOUR: Duration = Duration::from_secs(3600);
const MOMENT: Duration = Duration::from_millis(1);

/// The line of the caller, to be compared with that of a reason.
#[track_caller]
fn here() -> &'static Location<'static> {
    Location::caller()
}

/// Waits for a cancellation, and catches it.
async fn caught() -> CancelledError {
    catch_cancelled(pending::<()>()).await.unwrap_err()
}

/// What a task that ended cancelled ended with.
#[track_caller]
fn error_of<T>(ended: Result<T, TaskError>) -> CancelledError {
    match ended {
        Err(TaskError::Cancelled(error)) => error,
        Err(other) => panic!("not cancelled: {other}"),
        Ok(_) => panic!("not cancelled: it returned"),
    }
}

fn my_id() -> TaskId {
    current_task().expect("inside a task").id()
}

fn line(reason: &CancelReason) -> u32 {
    let at = reason.at().expect("a line of the program");
    assert_eq!(at.file(), file!());
    at.line()
}

#[track_caller]
fn assert_nameless(error: &CancelledError, source: CancelSource) {
    let reason = error.reason();
    assert_eq!(reason.source(), source);
    assert!(reason.by().is_none(), "{reason}");
    assert!(reason.at().is_none(), "{reason}");
}

#[test]
fn a_task_that_cancels_is_named_with_its_line() {
    on_workers(1, async {
        let task = begun(caught()).await;
        let canceller = create_task(async move {
            current_task().unwrap().set_name("the canceller");
            let (id, line) = (my_id(), here().line() + 1);
            task.cancel_with("go away");
            (task.await.unwrap(), id, line)
        });
        let (error, id, at) = canceller.await.unwrap();
        let reason = error.reason();
        assert_eq!(reason.source(), CancelSource::Requested);
        assert_eq!(reason.by(), Some((id, "the canceller")));
        assert_eq!(line(reason), at);
        assert_eq!(error.message(), Some("go away"));
        assert_eq!(error.by_signal(), None);
    });
}

#[test]
fn a_canceller_without_a_name_is_called_as_get_name_calls_it() {
    on_workers(1, async {
        let task = begun(caught()).await;
        let at = here().line() + 1;
        task.handle().cancel();
        let error = task.await.unwrap();
        let name = current_task().unwrap().get_name();
        assert_eq!(error.reason().by(), Some((my_id(), &*name)));
        assert_eq!(line(error.reason()), at);
        let said = error.reason().to_string();
        assert!(
            said.starts_with(&format!("requested, by {name}, at ")),
            "{said}"
        );
    });
}

#[test]
fn a_thread_that_cancels_leaves_its_line_alone() {
    on_workers(1, async {
        let task = begun(caught()).await;
        let handle = task.handle();
        let canceller = thread::spawn(move || {
            let at = here().line() + 1;
            handle.cancel();
            at
        });
        let error = task.await.unwrap();
        assert_eq!(error.reason().source(), CancelSource::Requested);
        assert!(error.reason().by().is_none());
        assert_eq!(line(error.reason()), canceller.join().unwrap());
    });
}

#[test]
fn a_task_that_nobody_catches_ends_with_the_reason() {
    on_workers(1, async {
        let task = begun(pending::<()>()).await;
        let at = here().line() + 1;
        task.cancel();
        let error = error_of(task.await);
        assert_eq!(error.reason().by().unwrap().0, my_id());
        assert_eq!(line(error.reason()), at);
    });
}

#[test]
fn of_two_requests_the_one_that_is_delivered_has_its_own_reason() {
    on_workers(1, async {
        let task = begun(async { (caught().await, caught().await) }).await;
        let first = here().line() + 1;
        task.cancel();
        until(|| task.cancelling() == 1).await;
        checkpoint().await;
        let second = here().line() + 1;
        task.cancel();
        let (one, other) = task.await.unwrap();
        assert_eq!(line(one.reason()), first);
        assert_eq!(line(other.reason()), second);
    });
}

#[test]
fn a_limit_gives_the_line_that_made_it() {
    on_workers(1, async {
        let at = here().line() + 1;
        let error = wait_for(caught(), MOMENT).await.unwrap();
        assert_eq!(error.reason().source(), CancelSource::Timeout);
        assert!(error.reason().by().is_none());
        assert_eq!(line(error.reason()), at);

        let at = here().line() + 1;
        let error = timeout(MOMENT, async |_limit| caught().await).await;
        let error = error.unwrap();
        assert_eq!(error.reason().source(), CancelSource::Timeout);
        assert_eq!(line(error.reason()), at);

        let at = here().line() + 1;
        let error = move_on_after(MOMENT, async |_scope| caught().await).await;
        let error = error.unwrap();
        assert_eq!(error.reason().source(), CancelSource::Timeout);
        assert_eq!(line(error.reason()), at);
    });
}

#[test]
fn a_limit_of_zero_and_a_limit_within_another_give_their_own() {
    on_workers(1, async {
        let at = here().line() + 1;
        let inner = wait_for(caught(), Duration::ZERO);
        let error = wait_for(inner, HOUR).await.unwrap().unwrap();
        assert_eq!(line(error.reason()), at);
    });
}

#[test]
fn a_scope_gives_who_cancelled_it() {
    on_workers(1, async {
        let (send, receive) = oneshot::channel();
        let task = begun(move_on_after(None, async move |scope: &CancelScope| {
            send.send(scope.clone()).ok().unwrap();
            caught().await
        }))
        .await;
        let scope = receive.await.unwrap();
        let at = here().line() + 1;
        scope.cancel();
        // The first call stands.
        scope.cancel();
        let error = task.await.unwrap().unwrap();
        assert_eq!(error.reason().source(), CancelSource::Scope);
        assert_eq!(error.reason().by().unwrap().0, my_id());
        assert_eq!(line(error.reason()), at);
    });
}

#[test]
fn a_gather_gives_the_awaiter_and_the_line_that_made_it() {
    on_workers(1, async {
        let (send, receive) = oneshot::channel();
        let awaiter = create_task(async move {
            let at = here().line() + 1;
            let both = gather((
                async { send.send(caught().await).ok().unwrap() },
                pending::<()>(),
            ));
            let id = my_id();
            (catch_cancelled(both).await.unwrap_err(), id, at)
        });
        checkpoint().await;
        checkpoint().await;
        let cancelled_at = here().line() + 1;
        awaiter.cancel_with("enough");
        let child = receive.await.unwrap();
        let (own, id, at) = awaiter.await.unwrap();
        assert_eq!(child.reason().source(), CancelSource::Gather);
        assert_eq!(child.reason().by().unwrap().0, id);
        assert_eq!(line(child.reason()), at);
        assert_eq!(child.message(), Some("enough"));
        // The awaiter itself was cancelled by a call.
        assert_eq!(own.reason().source(), CancelSource::Requested);
        assert_eq!(line(own.reason()), cancelled_at);
    });
}

/// The wait is polled after the task has ended, so it has to say itself why it is cancelled.
#[test]
fn a_wait_that_ends_for_the_cause_of_its_task_keeps_the_reason() {
    let runner = Runner::builder().workers(1).deterministic(1).build();
    runner.unwrap().run(async {
        let (send, receive) = oneshot::channel();
        let awaiter = create_task(async move {
            let ended = create_task(pending::<()>());
            let handle = ended.handle();
            let waiter = create_task(async move {
                let caught = catch_cancelled(handle.wait()).await;
                send.send((handle.done(), caught.unwrap_err())).unwrap();
            });
            let _both = gather((ended, waiter)).await;
        });
        for _ in 0..5 {
            checkpoint().await;
        }
        awaiter.cancel();
        let (after_its_end, error) = receive.await.unwrap();
        assert!(after_its_end);
        assert_eq!(error.reason().source(), CancelSource::Gather);
        awaiter.await.unwrap_err();
    });
}

#[test]
fn a_shutdown_names_neither_a_task_nor_a_line() {
    static CAUGHT: Mutex<Vec<CancelledError>> = Mutex::new(Vec::new());
    async fn keep_what_is_caught() {
        let error = caught().await;
        CAUGHT.lock().unwrap().push(error);
    }
    on_workers(1, async {
        for _ in 0..3 {
            drop(begun(keep_what_is_caught()).await);
        }
        let waiter = async {
            let inner = begun(pending::<()>()).await;
            let error = catch_cancelled(inner).await.unwrap_err();
            CAUGHT.lock().unwrap().push(error);
        };
        let _waiter = begun(waiter).await;
        let gathering = async {
            let children = gather((keep_what_is_caught(),));
            children.await.unwrap();
        };
        let _gathering = begun(gathering).await;
        // Until all of them wait; then the loop shuts down.
        for _ in 0..10 {
            checkpoint().await;
        }
    });
    let caught = CAUGHT.lock().unwrap();
    assert_eq!(caught.len(), 5);
    for error in &*caught {
        assert_nameless(error, CancelSource::Shutdown);
        assert_eq!(error.reason().to_string(), "the loop shut down");
    }
}

#[test]
fn a_loop_that_is_closed_says_so() {
    let mut runner = Runner::new();
    let event_loop = runner.get_loop().clone();
    runner.close();
    let future = run_coroutine_threadsafe(async {}, &event_loop);
    let error = error_of(future.result(None));
    assert_nameless(&error, CancelSource::LoopClosed);
}

#[test]
fn what_is_passed_on_through_awaited_tasks_keeps_its_reason() {
    on_workers(2, async {
        let (send, receive) = oneshot::channel();
        let outer = begun(async move {
            let middle = create_task(async move {
                let inner = create_task(async move {
                    let error = caught().await;
                    send.send(error.clone()).ok().unwrap();
                    error.raise().await
                });
                inner.await.unwrap()
            });
            middle.await.unwrap()
        })
        .await;
        checkpoint().await;
        checkpoint().await;
        checkpoint().await;
        let at = here().line() + 1;
        outer.cancel_with("all of you");
        let innermost = receive.await;
        let outermost = error_of(outer.await);
        let all = innermost.into_iter().chain([outermost]);
        for error in all {
            assert_eq!(error.reason().source(), CancelSource::Requested);
            assert_eq!(error.reason().by().unwrap().0, my_id());
            assert_eq!(line(error.reason()), at);
            assert_eq!(error.message(), Some("all of you"));
        }
    });
}

#[test]
fn a_limit_is_passed_on_to_an_awaited_task() {
    on_workers(1, async {
        let task = begun(caught()).await;
        let at = here().line() + 1;
        let error = wait_for(task, MOMENT).await.unwrap().unwrap();
        assert_eq!(error.reason().source(), CancelSource::Timeout);
        assert_eq!(line(error.reason()), at);
    });
}

#[test]
fn what_is_caught_and_raised_again_keeps_its_reason() {
    on_workers(1, async {
        let task = begun(async {
            let inner = async { caught().await.raise().await };
            catch_cancelled(inner).await.unwrap_err().raise().await
        })
        .await;
        let at = here().line() + 1;
        task.cancel();
        let error = error_of(task.await);
        assert_eq!(line(error.reason()), at);
        assert_eq!(error.reason().by().unwrap().0, my_id());
    });
}

#[test]
fn a_future_of_a_thread_and_a_low_level_future_give_their_lines() {
    on_workers(2, async {
        let (send, receive) = oneshot::channel();
        let event_loop = asyncio::get_running_loop();
        let coro = async { send.send(caught().await).ok().unwrap() };
        let future = run_coroutine_threadsafe(coro, &event_loop);
        checkpoint().await;
        checkpoint().await;
        let at = here().line() + 1;
        future.cancel();
        let own = error_of(future.await);
        assert_eq!(line(own.reason()), at);
        if let Ok(coroutine) = receive.await {
            assert_eq!(line(coroutine.reason()), at);
        }

        let future = asyncio::futures::Future::<()>::new();
        let at = here().line() + 1;
        future.cancel();
        let error = error_of(future.await);
        assert_eq!(error.reason().by().unwrap().0, my_id());
        assert_eq!(line(error.reason()), at);
    });
}

#[test]
fn requests_are_equal_whatever_their_reasons() {
    on_workers(1, async {
        let errors = gather(
            (async { wait_for(caught(), MOMENT).await.unwrap() }, async {
                wait_for(caught(), MOMENT).await.unwrap()
            }),
        );
        let (one, other) = errors.await.unwrap();
        assert_eq!(one, other);
        assert_ne!(line(one.reason()), line(other.reason()));
    });
}
