//! Tests of loops that run while the values of a thread are being dropped, those of the library
//! among them.
//!
//! Earlier tests submitted work there, but none ran a loop: its first callback panicked, because
//! the stack of contexts was gone.

use std::cell::Cell;
use std::future::pending;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use asyncio::{
    Context, catch_cancelled, checkpoint, create_task, finally, get_running_loop, sleep,
    task_group, wait_for,
};
use runtime_tests::{Log, begun, watched};

use super::workers;

thread_local! {
    static RUN_AT_END: RunAtEnd = const { RunAtEnd(Cell::new(None)) };
}

/// Runs a loop when its thread ends, and sends what came of it.
struct RunAtEnd(Cell<Option<mpsc::Sender<Vec<&'static str>>>>);

impl Drop for RunAtEnd {
    fn drop(&mut self) {
        let outcome = cancel_in_many_ways();
        self.0.take().unwrap().send(outcome).unwrap();
    }
}

/// Uses what the library keeps for each thread: for cancellation, groups and contexts.
fn cancel_in_many_ways() -> Vec<&'static str> {
    let mut runner = workers(1);
    let log = Log::default();
    let main = log.clone();
    runner.run(async {
        let log = main;
        let task = begun({
            let log = log.clone();
            async move {
                let caught = catch_cancelled(pending::<()>()).await;
                log.note("caught");
                caught.unwrap_err().raise().await
            }
        })
        .await;
        task.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        let late = wait_for(pending::<()>(), Duration::from_micros(10)).await;
        assert!(late.is_err());
        log.note("timed out");
        let group = task_group(async |group| {
            let _child = group.create_task(async { Err::<(), _>("failed") });
            pending::<Result<(), &str>>().await
        });
        assert!(group.await.is_err());
        log.note("failed");
        let context = Context::new();
        context.run(|| drop(get_running_loop().call_soon(|| ())));
        sleep(Duration::from_micros(10)).await;
        let last = log.clone();
        drop(create_task(finally(pending::<()>(), async move {
            last.note("finally");
        })));
        checkpoint().await;
    });
    runner.close();
    log.notes()
}

#[test]
fn a_loop_may_run_in_the_last_destructors_of_a_thread() {
    watched(|| {
        let usual = cancel_in_many_ways();
        assert_eq!(usual, ["caught", "timed out", "failed", "finally"]);
        for first in [false, true] {
            let (sender, outcome) = mpsc::channel();
            let thread = thread::spawn(move || {
                // What is used first is dropped last, or the other way round.
                if first {
                    RUN_AT_END.with(|_| ());
                }
                cancel_in_many_ways();
                RUN_AT_END.with(|at_end| at_end.0.set(Some(sender)));
            });
            thread.join().unwrap();
            assert_eq!(outcome.recv().unwrap(), usual);
        }
    });
}
