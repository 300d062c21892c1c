//! Tests of cancellation through layers: awaited tasks, scopes inside scopes, cleanups, nested
//! polls.

use super::*;
use asyncio::{Runner, task};
use runtime_tests::watched;
use std::future::poll_fn;
use std::panic::panic_any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

// CA-4
#[test]
fn a_request_goes_through_awaited_tasks_to_the_innermost() {
    on_workers(1, async {
        let log = Log::default();
        let notes = [log.clone(), log.clone(), log.clone()];
        let task = begun(async move {
            let [outer, middle, inner] = notes;
            let child = create_task(async move {
                let grandchild = create_task(async move {
                    finally(pending::<()>(), async move { inner.note("inner") }).await;
                });
                finally(grandchild, async move { middle.note("middle") })
                    .await
                    .unwrap();
            });
            finally(child, async move { outer.note("outer") })
                .await
                .unwrap();
        })
        .await;
        for _ in 0..10 {
            checkpoint().await;
        }
        task.cancel_with("through all");
        // CA-14, CA-16
        assert_eq!(told(task.await).as_deref(), Some("through all"));
        assert_eq!(log.notes(), ["inner", "middle", "outer"]);
    });
}

// CA-4
#[test]
fn the_awaiter_waits_until_the_cancelled_task_has_ended() {
    from_many_threads(async |event_loop| {
        let (cleaned, started) = (Flag::default(), Flag::default());
        let (flag, start) = (cleaned.clone(), started.clone());
        let outer = event_loop.create_task(async move {
            let inner = create_task(async move {
                start.set();
                let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
                for _ in 0..5 {
                    checkpoint().await;
                }
                flag.set();
                caught.raise().await
            });
            let _: Result<(), _> = inner.await;
        });
        until(|| started.is_set()).await;
        outer.cancel();
        assert_eq!(told(outer.await), None);
        assert!(cleaned.is_set());
    });
}

// CA-5
#[test]
fn an_inner_task_that_suppresses_gives_its_value_to_the_awaiter() {
    from_many_threads(async |event_loop| {
        let started = Flag::default();
        let start = started.clone();
        let outer = event_loop.create_task(async move {
            let inner = create_task(async move {
                start.set();
                catch_cancelled(pending::<()>()).await.unwrap_err();
                checkpoint().await;
                8
            });
            let value = inner.await.unwrap();
            checkpoint().await;
            (value, current_task().unwrap().cancelling())
        });
        until(|| started.is_set()).await;
        outer.cancel();
        assert_eq!(outer.await.unwrap(), (8, 1));
    });
}

#[test]
fn ignoring_the_result_of_a_task_cannot_swallow_ones_own_cancellation() {
    on_workers(1, async {
        let log = Log::default();
        let inner = log.clone();
        let task = begun(async move {
            let _ = create_task(pending::<()>()).await;
            inner.note("after it");
        })
        .await;
        task.cancel();
        assert_eq!(told(task.await), None);
        assert!(log.notes().is_empty());
    });
}

#[test]
fn a_scope_around_an_awaited_task_catches_what_goes_on_outward() {
    on_workers(1, async {
        let task = begun(async {
            let mut inner = create_task(pending::<()>());
            let caught = catch_cancelled(&mut inner).await.unwrap_err();
            assert!(inner.done() && inner.cancelled());
            checkpoint().await;
            caught.message().map(str::to_owned)
        })
        .await;
        checkpoint().await;
        task.cancel_with("one");
        assert_eq!(task.await.unwrap().as_deref(), Some("one"));
    });
}

// CA-10
#[test]
fn after_a_self_cancel_the_next_await_of_a_task_cancels_that() {
    on_workers(1, async {
        let task = begun(async {
            let child = create_task(pending::<()>());
            let handle = child.handle();
            current_task().unwrap().cancel_with("myself");
            let caught = catch_cancelled(child).await.unwrap_err();
            (handle.cancelled(), caught.message().map(str::to_owned))
        })
        .await;
        assert_eq!(task.await.unwrap(), (true, Some("myself".to_owned())));
    });
}

// CA-16
#[test]
fn a_raise_goes_through_every_layer_from_the_inside_out() {
    from_many_threads(async |event_loop| {
        let (log, started) = (Log::default(), Flag::default());
        let (notes, start) = ([0; 5].map(|_| log.clone()), started.clone());
        let task = event_loop.create_task(async move {
            let [one, two, three, four, five] = notes;
            let innermost = finally(
                async move {
                    start.set();
                    pending::<()>().await;
                },
                async move {
                    checkpoint().await;
                    one.note("one");
                },
            );
            let caught = async move {
                let error = catch_cancelled(innermost).await.unwrap_err();
                two.note("two");
                checkpoint().await;
                error.raise().await
            };
            let cleaned = finally(caught, async move { three.note("three") });
            let again = async move {
                let error: CancelledError = catch_cancelled::<_>(cleaned).await.unwrap_err();
                four.note("four");
                error.raise().await
            };
            finally(again, async move { five.note("five") }).await
        });
        until(|| started.is_set()).await;
        task.cancel_with("out");
        let task: Task<()> = task_of_unit(task);
        assert_eq!(told(task.await).as_deref(), Some("out"));
        assert_eq!(log.notes(), ["one", "two", "three", "four", "five"]);
    });
}

