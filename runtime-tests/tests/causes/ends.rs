//! Tests that a task that is being cancelled does not see the end of an awaited task as a value:
//! that end counts as its own cancellation.

use super::*;
use asyncio::{
    FIRST_COMPLETED, TaskError, as_completed, gather, gather_all, move_on_after,
    run_coroutine_threadsafe, shield, timeout, to_thread, try_gather, wait,
};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;

type Child = fn() -> Task<()>;
type Await = fn(Child) -> BoxFuture<'static, Result<(), TaskError>>;

fn child() -> Task<()> {
    create_task(pending())
}

/// A child that ends some time after its cancellation, because it has a cleanup.
fn slow_child() -> Task<()> {
    create_task(finally(pending(), async {
        checkpoint().await;
        sleep(Duration::from_micros(300)).await;
    }))
}

fn all<T>(values: Result<T, TaskError>) -> Result<(), TaskError> {
    values.map(|_| ())
}

/// Every way to await a child and get its outcome.
const WAYS: [(&str, Await); 18] = [
    ("await", |child| Box::pin(async move { child().await })),
    ("&mut", |child| {
        Box::pin(async move { (&mut child()).await })
    }),
    ("shield", |child| {
        Box::pin(async move { shield(child()).await })
    }),
    ("gather", |child| {
        Box::pin(async move { gather((child(), child())).await?.0 })
    }),
    ("gather of coroutines", |child| {
        Box::pin(async move {
            gather_all([pending::<()>(), pending()]).await?;
            child().await
        })
    }),
    ("gather, exceptions returned", |child| {
        Box::pin(async move {
            let [_, second] = gather([child(), child()]).return_exceptions().await;
            second?
        })
    }),
    ("try_gather", |child| {
        Box::pin(async move { all(try_gather([child(), child()]).await) })
    }),
    ("wait", |child| {
        Box::pin(async move {
            let (mut done, _) = wait([child(), child()]).return_when(FIRST_COMPLETED).await;
            done.remove(0).result()
        })
    }),
    ("wait for all", |child| {
        Box::pin(async move {
            let (mut done, _) = wait([child(), child()]).await;
            done.remove(0).result()
        })
    }),
    ("as_completed", |child| {
        Box::pin(async move { as_completed([child(), child()]).next().await.unwrap() })
    }),
    ("a set", |child| {
        Box::pin(async move {
            let mut set: FuturesUnordered<_> = [child(), child()].into_iter().collect();
            set.next().await.unwrap()
        })
    }),
    ("join", |child| {
        Box::pin(async move { futures::future::join(child(), child()).await.1 })
    }),
    ("wait_for", |child| {
        Box::pin(async move { wait_for(child(), HOUR).await.expect("an hour is long") })
    }),
    ("scopes", |child| {
        Box::pin(async move {
            timeout(HOUR, async |_| {
                move_on_after(HOUR, async |_| child().await)
                    .await
                    .expect("an hour is long")
            })
            .await
            .expect("an hour is long")
        })
    }),
    // In a shutdown, an awaiter used to see the cancellation of the child as a value if it waited
    // through a handle, or for a future that a done callback of the child cancels.
    ("a handle's wait", |child| {
        Box::pin(async move {
            let mut child = child();
            child.handle().wait().await;
            child.result()
        })
    }),
    ("a future that is cancelled with the child", |child| {
        Box::pin(async move {
            let (child, told) = (child(), asyncio::Future::<()>::new());
            let canceller = told.clone();
            child.add_done_callback(move |child| {
                assert!(child.cancelled() && canceller.cancel());
            });
            told.await
        })
    }),
    ("threadsafe", |_| {
        Box::pin(async move { run_coroutine_threadsafe(pending(), &get_running_loop()).await })
    }),
    ("to_thread", |_| {
        Box::pin(async move { to_thread(|| std::thread::sleep(Duration::from_millis(5))).await })
    }),
];

