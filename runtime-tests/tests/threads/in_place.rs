//! Tests of `asyncio::blocking`, which blocks on the worker itself.

use super::*;
use asyncio::{blocking, create_local_task, gather};
use std::sync::atomic::AtomicIsize;

/// A loop with `workers` workers and at most `limit` stand-ins for workers inside `blocking`. There
/// are no spares.
fn replacing(workers: usize, limit: usize) -> asyncio::runners::Builder {
    let builder = Runner::builder().workers(workers).max_spare_workers(0);
    builder.max_blocking_threads(limit)
}

/// Makes `count` tasks that wait for each other inside `blocking`.
async fn meet(count: usize) {
    let meeting = Arc::new(Barrier::new(count));
    let tasks: Vec<_> = (0..count)
        .map(|_| {
            let meeting = Arc::clone(&meeting);
            create_task(async move {
                blocking(|| meeting.wait());
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[test]
fn a_task_in_the_workers_own_queue_runs_while_the_worker_blocks() {
    on_workers(2, async {
        for _ in 0..200 {
            let (send, receive) = mpsc::channel();
            // One task goes to the slot, one to the deque.
            let tasks = [(); 2].map(|()| {
                let send = send.clone();
                create_task(async move { send.send(()).unwrap() })
            });
            blocking(|| {
                receive.recv().unwrap();
                receive.recv().unwrap();
            });
            for task in tasks {
                task.await.unwrap();
            }
        }
    });
}

#[test]
fn what_the_function_makes_and_wakes_runs_elsewhere_at_once() {
    on_workers(2, async {
        for _ in 0..200 {
            let (ask, asked) = futures::channel::oneshot::channel::<()>();
            let (answer, answered) = mpsc::channel();
            let waiting = begun(async move {
                asked.await.unwrap();
                let there = create_task(async move { answer.send(()).unwrap() });
                there.await.unwrap();
            });
            let waiting = waiting.await;
            blocking(|| {
                assert!(current_task().is_some());
                ask.send(()).unwrap();
                answered.recv().unwrap();
            });
            waiting.await.unwrap();
        }
    });
}

#[test]
fn the_only_worker_is_replaced_by_a_stand_in() {
    on_workers(1, async {
        let (send, receive) = mpsc::channel();
        let task = create_task(async move { send.send(5).unwrap() });
        assert_eq!(blocking(|| receive.recv().unwrap()), 5);
        task.await.unwrap();
    });
}

#[test]
fn outside_a_worker_the_function_just_runs() {
    assert_eq!(blocking(|| 3), 3);
    watched(|| {
        let runner = Runner::builder().workers(2).build().unwrap();
        let event_loop = runner.get_loop().clone();
        let value = thread::spawn(move || event_loop.block_on(async { blocking(|| 4) }));
        assert_eq!(value.join().unwrap(), Ok(4));
    });
}

#[test]
fn a_panic_passes_through_and_the_worker_runs_tasks_again() {
    on_workers(1, async {
        let task = create_task(async { blocking(|| panic!("inside")) });
        assert!(task.await.unwrap_err().is_panic());
        let local = asyncio::create_local_task(async { 1 });
        assert_eq!(local.await.unwrap(), 1);
        assert_eq!(create_task(async { 2 }).await.unwrap(), 2);
    });
}

// In the tests above one worker is blocked, and the others or a spare serve its tasks. The tests
// below block more tasks than there are workers.

#[test]
fn everybody_goes_on_while_more_tasks_are_inside_than_there_are_workers() {
    for workers in [1, 2] {
        watched(move || {
            let mut runner = replacing(workers, 8).build().unwrap();
            let event_loop = runner.get_loop().clone();
            runner.run(async move {
                let begun = Arc::new(Barrier::new(5));
                let (gates, inside): (Vec<_>, Vec<_>) = (0..4)
                    .map(|_| {
                        let (gate, wait) = mpsc::channel::<()>();
                        let begun = Arc::clone(&begun);
                        let task = create_task(async move {
                            blocking(|| {
                                begun.wait();
                                wait.recv().unwrap_err();
                            });
                        });
                        (gate, task)
                    })
                    .unzip();
                blocking(|| begun.wait());
                sleep(Duration::from_millis(20)).await;
                create_task(async {}).await.unwrap();
                let from_outside = to_thread(move || {
                    let coroutine = asyncio::run_coroutine_threadsafe(async { 7 }, &event_loop);
                    coroutine.result(None).unwrap()
                });
                assert_eq!(from_outside.await.unwrap(), 7);
                drop(gates);
                for task in inside {
                    task.await.unwrap();
                }
            });
        });
    }
}

#[test]
fn tasks_meet_inside_whatever_the_number_of_workers() {
    for workers in [1, 2] {
        for count in [4, 16] {
            watched(move || {
                let mut runner = replacing(workers, count).build().unwrap();
                (0..20).for_each(|_| runner.run(meet(count)));
            });
        }
    }
}

#[test]
fn mains_own_children_go_on_while_main_is_inside() {
    watched(|| {
        replacing(1, 1).build().unwrap().run(async {
            let (send, receive) = mpsc::channel();
            create_task(async move {
                for n in 0..3 {
                    sleep(Duration::from_millis(1)).await;
                    create_task(async move { n }).await.unwrap();
                }
                send.send(()).unwrap();
            });
            blocking(|| receive.recv().unwrap());
        });
    });
}

#[test]
fn who_is_inside_twice_is_replaced_once() {
    watched(|| {
        replacing(1, 1).build().unwrap().run(async {
            let (send, receive) = mpsc::channel();
            create_task(async move { blocking(|| send.send(blocking(|| 5)).unwrap()) });
            assert_eq!(blocking(|| blocking(|| receive.recv().unwrap())), 5);
            meet(2).await;
        });
    });
}

#[test]
fn a_callback_may_block() {
    watched(|| {
        replacing(1, 1).build().unwrap().run(async {
            let (send, receive) = mpsc::channel::<()>();
            let (over, is_over) = futures::channel::oneshot::channel();
            get_running_loop().call_soon(move || {
                blocking(|| receive.recv().unwrap());
                over.send(()).unwrap();
            });
            create_task(async move {
                sleep(Duration::from_millis(2)).await;
                send.send(()).unwrap();
            });
            is_over.await.unwrap();
        });
    });
}

#[test]
fn workers_whose_functions_panic_run_tasks_again() {
    watched(|| {
        let mut runner = replacing(1, 2).build().unwrap();
        for _ in 0..20 {
            runner.run(async {
                let fails = |()| create_task(async { blocking(|| panic!("inside")) });
                for task in [(); 4].map(fails) {
                    assert!(task.await.unwrap_err().is_panic());
                }
                meet(3).await;
            });
        }
    });
}

#[test]
fn beyond_the_limit_the_function_runs_all_the_same() {
    watched(|| {
        let mut runner = replacing(1, 1).build().unwrap();
        for _ in 0..10 {
            runner.run(async {
                let (gate, wait) = mpsc::channel::<()>();
                let wait = Arc::new(std::sync::Mutex::new(wait));
                let (begin, begun) = mpsc::channel();
                // No thread is left to run the third task; it runs when a worker comes back.
                let opened = thread::spawn(move || {
                    (0..2).for_each(|_| begun.recv().unwrap());
                    drop(gate);
                });
                let inside: Vec<_> = (0..3)
                    .map(|_| {
                        let (wait, begin) = (Arc::clone(&wait), begin.clone());
                        create_task(async move {
                            blocking(|| {
                                let _opened_already = begin.send(());
                                wait.lock().unwrap().recv().unwrap_err();
                            });
                        })
                    })
                    .collect();
                for task in inside {
                    task.await.unwrap();
                }
                opened.join().unwrap();
                meet(2).await;
            });
        }
    });
}

#[test]
fn in_the_deterministic_mode_the_function_runs_in_place() {
    for workers in [1, 3] {
        watched(move || {
            let builder = Runner::builder().workers(workers).deterministic(5);
            builder.build().unwrap().run(async {
                let here = thread::current().id();
                let task = create_task(async { blocking(|| thread::current().id()) });
                assert_eq!(task.await.unwrap(), here);
                assert_eq!(blocking(|| create_task(async { 3 })).await.unwrap(), 3);
            });
        });
    }
}

#[test]
fn a_paused_clock_does_not_jump_meanwhile() {
    watched(|| {
        let builder = replacing(1, 2).start_paused(true);
        builder.build().unwrap().run(async {
            let slept = Flag::default();
            let sleeper = {
                let slept = slept.clone();
                create_task(async move {
                    sleep(Duration::from_secs(3600)).await;
                    slept.set();
                })
            };
            for _ in 0..5 {
                let inside =
                    create_task(async { blocking(|| thread::sleep(Duration::from_millis(5))) });
                inside.await.unwrap();
            }
            assert!(!slept.is_set());
            sleeper.await.unwrap();
        });
    });
}

/// Counts the threads that a loop has started, and those of them that have not ended.
fn counting(builder: asyncio::runners::Builder) -> (Runner, [Arc<AtomicIsize>; 2]) {
    let counts = [(); 2].map(|()| Arc::new(AtomicIsize::new(0)));
    let ([ever, more], fewer) = (counts.clone(), Arc::clone(&counts[1]));
    let builder = builder.on_thread_start(move || {
        ever.fetch_add(1, Ordering::SeqCst);
        more.fetch_add(1, Ordering::SeqCst);
    });
    let builder = builder.on_thread_stop(move || {
        fewer.fetch_sub(1, Ordering::SeqCst);
    });
    (builder.build().unwrap(), counts)
}

#[test]
fn one_call_after_another_starts_no_thread_each() {
    watched(|| {
        let (mut runner, [ever, left]) = counting(replacing(1, 8));
        runner.run(async {
            for _ in 0..500 {
                create_task(async { blocking(|| {}) }).await.unwrap();
            }
        });
        // The monitor, and at most eight stand-ins, which take turns.
        assert!(ever.load(Ordering::SeqCst) <= 9);
        runner.close();
        assert_eq!(left.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn a_stand_in_ends_after_its_keep_alive_time() {
    watched(|| {
        let (mut runner, [_, left]) =
            counting(replacing(2, 6).blocking_keep_alive(Duration::from_millis(1)));
        for _ in 0..5 {
            runner.run(async {
                meet(6).await;
                // The second worker and the monitor.
                until(|| left.load(Ordering::SeqCst) == 2).await;
            });
        }
        runner.close();
        assert_eq!(left.load(Ordering::SeqCst), 0);
    });
}

#[test]
fn a_storm_of_calls_leaves_as_many_workers_as_before() {
    for (workers, limit) in [(1, 1), (1, 3), (2, 2), (3, 4)] {
        watched(move || {
            let builder = replacing(workers, limit).blocking_keep_alive(Duration::from_micros(200));
            let (mut runner, [_, left]) = counting(builder);
            for round in 0..20_u64 {
                runner.run(async {
                    let tasks = (0..30).map(|n| {
                        create_task(async move {
                            let pause = Duration::from_micros((round * 31 + n * 17) % 90);
                            // A local task on the thread of a stand-in keeps that thread alive.
                            let local = create_local_task(async { checkpoint().await });
                            blocking(|| thread::sleep(pause));
                            sleep(pause).await;
                            blocking(|| blocking(|| {}));
                            drop(local);
                        })
                    });
                    gather(tasks.collect::<Vec<_>>()).await.unwrap();
                    meet(limit + workers).await;
                });
            }
            runner.close();
            assert_eq!(left.load(Ordering::SeqCst), 0);
        });
    }
}

#[test]
fn the_end_of_a_loop_waits_for_what_is_inside() {
    watched(|| {
        let mut runner = replacing(2, 2).build().unwrap();
        let returned = Flag::default();
        let (begin, begun) = mpsc::channel();
        let inside = returned.clone();
        runner.run(async {
            create_task(async move {
                blocking(|| {
                    begin.send(()).unwrap();
                    thread::sleep(Duration::from_millis(20));
                    inside.set();
                });
            });
            blocking(|| begun.recv().unwrap());
        });
        runner.close();
        assert!(returned.is_set());
    });
}

#[test]
fn what_is_inside_at_the_limit_of_a_shutdown_is_named() {
    watched(|| {
        let mut runner = replacing(2, 2).build().unwrap();
        let (begin, begun) = mpsc::channel();
        let (gate, wait) = mpsc::channel::<()>();
        runner.run(async {
            asyncio::create_task(async move {
                blocking(|| {
                    begin.send(()).unwrap();
                    let _opened = wait.recv();
                });
            })
            .set_name("inside");
            blocking(|| begun.recv().unwrap());
        });
        let error = runner
            .shutdown_timeout(Duration::from_millis(20))
            .unwrap_err();
        assert!(error.to_string().contains("inside"), "{error}");
        drop(gate);
    });
}
