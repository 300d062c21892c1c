//! Tests of raised requests: a raise takes along the requests that it stands for, and each of them
//! is delivered once.

use super::*;

/// Polls with a foreign waker.
fn once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_raised_in_the_poll_that_is_due_arrives_once() {
    let task = create_task(async {
        let body = wait_for(finally(pending::<()>(), sleep(4 * TICK)), 5 * TICK);
        let first = catch_cancelled(body).await.unwrap_err();
        let second = catch_cancelled(sleep(TICK)).await;
        (first.message().map(str::to_owned), second.is_ok())
    });
    sleep(TICK).await;
    task.cancel_with("why");
    let outcome = end(task).await.unwrap().unwrap();
    assert_eq!(
        outcome,
        (Some("why".to_owned()), true),
        "once, and it says why"
    );
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_limit_raised_in_the_poll_in_which_one_inside_is_due_ends_at_the_limit() {
    let task = create_task(async {
        let body = finally(pending::<()>(), sleep(3 * TICK));
        wait_for(wait_for(body, 5 * TICK), 2 * TICK).await
    });
    let out = end(task).await.unwrap();
    assert_eq!(
        out.expect("nobody has cancelled the task"),
        Err(TimeoutError)
    );
}

/// Joins two futures with cleanups. The second claims the first request; its cleanup is long, and
/// lets the first future go on, which then claims the next request.
async fn two_that_clean_up() {
    let (send, recv) = oneshot::channel();
    let one = async {
        recv.await.unwrap();
        finally(pending::<()>(), sleep(TICK)).await;
    };
    let other = finally(pending::<()>(), async {
        send.send(()).unwrap();
        sleep(HOUR / 2).await;
    });
    join(one, other).await;
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_raise_for_an_outer_limit_takes_along_what_its_siblings_hold() {
    let task = create_task(async {
        wait_for(wait_for(two_that_clean_up(), 5 * TICK), 2 * TICK)
            .await
            .map(drop)
    });
    let out = end(task).await.unwrap();
    assert!(out.expect("nobody has cancelled the task").is_err());
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_raise_for_the_task_takes_along_what_its_siblings_hold() {
    let task = create_task(async {
        let first = catch_cancelled(wait_for(two_that_clean_up(), 5 * TICK))
            .await
            .is_err();
        (first, catch_cancelled(sleep(TICK)).await.is_ok())
    });
    sleep(TICK).await;
    task.cancel();
    assert_eq!(end(task).await.unwrap().unwrap(), (true, true), "once");
}

/// Cancels, `times` times, a task whose child is shielded. Returns whether a request was delivered
/// to the task.
async fn cancelled_so_often(times: u32) -> bool {
    let parent = create_task(async {
        let child = create_task(move_on_after(None, async |scope| {
            scope.set_shield(true);
            sleep(10 * TICK).await;
            5
        }));
        assert_eq!(child.await.unwrap(), Some(5));
        catch_cancelled(sleep(TICK)).await.is_err()
    });
    for _ in 0..times {
        sleep(TICK).await;
        parent.cancel();
    }
    end(parent).await.unwrap().unwrap()
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn two_requests_behind_the_childs_shield_are_not_lost() {
    assert!(cancelled_so_often(1).await, "one is lost");
    assert!(cancelled_so_often(2).await, "two are lost");
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_withdrawn_from_the_child_has_met_nobody() {
    let (send, recv) = oneshot::channel();
    let parent = create_task(async {
        let child = create_task(async {
            catch_cancelled(pending::<()>()).await.unwrap_err();
            5
        });
        send.send(child.handle()).unwrap();
        assert_eq!(child.await.unwrap(), 5);
        catch_cancelled(sleep(TICK)).await.is_err()
    });
    let child = recv.await.unwrap();
    sleep(TICK).await;
    parent.cancel();
    while child.cancelling() == 0 {
        checkpoint().await;
    }
    assert_eq!(child.uncancel(), 0);
    sleep(TICK).await;
    assert!(!child.done(), "withdrawn too late");
    child.cancel();
    assert!(end(parent).await.unwrap().unwrap(), "lost");
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_waker_may_look_at_the_timeout_that_takes_its_request_back() {
    struct Looks(OnceLock<Timeout>, AtomicBool);
    impl ArcWake for Looks {
        fn wake_by_ref(this: &Arc<Self>) {
            let this = Arc::clone(this);
            let (send, recv) = mpsc::channel();
            std::thread::spawn({
                let this = Arc::clone(&this);
                move || {
                    this.0.get().map(Timeout::when);
                    let _ = send.send(());
                }
            });
            if recv.recv_timeout(Duration::from_secs(1)).is_err() {
                this.1.store(true, Ordering::Relaxed);
            }
        }
    }
    let looks = Arc::new(Looks(OnceLock::new(), AtomicBool::new(false)));
    let waker = waker(Arc::clone(&looks));
    let (send, recv) = oneshot::channel::<()>();
    let inside = Arc::clone(&looks);
    let mut body = Box::pin(timeout(TICK, async move |scope| {
        inside.0.set(scope.clone()).ok().unwrap();
        recv.await.unwrap();
        scope.reschedule(None).unwrap();
        7
    }));
    let mut cx = Context::from_waker(&waker);
    assert!(body.as_mut().poll(&mut cx).is_pending());
    send.send(()).unwrap();
    sleep(2 * TICK).await;
    assert_eq!(body.as_mut().poll(&mut cx), Poll::Ready(Ok(7)));
    assert!(
        !looks.1.load(Ordering::Relaxed),
        "woken under the lock of the timeout"
    );
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_given_back_wakes_who_polls_the_limit_now() {
    let slot = Arc::new(Mutex::new(None));
    let shared = Arc::clone(&slot);
    let task = create_task(async move {
        let child = create_task(finally(pending::<()>(), sleep(2 * HOUR)));
        *shared.lock().unwrap() = Some(child);
        let mut limited = Box::pin(timeout(TICK, async |_| {
            poll_fn(|cx| match &mut *shared.lock().unwrap() {
                Some(child) => Pin::new(child).poll(cx).map(drop),
                None => Poll::Pending,
            })
            .await;
        }));
        assert!(once(&mut limited).is_pending());
        sleep(2 * TICK).await;
        assert!(once(&mut limited).is_pending(), "passed on to the child");
        limited.await
    });
    sleep(5 * TICK).await;
    drop(slot.lock().unwrap().take());
    let out = end(task).await.expect("the limit is never polled again");
    assert_eq!(out.unwrap(), Err(TimeoutError));
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn the_handle_of_a_limit_that_has_ended_keeps_no_waker() {
    struct NoWake;
    impl ArcWake for NoWake {
        fn wake_by_ref(_: &Arc<Self>) {}
    }
    let counted = Arc::new(NoWake);
    let waker = waker(Arc::clone(&counted));
    let mut kept = None;
    let mut body = Box::pin(timeout(TICK, async |scope| {
        kept = Some(scope.clone());
        pending::<()>().await;
    }));
    let mut cx = Context::from_waker(&waker);
    assert!(body.as_mut().poll(&mut cx).is_pending());
    sleep(2 * TICK).await;
    assert_eq!(body.as_mut().poll(&mut cx), Poll::Ready(Err(TimeoutError)));
    drop(body);
    drop(waker);
    assert_eq!(Arc::strong_count(&counted), 1, "the handle keeps a waker");
    assert!(kept.unwrap().expired());
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn what_was_caught_and_is_raised_again_does_not_come_back() {
    let task = create_task(async {
        let mut body = Box::pin(finally(pending::<()>(), async {}));
        catch_cancelled(&mut body).await.unwrap_err();
        select(&mut body, ready(())).await;
        drop(body);
        catch_cancelled(sleep(TICK)).await.is_ok()
    });
    sleep(TICK).await;
    task.cancel();
    assert!(end(task).await.unwrap().unwrap(), "delivered twice");
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_from_before_the_limit_is_not_lost_in_it() {
    let task = create_task(async {
        let mut child = create_task(finally(pending::<()>(), sleep(HOUR / 2)));
        select(&mut child, sleep(2 * TICK)).await;
        let limited = catch_cancelled(wait_for(&mut child, 3 * TICK)).await;
        let later = catch_cancelled(sleep(TICK)).await.is_err();
        (limited.map(|out| out.map(drop)), later)
    });
    sleep(TICK).await;
    task.cancel();
    let (limited, later) = end(task).await.unwrap().unwrap();
    assert!(limited.is_err() || later, "lost");
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn an_outer_limit_from_before_the_limit_is_not_lost_in_it() {
    let task = create_task(async {
        timeout(TICK, async |_| {
            let mut child = create_task(finally(pending::<()>(), sleep(HOUR / 2)));
            select(&mut child, sleep(2 * TICK)).await;
            let _inner = wait_for(&mut child, 3 * TICK).await;
            pending::<()>().await;
        })
        .await
    });
    let out = end(task).await.expect("the outer limit is lost");
    assert_eq!(out.unwrap(), Err(TimeoutError));
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn what_a_shield_holds_comes_once_beside_a_limit() {
    let task = create_task(async {
        let one = async {
            // This await is not aware of cancellation, so it does not claim the request.
            let (send, recv) = oneshot::channel::<()>();
            create_task(async move {
                sleep(3 * TICK).await;
                let _ = send.send(());
            });
            recv.await.unwrap();
            finally(pending::<()>(), sleep(TICK)).await;
        };
        let other = move_on_after(None, async |scope| {
            scope.set_shield(true);
            pending::<()>().await;
        });
        let first = catch_cancelled(wait_for(join(one, other), 5 * TICK))
            .await
            .map(|o| o.map(drop));
        (first, catch_cancelled(sleep(TICK)).await.is_err())
    });
    sleep(TICK).await;
    task.cancel();
    let (first, second) = end(task).await.unwrap().unwrap();
    assert!(first.is_err() != second, "twice, or never");
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_given_back_to_nobody_leaves_no_message() {
    let task = create_task(async {
        move_on_after(None, async |scope| {
            scope.set_shield(true);
            sleep(3 * TICK).await;
        })
        .await;
        catch_cancelled(pending::<()>())
            .await
            .unwrap_err()
            .to_string()
    });
    sleep(TICK).await;
    task.cancel_with("old");
    sleep(TICK).await;
    task.uncancel();
    sleep(5 * TICK).await;
    task.cancel();
    let message = end(task).await.unwrap().unwrap();
    assert!(!message.contains("old"), "{message}");
}

/// Waits for ever; the poll after the first, in which a scope delivers, asks the task to end.
async fn asks_when_polled_again() {
    let mut polled = false;
    poll_fn(|_| {
        if std::mem::replace(&mut polled, true) {
            current_task().unwrap().cancel_with("from outside");
        }
        Poll::<()>::Pending
    })
    .await;
}

#[asyncio::test(start_paused = true, workers = 1)]
async fn a_request_that_comes_while_a_scope_delivers_says_why() {
    let of_each = |task: Task<()>| async move {
        let Some(Err(TaskError::Cancelled(error))) = end(task).await else {
            panic!("it is not cancelled")
        };
        assert_eq!(error.message(), Some("from outside"));
        assert_eq!(error.reason().source(), CancelSource::Requested);
    };
    of_each(create_task(async {
        let _out = wait_for(asks_when_polled_again(), TICK).await;
        unreachable!("the request is raised here")
    }))
    .await;
    of_each(create_task(async {
        let _out = timeout(TICK, async |_| asks_when_polled_again().await).await;
        unreachable!("the request is raised here")
    }))
    .await;
    of_each(create_task(async {
        let _out = move_on_after(TICK, async |_| asks_when_polled_again().await).await;
        unreachable!("the request is raised here")
    }))
    .await;
    of_each(create_task(async {
        let _out = task_group(async |tg| {
            tg.cancel();
            asks_when_polled_again().await;
            Ok::<_, ()>(())
        })
        .await;
        // The group was over before.
        pending().await
    }))
    .await;
    // The body has caught the scope's request, and raises it.
    of_each(create_task(async {
        let body = async {
            let error = catch_cancelled(pending::<()>()).await.unwrap_err();
            current_task().unwrap().cancel_with("from outside");
            error.raise().await
        };
        let _out: Result<(), _> = wait_for(body, TICK).await;
        unreachable!("the request is raised here")
    }))
    .await;
}
