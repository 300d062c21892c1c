//! Tests that a cleanup is interrupted only by a request that is made after it began.

use super::*;
use asyncio::{CancelScope, current_task, move_on_after, timeout_at};

/// The cleanup of these tests: it takes some time, and counts itself when it has ended.
async fn clean(cleaned: Arc<AtomicUsize>) {
    for _ in 0..3 {
        checkpoint().await;
    }
    sleep(Duration::from_millis(2)).await;
    cleaned.fetch_add(1, Ordering::SeqCst);
}

/// Shuts down a hundred tasks that `task` makes, and asserts that all their cleanups end. The
/// arguments of `task` are a number, the counter of ended cleanups, and the counter of bodies that
/// have begun.
fn all_clean_up<F>(
    task: impl Fn(usize, Arc<AtomicUsize>, Arc<AtomicUsize>) -> F + Copy + Send + Sync,
) where
    F: Future<Output = ()> + Send + 'static,
{
    for workers in [1, 2, 3] {
        watched(|| {
            let cleaned = Arc::new(AtomicUsize::new(0));
            let mut runner = runner(workers);
            let counter = cleaned.clone();
            runner.run(async move {
                let begun = Arc::new(AtomicUsize::new(0));
                for n in 0..100 {
                    create_task(task(n, counter.clone(), begun.clone()));
                }
                until(|| begun.load(Ordering::SeqCst) == 100).await;
            });
            runner.close();
            assert_eq!(cleaned.load(Ordering::SeqCst), 100, "on {workers} workers");
        });
    }
}

/// One shutdown reaches the child directly, and through its awaiter. The second request used to cut
/// short the cleanup that the first had started.
#[test]
fn a_shutdown_lets_the_cleanup_that_it_has_begun_in_a_child_run_to_its_end() {
    all_clean_up(|_, counter, begun| async move {
        let body = async move {
            begun.fetch_add(1, Ordering::SeqCst);
            sleep(HOUR).await;
        };
        drop(create_task(finally(body, clean(counter))).await);
    });
}

/// The same with handlers that catch the request, and with every way of awaiting.
#[test]
fn a_shutdown_lets_the_handlers_of_children_run_to_their_end() {
    all_clean_up(|n, counter, begun| async move {
        let child = create_task(async move {
            begun.fetch_add(1, Ordering::SeqCst);
            if let Err(cancelled) = catch_cancelled(sleep(HOUR)).await {
                clean(counter).await;
                cancelled.raise().await;
            }
        });
        match n % 4 {
            0 => drop(child.await),
            1 => drop(wait_for(child, HOUR).await),
            2 => drop(asyncio::gather((child, sleep(HOUR))).await),
            _ => drop(futures::future::join(child, pending::<()>()).await),
        }
    });
}

fn cancel(task: &TaskHandle) {
    assert!(task.cancel());
}

#[test]
fn parent_and_child_that_are_cancelled_in_one_tick_are_cancelled_once() {
    for workers in [1, 2, 4] {
        for child_first in [true, false] {
            on_workers(workers, async move {
                let cleaned = Arc::new(AtomicUsize::new(0));
                for n in 1..=50 {
                    let child = begun(finally(pending::<()>(), clean(cleaned.clone()))).await;
                    let handle = child.handle();
                    let parent = begun(async move { drop(child.await) }).await;
                    let both = [parent.handle(), handle];
                    if child_first {
                        both.iter().rev().for_each(cancel);
                    } else {
                        both.iter().for_each(cancel);
                    }
                    assert!(parent.await.unwrap_err().is_cancelled());
                    assert_eq!(cleaned.load(Ordering::SeqCst), n);
                }
            });
        }
    }
}

#[test]
fn one_deadline_that_parent_and_child_have_is_one_cancellation() {
    for (workers, paused) in [(1, true), (1, false), (2, true), (2, false)] {
        watched(|| {
            let builder = Runner::builder().workers(workers).start_paused(paused);
            let mut runner = builder.build().unwrap();
            runner.run(async move {
                let cleaned = Arc::new(AtomicUsize::new(0));
                for n in 1..=50 {
                    let deadline = get_running_loop().time() + Duration::from_millis(2);
                    let counter = cleaned.clone();
                    let child = begun(timeout_at(deadline, async move |_| {
                        finally(sleep(HOUR), clean(counter)).await;
                    }))
                    .await;
                    let outcome = timeout_at(deadline, async move |_| child.await).await;
                    assert_eq!(cleaned.load(Ordering::SeqCst), n);
                    // The deadline has passed for the parent, too, whichever of the two timers
                    // fires first.
                    assert!(
                        !matches!(outcome, Ok(Ok(Ok(())))),
                        "nobody has returned a value"
                    );
                }
            });
        });
    }
}