/// A supervisor: starts a new child whenever one ends, and counts the children that ended
/// cancelled. That used to happen at every shutdown.
async fn supervise(way: Await, child: Child, begun: Arc<AtomicUsize>, restarts: Arc<AtomicUsize>) {
    loop {
        begun.fetch_add(1, Ordering::SeqCst);
        let ended = way(child).await;
        if ended.is_err() {
            restarts.fetch_add(1, Ordering::SeqCst);
        }
        // Yields, so that main goes on even if every await returns at once.
        checkpoint().await;
    }
}

#[test]
fn no_supervisor_starts_its_worker_anew_in_a_shutdown() {
    for (name, way) in WAYS {
        for (workers, child) in [(1, child as Child), (2, child), (4, child), (2, slow_child)] {
            for _ in 0..5 {
                watched(|| {
                    let mut runner = runner(workers);
                    let reports = count_reports(&runner);
                    let restarts = Arc::new(AtomicUsize::new(0));
                    let counter = restarts.clone();
                    runner.run(async move {
                        let begun = Arc::new(AtomicUsize::new(0));
                        for _ in 0..20 {
                            create_task(supervise(way, child, begun.clone(), counter.clone()));
                        }
                        until(|| begun.load(Ordering::SeqCst) >= 20).await;
                        checkpoint().await;
                    });
                    runner.close();
                    assert_eq!(
                        restarts.load(Ordering::SeqCst),
                        0,
                        "{name}, {workers} workers"
                    );
                    assert_eq!(
                        reports.load(Ordering::SeqCst),
                        0,
                        "{name}, {workers} workers"
                    );
                });
            }
        }
    }
}

#[test]
fn an_unwrap_is_quiet_in_a_shutdown() {
    for (name, way) in WAYS {
        for seed in 0..20 {
            let builder = Runner::builder().workers(1 + seed as usize % 3);
            let mut runner = builder.deterministic(seed).build().unwrap();
            let reports = count_reports(&runner);
            runner.run(async move {
                for _ in 0..5 {
                    create_task(async move { way(child).await.unwrap() });
                }
                for _ in 0..seed % 7 {
                    checkpoint().await;
                }
            });
            runner.close();
            assert_eq!(reports.load(Ordering::SeqCst), 0, "{name}, seed {seed}");
        }
    }
}

// Difference 4.
#[test]
fn a_child_that_somebody_else_cancels_is_an_error_still() {
    for (name, way) in &WAYS[..16] {
        on_workers(2, async move {
            let awaiter = create_task(way(child));
            until(|| get_running_loop().all_tasks().len() >= 3).await;
            let main = asyncio::current_task().unwrap();
            sleep(Duration::from_millis(1)).await;
            for task in get_running_loop().all_tasks() {
                if task != main && task != awaiter.handle() {
                    task.cancel();
                }
            }
            let ended = awaiter.await.expect("nobody cancels the awaiter");
            assert!(ended.unwrap_err().is_cancelled(), "{name}");
        });
    }
}

#[test]
fn who_finds_its_child_cancelled_with_a_request_of_its_own_is_cancelled_by_that() {
    on_workers(1, async {
        let child = begun(pending::<()>()).await;
        let handle = child.handle();
        let caught = begun(async move {
            let caught = catch_cancelled(child).await;
            caught.unwrap_err().message().map(str::to_owned)
        })
        .await;
        // The child is cancelled first, and has ended when the awaiter is polled with its request.
        handle.cancel_with("the child's");
        handle.wait().await;
        caught.cancel_with("the awaiter's");
        let told = caught.await.unwrap();
        assert_eq!(told.as_deref(), Some("the awaiter's"));
    });
}

