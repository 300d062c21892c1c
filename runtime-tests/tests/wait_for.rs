//! Tests of `wait_for`: asyncio's rules WF, as changed by the list of differences.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use asyncio::{
    TaskError, TimeoutError, catch_cancelled, checkpoint, context_var, create_task, current_task,
    finally, shield, sleep, wait_for,
};
use futures::channel::oneshot;
use runtime_tests::{
    Flag, Log, Polls, begun, blocking_wait, caught, counting_polls, from_many_threads, on_workers,
    until, watched,
};

#[path = "wait_for/tasks.rs"]
mod tasks;

#[path = "wait_for/races.rs"]
mod races;

const TICK: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// The result of a wait whose limit was reached.
fn timed_out<T>() -> Result<T, TimeoutError> {
    Err(TimeoutError)
}

context_var! { static COLOUR: &'static str = "none"; }

// WF-1
#[test]
fn the_awaitable_runs_in_the_callers_own_task_and_may_borrow_from_it() {
    on_workers(1, async {
        let own = current_task().unwrap();
        let mut borrowed = 1;
        for limit in [None, Some(HOUR)] {
            let body = async {
                borrowed += 1;
                drop(COLOUR.set("green"));
                checkpoint().await;
                current_task().unwrap()
            };
            assert_eq!(wait_for(body, limit).await, Ok(own.clone()));
            assert_eq!(
                COLOUR.get(),
                "green",
                "the body runs in the caller's context"
            );
        }
        assert_eq!(borrowed, 3);
    });
}

// WF-1
#[test]
fn anything_that_can_be_awaited_can_be_waited_for() {
    on_workers(1, async {
        struct Later;
        impl IntoFuture for Later {
            type Output = u8;
            type IntoFuture = std::future::Ready<u8>;
            fn into_future(self) -> Self::IntoFuture {
                std::future::ready(9)
            }
        }
        assert_eq!(wait_for(Later, TICK).await, Ok(9));
        let boxed: futures::future::BoxFuture<'_, u8> = Box::pin(async { 8 });
        assert_eq!(wait_for(boxed, TICK).await, Ok(8));
    });
}

// TF-2
#[test]
fn waiting_for_what_is_ready_does_not_yield() {
    on_workers(1, async {
        let polls = Polls::default();
        let body = async {
            for limit in [None, Some(Duration::ZERO), Some(HOUR)] {
                assert_eq!(wait_for(async { 1 }, limit).await, Ok(1));
            }
        };
        counting_polls(&polls, body).await;
        assert_eq!(polls.count(), 1);
    });
}

// WF-2, difference 7
#[test]
fn a_limit_of_zero_polls_the_awaitable_once() {
    on_workers(1, async {
        assert_eq!(wait_for(async { 5 }, Duration::ZERO).await, Ok(5));
        let (polls, log) = (Polls::default(), Log::default());
        let body = counting_polls(&polls, async {
            log.note("started");
            checkpoint().await;
            log.note("went on");
        });
        assert_eq!(wait_for(body, Duration::ZERO).await, timed_out());
        assert_eq!((polls.count(), log.notes()), (1, vec!["started"]));
        assert_eq!(current_task().unwrap().cancelling(), 0);
    });
}

// WF-2
#[test]
fn with_a_limit_of_zero_the_awaitable_may_still_answer_to_its_cancellation() {
    on_workers(1, async {
        let body = async {
            catch_cancelled(pending::<()>()).await.unwrap_err();
            checkpoint().await;
            6
        };
        assert_eq!(wait_for(body, Duration::ZERO).await, Ok(6));
    });
}

// WF-3
#[test]
fn at_the_limit_the_awaitable_is_dropped_where_it_stands() {
    on_workers(1, async {
        let dropped = Flag::default();
        let probe = dropped.set_on_drop();
        let before = Instant::now();
        let body = async move {
            let _probe = probe;
            pending::<()>().await;
        };
        assert_eq!(wait_for(body, 3 * TICK).await, timed_out());
        assert!(dropped.is_set() && before.elapsed() >= 3 * TICK);
        assert_eq!(current_task().unwrap().cancelling(), 0);
    });
}

// WF-3
#[test]
fn the_cleanup_may_take_longer_than_the_limit() {
    on_workers(1, async {
        let (log, before) = (Log::default(), Instant::now());
        let body = finally(pending::<()>(), async {
            sleep(5 * TICK).await;
            log.note("cleaned up");
        });
        assert_eq!(wait_for(body, TICK).await, timed_out());
        assert_eq!(log.notes(), ["cleaned up"]);
        assert!(before.elapsed() >= 6 * TICK);
    });
}

// WF-4
#[test]
fn an_awaitable_that_suppresses_its_cancellation_has_its_value_returned() {
    on_workers(1, async {
        let body = async {
            let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
            assert_eq!(caught.message(), None);
            sleep(2 * TICK).await;
            7
        };
        assert_eq!(wait_for(body, TICK).await, Ok(7));
        assert_eq!(current_task().unwrap().cancelling(), 0);
    });
}

// WF-5
#[test]
fn an_error_in_reaction_to_the_cancellation_is_the_answer() {
    on_workers(1, async {
        let body = async {
            catch_cancelled(pending::<()>())
                .await
                .map_err(|_cancelled| "it broke")
        };
        assert_eq!(wait_for(body, TICK).await, Ok(Err("it broke")));
        let panicking = create_task(wait_for(
            async {
                let _caught = catch_cancelled(pending::<()>()).await;
                panic!("in reaction");
            },
            TICK,
        ));
        let error = panicking.await.unwrap_err();
        assert_eq!(error.to_string(), "task panicked: in reaction");
    });
}

// WF-6
#[test]
fn a_cancellation_of_the_waiter_goes_through_to_the_awaitable() {
    on_workers(1, async {
        let log = Log::default();
        let notes = log.clone();
        let task = begun(async move {
            let cleanup = async move {
                checkpoint().await;
                notes.note("cleaned up");
            };
            wait_for(finally(pending::<()>(), cleanup), HOUR).await
        })
        .await;
        task.cancel_with("enough");
        let Err(TaskError::Cancelled(error)) = task.await else {
            panic!("it was not cancelled")
        };
        assert_eq!(error.message(), Some("enough"));
        assert_eq!(log.notes(), ["cleaned up"]);
    });
}

// WF-6
#[test]
fn a_waiter_that_catches_its_cancellation_goes_on() {
    on_workers(1, async {
        let task = begun(async {
            let caught = catch_cancelled(wait_for(pending::<()>(), HOUR)).await;
            checkpoint().await;
            (caught.is_err(), current_task().unwrap().cancelling())
        })
        .await;
        task.cancel();
        assert_eq!(task.await.unwrap(), (true, 1));
    });
}

// WF-7, difference 3
#[test]
fn a_value_that_is_ready_is_returned_before_a_cancellation_is_delivered() {
    on_workers(1, async {
        let (send, receive) = oneshot::channel();
        let log = Log::default();
        let notes = log.clone();
        let task = begun(async move {
            let value = wait_for(receive, HOUR).await.unwrap().unwrap();
            notes.note("has its value");
            assert_eq!(value, 3);
            checkpoint().await;
            notes.note("never comes here");
        })
        .await;
        send.send(3).unwrap();
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.notes(), ["has its value"]);
    });
}

