//! Tests of `EnterGuard`: a guard enters its loop, but does not make its thread a worker of that
//! loop after the thread has left it.
//!
//! Earlier tests used guards inside the run that made them, and on foreign threads, but moved none
//! from one to the other. They made local tasks in running code, but not in the destructors that
//! run last.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use asyncio::{
    ContextVar, EnterGuard, Runner, blocking, create_local_task, create_task, get_running_loop,
    sleep,
};
use runtime_tests::{Flag, caught, on_drop, watched};

use super::workers;

const SOON: Duration = Duration::from_secs(10);

/// Asserts that a task created here is run by another thread of the loop.
#[track_caller]
fn assert_others_run_it() {
    let (sender, receiver) = mpsc::channel();
    drop(create_task(async move { sender.send(1).unwrap() }));
    assert_eq!(
        receiver.recv_timeout(SOON),
        Ok(1),
        "no thread runs the task"
    );
}

/// Asserts that this thread runs no local tasks: `create_local_task` panics at the line of its
/// caller.
#[track_caller]
fn assert_no_local_tasks() {
    let found = caught(|| drop(create_local_task(async {})));
    assert!(found.text.contains("create_local_task"), "{}", found.text);
    assert_eq!(found.place.unwrap().0, file!());
}

#[test]
fn a_guard_that_is_carried_out_of_a_run_leaves_the_work_to_the_others() {
    watched(|| {
        let mut runner = workers(2);
        let guard = runner.run(async { get_running_loop().enter() });
        assert_others_run_it();
        assert_no_local_tasks();
        assert_eq!(get_running_loop(), *runner.get_loop());
        drop(guard);
        assert!(asyncio::try_get_running_loop().is_err());
        runner.close();
    });
}

#[test]
fn a_runner_runs_again_beside_a_guard_of_an_earlier_run() {
    watched(|| {
        let mut runner = workers(2);
        let first = runner.run(async { get_running_loop().enter() });
        let second = runner.run(async {
            create_local_task(async {}).await.unwrap();
            get_running_loop().enter()
        });
        drop(first);
        assert_others_run_it();
        drop(second);
        let mut other = workers(1);
        let guard = runner.run(async { get_running_loop().enter() });
        assert_eq!(
            other.run(async { create_local_task(async { 3 }).await.unwrap() }),
            3
        );
        assert_others_run_it();
        runner.close();
        let late = create_task(async {});
        assert!(late.cancelled(), "the loop is closed");
        drop(guard);
    });
}

#[test]
fn a_guard_that_is_carried_out_of_block_on_runs_nothing() {
    watched(|| {
        let runner = workers(2);
        let event_loop = runner.get_loop().clone();
        thread::spawn(move || {
            let root = event_loop.block_on(async { get_running_loop().enter() });
            let guard = root.unwrap();
            assert_others_run_it();
            assert_no_local_tasks();
            // The thread can call `block_on` again.
            assert_eq!(event_loop.block_on(async { 7 }), Ok(7));
            drop(guard);
        })
        .join()
        .unwrap();
        drop(runner);
    });
}

#[test]
fn a_guard_made_inside_blocking_has_the_role_of_what_stands_below() {
    watched(|| {
        let mut runner = workers(2);
        let guard = runner.run(async {
            let guard = blocking(|| {
                let guard = get_running_loop().enter();
                assert_no_local_tasks();
                guard
            });
            create_local_task(async {}).await.unwrap();
            guard
        });
        assert_others_run_it();
        assert_no_local_tasks();
        drop(guard);
    });
}

#[test]
fn a_guard_inside_its_run_leaves_the_thread_a_worker() {
    watched(|| {
        workers(1).run(async {
            let _guard = get_running_loop().enter();
            let _second = get_running_loop().enter();
            assert_eq!(create_local_task(async { 5 }).await.unwrap(), 5);
            let found = caught(|| asyncio::run(async {}));
            assert!(found.text.contains("running event loop"), "{}", found.text);
        });
    });
}

thread_local! {
    static KEPT: RefCell<Option<EnterGuard>> = const { RefCell::new(None) };
}