/// Wraps a task whose body never returns in one with the output `()`.
fn task_of_unit<T: Send + 'static>(task: Task<T>) -> Task<()> {
    create_task(async move {
        match task.await {
            Ok(_) => (),
            Err(TaskError::Cancelled(error)) => error.raise().await,
            Err(other) => panic!("{other}"),
        }
    })
}

#[test]
fn an_inner_scope_suppresses_and_the_outer_sees_a_value() {
    on_workers(1, async {
        let task = begun(catch_cancelled(async {
            let inner = catch_cancelled(pending::<()>()).await;
            checkpoint().await;
            inner.is_err()
        }))
        .await;
        task.cancel();
        assert_eq!(task.await.unwrap(), Ok(true));
    });
}

#[test]
fn a_cleanup_runs_after_a_value_a_cancellation_and_a_panic() {
    on_workers(1, async {
        let runs = AtomicUsize::new(0);
        let runs: &'static AtomicUsize = Box::leak(Box::new(runs));
        let cleanup = move || async move {
            checkpoint().await;
            runs.fetch_add(1, Ordering::SeqCst);
        };
        assert_eq!(finally(async { 1 }, cleanup()).await, 1);
        let task = begun(finally(pending::<()>(), cleanup())).await;
        task.cancel_with("on");
        assert_eq!(told(task.await).as_deref(), Some("on"));
        let task = create_task(finally(async { panic_any(3_u8) }, cleanup()));
        let error: TaskError = task.await.map(|(): ()| ()).unwrap_err();
        assert_eq!(error.into_panic().downcast_ref(), Some(&3_u8));
        let bomb = on_drop(|| panic_any(4_u8));
        let task = begun(finally(
            async move {
                let _bomb = bomb;
                pending::<()>().await
            },
            cleanup(),
        ))
        .await;
        task.cancel();
        assert_eq!(
            task.await.unwrap_err().into_panic().downcast_ref(),
            Some(&4_u8)
        );
        assert_eq!(runs.load(Ordering::SeqCst), 4);
    });
}

// CA-8
#[test]
fn a_request_during_the_cleanup_interrupts_it() {
    from_many_threads(async |event_loop| {
        let (cleaning, finished) = (Flag::default(), Flag::default());
        let (begin, end, started) = (cleaning.clone(), finished.clone(), Flag::default());
        let start = started.clone();
        let task = event_loop.create_task(finally(
            async move {
                start.set();
                pending::<()>().await
            },
            async move {
                begin.set();
                pending::<()>().await;
                end.set();
            },
        ));
        until(|| started.is_set()).await;
        task.cancel_with("one");
        until(|| cleaning.is_set()).await;
        task.cancel_with("two");
        assert_eq!(told(task.await).as_deref(), Some("two"));
        assert!(!finished.is_set());
    });
}

#[test]
fn a_request_during_the_cleanup_after_a_value_loses_the_value() {
    on_workers(1, async {
        let task = begun(finally(async { 1 }, pending::<()>())).await;
        task.cancel();
        assert_eq!(told(task.await), None);
    });
}

#[test]
fn a_cleanup_that_suppresses_inside_itself_goes_on() {
    on_workers(1, async {
        let log = Log::default();
        let inner = log.clone();
        let cleanup = async move {
            assert!(catch_cancelled(pending::<()>()).await.is_err());
            checkpoint().await;
            inner.note("whole");
        };
        let task = begun(finally(async { 1 }, cleanup)).await;
        task.cancel();
        assert_eq!(task.await.unwrap(), 1);
        assert_eq!(log.notes(), ["whole"]);
    });
}

#[test]
fn an_eager_start_during_a_delivery_takes_nothing_from_its_creator() {
    on_workers(1, async {
        let task = begun(async {
            // In the poll that has the request, an eager task that starts here must not get it.
            let mut first = true;
            let body = std::future::poll_fn(move |_| {
                if !std::mem::take(&mut first) {
                    let eager = task::Builder::new().eager_start(true);
                    let mut child =
                        eager.create_task(async { catch_cancelled(checkpoint()).await.is_ok() });
                    assert!(!child.done() && child.result().is_err());
                    drop(child);
                    let waiting = eager_waiting();
                    assert!(!waiting.done());
                    waiting.cancel();
                }
                std::task::Poll::<()>::Pending
            });
            catch_cancelled(body)
                .await
                .unwrap_err()
                .message()
                .map(str::to_owned)
        })
        .await;
        task.cancel_with("mine");
        assert_eq!(task.await.unwrap().as_deref(), Some("mine"));
    });
}

