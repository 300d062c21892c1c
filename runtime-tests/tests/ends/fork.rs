//! Tests of a loop in a fork of its process: its threads do not exist there, so each call that
//! would wait for them panics and says so.

use std::ffi::{CStr, c_char};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::time::Duration;

use asyncio::{Runner, create_task, run_coroutine_threadsafe, to_thread};
use runtime_tests::{alone, caught};

use super::workers;

unsafe extern "C" {
    safe fn fork() -> i32;
    safe fn waitpid(process: i32, status: &mut i32, options: i32) -> i32;
    safe fn _exit(code: i32) -> !;
}

/// Runs `child` in a fork of the process, and asserts that it returns without a panic.
fn forked(child: impl FnOnce()) {
    match fork() {
        0 => {
            let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            _exit(i32::from(end.is_err()))
        }
        process => {
            let mut status = 0;
            assert_eq!(waitpid(process, &mut status, 0), process);
            assert_eq!(status, 0, "the child has failed");
        }
    }
}

#[track_caller]
fn assert_refused<R>(wait: impl FnOnce() -> R) {
    let found = caught(wait);
    assert!(found.text.contains("fork"), "{}", found.text);
    assert_eq!(found.place.unwrap().0, file!());
}

#[test]
fn a_fork_of_the_process_cannot_use_the_loop_of_its_parent() {
    alone(|| {
        for count in [1, 3] {
            let mut runner = workers(count);
            runner.run(async { create_task(async {}).await.unwrap() });
            let mut dropped_in_child = Some(workers(count));
            forked(|| {
                let event_loop = runner.get_loop().clone();
                assert_refused(|| runner.run(async {}));
                assert_refused(|| event_loop.block_on(async {}));
                assert_refused(|| run_coroutine_threadsafe(async {}, &event_loop).result(None));
                assert_refused(|| runner.close());
                assert_refused(|| runner.shutdown_timeout(Duration::ZERO));
                drop(dropped_in_child.take());
                assert_eq!(
                    asyncio::run(async { create_task(async { 4 }).await.unwrap() }),
                    4
                );
            });
            assert_eq!(
                runner.run(async { create_task(async { 5 }).await.unwrap() }),
                5
            );
            runner.close();
        }
    });
}

#[test]
fn a_fork_inside_a_run_may_run_a_loop_of_its_own() {
    alone(|| {
        let mut runner: Runner = workers(2);
        runner.run(async {
            forked(|| {
                let value = asyncio::run(async { create_task(async { 6 }).await.unwrap() });
                assert_eq!(value, 6);
            });
            create_task(async {}).await.unwrap();
        });
        runner.close();
    });
}

unsafe extern "C" {
    safe fn dup2(of: i32, to: i32) -> i32;
    fn execv(path: *const c_char, arguments: *const *const c_char) -> i32;
}

// What a C library in the same process does that starts programs by itself.
#[test]
fn a_fork_inside_a_run_may_start_a_program() {
    alone(|| {
        let mut runner: Runner = workers(2);
        runner.run(async {
            let (mut output, input) = std::io::pipe().unwrap();
            let arguments = [c"sh", c"-c", c"echo hello; exec sleep 0"].map(CStr::as_ptr);
            let arguments = [&arguments[..], &[std::ptr::null()]].concat();
            match fork() {
                0 => {
                    dup2(input.as_raw_fd(), 1);
                    // SAFETY: path and arguments are C strings, and the arguments end with null.
                    unsafe { execv(c"/bin/sh".as_ptr(), arguments.as_ptr()) };
                    _exit(1);
                }
                process => {
                    drop(input);
                    let said = to_thread(move || {
                        let mut said = String::new();
                        output.read_to_string(&mut said).unwrap();
                        said
                    });
                    assert_eq!(said.await.unwrap(), "hello\n");
                    let mut status = 0;
                    assert_eq!(waitpid(process, &mut status, 0), process);
                    assert_eq!(status, 0);
                }
            }
            create_task(async {}).await.unwrap();
        });
        runner.close();
    });
}
