//! Tests of `shutdown_default_executor`, and of limits on functions that run at once.

use super::*;

use asyncio::{CapacityLimiter, create_subprocess_exec, gather_all, wait_for};

/// That the loop's pool takes no function any more.
async fn assert_closed() {
    let refused = Some("Executor shutdown has been called".to_owned());
    assert_eq!(message(to_thread(|| ()).await), refused);
    let event_loop = get_running_loop();
    assert_eq!(
        message(event_loop.run_in_executor(None, || ()).await),
        refused
    );
    let child = create_subprocess_exec("true").await;
    // It is the pool that starts it.
    let error = child.unwrap_err();
    assert!(error.to_string().contains("shutdown"), "{error}");
    // Look-ups and executors have threads of their own.
    let found = event_loop.getaddrinfo("localhost", 80).await.unwrap();
    assert!(!found.is_empty());
    let executor = asyncio::ThreadPoolExecutor::new(1);
    let other = event_loop.run_in_executor(Some(&executor), || 3).await;
    assert_eq!(other.unwrap(), 3);
}

// TS-9
#[test]
fn the_end_of_the_pool_waits_for_what_was_submitted_and_nothing_comes_after_it() {
    watched(|| {
        for count in [1, 2] {
            let builder = Runner::builder().workers(count).max_blocking_threads(1);
            let mut runner = builder.build().unwrap();
            runner.run(async {
                let (open, gate) = blocked();
                let running = begun_on_thread(gate).await;
                let queued = to_thread(|| 7);
                let end = create_task(async {
                    let event_loop = get_running_loop();
                    event_loop.shutdown_default_executor(None).await
                });
                until(|| to_thread(|| ()).cancelled()).await;
                assert!(!end.done());
                drop(open);
                end.await.unwrap().unwrap();
                running.await.unwrap();
                assert_eq!(queued.await.unwrap(), 7);
                assert_closed().await;
            });
            runner.close();
        }
    });
}

#[test]
fn at_its_limit_what_still_runs_is_named_and_a_second_call_waits_for_it() {
    on_workers(2, async {
        let (open, gate) = blocked();
        let running = begun_on_thread(gate).await;
        let event_loop = get_running_loop();
        let limit = Duration::from_millis(5);
        let late = event_loop.shutdown_default_executor(limit).await;
        let error = late.unwrap_err();
        assert_eq!(error.stuck().len(), 1, "{error}");
        assert!(error.stuck()[0].contains("threads.rs"), "{error}");
        assert_closed().await;
        drop(open);
        let limit = Duration::from_secs(60);
        event_loop.shutdown_default_executor(limit).await.unwrap();
        running.await.unwrap();
    });
}

#[test]
fn any_number_may_wait_for_the_end_of_the_pool_and_give_up() {
    on_workers(2, async {
        let (open, gate) = blocked();
        let _running = begun_on_thread(gate).await;
        let event_loop = get_running_loop();
        let given_up = wait_for(
            event_loop.shutdown_default_executor(None),
            Duration::from_millis(1),
        );
        assert!(given_up.await.is_err());
        let waiting: Vec<_> = (0..50)
            .map(|_| {
                let event_loop = event_loop.clone();
                create_task(async move { event_loop.shutdown_default_executor(None).await })
            })
            .collect();
        let outside = thread::spawn({
            let event_loop = event_loop.clone();
            move || {
                let end = async { event_loop.shutdown_default_executor(None).await };
                event_loop.block_on(end).unwrap()
            }
        });
        for task in &waiting[..25] {
            task.cancel();
        }
        drop(open);
        for (place, task) in waiting.into_iter().enumerate() {
            match task.await {
                Ok(end) => end.unwrap(),
                Err(error) => assert!(place < 25 && error.is_cancelled()),
            }
        }
        until(|| outside.is_finished()).await;
        outside.join().unwrap().unwrap();
        // There is nothing to wait for any more.
        event_loop.shutdown_default_executor(None).await.unwrap();
        let no_time = Duration::ZERO;
        event_loop.shutdown_default_executor(no_time).await.unwrap();
    });
}

#[test]
fn a_pool_that_never_ran_anything_ends_at_once() {
    on_workers(1, async {
        let event_loop = get_running_loop();
        event_loop.shutdown_default_executor(None).await.unwrap();
        assert_closed().await;
    });
}

#[test]
fn under_a_seed_the_pool_ends_when_its_functions_have_run() {
    for seed in 0..50 {
        let mut runner = Runner::builder().deterministic(seed).build().unwrap();
        runner.run(async {
            let functions: Vec<_> = (0..5).map(|number| to_thread(move || number)).collect();
            functions[1].cancel();
            let event_loop = get_running_loop();
            let limit = Duration::from_secs(1);
            event_loop.shutdown_default_executor(limit).await.unwrap();
            for (number, function) in functions.into_iter().enumerate() {
                match function.await {
                    Ok(value) => assert_eq!(value, number),
                    Err(error) => assert!(number == 1 && error.is_cancelled()),
                }
            }
            assert!(to_thread(|| ()).cancelled());
        });
    }
}

// The awaitable form of back pressure: who has no token waits, and queues nothing.
#[test]
fn a_limiter_lets_as_many_functions_run_as_it_has_tokens() {
    on_workers(2, async {
        let limiter = Arc::new(CapacityLimiter::new(3));
        let [inside, most] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let functions = (0..60).map(|_| {
            let limiter = Arc::clone(&limiter);
            let (inside, most) = (Arc::clone(&inside), Arc::clone(&most));
            async move {
                let _token = limiter.acquire().await;
                let function = move || {
                    let now = inside.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    thread::sleep(Duration::from_micros(200));
                    inside.fetch_sub(1, Ordering::SeqCst);
                };
                to_thread(function).await.unwrap();
            }
        });
        gather_all(functions).await.unwrap();
        assert_eq!(most.load(Ordering::SeqCst), 3);
        assert_eq!(limiter.borrowed_tokens(), 0);
    });
}
