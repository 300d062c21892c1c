//! Tests of `timeout` and `timeout_at`: asyncio's rules TO, as changed by the list of differences.

use std::future::pending;
use std::panic::{AssertUnwindSafe, panic_any, resume_unwind};
use std::thread;
use std::time::{Duration, Instant};

use asyncio::{
    Runner, TaskError, Timeout, TimeoutError, catch_cancelled, checkpoint, create_task,
    current_task, finally, sleep, timeout, timeout_at, wait_for,
};
use futures::FutureExt;
use futures::channel::oneshot;
use runtime_tests::{
    Flag, Log, Polls, begun, blocking_wait, caught, counting_polls, from_many_threads, on_workers,
    until, watched,
};

#[path = "timeouts/combinators.rs"]
mod combinators;

#[path = "timeouts/nesting.rs"]
mod nesting;

#[path = "timeouts/rescheduling.rs"]
mod rescheduling;

const TICK: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// The result of a timeout whose limit was reached.
fn timed_out<T>() -> Result<T, TimeoutError> {
    Err(TimeoutError)
}

/// Runs `main` on a loop without other workers or spares: while `main` blocks, nothing else runs.
fn on_a_single_thread<F: Future>(main: F) -> F::Output {
    watched(|| {
        let builder = Runner::builder().workers(1).max_spare_workers(0);
        builder.build().unwrap().run(main)
    })
}

/// The number of requests that the current task has counted.
fn cancelling() -> u32 {
    current_task().unwrap().cancelling()
}

// TO-1, TO-2
#[test]
fn the_body_sees_a_cancellation_and_only_who_is_outside_a_timeout() {
    on_workers(1, async {
        let log = Log::default();
        let outcome = timeout(2 * TICK, async |_| {
            let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
            assert_eq!(caught.message(), None);
            log.note("caught");
            // The request is delivered only once.
            sleep(2 * TICK).await;
            log.note("cleaned up");
            caught.raise().await;
        });
        let outcome: Result<(), _> = outcome.await;
        assert_eq!(outcome, timed_out());
        assert_eq!(log.notes(), ["caught", "cleaned up"]);
        assert_eq!(cancelling(), 0, "the count has changed");
        checkpoint().await;
    });
}

// TO-1
#[test]
fn a_body_that_wants_no_cancellation_is_dropped_at_the_limit() {
    on_workers(1, async {
        let (dropped, before) = (Flag::default(), Instant::now());
        let mut kept = None;
        let outcome = timeout(3 * TICK, async |scope| {
            let _probe = dropped.set_on_drop();
            kept = Some(scope.clone());
            pending::<()>().await;
        })
        .await;
        assert_eq!(outcome, timed_out());
        assert!(dropped.is_set() && before.elapsed() >= 3 * TICK);
        assert!(kept.unwrap().expired());
    });
}

#[test]
fn a_body_that_returns_in_time_has_its_value_returned() {
    on_workers(1, async {
        let mut borrowed = vec![1];
        let scope = timeout(HOUR, async |scope| {
            sleep(TICK).await;
            borrowed.push(2);
            scope.clone()
        })
        .await
        .unwrap();
        assert!(!scope.expired());
        assert_eq!(borrowed, [1, 2]);
        let when = Instant::now() + HOUR;
        let scope = timeout_at(when, async |scope| scope.clone()).await.unwrap();
        assert_eq!((scope.when(), scope.expired()), (Some(when), false));
    });
}

// TO-3
#[test]
fn a_body_that_suppresses_its_cancellation_goes_on_past_the_limit() {
    on_workers(1, async {
        let (value, scope) = timeout(TICK, async |scope| {
            catch_cancelled(pending::<()>()).await.unwrap_err();
            assert!(scope.expired());
            sleep(5 * TICK).await;
            (7, scope.clone())
        })
        .await
        .unwrap();
        assert!(value == 7 && scope.expired());
        assert_eq!(cancelling(), 0);
    });
}

// TO-4
#[test]
fn another_error_while_expiring_is_the_answer() {
    on_workers(1, async {
        let mut kept = None;
        let outcome = timeout(TICK, async |scope| {
            kept = Some(scope.clone());
            let caught = catch_cancelled(pending::<()>()).await;
            caught.map_err(|_cancelled| "it broke")
        })
        .await;
        assert_eq!(outcome, Ok(Err("it broke")));
        assert!(kept.unwrap().expired());
    });
}

