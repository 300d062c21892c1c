//! The rows: workloads of `compare`, with one worker, and as often as is asked for.

use std::future::Future;

#[cfg(feature = "others")]
use benches::runtimes::Tokio;
use benches::runtimes::{Asyncio, Locks, Queues, Sockets, Tasks, Timeouts, Timers};
use benches::work::{sharing, sockets, tasks, timers};

/// Does so many operations.
type Run = fn(usize);

/// An operation whose instructions are counted.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// At most so many instructions.
    pub(crate) goal: Option<u64>,
    /// The number of operations of the shorter of the two runs.
    pub(crate) ops: usize,
    asyncio: Run,
    #[cfg(feature = "others")]
    tokio: Run,
}

/// A runtime that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runtime {
    Asyncio,
    Tokio,
}

impl Runtime {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Asyncio => "asyncio",
            Self::Tokio => "tokio",
        }
    }
}

impl Row {
    /// The function that does its operations; `None` if the program was built without the runtime.
    pub(crate) fn run(&self, runtime: Runtime) -> Option<Run> {
        match runtime {
            Runtime::Asyncio => Some(self.asyncio),
            #[cfg(feature = "others")]
            Runtime::Tokio => Some(self.tokio),
            #[cfg(not(feature = "others"))]
            Runtime::Tokio => None,
        }
    }
}

/// The row of this name.
pub(crate) fn named(name: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.name == name)
}

macro_rules! row {
    ($name:literal, $goal:expr, $ops:literal, $run:ident) => {
        Row {
            name: $name,
            goal: $goal,
            ops: $ops,
            asyncio: $run::<Asyncio>,
            #[cfg(feature = "others")]
            tokio: $run::<Tokio>,
        }
    };
}

pub(crate) static ROWS: [Row; 9] = [
    row!("spawn and await one", Some(900), 5_000, spawn_and_await),
    row!("yield", Some(230), 20_000, yields),
    row!("chained spawn", Some(600), 10_000, chain),
    row!("spawn many, await all", Some(1_150), 20_000, spawn_many),
    row!("wait_for, unneeded", Some(1_000), 5_000, wait_for),
    row!("sleep, dropped", Some(600), 10_000, sleep_dropped),
    row!("queue hand-over", None, 10_000, queue),
    row!("lock, uncontended", None, 20_000, lock),
    row!("echo, both ends", None, 1_000, echo),
];

/// Runs the workload in a task, as nearly all code of a program runs.
fn in_a_task<R: Tasks>(work: impl Future<Output = ()> + Send + 'static) {
    R::run(1, async move { R::join(R::spawn(work)).await });
}

fn spawn_and_await<R: Tasks>(ops: usize) {
    in_a_task::<R>(tasks::spawn_and_await::<R>(ops));
}

/// As in `compare`: a thousand tasks, which share the yields.
fn yields<R: Tasks>(ops: usize) {
    in_a_task::<R>(tasks::yields::<R>(1_000, ops / 1_000));
}

fn chain<R: Tasks>(ops: usize) {
    in_a_task::<R>(tasks::chain::<R>(ops));
}

fn spawn_many<R: Tasks>(ops: usize) {
    in_a_task::<R>(tasks::spawn_many::<R>(ops));
}

fn wait_for<R: Timeouts>(ops: usize) {
    in_a_task::<R>(timers::timeout_unneeded::<R>(ops));
}

fn sleep_dropped<R: Timers>(ops: usize) {
    in_a_task::<R>(timers::register_and_drop::<R>(ops));
}

fn queue<R: Queues>(ops: usize) {
    in_a_task::<R>(sharing::queue_one_to_one::<R>(1, ops));
}

fn lock<R: Locks>(ops: usize) {
    in_a_task::<R>(sharing::lock_alone::<R>(ops));
}

/// One connection: an operation is a question and its answer, with both ends in the count. Without
/// the instructions of the kernel, which valgrind does not see.
fn echo<R: Sockets>(ops: usize) {
    in_a_task::<R>(async move {
        let (listener, address) = R::listen().await;
        R::detach(R::spawn(sockets::serve::<R>(listener)));
        sockets::ask::<R>(address, 1, ops).await;
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_ends() {
        for row in &ROWS {
            for runtime in [Runtime::Asyncio, Runtime::Tokio] {
                if let Some(run) = row.run(runtime) {
                    run(1_000);
                }
            }
        }
    }

    #[test]
    fn every_row_has_a_name_of_its_own() {
        for row in &ROWS {
            let named = named(row.name).expect("it is a row");
            assert!(std::ptr::eq(named, row), "{}", row.name);
        }
    }
}
