//! Functions that block: on threads of their own, or in place.

use std::panic::Location;
use std::time::{Duration, Instant};

use crate::contextvars::copy_context;
use crate::runtime::{
    Context, EventLoop, FunctionPool, PoolSettings, Task, block_in_place, boxed_call_if_big,
    is_big, named_threads, no_running_loop, try_get_running_loop,
};

/// Runs `function` on a thread for blocking calls: `asyncio.to_thread`.
///
/// It is under way when this returns. It runs in a copy of the caller's context, so it sees the
/// context variables, and what it sets stays its own. The loop has a bounded number of such
/// threads ([`max_blocking_threads`](crate::runners::Builder::max_blocking_threads)); when all are
/// busy, functions wait in line.
///
/// # Cancellation
/// The task ends at once. A function that has started runs on, and its value is dropped; one that
/// waits in line is dropped, and never runs. The loop's shutdown waits for what runs.
///
/// # Errors
/// A panic of the function is [`TaskError::Panicked`](crate::TaskError::Panicked). So is a thread
/// that cannot be started, if there is no other to run the function.
///
/// # Panics
/// If no loop is running here. (The threads themselves have none:
/// [`run_in_executor`](EventLoop::run_in_executor) works there.)
///
/// ```
/// # asyncio::run(async {
/// let text = asyncio::to_thread(|| std::fs::read_to_string("Cargo.toml")).await.unwrap();
/// assert!(text.unwrap().contains("[package]"));
/// # });
/// ```
#[track_caller]
pub fn to_thread<F, T>(function: F) -> Task<T>
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    boxed_call_if_big!(F, function: dyn FnOnce() -> T + Send => match try_get_running_loop() {
        Ok(event_loop) => event_loop.offload(None, function, copy_context(), Location::caller()),
        Err(_) => no_running_loop(),
    })
}

/// Runs `function` here, on the thread of this worker, while another thread serves in the worker's place.
///
/// For a call that is known to block, inside code that cannot await. The worker's tasks go to the others,
/// and a thread is started for it, or recalled that stood in for another, before `function` begins; when
/// that has returned, this worker goes on and the other thread rests, for as long as threads for blocking
/// calls are [kept](crate::runners::Builder::blocking_keep_alive). Tasks may wait for one another in here,
/// and what waits for something costs nothing.
///
/// As many workers can be replaced at once as there may be threads for blocking calls
/// ([`max_blocking_threads`](crate::runners::Builder::max_blocking_threads), 1,024 at most; the limits of
/// [`to_thread`] and of this do not share). Beyond that, or if the system refuses a thread, which the
/// exception handler is told, `function` runs all the same and nobody serves in the worker's place: the
/// loop has one worker less until a call returns, and none when all of them are in here.
///
/// What is bound to this thread waits: its local tasks, and, where a task calls this on the thread of
/// `run`, the main coroutine (see [`max_spare_workers`](crate::runners::Builder::max_spare_workers)).
/// Callbacks run one after another, so one that blocks holds up those behind it. Outside a worker, and
/// in the deterministic mode, it just runs the function. A time that stands still does not jump meanwhile.
/// Where one can await, [`to_thread`] is better: it leaves the worker free.
///
/// Inside the function the thread is a guest of the loop: `create_task` works, `create_local_task`
/// does not.
///
/// # Cancellation
/// A request for cancellation waits until the function has returned. So does the shutdown of the loop;
/// at its deadline it names the task, and leaves it behind.
///
/// # Panics
/// With the panic of the function, when the worker is back at work.
///
/// ```
/// # asyncio::run(async {
/// let task = asyncio::create_task(async { 42 });
/// let text = asyncio::blocking(|| std::fs::read_to_string("Cargo.toml"));
/// assert!(text.is_ok());
/// assert_eq!(task.await.unwrap(), 42);
/// # });
/// ```
pub fn blocking<T>(function: impl FnOnce() -> T) -> T {
    block_in_place(function)
}

impl EventLoop {
    /// Runs `function` on a thread of `executor`, or of the loop's own: `loop.run_in_executor`.
    ///
    /// Any thread may call this. Unlike [`to_thread`] it starts with an empty context, as asyncio's
    /// does. On a loop that is closed, or with an executor that was shut down, the function is
    /// dropped, and the task is cancelled already.
    ///
    /// # Cancellation, Errors
    /// As [`to_thread`].
    ///
    /// ```
    /// # asyncio::run(async {
    /// let event_loop = asyncio::get_running_loop();
    /// let two = event_loop.run_in_executor(None, || 1 + 1).await;
    /// assert_eq!(two.unwrap(), 2);
    /// # });
    /// ```
    #[track_caller]
    pub fn run_in_executor<F, T>(
        &self,
        executor: Option<&ThreadPoolExecutor>,
        function: F,
    ) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        boxed_call_if_big!(F, function: dyn FnOnce() -> T + Send => {
            let pool = executor.map(|executor| &executor.pool);
            self.offload(pool, function, Context::new(), Location::caller())
        })
    }
}

/// A pool of threads for [`EventLoop::run_in_executor`]: `concurrent.futures.ThreadPoolExecutor`.
///
/// It belongs to no loop: several may use one. Threads are started when they are needed, and stay
/// until the executor goes.
///
/// **Dropping it** refuses further functions and waits for nobody: what was submitted still runs,
/// then the threads end. (Python's `with` waits; a drop must not block a worker.
/// [`shutdown`](ThreadPoolExecutor::shutdown) can wait.) A loop's own shutdown does not wait for
/// the threads of an executor either.
///
/// ```
/// # asyncio::run(async {
/// let executor = asyncio::ThreadPoolExecutor::new(2);
/// let event_loop = asyncio::get_running_loop();
/// let name = event_loop.run_in_executor(Some(&executor), || {
///     std::thread::current().name().map(str::to_owned)
/// });
/// assert_eq!(name.await.unwrap().as_deref(), Some("ThreadPoolExecutor"));
/// # });
/// ```
#[derive(Debug)]
pub struct ThreadPoolExecutor {
    pool: FunctionPool,
}

impl ThreadPoolExecutor {
    /// An executor with so many threads at most. It starts none yet.
    ///
    /// # Panics
    /// If `max_workers` is zero.
    #[track_caller]
    #[must_use]
    pub fn new(max_workers: usize) -> ThreadPoolExecutor {
        assert!(max_workers > 0, "max_workers must be greater than 0");
        ThreadPoolExecutor {
            pool: FunctionPool::new(PoolSettings {
                max_threads: max_workers,
                keep_alive: Duration::MAX,
                start: named_threads("ThreadPoolExecutor".to_owned(), None),
                on_thread_start: None,
                on_thread_stop: None,
            }),
        }
    }

    /// Refuses functions from now on: they give tasks that are cancelled already, with "Executor
    /// shutdown has been called". What was submitted before still runs; with `wait`, this call
    /// blocks its thread until that has ended, and the threads with it. (What loops in the
    /// deterministic mode have submitted has no thread: with `wait`, it is run here.)
    ///
    /// # Panics
    /// If `wait` is asked for on a thread of this executor, which would wait for itself.
    #[track_caller]
    pub fn shutdown(&self, wait: bool) {
        self.pool.finish();
        if wait {
            assert!(
                !self.pool.is_served_here(),
                "shutdown(wait) on a thread of the executor would wait for itself"
            );
            self.pool.run_by_hand();
            let no_deadline: Option<Instant> = None;
            let _ended = self.pool.wait_end(no_deadline);
        }
    }
}
