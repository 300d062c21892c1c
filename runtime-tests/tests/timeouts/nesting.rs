//! Tests of timeouts inside timeouts.

use super::*;

/// Runs `body` inside two timeouts, and returns the outcome and whether each of them has expired.
async fn nested<T>(
    [outer, inner]: [Instant; 2],
    body: impl AsyncFnOnce() -> T,
) -> (Result<Result<T, TimeoutError>, TimeoutError>, [bool; 2]) {
    let mut scopes = Vec::new();
    let outcome = timeout_at(outer, async |scope| {
        scopes.push(scope.clone());
        timeout_at(inner, async |scope| {
            scopes.push(scope.clone());
            body().await
        })
        .await
    })
    .await;
    let [outer, inner] = [scopes[0].expired(), scopes[1].expired()];
    (outcome, [outer, inner])
}

// TO-7
#[test]
fn of_two_timeouts_with_one_deadline_the_outer_answers() {
    on_workers(1, async {
        let when = Instant::now() + 2 * TICK;
        let (outcome, expired) = nested([when; 2], pending::<()>).await;
        assert_eq!(outcome, timed_out());
        assert_eq!(expired, [true, true]);
        assert_eq!(cancelling(), 0);
        // The same with a cleanup.
        let when = Instant::now() + 2 * TICK;
        let body = async || finally(pending::<()>(), sleep(TICK)).await;
        let (outcome, expired) = nested([when; 2], body).await;
        assert_eq!((outcome, expired), (timed_out(), [true, true]));
    });
}

// TO-7
#[test]
fn of_two_timeouts_found_expired_in_one_poll_the_outer_answers() {
    on_a_single_thread(async {
        let now = Instant::now();
        let task = begun(nested([now + 4 * TICK, now + 2 * TICK], pending::<()>)).await;
        thread::sleep(6 * TICK);
        assert_eq!(task.await.unwrap(), (timed_out(), [true, true]));
    });
}

// TO-7, TO-3
#[test]
fn a_body_that_suppresses_both_goes_on() {
    on_workers(1, async {
        let when = Instant::now() + TICK;
        let body = async || {
            catch_cancelled(pending::<()>()).await.unwrap_err();
            sleep(2 * TICK).await;
            5
        };
        let (outcome, expired) = nested([when; 2], body).await;
        assert_eq!((outcome, expired), (Ok(Ok(5)), [true, true]));
    });
}

// TO-8
#[test]
fn an_inner_timeout_leaves_the_outer_alone() {
    on_workers(1, async {
        let now = Instant::now();
        let (outcome, expired) = nested([now + HOUR, now + TICK], pending::<()>).await;
        assert_eq!(outcome, Ok(timed_out()));
        assert_eq!(expired, [false, true]);
    });
}

// TO-8
#[test]
fn an_outer_timeout_takes_the_inner_with_it() {
    on_workers(1, async {
        let now = Instant::now();
        let (outcome, expired) = nested([now + TICK, now + HOUR], pending::<()>).await;
        assert_eq!(outcome, timed_out());
        assert_eq!(expired, [true, false]);
    });
}

// TO-8
#[test]
fn after_an_inner_timeout_the_outer_comes_at_the_next_await() {
    on_workers(1, async {
        let log = Log::default();
        let outcome = timeout(60 * TICK, async |_| {
            let inner = timeout(TICK, async |_| pending::<()>().await).await;
            assert_eq!(inner, timed_out());
            log.note("inner");
            thread::sleep(65 * TICK);
            log.note("still here");
            checkpoint().await;
            checkpoint().await;
            log.note("too far");
        });
        assert_eq!(outcome.await, timed_out());
        assert_eq!(log.notes(), ["inner", "still here"]);
    });
}

#[test]
fn an_outer_timeout_during_the_cleanup_of_the_inner_wins() {
    on_workers(1, async {
        let now = Instant::now();
        let body = async || finally(pending::<()>(), sleep(300 * TICK)).await;
        let (outcome, expired) = nested([now + 6 * TICK, now + TICK], body).await;
        assert_eq!((outcome, expired), (timed_out(), [true, true]));
        assert_eq!(cancelling(), 0);
    });
}

