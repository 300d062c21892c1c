//! Runs a program on an event loop: `run`, `try_run` and `Runner`.

use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::panic::{Location, panic_any};
use std::time::Duration;

use super::builder::Builder;
use super::handled_signals::HandledSignals;
use crate::exceptions::{CancelledError, ShutdownTimeout};
use crate::runtime::{Context, Engine, EventLoop, boxed_if_big, is_big, is_inside_loop};

/// Runs `main` on a new loop, closes the loop and returns the value of `main`: `asyncio.run`.
///
/// The calling thread is worker 0 of the loop. `main` stays on this thread, so it need not be
/// `Send` or `'static`. When `main` has ended, every other task is cancelled once and waited for.
///
/// # Panics
/// * inside a running loop;
/// * if the loop's threads cannot be started;
/// * if `main` panics: the shutdown runs, then the panic continues;
/// * if `main` ends cancelled: the payload is the [`CancelledError`]. [`try_run`] returns it
///   instead.
///
/// ```
/// let answer = asyncio::run(async {
///     let task = asyncio::create_task(async { 42 });
///     task.await.unwrap()
/// });
/// assert_eq!(answer, 42);
/// ```
#[track_caller]
pub fn run<F: Future>(main: F) -> F::Output {
    refuse_nesting();
    boxed_if_big!(F, main => Runner::new().run(main))
}

/// Like [`run`], but returns an error if `main` ends cancelled, instead of panicking.
///
/// # Errors
/// [`CancelledError`] if `main` ended cancelled.
///
/// # Panics
/// In all other cases in which [`run`] does.
///
/// ```
/// let cancelled = asyncio::try_run(async {
///     asyncio::current_task().unwrap().cancel();
///     asyncio::checkpoint().await;
/// });
/// assert!(cancelled.is_err());
/// ```
#[track_caller]
pub fn try_run<F: Future>(main: F) -> Result<F::Output, CancelledError> {
    refuse_nesting();
    boxed_if_big!(F, main => Runner::new().try_run(main))
}

/// A loop on which several main coroutines can run, one after the other: `asyncio.Runner`.
///
/// Unlike in asyncio, the other workers keep running tasks between two runs. (In the deterministic
/// mode they do not: the thread that calls `run` runs all workers.) A `run` sees the context
/// variables that earlier ones set. Dropping the runner closes it.
///
/// ```
/// let mut runner = asyncio::Runner::builder().workers(2).thread_name("api").build()?;
/// let one = runner.run(async { 1 });
/// let two = runner.run(async move { one + 1 });
/// assert_eq!(two, 2);
/// # Ok::<_, std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Runner {
    engine: Engine,
    signals: HandledSignals,
    context: Context,
    /// The thread that made the runner is worker 0, so the runner must not move to another thread.
    _not_send: PhantomData<*const ()>,
}

impl Default for Runner {
    #[track_caller]
    fn default() -> Runner {
        Runner::new()
    }
}

impl Runner {
    /// Makes a runner with the default settings, and starts its threads.
    ///
    /// # Panics
    /// As [`builder`](Runner::builder), and if the threads cannot be started ([`Builder::build`]
    /// returns an error instead).
    #[track_caller]
    #[must_use]
    pub fn new() -> Runner {
        match Runner::builder().build() {
            Ok(runner) => runner,
            Err(error) => panic!("the event loop could not be started: {error}"),
        }
    }

    /// Returns a builder, to make a runner with other settings.
    ///
    /// # Panics
    /// If `ASYNCIO_WORKERS` or `ASYNCIO_DEBUG` has an invalid value. An empty value is ignored.
    #[track_caller]
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Runs `main` to its end on this thread and returns its value. The loop stays open.
    ///
    /// # Panics
    /// As [`run`], and "Runner is closed" after [`close`](Runner::close). In the deterministic
    /// mode, on a deadlock, which also closes the runner. In a fork of the process that made the
    /// runner.
    #[track_caller]
    pub fn run<F: Future>(&mut self, main: F) -> F::Output {
        match boxed_if_big!(F, main => self.try_run(main)) {
            Ok(value) => value,
            Err(cancelled) => {
                // Closed before the panic, as after a panic of `main`: the panic may end the
                // process.
                self.close();
                self.signals.end_if_by(&cancelled);
                panic_any(cancelled)
            }
        }
    }

