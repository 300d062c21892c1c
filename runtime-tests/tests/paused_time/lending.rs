//! Tests of threads that have a time hold while they work, and lend it while they wait for the
//! loop.

use super::*;
use asyncio::{run_coroutine_threadsafe, sleep, to_thread};

/// Runs `body`, which takes one second of the loop's time, on the loop's pool. Asserts that the
/// clock moves by exactly that, although another timer is registered.
fn on_the_pool(body: impl Fn(&EventLoop) + Clone + Send + 'static) {
    on_paused_loops(async |event_loop| {
        let start = event_loop.time();
        let later = asyncio::create_task(sleep(1000 * SECOND));
        for round in 1..=20u32 {
            let (own, body) = (event_loop.clone(), body.clone());
            let function = move || {
                body(&own);
                // Real time, so that a wrong jump would have time to happen.
                std::thread::yield_now();
                own.time()
            };
            let ended = to_thread(function).await.unwrap();
            assert_eq!(ended - start, round * SECOND);
        }
        later.cancel();
    });
}

#[test]
fn a_function_on_the_pool_may_block_on_the_loop() {
    on_the_pool(|event_loop| event_loop.block_on(sleep(SECOND)).unwrap());
}

#[test]
fn a_function_on_the_pool_may_wait_for_a_result() {
    on_the_pool(|event_loop| {
        let future = run_coroutine_threadsafe(sleep(SECOND), event_loop);
        future.result(None).unwrap();
    });
}

#[test]
fn a_wait_that_gives_up_holds_the_time_again() {
    on_paused_loops(async |event_loop| {
        let own = event_loop.clone();
        let function = move || {
            let never = run_coroutine_threadsafe(std::future::pending::<()>(), &own);
            let timeout = Duration::from_millis(1);
            assert!(never.result(timeout).unwrap_err().is_timeout());
            let (before, later) = (own.time(), own.create_task(sleep(SECOND)));
            std::thread::sleep(Duration::from_millis(5));
            assert_eq!((own.time(), later.done()), (before, false));
            never.cancel();
            assert!(never.result(None).unwrap_err().is_cancelled());
            later
        };
        to_thread(function).await.unwrap().await.unwrap();
    });
}

#[test]
fn a_root_of_a_foreign_thread_may_block_on_the_loop_again() {
    watched(|| {
        let mut runner = Runner::builder()
            .workers(2)
            .start_paused(true)
            .build()
            .unwrap();
        let event_loop = runner.get_loop().clone();
        let start = event_loop.time();
        let foreign = std::thread::spawn(move || {
            let inner = event_loop.clone();
            event_loop.block_on(async move {
                inner.block_on(sleep(SECOND)).unwrap();
                let future = run_coroutine_threadsafe(sleep(SECOND), &inner);
                future.result(None).unwrap();
                inner.time() - start
            })
        });
        assert_eq!(foreign.join().unwrap(), Ok(2 * SECOND));
        runner.run(async {});
    });
}