// TO-4
#[test]
fn a_panic_while_expiring_passes_and_the_timeout_has_expired() {
    for clean_up_first in [false, true] {
        on_workers(1, async {
            let mut kept = None;
            let body = timeout(TICK, async |scope| {
                kept = Some(scope.clone());
                let _caught = catch_cancelled(pending::<()>()).await;
                if clean_up_first {
                    checkpoint().await;
                }
                panic_any(5);
            });
            let unwound = AssertUnwindSafe(body).catch_unwind().await.unwrap_err();
            assert_eq!(unwound.downcast_ref(), Some(&5));
            let kept: Timeout = kept.unwrap();
            assert!(kept.expired(), "with a cleanup: {clean_up_first}");
            // The panic has withdrawn the request of the limit.
            assert_eq!(cancelling(), 0);
            checkpoint().await;
            assert_eq!(wait_for(checkpoint(), HOUR).await, Ok(()));
        });
    }
}

#[test]
fn a_panic_in_a_destructor_at_the_limit_passes() {
    on_workers(1, async {
        let body = timeout(TICK, async |_| {
            let _bomb = runtime_tests::on_drop(|| resume_unwind(Box::new(6)));
            pending::<()>().await;
        });
        let unwound = AssertUnwindSafe(body).catch_unwind().await.unwrap_err();
        assert_eq!(unwound.downcast_ref(), Some(&6));
        checkpoint().await;
        assert_eq!(cancelling(), 0);
    });
}

// TO-5
#[test]
fn a_cancellation_from_outside_before_the_limit_is_no_timeout() {
    on_workers(1, async {
        let (send, scope) = oneshot::channel();
        let task = begun(timeout(HOUR, async move |scope: &Timeout| {
            send.send(scope.clone()).unwrap();
            pending::<()>().await;
        }))
        .await;
        task.cancel_with("outside");
        let Err(TaskError::Cancelled(error)) = task.await else {
            panic!("it was not cancelled")
        };
        assert_eq!(error.message(), Some("outside"));
        assert!(!scope.await.unwrap().expired());
    });
}

// TO-5
#[test]
fn a_cancellation_from_outside_wins_over_a_limit_that_comes_with_it() {
    on_a_single_thread(async {
        let task = begun(async {
            let caught = catch_cancelled(timeout(2 * TICK, async |_| pending::<()>().await)).await;
            let message = caught.unwrap_err().message().map(str::to_owned);
            checkpoint().await;
            (message, cancelling())
        })
        .await;
        // The expiry and the request meet in one poll.
        thread::sleep(4 * TICK);
        task.cancel_with("outside");
        assert_eq!(task.await.unwrap(), (Some("outside".to_owned()), 1));
    });
}

// TO-5
#[test]
fn a_cancellation_from_outside_during_the_cleanup_wins() {
    on_workers(1, async {
        let (cleaning, log) = (Flag::default(), Log::default());
        let (clean, notes) = (cleaning.clone(), log.clone());
        let task = begun(async move {
            let limited = timeout(TICK, async |_| {
                let cleanup = async {
                    clean.set();
                    pending::<()>().await;
                };
                finally(pending::<()>(), cleanup).await
            });
            let caught = catch_cancelled(limited).await.unwrap_err();
            notes.note("caught");
            checkpoint().await;
            (caught.message().map(str::to_owned), cancelling())
        })
        .await;
        until(|| cleaning.is_set()).await;
        task.cancel_with("impatient");
        assert_eq!(task.await.unwrap(), (Some("impatient".to_owned()), 1));
        assert_eq!(log.notes(), ["caught"]);
    });
}

// TO-5
#[test]
fn a_raise_after_both_have_come_stands_for_the_cancellation_from_outside() {
    on_workers(1, async {
        let cleaning = Flag::default();
        let clean = cleaning.clone();
        let task = begun(timeout(TICK, async move |_: &Timeout| {
            let first = catch_cancelled(pending::<()>()).await.unwrap_err();
            clean.set();
            // The second request is caught too; then the first is raised.
            catch_cancelled(pending::<()>()).await.unwrap_err();
            first.raise().await;
        }))
        .await;
        until(|| cleaning.is_set()).await;
        task.cancel();
        let ended = task.await.map(|outcome: Result<(), _>| outcome);
        assert!(ended.unwrap_err().is_cancelled());
    });
}

// TO-6
#[test]
fn an_old_cancellation_that_was_suppressed_does_not_hide_a_timeout() {
    on_workers(1, async {
        let task = begun(async {
            catch_cancelled(pending::<()>()).await.unwrap_err();
            assert_eq!(cancelling(), 1);
            let outcome = timeout(TICK, async |_| {
                finally(pending::<()>(), checkpoint()).await;
            })
            .await;
            (outcome, cancelling())
        })
        .await;
        task.cancel();
        assert_eq!(task.await.unwrap(), (timed_out(), 1));
    });
}

