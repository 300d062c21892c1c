//! Tests of `Timeout::reschedule`: TO-10 and TO-11.

use super::*;

// TO-10
#[test]
fn none_is_no_limit_until_one_is_set() {
    on_workers(1, async {
        let outcome = timeout(None, async |scope| {
            assert_eq!(scope.when(), None);
            sleep(2 * TICK).await;
            let when = Instant::now() + TICK;
            scope.reschedule(Some(when)).unwrap();
            assert_eq!(scope.when(), Some(when));
            pending::<()>().await;
        });
        assert_eq!(outcome.await, timed_out());
        let none: Option<Instant> = None;
        assert_eq!(timeout_at(none, async |_| sleep(TICK).await).await, Ok(()));
    });
}

// TO-11
#[test]
fn a_limit_can_be_moved_out_and_taken_away() {
    on_workers(1, async {
        for later in [Some(Instant::now() + HOUR), None] {
            let outcome = timeout(40 * TICK, async |scope| {
                checkpoint().await;
                scope.reschedule(later).unwrap();
                sleep(45 * TICK).await;
                scope.clone()
            });
            let scope = outcome.await.unwrap();
            assert!(!scope.expired());
            assert_eq!(scope.when(), later);
        }
    });
}

// TO-11
#[test]
fn a_limit_in_the_past_cancels_at_the_next_await_that_suspends() {
    on_workers(1, async {
        let log = Log::default();
        let past = Instant::now();
        let outcome = timeout(HOUR, async |scope| {
            checkpoint().await;
            scope.reschedule(Some(past)).unwrap();
            async { log.note("went on") }.await;
            pending::<()>().await;
        });
        assert_eq!(outcome.await, timed_out());
        assert_eq!(log.notes(), ["went on"]);
    });
}

// TO-11
#[test]
fn any_task_and_any_thread_may_move_the_limit() {
    on_workers(2, async {
        for from_thread in [false, true] {
            let (send, scope) = oneshot::channel::<Timeout>();
            let task = create_task(timeout(HOUR, async move |scope: &Timeout| {
                send.send(scope.clone()).unwrap();
                pending::<()>().await;
            }));
            let scope = scope.await.unwrap();
            let (when, before) = (Instant::now() + TICK, Instant::now());
            if from_thread {
                let mover = thread::spawn(move || scope.reschedule(Some(when)));
                mover.join().unwrap().unwrap();
            } else {
                scope.reschedule(Some(when)).unwrap();
            }
            assert_eq!(task.await.unwrap(), timed_out());
            assert!(before.elapsed() >= TICK);
        }
    });
}

// TO-11
#[test]
fn a_limit_can_be_moved_over_and_over_and_the_last_one_holds() {
    on_workers(2, async {
        let (send, scope) = oneshot::channel::<Timeout>();
        let task = create_task(timeout(HOUR, async move |scope: &Timeout| {
            send.send(scope.clone()).unwrap();
            pending::<()>().await;
        }));
        let scope = scope.await.unwrap();
        let base = Instant::now();
        for round in 0..2000u32 {
            let when = [Some(base + HOUR), None, Some(base + HOUR * 2)][round as usize % 3];
            scope.reschedule(when).unwrap();
            if round % 100 == 0 {
                checkpoint().await;
            }
        }
        assert!(!task.done());
        scope.reschedule(Some(base)).unwrap();
        assert_eq!(task.await.unwrap(), timed_out());
        assert_eq!(scope.when(), Some(base));
    });
}

#[test]
fn a_task_that_keeps_moving_its_limit_lives() {
    on_workers(2, async {
        let outcome = timeout(20 * TICK, async |scope| {
            for _ in 0..20 {
                sleep(2 * TICK).await;
                scope
                    .reschedule(Some(Instant::now() + 20 * TICK))
                    .or_else(|error| if scope.expired() { Ok(()) } else { Err(error) })
                    .unwrap();
            }
            "alive"
        });
        // On a busy machine one pause may have been longer than the limit.
        if let Ok(value) = outcome.await {
            assert_eq!(value, "alive");
        }
    });
}

/// The body is woken after its limit, and moves the limit before the request is delivered.
#[test]
fn a_limit_that_is_moved_before_the_request_has_arrived_takes_it_back() {
    for later in [None, Some(HOUR)] {
        on_a_single_thread(async {
            let (send, receive) = oneshot::channel();
            let task = begun(timeout(2 * TICK, async move |scope: &Timeout| {
                receive.await.unwrap();
                // The body runs, since its result was ready before the request was delivered. So it
                // can still move the limit.
                let when = later.map(|later| Instant::now() + later);
                scope.reschedule(when).unwrap();
                assert!(!scope.expired());
                let mut child = create_task(sleep(TICK));
                (&mut child).await.unwrap();
                checkpoint().await;
                scope.clone()
            }))
            .await;
            send.send(()).unwrap();
            thread::sleep(4 * TICK);
            let scope = task.await.unwrap().unwrap();
            assert!(!scope.expired());
        });
    }
}