/// This bug was found with one worker, where the body ends and the request is made in the same
/// tick.
#[test]
fn a_request_that_is_older_than_a_cleanup_waits_for_its_end() {
    for workers in [1, 2] {
        on_workers(workers, async {
            let cleaned = Arc::new(AtomicUsize::new(0));
            let ready = asyncio::Future::<()>::new();
            let body = {
                let ready = ready.clone();
                async move { ready.await.unwrap() }
            };
            let task = begun(finally(body, clean(cleaned.clone()))).await;
            // The next poll of the task finds both the result and the request.
            let handle = task.handle();
            create_task(async move {
                ready.set_result(()).unwrap();
                handle.cancel();
            });
            // With two workers the body may have ended before the request was made.
            let _ended = task.await;
            assert_eq!(
                cleaned.load(Ordering::SeqCst),
                1,
                "the cleanup is not cut short"
            );
        });
    }
}

#[test]
fn a_request_that_is_made_during_a_cleanup_interrupts_it() {
    on_workers(1, async {
        let task = begun(finally(pending::<()>(), async {
            current_task().unwrap().cancel();
            sleep(HOUR).await;
        }))
        .await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());

        let cleaning = asyncio::Future::<()>::new();
        let told = cleaning.clone();
        let task = begun(finally(pending::<()>(), async move {
            told.set_result(()).unwrap();
            sleep(HOUR).await;
        }))
        .await;
        task.cancel();
        cleaning.await.unwrap();
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn a_request_that_an_awaiter_passes_on_during_a_cleanup_interrupts_it() {
    on_workers(2, async {
        let cleaning = asyncio::Future::<()>::new();
        let told = cleaning.clone();
        let child = begun(finally(pending::<()>(), async move {
            told.set_result(()).unwrap();
            sleep(HOUR).await;
        }))
        .await;
        let handle = child.handle();
        let parent = begun(async move { drop(child.await) }).await;
        handle.cancel();
        cleaning.await.unwrap();
        parent.cancel();
        assert!(parent.await.unwrap_err().is_cancelled());
        assert!(handle.cancelled());
    });
}

/// A limit that had passed before the cleanup began must not interrupt it.
#[test]
fn a_limit_that_is_older_than_a_cleanup_waits_for_its_end() {
    on_workers(1, async {
        let cleaned = Arc::new(AtomicUsize::new(0));
        let counter = cleaned.clone();
        let deadline = get_running_loop().time() + Duration::from_millis(1);
        let outcome = timeout_at(deadline, async move |_| {
            let body = async {
                // Blocks the worker until the limit has passed, and is ready in the next poll.
                std::thread::sleep(Duration::from_millis(2));
                checkpoint().await;
            };
            finally(body, clean(counter)).await;
        });
        assert!(outcome.await.is_err(), "the limit has passed");
        assert_eq!(cleaned.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_scope_that_is_cancelled_before_a_cleanup_waits_for_its_end() {
    on_workers(1, async {
        let cleaned = Arc::new(AtomicUsize::new(0));
        let counter = cleaned.clone();
        let outcome = move_on_after(None, async move |scope: &CancelScope| {
            let ready = asyncio::Future::<()>::new();
            let (setter, scope) = (ready.clone(), scope.clone());
            create_task(async move {
                setter.set_result(()).unwrap();
                scope.cancel();
            });
            finally(async move { ready.await.unwrap() }, clean(counter)).await;
            5
        });
        assert_eq!(outcome.await, None, "the scope was cancelled");
        assert_eq!(cleaned.load(Ordering::SeqCst), 1);
    });
}

/// The second request is made before the poll in which the handler catches the first.
#[test]
fn requests_that_are_made_before_a_handler_begins_are_one() {
    for gathered in [false, true] {
        on_workers(1, async move {
            let parent = begun(async move {
                let child = create_task(pending::<()>());
                let caught = if gathered {
                    catch_cancelled(async { drop(asyncio::gather([child]).await) }).await
                } else {
                    catch_cancelled(async { drop(child.await) }).await
                };
                assert!(caught.is_err());
                catch_cancelled(sleep(Duration::from_millis(1)))
                    .await
                    .is_ok()
            })
            .await;
            parent.cancel();
            // When the child has ended, the parent has been scheduled, but not polled.
            let children: Vec<_> = get_running_loop().all_tasks();
            until(|| children.iter().any(TaskHandle::cancelled)).await;
            let in_time = !parent.done();
            parent.cancel();
            assert!(
                parent.await.unwrap() || !in_time,
                "the handler was interrupted"
            );
        });
    }
}