    /// Like [`run`](Runner::run), but if `main` ends cancelled, returns an error and stays open.
    ///
    /// # Errors
    /// [`CancelledError`] if `main` ended cancelled.
    ///
    /// # Panics
    /// In all other cases in which [`run`](Runner::run) does.
    #[track_caller]
    pub fn try_run<F: Future>(&mut self, main: F) -> Result<F::Output, CancelledError> {
        assert!(!self.engine.is_closed(), "Runner is closed");
        self.get_loop().assert_own_process();
        refuse_nesting();
        let (signals, event_loop) = (self.signals, self.get_loop().clone());
        let begun = |main| signals.watch(&event_loop, &main);
        boxed_if_big!(F, main => {
            self.engine.run(main, self.context.clone(), Location::caller(), begun)
        })
    }

    /// The runner's loop.
    #[must_use]
    pub fn get_loop(&self) -> &EventLoop {
        self.engine.event_loop()
    }

    /// Shuts the loop down: cancels every task once and waits for it, waits for the functions that
    /// run in [`to_thread`](crate::to_thread), and joins the threads: `Runner.close`. It waits as
    /// long as that takes, but at most five minutes for a blocking function, which is then reported
    /// and left behind. Closing a closed runner does nothing.
    ///
    /// # Panics
    /// In the deterministic mode, if a cancelled task would never end: "deadlock in the shutdown",
    /// with the tasks that wait. (So does a drop, unless the thread is already panicking.) In a
    /// fork of the process that made the runner, which does not have its threads. (A drop does
    /// nothing there.)
    #[track_caller]
    pub fn close(&mut self) {
        self.get_loop().assert_own_process();
        // Without a limit there is no deadline to miss.
        let _complete = self.engine.close(None);
    }

    /// Shuts the loop down like [`close`](Runner::close), but takes at most `limit`. At the limit,
    /// suspended tasks are dropped; tasks that are inside a poll, and blocking functions, are left
    /// behind with their threads. The limit is real time, also on a loop with a paused clock. (In
    /// the deterministic mode the call does not wait for a limit before which nothing can happen.)
    ///
    /// # Errors
    /// [`ShutdownTimeout`] if the limit was reached; the error names what was left behind.
    ///
    /// # Panics
    /// In a fork of the process that made the runner.
    ///
    /// ```
    /// use std::time::Duration;
    /// let mut runner = asyncio::Runner::builder().workers(2).build()?;
    /// runner.run(async {
    ///     let _detached = asyncio::create_task(std::future::pending::<()>());
    /// });
    /// assert!(runner.shutdown_timeout(Duration::from_secs(10)).is_ok());
    /// # Ok::<_, std::io::Error>(())
    /// ```
    #[track_caller]
    pub fn shutdown_timeout(&mut self, limit: Duration) -> Result<(), ShutdownTimeout> {
        self.get_loop().assert_own_process();
        self.engine.close(Some(limit))
    }
}

#[track_caller]
fn refuse_nesting() {
    assert!(
        !is_inside_loop(),
        "run() cannot be called from a running event loop"
    );
}

impl Builder {
    /// Makes the runner and starts its threads.
    ///
    /// # Errors
    /// If the system refuses the poller's file descriptors or a thread. Nothing is left running
    /// then.
    pub fn build(self) -> io::Result<Runner> {
        Ok(Runner {
            engine: Engine::start(self.settled())?,
            signals: self.signals(),
            context: Context::new(),
            _not_send: PhantomData,
        })
    }
}
