//! The runtimes, each behind the same traits.
//!
//! An adapter adds nothing of its own: each method is the call that a user of
//! that runtime would write. A runtime implements only the traits whose
//! functions it has; a workload asks for the traits it needs.

mod smol;
mod tokio;

pub use self::smol::Smol;
pub use self::tokio::Tokio;

use std::future::Future;
use std::time::Duration;

/// A runtime that starts, awaits and schedules tasks.
pub trait Tasks: 'static {
    /// What the runtime gives back for a task that was started.
    type Task<T: Send + 'static>: Send + 'static;

    /// What starts tasks from a thread that the runtime does not know.
    type Spawner: Send + 'static;

    /// Runs `main` on this thread, with `workers` workers for the tasks.
    fn run<F: Future>(workers: usize, main: F) -> F::Output;

    /// Starts a task from inside.
    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static;

    /// Waits for a task and gives its value; panics if there is none.
    fn join<T: Send + 'static>(task: Self::Task<T>) -> impl Future<Output = T> + Send;

    /// Lets a task run on with nobody to await it.
    fn detach<T: Send + 'static>(task: Self::Task<T>);

    /// Lets every other task that is ready run once.
    fn yield_now() -> impl Future<Output = ()> + Send;

    /// A way into the running runtime for other threads.
    fn spawner() -> Self::Spawner;

    /// Starts a task from any thread and detaches it.
    fn spawn_from<F>(spawner: &Self::Spawner, future: F)
    where
        F: Future<Output = ()> + Send + 'static;
}

/// A runtime whose tasks can wait for time to pass.
pub trait Timers: Tasks {
    /// Waits for `delay`, counted from this call.
    fn sleep(delay: Duration) -> impl Future<Output: Send> + Send + 'static;
}

/// A runtime that has threads for functions that block.
pub trait Blocking: Tasks {
    /// Hands `function` to such a thread, at the call and not at the first
    /// poll; the future gives its value.
    fn to_thread<F, T>(function: F) -> impl Future<Output = T> + Send
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static;
}
