//! Stress tests of many threads against loops that are idle, busy, or closing.

use super::*;
use asyncio::run_coroutine_threadsafe;

/// How many foreign threads submit.
const THREADS: usize = 64;

/// How many coroutines each thread submits.
const SUBMISSIONS: usize = 2000;

/// Lets every thread submit coroutines, fifty at a time, and add up their results.
fn submit_from_many_threads(event_loop: &EventLoop) {
    let act = || {
        let mut sum = 0;
        for first in (0..SUBMISSIONS).step_by(50) {
            let numbers = first..first + 50;
            let futures: Vec<_> = numbers
                .map(|number| run_coroutine_threadsafe(async move { number }, event_loop))
                .collect();
            sum += futures
                .iter()
                .map(|future| future.result(None).unwrap())
                .sum::<usize>();
        }
        assert_eq!(sum, SUBMISSIONS * (SUBMISSIONS - 1) / 2);
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(act)).collect();
        threads
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
    });
}

// TS-6
#[test]
fn sixty_four_threads_submit_to_an_idle_loop() {
    watched(|| {
        let runner = Runner::builder().workers(2).build().unwrap();
        submit_from_many_threads(runner.get_loop());
    });
}

// TS-6
#[test]
fn sixty_four_threads_submit_to_a_busy_loop() {
    on_workers(2, async {
        let stop = Flag::default();
        let busy: Vec<_> = (0..8)
            .map(|_| {
                let stop = stop.clone();
                create_task(async move {
                    while !stop.is_set() {
                        checkpoint().await;
                    }
                })
            })
            .collect();
        let event_loop = get_running_loop();
        to_thread(move || submit_from_many_threads(&event_loop))
            .await
            .unwrap();
        stop.set();
        for task in busy {
            task.await.unwrap();
        }
    });
}

// TS-6, CA-18
#[test]
fn an_idle_loop_answers_within_a_millisecond() {
    watched(|| {
        let runner = Runner::builder().workers(2).build().unwrap();
        let event_loop = runner.get_loop();
        let mut times: Vec<_> = (0..200)
            .map(|round| {
                // Some pauses are long enough for all threads of the loop to park, also the
                // monitor.
                thread::sleep(Duration::from_millis(if round < 3 { 350 } else { 1 }));
                let begin = Instant::now();
                run_coroutine_threadsafe(async {}, event_loop)
                    .result(None)
                    .unwrap();
                begin.elapsed()
            })
            .collect();
        times.sort();
        let median = times[times.len() / 2];
        assert!(median < Duration::from_millis(1), "{median:?}");
    });
}

#[test]
fn a_storm_of_cancels_and_results_has_one_winner_each() {
    watched(|| {
        let runner = Runner::builder().workers(2).build().unwrap();
        let event_loop = runner.get_loop();
        let (made, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let until_then = Instant::now() + Duration::from_millis(300);
        while Instant::now() < until_then {
            made.fetch_add(1, Ordering::SeqCst);
            let count = dropped.clone();
            let value = on_drop(move || {
                count.fetch_add(1, Ordering::SeqCst);
            });
            let future = run_coroutine_threadsafe(async move { value }, event_loop);
            let start = Barrier::new(2);
            let (cancelled, outcome) = thread::scope(|scope| {
                let canceller = scope.spawn(|| {
                    start.wait();
                    future.cancel()
                });
                start.wait();
                let outcome = future.result(None);
                (canceller.join().unwrap(), outcome)
            });
            match outcome {
                Ok(_value) => assert!(!cancelled),
                Err(error) => assert!(cancelled && error.is_cancelled()),
            }
        }
        let all = || dropped.load(Ordering::SeqCst) == made.load(Ordering::SeqCst);
        event_loop.block_on(until(all)).unwrap();
    });
}

#[test]
fn a_storm_of_cancelled_calls_drops_every_function_once_and_loses_no_thread() {
    on_workers(2, async {
        let (made, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let until_then = Instant::now() + Duration::from_millis(300);
        while Instant::now() < until_then {
            let calls: Vec<_> = (0..20)
                .map(|_| {
                    made.fetch_add(1, Ordering::SeqCst);
                    let count = dropped.clone();
                    let probe = on_drop(move || {
                        count.fetch_add(1, Ordering::SeqCst);
                    });
                    to_thread(move || drop(probe))
                })
                .collect();
            calls.iter().step_by(2).for_each(|call| {
                call.cancel();
            });
            for call in calls {
                let outcome = call.await;
                assert!(outcome.is_ok() || outcome.unwrap_err().is_cancelled());
            }
        }
        let all = || dropped.load(Ordering::SeqCst) == made.load(Ordering::SeqCst);
        until(all).await;
    });
}

#[test]
fn calls_from_other_threads_during_the_close_are_answered() {
    watched(|| {
        for _ in 0..20 {
            let mut runner = Runner::builder().workers(2).build().unwrap();
            let event_loop = runner.get_loop().clone();
            let (begin, begun) = mpsc::channel();
            let callers = [(); 4].map(|()| {
                let (event_loop, begin) = (event_loop.clone(), begin.clone());
                thread::spawn(move || {
                    begin.send(()).unwrap();
                    while !event_loop.is_closed() {
                        let call = event_loop.run_in_executor(None, || 1);
                        let future = run_coroutine_threadsafe(call, &event_loop);
                        match future.result(None) {
                            Ok(outcome) => {
                                assert!(matches!(outcome, Ok(1) | Err(TaskError::Cancelled(_))))
                            }
                            Err(error) => assert!(error.is_cancelled(), "{error}"),
                        }
                    }
                })
            });
            callers.iter().for_each(|_| begun.recv().unwrap());
            runner.close();
            callers
                .into_iter()
                .for_each(|caller| caller.join().unwrap());
        }
    });
}

#[test]
fn neither_threads_nor_descriptors_leak() {
    alone(|| {
        let count = |what: &str| std::fs::read_dir(what).unwrap().count();
        let threads = count("/proc/self/task");
        let round = || {
            asyncio::run(async {
                let calls = [(); 3].map(|()| to_thread(thread::yield_now));
                for call in calls {
                    call.await.unwrap();
                }
                let _queued = to_thread(|| ());
            });
        };
        round();
        let before = count("/proc/self/fd");
        (0..50).for_each(|_| round());
        soon(|| count("/proc/self/task") == threads);
        assert_eq!(count("/proc/self/fd"), before);
    });
}