// TO-9
#[test]
fn a_delay_of_zero_cancels_at_the_first_await_that_suspends() {
    on_workers(1, async {
        let past = Instant::now()
            .checked_sub(HOUR)
            .unwrap_or_else(Instant::now);
        for when in [None, Some(past)] {
            let polls = Polls::default();
            let body = async |scope: &Timeout| {
                counting_polls(&polls, pending::<()>()).await;
                scope.clone()
            };
            let outcome = match when {
                None => timeout(Duration::ZERO, body).await,
                Some(when) => timeout_at(when, body).await,
            };
            assert!(outcome.is_err());
            assert_eq!(polls.count(), 1);
        }
    });
}

// TO-9
#[test]
fn a_body_that_never_suspends_does_not_notice_its_limit() {
    on_workers(1, async {
        let ready = timeout(Duration::ZERO, async |scope| scope.clone()).await;
        assert!(!ready.unwrap().expired());
        let overrun = timeout(TICK, async |scope| {
            thread::sleep(4 * TICK);
            scope.clone()
        });
        assert!(!overrun.await.unwrap().expired());
    });
}

// TO-9
#[test]
fn an_overrun_is_noticed_at_the_next_await_that_suspends() {
    on_workers(1, async {
        let log = Log::default();
        let outcome = timeout(TICK, async |_| {
            thread::sleep(4 * TICK);
            async { log.note("ready is ready") }.await;
            checkpoint().await;
            checkpoint().await;
            log.note("too far");
        });
        assert_eq!(outcome.await, timed_out());
        assert_eq!(log.notes(), ["ready is ready"]);
    });
}

// TF-2
#[test]
fn a_timeout_with_nothing_to_wait_for_does_not_yield() {
    on_workers(1, async {
        let polls = Polls::default();
        let body = async {
            for delay in [None, Some(Duration::ZERO), Some(HOUR)] {
                timeout(delay, async |_| ()).await.unwrap();
            }
        };
        counting_polls(&polls, body).await;
        assert_eq!(polls.count(), 1);
    });
}

// TO-12
#[test]
fn outside_a_task_a_timeout_panics() {
    watched(|| {
        let text = caught(|| blocking_wait(timeout(TICK, async |_| ()))).text;
        assert!(
            text.contains("Timeout should be used inside a task"),
            "{text}"
        );
    });
}

// TO-13, difference 7
#[test]
fn a_cancellation_that_is_pending_already_is_not_eaten_by_a_limit() {
    for delay in [Duration::ZERO, TICK, HOUR] {
        on_workers(1, async {
            let task = begun(async move {
                current_task().unwrap().cancel_with("earlier");
                let caught = catch_cancelled(timeout(delay, async |_| pending::<()>().await)).await;
                let message = caught.unwrap_err().message().map(str::to_owned);
                (message, cancelling())
            })
            .await;
            assert_eq!(task.await.unwrap(), (Some("earlier".to_owned()), 1));
            let task = begun(async move {
                current_task().unwrap().cancel();
                timeout(delay, async |_| pending::<()>().await).await
            })
            .await;
            assert!(task.await.unwrap_err().is_cancelled(), "{delay:?}");
        });
    }
}

// TO-15, difference 4
#[test]
fn a_child_that_someone_else_cancelled_is_a_value_inside_a_timeout() {
    on_workers(1, async {
        let child = create_task(pending::<()>());
        let handle = child.handle();
        let ended = timeout(HOUR, async |_| {
            handle.cancel();
            child.await
        });
        assert!(ended.await.unwrap().unwrap_err().is_cancelled());
    });
}

// Difference 3
#[test]
fn what_is_ready_when_the_limit_comes_is_not_lost() {
    on_a_single_thread(async {
        let (send, receive) = oneshot::channel();
        let task = begun(timeout(2 * TICK, async move |scope: &Timeout| {
            let value = receive.await.unwrap();
            (value, scope.clone())
        }))
        .await;
        send.send(3).unwrap();
        thread::sleep(4 * TICK);
        let (value, scope) = task.await.unwrap().unwrap();
        assert!(value == 3 && !scope.expired(), "the request was delivered");
    });
}

// WF-3
#[test]
fn at_the_limit_an_awaited_task_is_cancelled_and_waited_for() {
    on_workers(2, async {
        let mut child = create_task(async {
            finally(pending::<()>(), sleep(4 * TICK)).await;
        });
        let outcome = timeout(10 * TICK, async |_| {
            let _ended = (&mut child).await;
            unreachable!("the awaiter of a cancelled task is cancelled itself");
        });
        let outcome: Result<(), _> = outcome.await;
        assert_eq!(outcome, timed_out());
        assert!(child.done() && child.cancelled());
    });
}