#[test]
fn a_limit_that_was_taken_back_comes_again() {
    on_a_single_thread(async {
        let (send, receive) = oneshot::channel();
        let (before, log) = (Instant::now(), Log::default());
        let notes = log.clone();
        let task = begun(timeout(2 * TICK, async move |scope: &Timeout| {
            receive.await.unwrap();
            scope.reschedule(Some(before + 60 * TICK)).unwrap();
            checkpoint().await;
            notes.note("had more time");
            pending::<()>().await;
        }))
        .await;
        send.send(()).unwrap();
        thread::sleep(4 * TICK);
        assert_eq!(task.await.unwrap(), timed_out());
        assert!(before.elapsed() >= 60 * TICK);
        assert_eq!(log.notes(), ["had more time"]);
    });
}

#[test]
fn moving_the_outer_limit_in_time_leaves_the_inner_to_expire() {
    for (move_outer, move_inner) in [(true, true), (true, false), (false, true)] {
        on_a_single_thread(async move {
            let (send, receive) = oneshot::channel();
            let later = Instant::now() + HOUR;
            let task = begun(timeout(2 * TICK, async move |outer: &Timeout| {
                let inner = timeout(2 * TICK, async move |inner: &Timeout| {
                    receive.await.unwrap();
                    if move_inner {
                        inner.reschedule(Some(later)).unwrap();
                    }
                    if move_outer {
                        outer.reschedule(Some(later)).unwrap();
                    }
                    sleep(2 * TICK).await;
                });
                inner.await
            }))
            .await;
            send.send(()).unwrap();
            thread::sleep(4 * TICK);
            let expected = match (move_outer, move_inner) {
                (true, true) => Ok(Ok(())),
                (true, false) => Ok(timed_out()),
                (false, _) => timed_out(),
            };
            assert_eq!(task.await.unwrap(), expected);
        });
    }
}

// TO-11
#[test]
fn while_expiring_and_after_its_end_a_limit_cannot_be_moved() {
    on_workers(1, async {
        let later = Some(Instant::now() + HOUR);
        let text = |scope: &Timeout| scope.reschedule(later).unwrap_err().to_string();
        let scope = timeout(TICK, async |scope| {
            catch_cancelled(pending::<()>()).await.unwrap_err();
            assert_eq!(text(scope), "Cannot change state of expiring Timeout");
            checkpoint().await;
            assert_eq!(text(scope), "Cannot change state of expiring Timeout");
            scope.clone()
        });
        let scope = scope.await.unwrap();
        assert_eq!(text(&scope), "Cannot change state of expired Timeout");
        let scope = timeout(HOUR, async |scope| scope.clone()).await.unwrap();
        assert_eq!(text(&scope), "Cannot change state of finished Timeout");
    });
}

#[test]
fn a_timeout_dropped_midway_is_finished() {
    on_workers(1, async {
        let mut kept = None;
        {
            let limited = timeout(HOUR, async |scope| {
                kept = Some(scope.clone());
                pending::<()>().await;
            });
            assert!(limited.now_or_never().is_none());
        }
        let scope = kept.unwrap();
        assert!(!scope.expired());
        let text = scope.reschedule(None).unwrap_err().to_string();
        assert_eq!(text, "Cannot change state of finished Timeout");
        checkpoint().await;
    });
}

#[test]
fn a_timeout_shows_its_state_and_its_deadline() {
    on_workers(1, async {
        let scope = timeout(HOUR, async |scope| {
            assert!(format!("{scope:?}").contains("Active"), "{scope:?}");
            scope.clone()
        });
        let scope = scope.await.unwrap();
        let shown = format!("{scope:?}");
        assert!(
            shown.contains("Finished") && shown.contains("when"),
            "{shown}"
        );
    });
}

#[test]
fn moves_from_other_threads_race_with_the_expiry() {
    from_many_threads(async |event_loop| {
        let (send, scope) = oneshot::channel::<Timeout>();
        let short = Duration::from_micros(100);
        let task = event_loop.create_task(timeout(short, async move |scope: &Timeout| {
            send.send(scope.clone()).unwrap();
            pending::<()>().await;
        }));
        let scope = scope.await.unwrap();
        let mut moved = Ok(());
        while moved.is_ok() {
            moved = scope.reschedule(Some(Instant::now() + short / 4));
        }
        assert_eq!(task.await.unwrap(), timed_out());
        assert!(scope.expired());
    });
}

#[test]
fn a_move_while_the_body_is_woken_for_the_one_before_is_not_missed() {
    from_many_threads(async |event_loop| {
        let (send, scope) = oneshot::channel::<Timeout>();
        let task = event_loop.create_task(timeout(HOUR, async move |scope: &Timeout| {
            send.send(scope.clone()).unwrap();
            pending::<()>().await;
        }));
        let scope = scope.await.unwrap();
        for _ in 0..20 {
            scope.reschedule(Some(Instant::now() + HOUR)).unwrap();
            std::hint::spin_loop();
        }
        scope.reschedule(Some(Instant::now())).unwrap();
        assert_eq!(task.await.unwrap(), timed_out());
    });
}