#[test]
fn a_guard_kept_by_a_worker_s_thread_does_no_harm() {
    watched(|| {
        let mut runner = workers(3);
        for _ in 0..50 {
            let task = runner.get_loop().create_task(async {
                let guard = get_running_loop().enter();
                drop(KEPT.replace(Some(guard)));
                create_task(async { 1 }).await.unwrap()
            });
            assert_eq!(runner.run(task).unwrap(), 1);
        }
        runner.close();
    });
    KEPT.take();
}

type DropAction = runtime_tests::OnDrop<Box<dyn FnOnce() + Send>>;

static LATE: ContextVar<Arc<Mutex<DropAction>>> = ContextVar::new("LATE", None);

/// Sets a context variable whose value runs `action` when it is dropped with its context.
fn run_when_context_drops(action: impl FnOnce() + Send + 'static) {
    let action: Box<dyn FnOnce() + Send> = Box::new(action);
    drop(LATE.set(Arc::new(Mutex::new(on_drop(action)))));
}

/// Sets a context variable whose value makes a local task when it is dropped.
fn make_local_task_when_context_drops(ended: Flag) {
    run_when_context_drops(move || {
        let probe = ended.set_on_drop();
        drop(create_local_task(async move {
            let _probe = probe;
            std::future::pending::<()>().await;
        }));
    });
}

#[test]
fn a_local_task_that_the_last_destructor_of_a_root_makes_is_ended() {
    watched(|| {
        for kind in 0..3 {
            let ended = Flag::default();
            let mut runner = workers(2);
            let event_loop = runner.get_loop().clone();
            let inner = ended.clone();
            match kind {
                0 => {
                    let root = thread::spawn(move || {
                        event_loop
                            .block_on(async move { make_local_task_when_context_drops(inner) })
                    });
                    assert_eq!(root.join().unwrap(), Ok(()));
                }
                1 => {
                    let root = thread::spawn(move || {
                        event_loop.block_on(async move {
                            create_local_task(async move {
                                make_local_task_when_context_drops(inner);
                            })
                            .await
                            .unwrap();
                        })
                    });
                    assert_eq!(root.join().unwrap(), Ok(()));
                }
                _ => runner.run(async move {
                    create_local_task(async move { make_local_task_when_context_drops(inner) })
                        .await
                        .unwrap();
                }),
            }
            runner.close();
            drop(runner);
            assert!(ended.is_set(), "kind {kind}: a local task is left");
        }
    });
}

#[test]
fn a_local_task_that_the_runner_s_context_makes_at_the_end_is_no_hang() {
    watched(|| {
        let mut runner: Runner = workers(2);
        let ended = Flag::default();
        let inner = ended.clone();
        runner.run(async move {
            let probe = inner.set_on_drop();
            run_when_context_drops(move || {
                // The thread has left the loop by now, so the call panics. No task owns that panic.
                let _refused = caught(move || {
                    let _probe = probe;
                    drop(create_local_task(async {}));
                });
            });
        });
        drop(runner);
        assert!(ended.is_set());
    });
}

#[test]
fn any_number_of_guards_may_lie_on_one_another() {
    watched(|| {
        let mut runner = workers(1);
        runner.run(async {
            let event_loop = get_running_loop();
            let guards: Vec<_> = (0..100_000).map(|_| event_loop.enter()).collect();
            assert_eq!(create_local_task(async { 1 }).await.unwrap(), 1);
            assert_eq!(blocking(|| 2), 2);
            drop(guards);
            assert_eq!(create_task(async { 3 }).await.unwrap(), 3);
        });
        runner.close();
    });
}

#[test]
fn a_guard_that_is_forgotten_on_a_stand_in_does_not_keep_its_place() {
    watched(|| {
        let builder = Runner::builder().workers(1).max_blocking_threads(1);
        let mut runner = builder.build().unwrap();
        runner.run(async {
            for _ in 0..3 {
                let waits = create_task(async {
                    let (sender, receiver) = mpsc::channel();
                    drop(create_task(async move {
                        std::mem::forget(get_running_loop().enter());
                        sender.send(()).unwrap();
                    }));
                    blocking(move || receiver.recv_timeout(SOON))
                });
                assert_eq!(waits.await.unwrap(), Ok(()), "no stand-in runs the task");
                // The stand-in has most likely retired before the next round.
                sleep(Duration::from_millis(20)).await;
            }
        });
        runner.close();
    });
}
