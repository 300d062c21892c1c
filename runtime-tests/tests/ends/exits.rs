//! Tests of exits of the process and drops of a runner from every place: nothing hangs, and
//! everything that was submitted either runs or reports that it did not.
//!
//! Earlier tests covered single exits where a bug had been found: none from a pool thread, from a
//! callback or from a hook, and destructors that use the loop ran only on the threads of tests.

use std::cell::RefCell;
use std::future::pending;
use std::process::{Command, exit};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use asyncio::{
    EventLoop, Runner, TaskError, create_task, get_running_loop, run_coroutine_threadsafe, sleep,
    to_thread, try_get_running_loop,
};
use runtime_tests::{Flag, begun, caught, on_drop, watched};

use super::workers;

/// The environment variable with the number of the exit that the child process takes.
const EXIT: &str = "RULE_TEST_EXIT";

/// Runs each of the exits in a process of its own, and asserts that the process ends within 20 s,
/// with the code 7.
fn exits(test: &str, all: &[fn()]) {
    if let Ok(number) = std::env::var(EXIT) {
        all[number.parse::<usize>().unwrap()]();
        exit(1);
    }
    for number in 0..all.len() {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--test-threads=1"])
            .env(EXIT, number.to_string())
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                child.kill().unwrap();
                panic!("exit {number} hangs");
            }
            thread::sleep(Duration::from_millis(2));
        };
        assert_eq!(status.code(), Some(7), "exit {number}");
    }
}

unsafe extern "C" {
    safe fn atexit(handler: extern "C" fn()) -> i32;
}

/// A loop for the handler of an exit.
static AT_EXIT: OnceLock<EventLoop> = OnceLock::new();

/// Uses loops while the process exits. A panic in here would abort the process.
extern "C" fn use_loops_at_exit() {
    if let Some(event_loop) = AT_EXIT.get() {
        use_everything(event_loop);
    }
    // An exit from inside a task leaves the thread inside its loop.
    if try_get_running_loop().is_err() {
        wait_for_loops();
    }
    thread::spawn(wait_for_loops).join().unwrap();
}

fn wait_for_loops() {
    if let Some(event_loop) = AT_EXIT.get() {
        let waited = event_loop.block_on(sleep(Duration::from_millis(1)));
        assert_eq!(waited.is_err(), event_loop.is_closed());
    }
    let mut runner = busy();
    assert_eq!(runner.run(async { to_thread(|| 3).await.unwrap() }), 3);
    runner.close();
}

