//! Tests that one cause of a cancellation is one request, in however many ways it reaches a task:
//! through awaiting tasks, around a cycle of them, or also as the task's own request from the same
//! shutdown.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asyncio::{
    Runner, Task, TaskHandle, catch_cancelled, checkpoint, create_task, finally, get_running_loop,
    sleep, wait_for,
};
use runtime_tests::{begun, on_workers, until, watched};

#[path = "causes/cycles.rs"]
mod cycles;

#[path = "causes/cleanups.rs"]
mod cleanups;

#[path = "causes/ends.rs"]
mod ends;

#[path = "causes/passing_on.rs"]
mod passing_on;

const HOUR: Duration = Duration::from_secs(3600);

fn runner(workers: usize) -> Runner {
    let builder = Runner::builder().workers(workers);
    builder.build().expect("a loop can be started")
}

/// Counts the calls of the loop's exception handler.
fn count_reports(runner: &Runner) -> Arc<AtomicUsize> {
    let reports = Arc::new(AtomicUsize::new(0));
    let counter = reports.clone();
    runner.get_loop().set_exception_handler(move |_, _| {
        counter.fetch_add(1, Ordering::SeqCst);
    });
    reports
}