fn eager_waiting() -> Task<()> {
    task::Builder::new()
        .eager_start(true)
        .create_task(pending())
}

#[test]
fn a_nested_block_on_neither_takes_nor_loses_the_request() {
    watched(|| {
        let mut other = Runner::builder().workers(2).build().unwrap();
        let theirs = other.get_loop().clone();
        on_workers(1, async move {
            let task = begun(async move {
                let own = current_task();
                let mut polls = 0;
                let body = std::future::poll_fn(move |_| {
                    polls += 1;
                    let nested = theirs.block_on(async {
                        checkpoint().await;
                        catch_cancelled(checkpoint()).await.unwrap();
                        current_task()
                    });
                    assert!(nested.unwrap().is_some());
                    assert_eq!(current_task(), own, "poll {polls}");
                    std::task::Poll::<()>::Pending
                });
                catch_cancelled(body)
                    .await
                    .unwrap_err()
                    .message()
                    .map(str::to_owned)
            })
            .await;
            task.cancel_with("mine");
            assert_eq!(task.await.unwrap().as_deref(), Some("mine"));
        });
        other.close();
    });
}

#[test]
fn a_block_on_root_can_be_cancelled_and_may_clean_up() {
    from_many_threads(async |event_loop| {
        let theirs = event_loop.clone();
        let thread = std::thread::spawn(move || {
            theirs.block_on(async {
                let own = current_task().unwrap();
                let canceller = create_task(async move { own.cancel_with("you") });
                let caught = catch_cancelled(pending::<()>()).await.unwrap_err();
                checkpoint().await;
                assert!(canceller.await.unwrap());
                caught.raise().await
            })
        });
        until(|| thread.is_finished()).await;
        let ended: Result<(), CancelledError> = thread.join().unwrap().map(|never: ()| never);
        assert_eq!(ended.unwrap_err().message(), Some("you"));
    });
}

#[test]
fn requests_at_every_moment_of_a_deep_task_leave_nothing_behind() {
    from_many_threads(async |event_loop| {
        let (living, ended) = (Flag::default(), Flag::default());
        let (probe, inner_end) = (living.set_on_drop(), ended.clone());
        let task = event_loop.create_task(async move {
            let inner = create_task(async move {
                let _probe = probe;
                let _end = on_drop(move || inner_end.set());
                for _ in 0..4 {
                    checkpoint().await;
                }
                catch_cancelled(checkpoint()).await.is_err()
            });
            finally(inner, checkpoint()).await
        });
        for _ in 0..(std::time::Instant::now().elapsed().subsec_nanos() % 7) {
            checkpoint().await;
        }
        task.cancel();
        let handle = task.handle();
        handle.wait().await;
        until(|| living.is_set() || handle.cancelled()).await;
        match task.await {
            Ok(inner) => assert!(inner.is_ok() && ended.is_set()),
            Err(error) => assert!(error.is_cancelled()),
        }
    });
}

#[test]
fn a_handle_through_which_a_request_was_passed_on_outlives_its_awaiter() {
    on_workers(1, async {
        let caught = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&caught);
        let mut inner = Some(begun(async move { stubborn(&count, 2).await }).await);
        let (sender, receiver) = oneshot::channel();
        let mut sender = Some(sender);
        let counted = Arc::clone(&caught);
        let outer = begun(poll_fn(move |cx| {
            // When the child has caught the request that was passed on, its handle is given away.
            let _pending = inner.as_mut().map(|inner| Pin::new(inner).poll(cx));
            if counted.load(Ordering::SeqCst) == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            let _sent = sender.take().unwrap().send(inner.take().unwrap());
            Poll::Ready(())
        }))
        .await;
        outer.cancel();
        until(|| caught.load(Ordering::SeqCst) == 1).await;
        outer.await.unwrap();
        let mut carried = receiver.await.unwrap();
        // This poll replaces the stored waker: only the request keeps the first awaiter alive.
        let polled = poll_fn(|cx| Poll::Ready(Pin::new(&mut carried).poll(cx))).await;
        assert!(polled.is_pending());
        drop(carried);
        // A later request is passed on through other tasks.
        let task = begun(async { create_task(pending::<()>()).await }).await;
        task.cancel();
        assert_eq!(told(task.await), None);
    });
}