// WF-8
#[test]
fn a_value_that_is_ready_when_the_limit_comes_is_returned() {
    on_workers(1, async {
        for _ in 0..5 {
            let (send, receive) = oneshot::channel();
            let task = begun(wait_for(receive, 3 * TICK)).await;
            // The task is polled only after both the value and the limit have come.
            send.send(4).unwrap();
            thread::sleep(5 * TICK);
            assert_eq!(task.await.unwrap(), Ok(Ok(4)));
        }
    });
}

// WF-9
#[test]
fn a_timeout_inside_is_told_from_ones_own() {
    on_workers(1, async {
        let inner = wait_for(pending::<()>(), TICK);
        assert_eq!(wait_for(inner, HOUR).await, Ok(timed_out()));
        let inner = wait_for(pending::<()>(), HOUR);
        assert_eq!(wait_for(inner, TICK).await, timed_out());
    });
}

#[test]
fn without_a_limit_there_is_none() {
    on_workers(1, async {
        assert_eq!(wait_for(sleep(3 * TICK), None).await, Ok(()));
        assert_eq!(wait_for(sleep(3 * TICK), Duration::MAX).await, Ok(()));
        let task = begun(wait_for(pending::<()>(), Duration::MAX)).await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn the_time_counts_from_the_first_poll() {
    on_workers(1, async {
        let waiting = wait_for(sleep(TICK), 20 * TICK);
        thread::sleep(25 * TICK);
        assert_eq!(waiting.await, Ok(()));
    });
}

// TO-12
#[test]
fn outside_a_task_a_limit_panics_and_names_its_place() {
    watched(|| {
        let line = line!() + 1;
        let waiting = wait_for(pending::<()>(), TICK);
        let text = caught(|| blocking_wait(waiting)).text;
        assert!(
            text.contains("Timeout should be used inside a task"),
            "{text}"
        );
        assert!(text.contains(&format!("wait_for.rs:{line}")), "{text}");
    });
}

// TF-3
#[test]
fn a_wait_that_is_dropped_before_its_end_leaves_nothing_behind() {
    on_workers(1, async {
        let dropped = Flag::default();
        let probe = dropped.set_on_drop();
        let mut waiting = Box::pin(wait_for(
            async move {
                let _probe = probe;
                pending::<()>().await;
            },
            2 * TICK,
        ));
        let once = poll_fn(|cx| Poll::Ready(waiting.as_mut().poll(cx)));
        assert!(once.await.is_pending());
        drop(waiting);
        assert!(dropped.is_set());
        sleep(4 * TICK).await;
        assert_eq!(current_task().unwrap().cancelling(), 0);
    });
}
