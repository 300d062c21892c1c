//! Tests of limits that are moved while they expire, or polled by another task or loop.

use super::*;

#[asyncio::test(start_paused = true)]
async fn an_expired_limit_cannot_be_moved_from_inside_another_that_is_due() {
    let task = create_task(async {
        let mut moved = Ok(());
        let outcome: Result<(), _> = timeout(TICK, async |outer: &Timeout| {
            let error = catch_cancelled(pending::<()>()).await.unwrap_err();
            let inner = timeout(Duration::ZERO, async |_| {
                moved = outer.reschedule(Some(now() + HOUR));
            });
            inner.await.unwrap();
            checkpoint().await;
            error.raise().await
        })
        .await;
        (outcome.is_err(), moved.is_err())
    });
    let outcome = end(task).await.unwrap();
    assert_eq!(outcome.expect("nobody cancels it"), (true, true));
}

#[asyncio::test(start_paused = true)]
async fn the_due_limit_of_an_eager_task_does_not_let_it_move_its_parents() {
    let when = now() + TICK;
    let task = create_task(async move {
        let (mut kept, mut moved) = (None, None);
        let outcome = timeout_at(when, async |outer: &Timeout| {
            kept = Some(outer.clone());
            sleep_until(when).await;
            let scope = outer.clone();
            let eager = task::Builder::new().eager_start(true);
            let eager = eager.create_task(async move {
                let inner = timeout(Duration::ZERO, async |_| scope.reschedule(None));
                inner.await.unwrap()
            });
            moved = Some(eager.await.unwrap().is_ok());
            pending::<()>().await;
        });
        assert!(outcome.await.is_err());
        (moved, kept.unwrap().expired())
    });
    let outcome = end(task).await.unwrap();
    assert_eq!(outcome.unwrap(), (Some(false), true));
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_that_uncancel_stops_on_its_way_gives_the_limit_back() {
    let ((send, receive), (give, given)) = (oneshot::channel::<()>(), oneshot::channel());
    let task = create_task(async move {
        let outcome = timeout(HOUR / 2, async |scope: &Timeout| {
            give.send(scope.clone()).unwrap();
            receive.await.unwrap();
            assert_eq!(current_task().unwrap().uncancel(), 0);
            pending::<()>().await;
        });
        outcome.await
    });
    let scope: Timeout = given.await.unwrap();
    checkpoint().await;
    // All of this happens before the next poll of the task.
    task.cancel();
    scope.reschedule(Some(now())).unwrap();
    send.send(()).unwrap();
    let outcome = end(task).await.expect("the limit arrives");
    assert_eq!(outcome.unwrap(), Err(TimeoutError));
}

#[asyncio::test(start_paused = true)]
async fn a_limit_taken_back_stays_so_when_another_expires_in_the_same_poll() {
    let when = now() + TICK;
    let task = create_task(async move {
        let outcome = timeout_at(when, async |outer: &Timeout| {
            let inner = timeout_at(when, async |_| {
                sleep_until(when).await;
                outer.reschedule(None).unwrap();
                let innermost = timeout(Duration::ZERO, async |_| pending::<()>().await);
                assert!(innermost.await.is_err());
                pending::<()>().await;
            });
            assert_eq!(inner.await, Err(TimeoutError));
        });
        outcome.await
    });
    let outcome = end(task).await.expect("the inner limit arrives");
    assert_eq!(outcome.unwrap(), Ok(()));
}

#[asyncio::test(start_paused = true)]
async fn a_limit_may_move_to_a_task_with_an_old_request() {
    let mut limited = Box::pin(wait_for(pending::<()>(), 5 * TICK));
    let first = create_task(async move {
        begun(&mut limited).await;
        Some(limited)
    });
    let limited = end(first).await.unwrap().unwrap().unwrap();
    let second = create_task(async move {
        met_a_request().await;
        limited.await
    });
    let outcome = end(second).await.unwrap();
    assert_eq!(outcome.expect("nobody cancels it"), Err(TimeoutError));
}

#[asyncio::test(start_paused = true)]
async fn a_limit_from_a_task_with_an_old_request_swallows_none_of_the_next() {
    let first = create_task(async {
        met_a_request().await;
        let body = async {
            let first = catch_cancelled(pending::<()>()).await.unwrap_err();
            match catch_cancelled(sleep(10 * TICK)).await {
                Ok(()) => first.raise().await,
                Err(second) => second.raise().await,
            }
        };
        let mut limited = Box::pin(wait_for(body, 2 * TICK));
        begun(&mut limited).await;
        Some(limited)
    });
    let limited = end(first).await.unwrap().unwrap().unwrap();
    let second = create_task(async move {
        let _outcome: Result<(), _> = limited.await;
    });
    sleep(5 * TICK).await;
    second.cancel();
    assert!(end(second).await.unwrap().unwrap_err().is_cancelled());
}

#[asyncio::test(start_paused = true)]
async fn a_limit_that_was_taken_away_holds_no_timer() {
    let before = now();
    let (send, receive) = oneshot::channel();
    let thread = thread::spawn(move || {
        thread::sleep(20 * TICK);
        send.send(()).unwrap();
    });
    let outcome = timeout(HOUR, async |scope: &Timeout| {
        sleep(TICK).await;
        scope.reschedule(None).unwrap();
        receive.await.unwrap();
    });
    outcome.await.unwrap();
    thread.join().unwrap();
    assert_eq!(now() - before, TICK, "time has not jumped to it");
}

/// A waker that moves a limit when it is dropped, and records whether that succeeded.
struct Mover {
    limit: Mutex<Option<Timeout>>,
    granted: Arc<Mutex<Option<bool>>>,
}

impl ArcWake for Mover {
    fn wake_by_ref(_: &Arc<Self>) {}
}

impl Drop for Mover {
    fn drop(&mut self) {
        if let Some(limit) = self.limit.get_mut().unwrap().take() {
            let granted = limit.reschedule(Some(Instant::now() + HOUR)).is_ok();
            *self.granted.lock().unwrap() = Some(granted);
        }
    }
}

// The limit drops its stored waker after it has compared the deadline, and before it expires.
#[asyncio::test(workers = 1)]
async fn a_move_that_was_granted_holds() {
    let kept = Mutex::new(None);
    let mut limited = Box::pin(timeout(2 * TICK, async |scope: &Timeout| {
        *kept.lock().unwrap() = Some(scope.clone());
        pending::<()>().await;
    }));
    let granted = Arc::new(Mutex::new(None));
    let mover = Arc::new(Mover {
        limit: Mutex::default(),
        granted: Arc::clone(&granted),
    });
    let moving = waker(Arc::clone(&mover));
    assert!(
        limited
            .as_mut()
            .poll(&mut Context::from_waker(&moving))
            .is_pending()
    );
    *mover.limit.lock().unwrap() = kept.lock().unwrap().clone();
    drop((moving, mover));
    sleep(5 * TICK).await;
    let outcome = poll_fn(|cx| Poll::Ready(limited.as_mut().poll(cx))).await;
    assert_eq!(*granted.lock().unwrap(), Some(true));
    assert!(outcome.is_pending(), "{outcome:?}");
}

#[asyncio::test(start_paused = true)]
async fn a_limit_whose_request_is_put_off_can_be_moved() {
    let when = now() + TICK;
    let task = create_task(async move {
        let one = async {
            sleep_until(when).await;
            current_task().unwrap().cancel();
        };
        let two = timeout_at(when, async |scope: &Timeout| {
            sleep_until(when).await;
            let moved = scope.reschedule(None);
            current_task().unwrap().uncancel();
            moved
        });
        join(one, two).await.1
    });
    assert_eq!(end(task).await.unwrap().unwrap(), Ok(Ok(())));
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_limit_has_not_expired_before_its_request_arrives() {
    let (mut inside, mut kept, when) = (true, None, now() + TICK);
    let outcome = timeout_at(when, async |scope: &Timeout| {
        kept = Some(scope.clone());
        sleep_until(when).await;
        inside = scope.expired();
    });
    outcome.await.unwrap();
    assert!(!inside && !kept.unwrap().expired());
}

#[test]
fn a_limit_outlives_its_loop_and_goes_on_in_another() {
    let mut limited = Box::pin(wait_for(pending::<()>(), 20 * TICK));
    let mut sleeping = Box::pin(sleep(20 * TICK));
    asyncio::run(async {
        begun(&mut limited).await;
        begun(&mut sleeping).await;
    });
    watched(|| {
        assert_eq!(asyncio::run(limited), Err(TimeoutError));
        asyncio::run(sleeping);
    });
}

#[test]
fn outside_a_task_the_panic_of_timeout_names_the_line_that_made_it() {
    let mut limited = Box::pin(timeout(TICK, async |_| ()));
    let mut context = Context::from_waker(Waker::noop());
    let panic = caught(|| limited.as_mut().poll(&mut context));
    assert!(panic.text.contains(file!()), "{}", panic.text);
    let silent = catch_unwind(AssertUnwindSafe(|| drop(limited)));
    assert!(silent.is_ok());
}