#[test]
fn an_inner_limit_that_interrupts_the_cleanup_for_the_outer_does_not_hide_it() {
    on_workers(1, async {
        let now = Instant::now();
        let body = async || finally(pending::<()>(), sleep(300 * TICK)).await;
        let (outcome, expired) = nested([now + TICK, now + 6 * TICK], body).await;
        assert_eq!((outcome, expired), (timed_out(), [true, true]));
        assert_eq!(cancelling(), 0);
    });
}

// TO-1: whether the request from outside is still counted decides the outcome at the limit.
#[test]
fn a_cancellation_that_the_body_suppressed_comes_back_at_the_limit() {
    on_workers(1, async {
        let task = begun(timeout(40 * TICK, async |_: &Timeout| {
            catch_cancelled(pending::<()>()).await.unwrap_err();
            pending::<()>().await;
        }))
        .await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        // After `uncancel` it does not come back.
        let task = begun(timeout(40 * TICK, async |_: &Timeout| {
            catch_cancelled(pending::<()>()).await.unwrap_err();
            assert_eq!(current_task().unwrap().uncancel(), 0);
            pending::<()>().await;
        }))
        .await;
        task.cancel();
        assert_eq!(task.await.unwrap(), timed_out());
    });
}

// TO-13
#[test]
fn a_request_made_just_before_the_scope_was_entered_is_not_taken_for_its_own() {
    on_workers(1, async {
        let task = begun(async {
            current_task().unwrap().cancel();
            let body = async |_: &Timeout| finally(pending::<()>(), sleep(300 * TICK)).await;
            // The request starts the cleanup, and the limit interrupts it.
            let caught = catch_cancelled(timeout(50 * TICK, body)).await;
            (caught.is_err(), cancelling())
        })
        .await;
        assert_eq!(task.await.unwrap(), (true, 1));
    });
}

#[test]
fn a_cleanup_has_a_limit_of_its_own() {
    on_workers(1, async {
        let log = Log::default();
        let outcome = timeout(TICK, async |_| {
            finally(pending::<()>(), async {
                let cleanup = wait_for(pending::<()>(), TICK).await;
                assert_eq!(cleanup, timed_out());
                log.note("gave the cleanup up");
            })
            .await;
        });
        assert_eq!(outcome.await, timed_out());
        assert_eq!(log.notes(), ["gave the cleanup up"]);
    });
}

#[test]
fn of_a_hundred_timeouts_the_one_that_is_due_answers() {
    fn inside(depth: u32, due: u32) -> futures::future::BoxFuture<'static, u32> {
        async move {
            if depth == 0 {
                return pending().await;
            }
            let delay = if depth == due { 3 * TICK } else { HOUR };
            let outcome = timeout(delay, async move |_: &Timeout| inside(depth - 1, due).await);
            outcome.await.unwrap_or(depth)
        }
        .boxed()
    }
    on_workers(1, async {
        for due in [1, 2, 50, 99, 100] {
            assert_eq!(inside(100, due).await, due);
        }
    });
}

#[test]
fn one_after_another_a_thousand_timeouts_leave_no_trace() {
    on_workers(2, async {
        for round in 0..1000 {
            let outcome = timeout(Duration::ZERO, async |_| {
                catch_cancelled(pending::<()>()).await.unwrap_err();
                round
            });
            assert_eq!(outcome.await, Ok(round));
            let outcome = timeout(Duration::ZERO, async |_| checkpoint().await);
            assert_eq!(outcome.await, timed_out());
        }
        assert_eq!(cancelling(), 0);
    });
}

#[test]
fn a_request_meets_scopes_that_wind_down_in_any_order() {
    from_many_threads(async |event_loop| {
        let [started, asked] = [Flag::default(), Flag::default()];
        let (start, ask) = (started.clone(), asked.clone());
        let task = event_loop.create_task(async move {
            start.set();
            let now = Instant::now();
            let short = Duration::from_micros(50);
            let body = async || finally(pending::<()>(), checkpoint()).await;
            let limited = nested([now + 2 * short, now + short], body);
            let mut caught = u32::from(catch_cancelled(limited).await.is_err());
            let mut last = false;
            while !last {
                // Suspends once more after the request has been made.
                last = ask.is_set();
                caught += u32::from(catch_cancelled(checkpoint()).await.is_err());
            }
            (caught, cancelling())
        });
        until(|| started.is_set()).await;
        assert!(task.cancel());
        asked.set();
        assert_eq!(task.await.unwrap(), (1, 1), "deliveries and requests");
    });
}
