//! Tests of `move_on_after` and `CancelScope`: trio's scopes, built on asyncio's requests.

use std::future::{Future, pending};
use std::pin::pin;
use std::thread;
use std::time::{Duration, Instant};

use asyncio::{
    CancelScope, TimeoutError, catch_cancelled, checkpoint, create_task, current_task, finally,
    get_running_loop, move_on_after, sleep, timeout,
};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::join;
use runtime_tests::{Flag, Log, Polls, blocking_wait, caught, counting_polls, on_drop};
use runtime_tests::{begun, from_many_threads, on_workers, until};

#[path = "cancel_scope/shield.rs"]
mod shield;

const TICK: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// The number of requests that the current task has counted.
fn cancelling() -> u32 {
    current_task().unwrap().cancelling()
}

#[test]
fn a_handle_goes_anywhere_and_a_scope_runs_in_a_task() {
    fn anywhere<T: Clone + Send + Sync + 'static>() {}
    fn in_a_task<T: Send>(future: T) -> T {
        future
    }
    anywhere::<CancelScope>();
    drop(in_a_task(move_on_after(HOUR, async |scope| {
        let _scope = scope;
        checkpoint().await;
    })));
}

#[test]
fn at_its_deadline_a_scope_moves_on_without_its_body() {
    from_many_threads(async |_| {
        let (dropped, before) = (Flag::default(), Instant::now());
        let mut kept = None;
        let outcome = move_on_after(TICK, async |scope| {
            kept = Some(scope.clone());
            let _probe = dropped.set_on_drop();
            pending::<()>().await;
        });
        assert_eq!(outcome.await, None);
        assert!(dropped.is_set() && before.elapsed() >= TICK);
        let scope = kept.unwrap();
        assert!(scope.cancel_called() && scope.cancelled_caught());
        assert_eq!(cancelling(), 0, "the task itself was not cancelled");
        checkpoint().await;
    });
}

#[test]
fn a_body_that_returns_in_time_has_its_value_returned() {
    on_workers(1, async {
        let mut borrowed = vec![1];
        let scope = move_on_after(HOUR, async |scope| {
            sleep(TICK).await;
            borrowed.push(2);
            scope.clone()
        });
        let scope = scope.await.unwrap();
        assert_eq!(borrowed, [1, 2]);
        assert!(!scope.cancel_called() && !scope.cancelled_caught());
    });
}

#[test]
fn a_scope_without_a_limit_has_no_deadline() {
    on_workers(1, async {
        let deadline = move_on_after(None, async |scope| scope.deadline()).await;
        assert_eq!(deadline, Some(None));
        let deadline = move_on_after(Duration::MAX, async |scope| scope.deadline()).await;
        assert_eq!(deadline, Some(None));
    });
}

#[test]
fn with_a_delay_of_zero_the_body_is_polled_once() {
    on_workers(1, async {
        let polls = Polls::default();
        let body = counting_polls(&polls, pending::<()>());
        assert_eq!(
            move_on_after(Duration::ZERO, async |_| body.await).await,
            None
        );
        assert_eq!(polls.count(), 1);
        assert_eq!(move_on_after(Duration::ZERO, async |_| 7).await, Some(7));
    });
}

#[test]
fn a_cancel_from_the_body_arrives_at_the_next_await_that_suspends() {
    on_workers(1, async {
        let log = Log::default();
        let outcome: Option<()> = move_on_after(None, async |scope| {
            scope.cancel();
            scope.cancel();
            log.note("goes on");
            async {}.await;
            log.note("nothing has suspended");
            checkpoint().await;
            unreachable!()
        })
        .await;
        assert_eq!(outcome, None);
        assert_eq!(log.notes(), ["goes on", "nothing has suspended"]);
        checkpoint().await;
    });
}

#[test]
fn a_body_that_returns_before_the_cancel_arrives_keeps_its_value() {
    on_workers(1, async {
        let scope = move_on_after(None, async |scope| {
            scope.cancel();
            scope.clone()
        });
        let scope = scope.await.unwrap();
        assert!(scope.cancel_called() && !scope.cancelled_caught());
    });
}

