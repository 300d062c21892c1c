//! Tests of `shield`: asyncio's rules SH, as changed by the list of differences.

use std::future::pending;

use asyncio::{TaskError, catch_cancelled, checkpoint, create_task, current_task, finally, shield};
use futures::FutureExt;
use futures::StreamExt;
use futures::channel::oneshot;
use futures::future::{join, select};
use futures::stream::FuturesUnordered;
use runtime_tests::{Flag, begun, from_many_threads, on_workers, until};

// SH-1
#[test]
fn cancelling_the_awaiter_leaves_the_shielded_task_running() {
    from_many_threads(async |_| {
        let (send, receive) = oneshot::channel();
        let inner = begun(receive).await;
        let handle = inner.handle();
        let outer = begun(async move { shield(inner).await }).await;
        outer.cancel();
        assert!(matches!(outer.await, Err(TaskError::Cancelled(_))));
        assert!(!handle.done());
        assert_eq!(handle.cancelling(), 0);
        send.send(1).unwrap();
        handle.wait().await;
        assert!(!handle.cancelled());
    });
}

// SH-1
#[test]
fn a_task_shielded_by_reference_can_be_awaited_again() {
    from_many_threads(async |_| {
        let (send, receive) = oneshot::channel();
        let outer = begun(async move {
            let mut inner = create_task(receive);
            assert!(catch_cancelled(shield(&mut inner)).await.is_err());
            send.send(5).unwrap();
            shield(&mut inner).await.unwrap()
        })
        .await;
        outer.cancel();
        match outer.await {
            Ok(value) => assert_eq!(value, Ok(5)),
            Err(error) => assert!(error.is_cancelled()),
        }
    });
}

// SH-2
#[test]
fn a_shielded_task_cancelled_by_somebody_else_is_a_value() {
    on_workers(1, async {
        let inner = begun(pending::<()>()).await;
        let handle = inner.handle();
        let outer = begun(async move {
            let Err(TaskError::Cancelled(error)) = shield(inner).await else {
                panic!("not cancelled")
            };
            checkpoint().await;
            (
                error.message().map(str::to_owned),
                current_task().unwrap().cancelling(),
            )
        })
        .await;
        handle.cancel_with("by the test");
        assert_eq!(outer.await.unwrap(), (Some("by the test".to_owned()), 0));
    });
}

// SH-3
#[test]
fn shielding_a_task_that_is_done_answers_at_once() {
    on_workers(1, async {
        let task = create_task(async { 7 });
        until(|| task.done()).await;
        assert_eq!(shield(task).now_or_never().unwrap().unwrap(), 7);
    });
}

// SH-3
#[test]
fn a_value_that_is_ready_comes_before_the_cancellation() {
    on_workers(1, async {
        let (send, receive) = oneshot::channel();
        let inner = begun(receive).await;
        let handle = inner.handle();
        let outer = begun(async move { shield(inner).await.unwrap().unwrap() }).await;
        send.send(3).unwrap();
        until(|| handle.done()).await;
        if outer.cancel() {
            assert_eq!(outer.await.unwrap(), 3);
        }
    });
}

// SH-4
#[test]
fn a_shielded_task_that_panics_gives_its_panic_to_the_awaiter() {
    on_workers(2, async {
        let error = shield(create_task(async { panic!("inside") }))
            .await
            .map(|(): ()| ());
        assert!(error.unwrap_err().is_panic());
    });
}

// SH-4
#[test]
fn a_shielded_task_that_panics_when_nobody_awaits_it_hurts_nobody() {
    from_many_threads(async |_| {
        let (send, receive) = oneshot::channel::<()>();
        let inner = begun(async move {
            receive.await.unwrap();
            panic!("without an awaiter");
        })
        .await;
        let handle = inner.handle();
        let outer = begun(async move { drop(shield(inner).await.map(|(): ()| ())) }).await;
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        send.send(()).unwrap();
        handle.wait().await;
        assert!(!handle.cancelled());
    });
}

// SH-5
#[test]
fn shields_side_by_side_are_left_and_their_tasks_untouched() {
    on_workers(1, async {
        let (one, two) = (begun(pending::<()>()).await, begun(pending::<()>()).await);
        let handles = [one.handle(), two.handle()];
        let outer = begun(async move { drop(join(shield(one), shield(two)).await) }).await;
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        checkpoint().await;
        assert!(
            handles
                .iter()
                .all(|task| !task.done() && task.cancelling() == 0)
        );
    });
}

// SH-5
#[test]
fn a_shield_protects_what_its_task_awaits() {
    on_workers(1, async {
        let (send, receive) = oneshot::channel();
        let inner = begun(async move { create_task(receive).await.unwrap() }).await;
        let handle = inner.handle();
        let outer = begun(async move { shield(inner).await }).await;
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        send.send(()).unwrap();
        handle.wait().await;
        assert!(!handle.cancelled());
    });
}

// SH-7, difference 1
#[test]
fn a_dropped_shield_detaches_its_task() {
    from_many_threads(async |_| {
        let (done, (send, receive)) = (Flag::default(), oneshot::channel::<()>());
        let flag = done.clone();
        let inner = create_task(async move {
            receive.await.unwrap();
            flag.set();
        });
        assert!(shield(inner).now_or_never().is_none());
        send.send(()).unwrap();
        until(|| done.is_set()).await;
    });
}

#[test]
fn a_shield_inside_a_cleanup_lets_the_cleanup_be_interrupted_and_the_task_finish() {
    on_workers(1, async {
        let (done, (send, receive)) = (Flag::default(), oneshot::channel::<()>());
        let flag = done.clone();
        let outer = begun(finally(pending::<()>(), async move {
            let important = create_task(async move {
                receive.await.unwrap();
                flag.set();
            });
            shield(important).await.unwrap();
        }))
        .await;
        outer.cancel();
        for _ in 0..5 {
            checkpoint().await;
        }
        assert!(!outer.done());
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        send.send(()).unwrap();
        until(|| done.is_set()).await;
    });
}

#[test]
fn a_shield_in_a_set_of_futures_and_in_a_select_protects_as_well() {
    from_many_threads(async |_| {
        let inner = begun(pending::<()>()).await;
        let handle = inner.handle();
        let outer = begun(async move {
            let mut set: FuturesUnordered<_> = std::iter::once(shield(inner)).collect();
            let _never = select(set.next(), pending::<()>()).await;
        })
        .await;
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        assert!(!handle.done() && handle.cancelling() == 0);
        handle.cancel();
        handle.wait().await;
    });
}

#[test]
fn a_task_beside_a_shield_takes_the_request_and_the_shielded_one_does_not() {
    on_workers(1, async {
        let (safe, exposed) = (begun(pending::<()>()).await, begun(pending::<()>()).await);
        let handles = [safe.handle(), exposed.handle()];
        let outer = begun(async move { drop(join(shield(safe), exposed).await) }).await;
        outer.cancel();
        assert!(outer.await.unwrap_err().is_cancelled());
        assert!(!handles[0].done() && handles[1].cancelled());
    });
}
