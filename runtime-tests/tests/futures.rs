//! Tests of `asyncio::Future`: asyncio's rules TF-2, TF-4 to TF-7, TF-10, TF-15 and TF-19, and
//! differences 4, 12, 15 and 20.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use asyncio::{
    Future, Runner, TaskError, catch_cancelled, context_var, create_task, current_task,
    get_running_loop,
};
use futures::FutureExt;
use futures::future::join_all;
use runtime_tests::{
    Flag, Log, Polls, begun, blocking_wait, caught, counting_polls, from_many_threads, on_drop,
    on_workers, until, watched,
};

#[path = "futures/wakers.rs"]
mod wakers;

context_var! { static WHO: &'static str = "default" }

/// Waits until every callback registered so far has run.
async fn drained() {
    let future = Future::new();
    let last = future.clone();
    get_running_loop().call_soon(move || last.set_result(()).unwrap());
    future.await.unwrap();
}

// TF-7
#[test]
fn a_pending_future_has_no_result() {
    let future = Future::<Result<u32, &str>>::new();
    assert!(!future.done() && !future.cancelled());
    let Err(error) = future.result() else {
        panic!("a pending future has a result");
    };
    assert_eq!(error.to_string(), "Result is not set.");
    assert!(matches!(
        future.exception(),
        Err(TaskError::InvalidState(_))
    ));
}

// TF-7
#[test]
fn only_the_first_result_counts() {
    let future = Future::new();
    assert_eq!(future.set_result(Ok(1)), Ok(()));
    assert!(future.done() && !future.cancelled());
    assert!(future.set_result(Ok(2)).is_err());
    assert!(future.set_exception("too late").is_err());
    assert!(!future.cancel() && !future.cancel_with("too late"));
    assert_eq!(future.result().unwrap().unwrap(), 1);
    assert!(future.exception().unwrap().is_none());
}

// TF-7
#[test]
fn a_cancelled_future_has_no_result_either() {
    let future = Future::<Result<u32, String>>::new();
    assert!(future.cancel_with("enough"));
    assert!(future.done() && future.cancelled());
    assert!(!future.cancel());
    let Err(TaskError::Cancelled(error)) = future.result() else {
        panic!("it was cancelled");
    };
    assert_eq!(error.message(), Some("enough"));
    assert!(future.exception().unwrap_err().is_cancelled());
    assert!(future.set_exception("late".to_owned()).is_err());
    assert!(Future::<()>::new().cancel());
}

// Difference 20
#[test]
fn an_exception_is_an_error_value_and_nobody_misses_it() {
    on_workers(2, async {
        let event_loop = get_running_loop();
        let reported = Flag::default();
        let report = reported.clone();
        event_loop.set_exception_handler(move |_, _| report.set());
        let future = event_loop.create_future::<Result<u32, &str>>();
        future.set_exception("oh no").unwrap();
        assert_eq!(future.exception().unwrap(), Some("oh no"));
        assert_eq!(future.clone().await.unwrap(), Err("oh no"));
        drop(future);
        let unseen = Future::<Result<u32, &str>>::new();
        unseen.set_exception("unseen").unwrap();
        drop(unseen);
        drained().await;
        assert!(!reported.is_set());
    });
}

// TF-2
#[test]
fn awaiting_a_done_future_does_not_yield() {
    on_workers(1, async {
        let future = Future::new();
        future.set_result(1).unwrap();
        let polls = Polls::default();
        counting_polls(&polls, async {
            for _ in 0..100 {
                assert_eq!(future.clone().await.unwrap(), 1);
            }
        })
        .await;
        assert_eq!(polls.count(), 1);
    });
}

// TF-10
#[test]
fn any_number_of_awaiters_get_the_same_result() {
    on_workers(3, async {
        let future = Future::new();
        let awaiters: Vec<_> = (0..100).map(|_| create_task(future.clone())).collect();
        let through_a_thread = future.clone();
        let thread = thread::spawn(move || blocking_wait(through_a_thread));
        asyncio::checkpoint().await;
        let value = Arc::new("the same");
        future.set_result(Arc::clone(&value)).unwrap();
        for awaiter in awaiters {
            let seen = awaiter.await.unwrap().unwrap();
            assert!(Arc::ptr_eq(&seen, &value));
        }
        assert!(thread.join().unwrap().is_ok());
    });
}

// Difference 4
#[test]
fn a_cancelled_future_is_a_value_for_its_awaiters() {
    on_workers(2, async {
        let future = Future::<()>::new();
        let awaiter = begun(future.clone()).await;
        future.cancel();
        let handle = awaiter.handle();
        assert!(awaiter.await.unwrap().unwrap_err().is_cancelled());
        assert!(!handle.cancelled());
        assert_eq!(current_task().unwrap().cancelling(), 0);
    });
}

// Difference 15
#[test]
fn cancelling_an_awaiter_leaves_the_future_alone() {
    on_workers(1, async {
        let future = Future::new();
        let first = begun(future.clone()).await;
        let second = begun({
            let future = future.clone();
            async move {
                let caught = catch_cancelled(future.clone()).await;
                assert!(caught.is_err());
                future.await.unwrap()
            }
        })
        .await;
        assert!(first.cancel() && second.cancel());
        assert!(first.await.unwrap_err().is_cancelled());
        assert!(!future.done());
        future.set_result("for the others").unwrap();
        assert_eq!(second.await.unwrap(), "for the others");
    });
}

// Difference 12, TF-19
#[test]
fn a_future_belongs_to_no_loop() {
    watched(|| {
        let mut here = Runner::builder().workers(1).build().unwrap();
        let future: Future<u32> = here.get_loop().create_future();
        let elsewhere = future.clone();
        let thread = thread::spawn(move || {
            asyncio::run(async move {
                let own = Future::<()>::new();
                assert_eq!(own.get_loop(), Some(get_running_loop()));
                assert_ne!(elsewhere.get_loop(), own.get_loop());
                elsewhere.await.unwrap()
            })
        });
        here.run(async { future.set_result(42).unwrap() });
        assert_eq!(thread.join().unwrap(), 42);
        assert_eq!(Future::<()>::new().get_loop(), None);
    });
}

// TF-4, TF-16
#[test]
fn callbacks_run_in_order_and_never_in_the_caller() {
    on_workers(1, async {
        let future = Future::new();
        let log = Log::default();
        for what in ["first", "second", "third"] {
            let log = log.clone();
            future.add_done_callback(move |future: &Future<u32>| {
                assert_eq!(future.result().unwrap(), 42);
                assert!(current_task().is_none());
                log.note(what);
            });
        }
        future.set_result(42).unwrap();
        let late = log.clone();
        future.add_done_callback(move |_| late.note("late"));
        assert!(log.notes().is_empty());
        drained().await;
        assert_eq!(log.notes(), ["first", "second", "third", "late"]);
    });
}

// TF-4
#[test]
fn a_cancelled_future_runs_its_callbacks_too() {
    on_workers(2, async {
        let future = Future::<()>::new();
        let ran = Flag::default();
        let run = ran.clone();
        future.add_done_callback(move |future| {
            assert!(future.cancelled());
            run.set();
        });
        future.cancel();
        until(|| ran.is_set()).await;
    });
}

// TF-5
#[test]
fn a_removed_callback_does_not_run() {
    on_workers(1, async {
        let future = Future::new();
        let (dropped, log) = (Flag::default(), Log::default());
        let (on_drop, kept) = (dropped.set_on_drop(), log.clone());
        let id = future.add_done_callback(move |_| drop(on_drop));
        let other = future.add_done_callback(move |_| kept.note("kept"));
        assert!(future.remove_done_callback(id) && dropped.is_set());
        assert!(!future.remove_done_callback(id));
        future.set_result(()).unwrap();
        assert!(!future.remove_done_callback(other), "too late");
        drained().await;
        assert_eq!(log.notes(), ["kept"]);
    });
}

// TF-6
#[test]
fn a_panic_in_a_callback_goes_to_the_handler_and_the_others_run() {
    on_workers(2, async {
        let (reported, ran) = (Flag::default(), Flag::default());
        let (report, run) = (reported.clone(), ran.clone());
        get_running_loop().set_exception_handler(move |_, context| {
            assert_eq!(context.message(), "Exception in callback");
            assert!(context.handle().is_some());
            report.set();
        });
        let future = Future::new();
        future.add_done_callback(|_| panic!("a callback of the test"));
        future.add_done_callback(move |_| run.set());
        future.set_result(()).unwrap();
        until(|| reported.is_set() && ran.is_set()).await;
    });
}

// TF-15
#[test]
fn a_callback_runs_in_a_copy_of_its_registrars_context() {
    on_workers(2, async {
        let future = Future::new();
        let seen = Future::new();
        let see = seen.clone();
        let _token = WHO.set("registrar");
        future.add_done_callback(move |_| see.set_result(WHO.get()).unwrap());
        create_task(async move {
            let _token = WHO.set("setter");
            future.set_result(()).unwrap();
        });
        assert_eq!(seen.await.unwrap(), "registrar");
    });
}

#[test]
fn callbacks_of_a_future_without_a_loop_run_on_the_registrars() {
    let future = Future::new();
    watched(|| {
        let line = line!() + 1;
        let refused = caught(|| future.add_done_callback(|_| ()));
        assert!(
            refused.text.contains("no running event loop"),
            "{}",
            refused.text
        );
        assert_eq!(refused.place, Some((file!().to_owned(), line)));
        let mut runner = Runner::builder().workers(2).build().unwrap();
        let ran = Flag::default();
        let run = ran.clone();
        let event_loop = runner.get_loop().clone();
        runner.run(async {
            future.add_done_callback(move |_| {
                assert_eq!(get_running_loop(), event_loop);
                run.set();
            });
        });
        // This thread, which completes the future, is outside every loop.
        future.set_result(()).unwrap();
        runner.run(until(|| ran.is_set()));
    });
}

#[test]
fn a_future_that_nobody_completes_frees_its_callbacks() {
    on_workers(1, async {
        let dropped = Flag::default();
        let on_drop = dropped.set_on_drop();
        let future = Future::<()>::new();
        let last = future.clone();
        future.add_done_callback(move |_| drop(on_drop));
        drop(future);
        assert!(!dropped.is_set());
        drop(last);
        assert!(dropped.is_set());
    });
}

#[test]
fn a_callback_may_do_everything_to_its_own_future() {
    on_workers(2, async {
        let future = Future::new();
        let log = Log::default();
        let (outer, inner) = (log.clone(), log.clone());
        future.add_done_callback(move |future: &Future<Arc<str>>| {
            assert!(future.set_result("again".into()).is_err());
            assert!(!future.cancel());
            let id = future.add_done_callback(|_| ());
            assert!(!future.remove_done_callback(id));
            assert!(future.clone().now_or_never().is_some());
            future.add_done_callback(move |_| inner.note("inner"));
            outer.note("outer");
        });
        future.set_result("once".into()).unwrap();
        until(|| log.notes() == ["outer", "inner"]).await;
    });
}

#[test]
fn completing_cancelling_and_awaiting_race_to_one_end() {
    from_many_threads(async |event_loop| {
        let future = event_loop.create_future::<u32>();
        let winners = Arc::new(AtomicUsize::new(0));
        let called = Arc::new(AtomicUsize::new(0));
        let enders = (0..3).map(|n| {
            let (future, winners, called) = (future.clone(), winners.clone(), called.clone());
            create_task(async move {
                future.add_done_callback(move |_| {
                    called.fetch_add(1, Ordering::SeqCst);
                });
                let won = if n == 0 {
                    future.cancel()
                } else {
                    future.set_result(n).is_ok()
                };
                winners.fetch_add(usize::from(won), Ordering::SeqCst);
                future.await.ok()
            })
        });
        let enders: Vec<_> = enders.collect();
        let seen = future.clone().await.ok();
        for answer in join_all(enders).await {
            assert_eq!(answer.unwrap(), seen);
        }
        assert_eq!(winners.load(Ordering::SeqCst), 1);
        until(|| called.load(Ordering::SeqCst) == 3).await;
    });
}

#[test]
fn a_future_and_its_handles_cross_threads() {
    fn crosses<T: Send + Sync + Unpin + 'static>() {}
    crosses::<Future<u32>>();
    crosses::<asyncio::Handle>();
    crosses::<asyncio::TimerHandle>();
    crosses::<asyncio::ExceptionContext>();
    let future = Future::<u32>::default();
    let debug = format!("{future:?}");
    assert!(
        debug.contains("pending") && debug.contains("futures.rs"),
        "{debug}"
    );
    drop(on_drop(move || drop(future)));
}

// TF-5
#[test]
fn the_name_of_anothers_callback_removes_nobody() {
    on_workers(1, async {
        let (one, other) = (Future::<u32>::new(), Future::<u32>::new());
        let id = one.add_done_callback(|_| ());
        let waiting = other.clone();
        let waiter = begun(async move { waiting.await.unwrap() }).await;
        assert!(
            !other.remove_done_callback(id),
            "an awaiter of this future has the same key"
        );
        other.set_result(3).unwrap();
        assert_eq!(waiter.await.unwrap(), 3);
    });
}