#[test]
fn a_cancel_from_another_task_wakes_the_body() {
    from_many_threads(async |_| {
        let mut canceller = None;
        let outcome = move_on_after(HOUR, async |scope| {
            let scope = scope.clone();
            canceller = Some(create_task(async move { scope.cancel() }));
            pending::<()>().await;
        });
        assert_eq!(outcome.await, None);
        canceller.unwrap().await.unwrap();
    });
}

#[test]
fn a_cancel_from_a_foreign_thread_wakes_the_body() {
    on_workers(2, async {
        for _ in 0..100 {
            let mut thread = None;
            let outcome = move_on_after(None, async |scope| {
                let scope = scope.clone();
                thread = Some(thread::spawn(move || scope.cancel()));
                pending::<()>().await;
            });
            assert_eq!(outcome.await, None);
            thread.unwrap().join().unwrap();
        }
    });
}

#[test]
fn a_cancel_that_races_the_end_leaves_the_value_or_nothing() {
    from_many_threads(async |_| {
        let (send, receive) = oneshot::channel();
        let mut canceller = None;
        let outcome = move_on_after(None, async |scope| {
            let scope = scope.clone();
            canceller = Some(create_task(async move {
                let _refused = send.send(5);
                scope.cancel();
            }));
            receive.await.unwrap()
        });
        assert_eq!(
            outcome.await,
            Some(5),
            "the value was ready before the cancel"
        );
        canceller.unwrap().await.unwrap();
        checkpoint().await;
    });
}

#[test]
fn the_body_may_clean_up_and_may_even_return() {
    on_workers(1, async {
        let log = Log::default();
        let scope = move_on_after(TICK, async |scope| {
            let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
            assert_eq!(caught.message(), None);
            assert!(scope.cancel_called());
            // The request is delivered only once.
            sleep(2 * TICK).await;
            log.note("cleaned up");
            scope.clone()
        });
        assert!(!scope.await.unwrap().cancelled_caught());
        let outcome = move_on_after(TICK, async |_| {
            finally(pending::<()>(), async {
                sleep(TICK).await;
                log.note("finally");
            })
            .await;
        });
        assert_eq!(outcome.await, None);
        assert_eq!(log.notes(), ["cleaned up", "finally"]);
    });
}

#[test]
fn a_task_that_the_body_awaits_is_cancelled_and_waited_for() {
    from_many_threads(async |_| {
        let ended = Flag::default();
        let probe = ended.set_on_drop();
        let child = begun(async move {
            let _probe = probe;
            let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
            checkpoint().await;
            caught.raise().await
        })
        .await;
        let outcome = move_on_after(None, async |scope| {
            scope.cancel();
            child.await
        });
        assert!(outcome.await.is_none());
        assert!(ended.is_set());
    });
}

#[test]
fn a_deadline_can_be_moved_from_anywhere() {
    on_workers(2, async {
        let longer = move_on_after(TICK, async |scope| {
            scope.set_deadline(get_running_loop().time() + HOUR);
            sleep(3 * TICK).await;
            scope.set_deadline(None);
            assert_eq!(scope.deadline(), None);
            sleep(TICK).await;
        });
        assert_eq!(longer.await, Some(()));
        let shorter = move_on_after(HOUR, async |scope| {
            let scope = scope.clone();
            create_task(async move { scope.set_deadline(get_running_loop().time() + TICK) });
            pending::<()>().await;
        });
        assert_eq!(shorter.await, None);
        let past = move_on_after(None, async |scope| {
            scope.set_deadline(get_running_loop().time());
            checkpoint().await;
        });
        assert_eq!(past.await, None);
    });
}

#[test]
fn of_two_scopes_only_the_one_that_is_cancelled_moves_on() {
    on_workers(1, async {
        let inner_ends = move_on_after(HOUR, async |_| {
            let inner = move_on_after(TICK, async |_| pending::<()>().await).await;
            sleep(TICK).await;
            inner
        });
        assert_eq!(inner_ends.await, Some(None));
        let outer_ends = move_on_after(TICK, async |_| {
            move_on_after(HOUR, async |_| pending::<()>().await).await
        });
        assert_eq!(outer_ends.await, None);
        let both = move_on_after(None, async |outer| {
            let inner = move_on_after(None, async |inner| {
                inner.cancel();
                outer.cancel();
                pending::<()>().await;
            });
            inner.await
        });
        assert_eq!(both.await, None, "the outermost scope catches the request");
    });
}

