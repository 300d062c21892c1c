//! Tests of `run_in_executor`, on the loop's own pool and on other executors.

use super::*;
use asyncio::ThreadPoolExecutor;

#[test]
fn any_thread_may_have_a_function_run_for_a_loop() {
    watched(|| {
        let runner = Runner::builder().workers(2).build().unwrap();
        let event_loop = runner.get_loop().clone();
        let value = thread::spawn(move || {
            let call = event_loop.run_in_executor(None, || 6 * 7);
            event_loop.block_on(call).unwrap().unwrap()
        });
        assert_eq!(value.join().unwrap(), 42);
    });
}

#[test]
fn an_executor_serves_the_tasks_of_several_loops() {
    watched(|| {
        let executor = Arc::new(ThreadPoolExecutor::new(1));
        let threads = [(); 2].map(|()| {
            let executor = executor.clone();
            thread::spawn(move || {
                asyncio::run(async move {
                    let event_loop = get_running_loop();
                    let call =
                        event_loop.run_in_executor(Some(&executor), || thread::current().id());
                    call.await.unwrap()
                })
            })
        });
        let [one, two] = threads.map(|thread| thread.join().unwrap());
        assert_eq!(one, two);
    });
}

#[test]
fn an_executor_that_was_shut_down_refuses() {
    on_workers(2, async {
        let executor = ThreadPoolExecutor::new(1);
        executor.shutdown(false);
        let dropped = Flag::default();
        let probe = dropped.set_on_drop();
        let call = get_running_loop().run_in_executor(Some(&executor), move || drop(probe));
        assert!(call.cancelled() && dropped.is_set());
        let text = message(call.await);
        assert_eq!(text.as_deref(), Some("Executor shutdown has been called"));
    });
}

#[test]
fn a_loop_that_is_closed_refuses() {
    watched(|| {
        let mut runner = Runner::new();
        let event_loop = runner.get_loop().clone();
        runner.close();
        let dropped = Flag::default();
        let probe = dropped.set_on_drop();
        let call = event_loop.run_in_executor(None, move || drop(probe));
        assert!(call.cancelled() && dropped.is_set());
        let text = message(runtime_tests::blocking_wait(call));
        assert_eq!(text.as_deref(), Some("Event loop is closed"));
    });
}

#[test]
fn a_shutdown_that_waits_returns_when_everything_submitted_has_run() {
    watched(|| {
        let executor = ThreadPoolExecutor::new(2);
        let runner = Runner::builder().workers(2).build().unwrap();
        let ran = Arc::new(AtomicUsize::new(0));
        let calls: Vec<_> = (0..100)
            .map(|_| {
                let ran = ran.clone();
                let call = move || ran.fetch_add(1, Ordering::SeqCst);
                runner.get_loop().run_in_executor(Some(&executor), call)
            })
            .collect();
        executor.shutdown(true);
        assert_eq!(ran.load(Ordering::SeqCst), 100);
        executor.shutdown(true);
        drop(calls);
    });
}

#[test]
fn a_dropped_executor_waits_for_nobody_and_what_was_submitted_still_runs() {
    on_workers(1, async {
        let executor = ThreadPoolExecutor::new(1);
        let event_loop = get_running_loop();
        let (open, gate) = blocked();
        let first = event_loop.run_in_executor(Some(&executor), gate);
        let second = event_loop.run_in_executor(Some(&executor), || 2);
        drop(executor);
        assert!(!second.done());
        open.send(()).unwrap();
        first.await.unwrap();
        assert_eq!(second.await.unwrap(), 2);
    });
}

#[test]
fn a_thread_of_the_executor_cannot_wait_for_its_own_end() {
    on_workers(1, async {
        let executor = Arc::new(ThreadPoolExecutor::new(1));
        let own = executor.clone();
        let call = get_running_loop()
            .run_in_executor(Some(&executor), move || caught(|| own.shutdown(true)).text);
        assert!(call.await.unwrap().contains("would wait for itself"));
    });
}

#[test]
fn an_executor_of_no_threads_is_refused() {
    let found = caught(|| ThreadPoolExecutor::new(0));
    assert_eq!(found.text, "max_workers must be greater than 0");
    assert_eq!(found.place.unwrap().0, file!());
}