/// An awaiter that has caught its own request of a shutdown awaits a child that the same shutdown
/// has cancelled.
#[test]
fn the_end_of_a_child_in_a_handler_is_the_awaiters_own_as_well() {
    for workers in [1, 2] {
        watched(|| {
            let mut runner = runner(workers);
            let reports = count_reports(&runner);
            let went_on = Arc::new(AtomicUsize::new(0));
            let counter = went_on.clone();
            runner.run(async move {
                for _ in 0..20 {
                    let counter = counter.clone();
                    begun(async move {
                        let child = child();
                        let _caught = catch_cancelled(pending::<()>()).await;
                        child.await.unwrap();
                        counter.fetch_add(1, Ordering::SeqCst);
                    })
                    .await;
                }
            });
            runner.close();
            assert_eq!(went_on.load(Ordering::SeqCst), 0);
            assert_eq!(reports.load(Ordering::SeqCst), 0);
        });
    }
}

/// Waiting for one's children is a usual cleanup. There, calls that only wait for the end (`wait`,
/// and `gather` with `return_exceptions`) return, and the awaiter is not cancelled.
#[test]
fn who_waits_for_its_children_in_a_cleanup_is_told_of_their_end_in_a_shutdown() {
    for workers in [1, 2, 4] {
        watched(|| {
            let mut runner = runner(workers);
            let cleaned = Arc::new(AtomicUsize::new(0));
            let counter = cleaned.clone();
            runner.run(async move {
                for _ in 0..20 {
                    let counter = counter.clone();
                    let (one, other) = (slow_child(), slow_child());
                    begun(finally(pending::<()>(), async move {
                        let (done, _) = wait([one]).await;
                        assert!(done[0].cancelled());
                        let ended = gather([other]).return_exceptions().await;
                        drop(ended);
                        counter.fetch_add(1, Ordering::SeqCst);
                    }))
                    .await;
                }
            });
            runner.close();
            assert_eq!(cleaned.load(Ordering::SeqCst), 20, "{workers} workers");
        });
    }
}

/// An executor that runs inside a task polls only the future that it was given.
#[test]
fn an_await_under_another_executor_inside_a_task_ends() {
    on_workers(2, async {
        let (child, other) = (begun(pending::<()>()).await, begun(pending::<()>()).await);
        let outer = begun(async move {
            asyncio::current_task().unwrap().cancel();
            ready_in_the_next_poll().await;
            // The request is in this poll, and the first await that suspends claims it.
            let first = runtime_tests::blocking_wait(child);
            assert!(first.unwrap_err().is_cancelled());
            other.cancel();
            let second = runtime_tests::blocking_wait(gather([other]));
            assert!(second.unwrap()[0].as_ref().unwrap_err().is_cancelled());
            let caught = catch_cancelled(pending::<()>()).await;
            assert!(
                caught.is_err(),
                "it goes back, to the next await of the task"
            );
        })
        .await;
        outer.await.unwrap();
    });
}

/// Suspends once. It is not aware of cancellation, so it does not claim the request of that poll.
async fn ready_in_the_next_poll() {
    let mut polled = false;
    std::future::poll_fn(|cx| {
        if std::mem::replace(&mut polled, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

// TF-11
#[test]
fn who_cancels_a_task_that_has_failed_knows_of_it() {
    for cancelled in [true, false] {
        watched(|| {
            let mut runner = runner(1);
            let reports = count_reports(&runner);
            runner.run(async move {
                let task = create_task(async { panic!("on purpose") });
                until(|| task.done()).await;
                if cancelled {
                    let task: &Task<()> = &task;
                    assert!(!task.cancel());
                }
                drop(task);
            });
            assert_eq!(reports.load(Ordering::SeqCst), usize::from(!cancelled));
        });
    }
}

#[test]
fn a_coroutine_cancelled_before_its_first_step_keeps_the_message() {
    on_workers(1, async {
        let event_loop = get_running_loop();
        let future = run_coroutine_threadsafe(pending::<()>(), &event_loop);
        let tasks = event_loop.all_tasks();
        let submitted = tasks.last().expect("it is there");
        submitted.cancel_with("too early");
        let Err(TaskError::Cancelled(error)) = future.await else {
            panic!("not cancelled");
        };
        assert_eq!(error.message(), Some("too early"));
    });
}
