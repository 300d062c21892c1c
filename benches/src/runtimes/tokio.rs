//! tokio, as `#[tokio::main]` sets it up: the multi-threaded runtime with its
//! I/O and time drivers.

use std::future::Future;
use std::time::Duration;

use super::{Blocking, Tasks, Timers};

/// tokio's multi-threaded runtime.
#[derive(Debug)]
pub struct Tokio;

impl Tasks for Tokio {
    type Task<T: Send + 'static> = ::tokio::task::JoinHandle<T>;
    type Spawner = ::tokio::runtime::Handle;

    fn run<F: Future>(workers: usize, main: F) -> F::Output {
        ::tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()
            .expect("tokio's runtime starts")
            .block_on(main)
    }

    fn spawn<F>(future: F) -> Self::Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        ::tokio::spawn(future)
    }

    async fn join<T: Send + 'static>(task: Self::Task<T>) -> T {
        task.await
            .expect("the task neither panics nor is cancelled")
    }

    fn detach<T: Send + 'static>(task: Self::Task<T>) {
        drop(task);
    }

    fn yield_now() -> impl Future<Output = ()> + Send {
        ::tokio::task::yield_now()
    }

    fn spawner() -> Self::Spawner {
        ::tokio::runtime::Handle::current()
    }

    fn spawn_from<F>(spawner: &Self::Spawner, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(spawner.spawn(future));
    }
}

impl Timers for Tokio {
    fn sleep(delay: Duration) -> impl Future<Output: Send> + Send + 'static {
        ::tokio::time::sleep(delay)
    }
}

impl Blocking for Tokio {
    fn to_thread<F, T>(function: F) -> impl Future<Output = T> + Send
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        Self::join(::tokio::task::spawn_blocking(function))
    }
}