thread_local! {
    /// A runner that is dropped when its thread ends.
    static RUNNER: RefCell<Option<Runner>> = const { RefCell::new(None) };
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// Uses its loop when its thread ends.
struct Last(EventLoop);

impl Drop for Last {
    fn drop(&mut self) {
        use_everything(&self.0);
    }
}

/// Submits work of every kind to a loop that may be closed. None of the calls may hang or panic.
fn use_everything(event_loop: &EventLoop) {
    let _guard = event_loop.enter();
    drop(event_loop.call_soon(|| ()));
    drop(event_loop.call_later(Duration::from_secs(3600), || ()));
    drop(event_loop.create_task(pending::<()>()));
    drop(create_task(async {}));
    drop(to_thread(|| ()));
    drop(event_loop.run_in_executor(None, || ()));
    drop(run_coroutine_threadsafe(async {}, event_loop));
    drop(event_loop.all_tasks());
}

fn busy() -> Runner {
    let mut runner = workers(3);
    runner.run(async {
        for _ in 0..20 {
            let event_loop = get_running_loop();
            begun(async move {
                // There is none on a thread that has ended.
                let _none = LAST.try_with(|last| last.replace(Some(Last(event_loop.clone()))));
                let _last = on_drop(move || use_everything(&event_loop));
                loop {
                    sleep(Duration::from_micros(50)).await;
                }
            })
            .await;
        }
        drop(to_thread(|| thread::sleep(Duration::from_millis(50))));
    });
    runner
}

#[test]
fn a_process_may_exit_from_anywhere() {
    exits(
        "exits::a_process_may_exit_from_anywhere",
        &[
            || busy().run(async { exit(7) }),
            || busy().run(async { drop(create_task(async { exit(7) }).await) }),
            || {
                busy().run(async {
                    get_running_loop().call_soon(|| exit(7));
                    pending::<()>().await;
                });
            },
            || busy().run(async { drop(to_thread(|| exit(7)).await) }),
            || {
                let mut runner = busy();
                runner.run(async {
                    begun(async {
                        let _last = on_drop(|| exit(7));
                        pending::<()>().await;
                    })
                    .await;
                });
                runner.close();
            },
            || {
                let stop = || exit(7);
                let builder = Runner::builder().workers(2).on_thread_stop(stop);
                drop(builder.build().unwrap());
            },
            || {
                let event_loop = busy().get_loop().clone();
                LAST.set(Some(Last(event_loop)));
                exit(7);
            },
            || {
                let runner = busy();
                let event_loop = runner.get_loop().clone();
                // A loop that is closed before the thread enters it would refuse the coroutine.
                let (inside, entered) = mpsc::channel();
                thread::spawn(move || {
                    event_loop.block_on(async move {
                        inside.send(()).unwrap();
                        exit(7)
                    })
                });
                entered.recv().unwrap();
                drop(runner);
                thread::sleep(Duration::from_secs(10));
            },
            || {
                RUNNER.set(Some(busy()));
                exit(7);
            },
            || {
                let runner = busy();
                AT_EXIT.set(runner.get_loop().clone()).unwrap();
                assert_eq!(atexit(use_loops_at_exit), 0);
                exit(7);
            },
            || {
                AT_EXIT.set(busy().get_loop().clone()).unwrap();
                assert_eq!(atexit(use_loops_at_exit), 0);
                busy().run(async { drop(create_task(async { exit(7) }).await) });
            },
        ],
    );
}

#[test]
fn destructors_of_the_loop_s_threads_may_use_it() {
    watched(|| {
        for _ in 0..30 {
            busy().close();
            let runner = busy();
            LAST.set(Some(Last(runner.get_loop().clone())));
            drop(runner);
            drop(LAST.take());
        }
    });
}

#[test]
fn a_runner_may_end_with_its_thread() {
    watched(|| {
        for turn in 0..30 {
            let thread = thread::spawn(move || {
                // The order in which a thread's values are dropped is that of their first use.
                if turn % 2 == 0 {
                    RUNNER.set(None);
                }
                let runner = busy();
                LAST.set(Some(Last(runner.get_loop().clone())));
                RUNNER.set(Some(runner));
            });
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_thread_that_ends_while_its_loop_closes_may_use_it() {
    watched(|| {
        for _ in 0..30 {
            let runner = busy();
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let event_loop = runner.get_loop().clone();
                    thread::spawn(move || LAST.set(Some(Last(event_loop))))
                })
                .collect();
            drop(runner);
            for thread in threads {
                thread.join().unwrap();
            }
        }
    });
}

#[test]
fn hooks_may_call_back_into_the_loop() {
    watched(|| {
        for _ in 0..20 {
            let place: Arc<Mutex<Option<EventLoop>>> = Arc::default();
            let (start, stop) = (Arc::clone(&place), Arc::clone(&place));
            let both = |place: &Mutex<Option<EventLoop>>| {
                let event_loop = place.lock().unwrap().clone();
                if let Some(event_loop) = event_loop {
                    use_everything(&event_loop);
                    if event_loop.is_closed() {
                        assert!(event_loop.block_on(async {}).is_err());
                    }
                }
            };
            let mut runner = Runner::builder()
                .workers(3)
                .on_thread_start(move || both(&start))
                .on_thread_stop(move || both(&stop))
                .build()
                .unwrap();
            *place.lock().unwrap() = Some(runner.get_loop().clone());
            runner.run(async {
                to_thread(|| ()).await.unwrap();
                create_task(async {}).await.unwrap();
            });
            runner.close();
            place.lock().unwrap().take();
        }
    });
}

#[test]
fn what_a_destructor_hands_in_during_the_close_is_answered() {
    watched(|| {
        for count in [1, 3] {
            for _ in 0..30 {
                let (answers, answered) = mpsc::channel();
                let mut runner = workers(count);
                runner.run(async {
                    for _ in 0..5 {
                        let answers = answers.clone();
                        let event_loop = get_running_loop();
                        begun(async move {
                            let _last = on_drop(move || hand_in(&event_loop, &answers));
                            pending::<()>().await;
                        })
                        .await;
                    }
                });
                drop(answers);
                runner.close();
                let mut seen = 0;
                for answer in answered {
                    seen += 1;
                    let end = answer();
                    assert!(end, "submission {seen} on {count} workers got no answer");
                }
                assert_eq!(seen, 5 * 5, "on {count} workers");
            }
        }
    });
}

type Answer = Box<dyn FnOnce() -> bool + Send>;

/// Submits one piece of work of each kind, and sends a check for each: after the close the work
/// must have run, or report that it did not.
fn hand_in(event_loop: &EventLoop, answers: &mpsc::Sender<Answer>) {
    let check = |answer: Answer| answers.send(answer).unwrap();
    let (ran, cancelled) = (Flag::default(), event_loop.call_soon(|| ()));
    let inner = ran.clone();
    let handle = event_loop.call_soon(move || inner.set());
    drop(cancelled);
    check(Box::new(move || ran.is_set() || handle.cancelled()));
    let mut task = event_loop.create_task(pending::<()>());
    check(Box::new(move || {
        matches!(task.result(), Err(TaskError::Cancelled(_)))
    }));
    let task = event_loop.run_in_executor(None, || ());
    check(Box::new(move || task.done()));
    let future = run_coroutine_threadsafe(pending::<()>(), event_loop);
    let called = Flag::default();
    let inner = called.clone();
    future.add_done_callback(move |_| inner.set());
    check(Box::new(move || {
        future.result(None).is_err() && called.is_set()
    }));
    let (guard, ran) = (event_loop.enter(), Flag::default());
    let inner = ran.clone();
    let task = to_thread(move || inner.set());
    drop(guard);
    check(Box::new(move || task.done()));
}

#[test]
fn a_panic_of_a_destructor_in_the_shutdown_stops_nothing() {
    watched(|| {
        for count in [1, 3] {
            let ended = Flag::default();
            let probe = ended.clone();
            let mut runner = workers(count);
            let task = runner.run(async move {
                begun(async move {
                    let _probe = probe.set_on_drop();
                    pending::<()>().await;
                })
                .await;
                begun(async {
                    let _last = on_drop(|| panic!("in a destructor"));
                    pending::<()>().await;
                })
                .await
            });
            let mut task = task;
            runner.close();
            assert!(matches!(task.result(), Err(TaskError::Panicked(_))));
            assert!(ended.is_set());
        }
    });
}

/// A runner with tasks, on which this thread has never called `run`.
fn filled() -> Runner {
    let runner = workers(2);
    for _ in 0..5 {
        let event_loop = runner.get_loop().clone();
        drop(runner.get_loop().create_task(async move {
            let _last = on_drop(move || use_everything(&event_loop));
            sleep(Duration::from_secs(3600)).await;
        }));
    }
    runner
}

#[test]
fn a_runner_may_be_dropped_wherever_it_is() {
    watched(|| {
        for _ in 0..10 {
            let mut outer = workers(2);
            outer.run(async {
                // In a task, in a callback, in a destructor, and while the thread unwinds.
                create_task(async { drop(filled()) }).await.unwrap();
                let (done, is_done) = mpsc::channel();
                get_running_loop().call_soon(move || {
                    drop(filled());
                    done.send(()).unwrap();
                });
                to_thread(move || is_done.recv().unwrap()).await.unwrap();
                let last = create_task(async {
                    let _last = on_drop(|| drop(filled()));
                    pending::<()>().await;
                });
                sleep(Duration::from_micros(100)).await;
                last.cancel();
                assert!(last.await.is_err());
                let found = caught(|| {
                    let _runner = filled();
                    panic!("on the way");
                });
                assert_eq!(found.text, "on the way");
            });
        }
    });
}
