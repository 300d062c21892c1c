//! Runs blocking functions: on pool threads (`to_thread`, executors), or in place (`blocking`).

use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use crate::exceptions::ShutdownTimeout;
use crate::runtime::{
    Context, EventLoop, FunctionPool, PoolSettings, Task, block_in_place, boxed_call_if_big,
    describe_function, inherited_context, is_big, named_threads, no_running_loop,
    try_get_running_loop,
};
use crate::tasks::sleep;

/// Runs `function` on a thread for blocking calls: `asyncio.to_thread`.
///
/// Unlike in asyncio, the call itself submits the function; it does not wait for the first await of
/// the returned task. The function runs in a copy of the caller's context: it sees the context
/// variables, and values that it sets stay in its copy. The loop has a bounded number of such
/// threads ([`max_blocking_threads`](crate::runners::Builder::max_blocking_threads)); when all are
/// busy, functions are queued.
///
/// # Cancellation
/// The task ends at once. A function that has started keeps running, and its value is dropped; a
/// queued function is dropped and never runs. The shutdown of the loop waits for running functions.
///
/// # Errors
/// [`TaskError::Panicked`](crate::TaskError::Panicked) if the function panics, or if the system
/// refuses a thread and the loop has no other thread to run the function.
///
/// # Panics
/// If no loop is running here. (The threads for blocking calls themselves have no running loop:
/// use [`run_in_executor`](EventLoop::run_in_executor) there.)
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
        Ok(event_loop) => {
            let context = inherited_context().unwrap_or_default();
            event_loop.offload(None, function, context, Location::caller())
        }
        Err(_) => no_running_loop(),
    })
}

/// Runs `function` on the current thread, while a stand-in thread does the work of this worker.
///
/// It is for a call that is known to block, inside code that cannot await; code that can await
/// should use [`to_thread`], which leaves the worker free. asyncio has no counterpart.
///
/// Before `function` begins, the worker's tasks are handed to the other workers, and a stand-in
/// thread is started, or an idle one is reused. When `function` has returned, this thread is the
/// worker again, and the stand-in idles for as long as threads for blocking calls are
/// [kept](crate::runners::Builder::blocking_keep_alive). Functions in here may wait for one another
/// and for tasks: a call that waits occupies no worker.
///
/// At most [`max_blocking_threads`](crate::runners::Builder::max_blocking_threads) workers, and
/// never more than 1,024, have a stand-in at once. (This limit is separate from that of
/// [`to_thread`].) Beyond that limit, or if the system refuses a thread, which is reported to the
/// exception handler, `function` runs without a stand-in: the loop has one worker less until a call
/// returns, and no worker when all of them are in here.
///
/// Work that is bound to this thread waits until `function` has returned: its local tasks and, if a
/// task calls this on the thread of `run`, the main coroutine (see
/// [`max_spare_workers`](crate::runners::Builder::max_spare_workers)). Callbacks run one after
/// another, so a callback that blocks delays those after it. Outside a worker, and in the
/// deterministic mode, this only calls the function. A paused clock does not jump while the
/// function runs.
///
/// Inside the function the thread has entered the loop but is not one of its workers: `create_task`
/// works, `create_local_task` does not.
///
/// # Cancellation
/// A cancellation request is delivered after the function has returned. The shutdown of the loop
/// waits for the function too; at its deadline it names the task and leaves it behind.
///
/// # Panics
/// If the function panics: with its panic, after this thread is the worker again.
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
    /// Runs `function` on a thread of `executor`, or of the loop's own pool:
    /// `loop.run_in_executor`.
    ///
    /// Any thread may call this. The function runs in an empty context, as in asyncio, and unlike
    /// in [`to_thread`]. On a closed loop, or with an executor that was shut down, the function is
    /// dropped, and the returned task is already cancelled.
    ///
    /// # Cancellation, Errors
    /// The same as for [`to_thread`].
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

    /// Closes the loop's own pool, and waits until its threads have left:
    /// `loop.shutdown_default_executor`. [`Runner::close`](crate::Runner::close) does it too; call
    /// this to have it done before.
    ///
    /// From the first poll on the pool refuses functions: the tasks of [`to_thread`] and
    /// [`run_in_executor`](EventLoop::run_in_executor) are already cancelled, with "Executor
    /// shutdown has been called", and no subprocess can be started. What was submitted before still
    /// runs. Look-ups of names have threads of their own, and go on.
    ///
    /// # Errors
    /// [`ShutdownTimeout`] if it took longer than `timeout`; the error names the functions that
    /// still run, each with the place of the call. (asyncio warns instead.) They run on; a second
    /// call waits for them again.
    ///
    /// # Panics
    /// With a `timeout`, if it is awaited outside of every loop.
    ///
    /// # Cancellation
    /// The pool stays closed.
    ///
    /// ```
    /// use std::time::Duration;
    /// # asyncio::run(async {
    /// let event_loop = asyncio::get_running_loop();
    /// let last = asyncio::to_thread(|| 42);
    /// event_loop.shutdown_default_executor(Duration::from_secs(10)).await?;
    /// assert_eq!(last.await.unwrap(), 42);
    /// assert!(asyncio::to_thread(|| 43).await.is_err());
    /// # Ok::<_, asyncio::ShutdownTimeout>(())
    /// # }).unwrap();
    /// ```
    pub async fn shutdown_default_executor(
        &self,
        timeout: impl Into<Option<Duration>>,
    ) -> Result<(), ShutdownTimeout> {
        let timeout = timeout.into();
        let pool = self.pool();
        pool.finish();
        let mut end = pin!(poll_fn(|cx| pool.poll_end(cx.waker())));
        let Some(limit) = timeout else {
            end.await;
            return Ok(());
        };
        let mut sleep = pin!(sleep(limit));
        poll_fn(|cx| {
            if end.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            sleep.as_mut().poll(cx).map(|()| {
                let stuck = pool.running().into_iter().map(describe_function).collect();
                Err(ShutdownTimeout { limit, stuck })
            })
        })
        .await
    }
}

/// A pool of threads for [`EventLoop::run_in_executor`]: `concurrent.futures.ThreadPoolExecutor`.
///
/// It belongs to no loop: several loops may share one. Threads are started when they are needed,
/// and end when the executor is dropped or shut down.
///
/// **Dropping it** does not wait: functions that were submitted before still run, then the threads
/// end. Python's `with` waits, but a drop must not block a worker;
/// [`shutdown`](ThreadPoolExecutor::shutdown) can wait. The shutdown of a loop does not wait for
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
    /// Makes an executor with at most `max_workers` threads. It starts none yet.
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

    /// Refuses new functions from now on: their tasks are already cancelled, with "Executor
    /// shutdown has been called".
    ///
    /// Functions that were submitted before still run. If `wait` is true, this call blocks until
    /// they have returned and the threads have ended. (Functions that were submitted by loops in
    /// the deterministic mode have no thread of the pool: if `wait` is true, this call runs them.)
    ///
    /// # Panics
    /// If `wait` is true on a thread of this executor: the call would wait for itself.
    ///
    /// ```
    /// # asyncio::run(async {
    /// let executor = asyncio::ThreadPoolExecutor::new(1);
    /// let event_loop = asyncio::get_running_loop();
    /// executor.shutdown(false);
    /// let refused = event_loop.run_in_executor(Some(&executor), || unreachable!());
    /// assert!(refused.await.unwrap_err().is_cancelled());
    /// # });
    /// ```
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