#[test]
fn the_tasks_own_cancellation_goes_through_a_scope() {
    from_many_threads(async |_| {
        let log = Log::default();
        let notes = log.clone();
        let task = begun(async move {
            move_on_after(HOUR, async |_| {
                let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
                notes.note(if caught.message() == Some("enough") {
                    "with the message"
                } else {
                    "without the message"
                });
                caught.raise().await
            })
            .await
        })
        .await;
        task.cancel_with("enough");
        match task.await {
            Err(error) => assert!(error.is_cancelled()),
            Ok(_) => panic!("the scope has suppressed the request"),
        }
        // On several workers the task may be cancelled before it reaches its await.
        assert!(matches!(log.notes()[..], ["with the message"] | []));
    });
}

#[test]
fn a_request_that_comes_while_the_scope_cleans_up_goes_on_outward() {
    on_workers(1, async {
        let task = begun(async {
            move_on_after(Duration::ZERO, async |_| {
                let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
                let _second = catch_cancelled(pending::<()>()).await;
                caught.raise().await
            })
            .await
        })
        .await;
        checkpoint().await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_scope_that_has_ended_stays_as_it_is() {
    on_workers(1, async {
        let scope = move_on_after(HOUR, async |scope| scope.clone())
            .await
            .unwrap();
        let deadline = scope.deadline();
        scope.cancel();
        scope.set_shield(true);
        scope.set_deadline(None);
        assert!(!scope.cancel_called() && !scope.shield());
        assert_eq!(scope.deadline(), deadline);
        checkpoint().await;
    });
}

#[test]
fn a_scope_that_is_dropped_in_its_midst_has_ended() {
    on_workers(1, async {
        let mut kept = None;
        let scoped = move_on_after(HOUR, async |scope| {
            kept = Some(scope.clone());
            pending::<()>().await;
        });
        assert_eq!(scoped.now_or_never(), None);
        kept.unwrap().cancel();
        checkpoint().await;
    });
}

#[test]
fn a_panic_of_the_body_goes_through() {
    let panic = caught(|| {
        on_workers(1, async {
            let _never: Option<()> = move_on_after(HOUR, async |_| {
                checkpoint().await;
                panic!("oh no")
            })
            .await;
        });
    });
    assert_eq!(panic.text, "oh no");
}

#[test]
fn the_body_is_dropped_with_no_request_on_its_way() {
    on_workers(1, async {
        let outcome = move_on_after(TICK, async |_| {
            let _probe = on_drop(|| {
                let task = asyncio::create_task(async {});
                drop(task);
            });
            pending::<()>().await;
        });
        assert_eq!(outcome.await, None);
    });
}

#[test]
fn scopes_side_by_side_do_not_touch_each_other() {
    on_workers(1, async {
        let (left, right) = join(
            move_on_after(TICK, async |_| pending::<()>().await),
            move_on_after(HOUR, async |_| sleep(3 * TICK).with_result(3).await),
        )
        .await;
        assert_eq!((left, right), (None, Some(3)));
    });
}

#[asyncio::test(start_paused = true)]
async fn a_deadline_is_by_the_clock_of_the_loop() {
    let event_loop = get_running_loop();
    let before = event_loop.time();
    let outcome = move_on_after(HOUR, async |_| pending::<()>().await);
    assert_eq!(outcome.await, None);
    assert!(event_loop.time() >= before + HOUR);
}

#[test]
fn outside_a_task_the_panic_names_the_line_that_made_it() {
    let scoped = move_on_after(HOUR, async |_| ());
    let made = line!() - 1;
    let panic = caught(|| blocking_wait(scoped));
    let place = format!("{}:{made}", file!());
    assert!(panic.text.contains(&place), "{}", panic.text);
}
