//! Running a program: `run`, and the `Runner` under it.

use std::fmt;
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::panic::{Location, panic_any};
use std::time::Duration;

use crate::environment;
use crate::exceptions::{CancelledError, ShutdownTimeout};
use crate::runtime::{
    Context, Engine, EventLoop, MOST_WORKERS, Options, Slack, TimeSettings, Tuning, boxed_if_big,
    is_big, is_inside_loop,
};
use crate::sync::{StdArc, thread};

/// Runs `main` on a new loop, and closes the loop: `asyncio.run`.
///
/// The calling thread is worker 0 meanwhile, and `main` stays on it, so it may be neither `Send` nor
/// `'static`. When it ends, every other task is cancelled once and waited for; then its value is
/// returned.
///
/// # Panics
/// * inside a running loop;
/// * if the loop's threads cannot be started;
/// * if `main` panics: the shutdown runs, then the panic goes on;
/// * if `main` ends cancelled: the payload is the [`CancelledError`]. [`try_run`] returns it.
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

/// As [`run`], but a cancellation of `main` is an error and no panic.
///
/// # Errors
/// If `main` ended cancelled.
///
/// # Panics
/// Otherwise as [`run`].
#[track_caller]
pub fn try_run<F: Future>(main: F) -> Result<F::Output, CancelledError> {
    refuse_nesting();
    boxed_if_big!(F, main => Runner::new().try_run(main))
}

/// A loop, to run several main coroutines on one after the other: `asyncio.Runner`.
///
/// The other workers go on between two runs. (In the deterministic mode they do not: the thread that
/// calls `run` turns all of them.) Context variables that one `run` sets are seen by the next. Dropping
/// the runner closes it.
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
    context: Context,
    /// The thread that made it is worker 0: it stays there.
    _not_send: PhantomData<*const ()>,
}

impl Default for Runner {
    #[track_caller]
    fn default() -> Runner {
        Runner::new()
    }
}

impl Runner {
    /// A runner with the defaults.
    ///
    /// # Panics
    /// If the loop's threads cannot be started; [`Builder::build`] returns the error.
    #[track_caller]
    #[must_use]
    pub fn new() -> Runner {
        match Runner::builder().build() {
            Ok(runner) => runner,
            Err(error) => panic!("the event loop could not be started: {error}"),
        }
    }

    /// A runner with other settings.
    ///
    /// # Panics
    /// If `ASYNCIO_WORKERS` or `ASYNCIO_DEBUG` is set to what it cannot be. Set to nothing, they say nothing.
    #[track_caller]
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// Runs `main` to its end, on this thread. The loop stays open.
    ///
    /// # Panics
    /// As [`run`], and "Runner is closed" after `close`. In the deterministic mode, a deadlock closes the
    /// runner, and panics. In a fork of the process that made the runner: its threads are not there.
    #[track_caller]
    pub fn run<F: Future>(&mut self, main: F) -> F::Output {
        match boxed_if_big!(F, main => self.try_run(main)) {
            Ok(value) => value,
            Err(cancelled) => {
                // The shutdown first, as after a panic: the payload may end the process.
                self.close();
                panic_any(cancelled)
            }
        }
    }

    /// As [`run`](Runner::run), but a cancellation of `main` is an error.
    ///
    /// # Errors
    /// If `main` ended cancelled.
    ///
    /// # Panics
    /// Otherwise as [`run`](Runner::run).
    #[track_caller]
    pub fn try_run<F: Future>(&mut self, main: F) -> Result<F::Output, CancelledError> {
        assert!(!self.engine.is_closed(), "Runner is closed");
        self.get_loop().assert_own_process();
        refuse_nesting();
        boxed_if_big!(F, main => self.engine.run(main, self.context.clone(), Location::caller()))
    }

    /// The loop.
    #[must_use]
    pub fn get_loop(&self) -> &EventLoop {
        self.engine.event_loop()
    }

    /// Ends every task, waits for what runs in [`to_thread`](crate::to_thread), and joins the threads.
    /// Waits as long as that takes; for a blocking function five minutes, then it is reported, and
    /// left behind. Closing twice is fine.
    ///
    /// # Panics
    /// In the deterministic mode, if a task that was cancelled would never end: "deadlock in the
    /// shutdown", with the tasks that wait. So does the drop of a runner then, but while it unwinds.
    ///
    /// In a fork of the process that made the runner, as `run` does: its threads are not there. (A drop
    /// does nothing there.)
    #[track_caller]
    pub fn close(&mut self) {
        self.get_loop().assert_own_process();
        // Without a limit there is no deadline to miss.
        let _complete = self.engine.close(None);
    }

    /// As [`close`](Runner::close), for so long at most: then what waits is dropped where it stands,
    /// and what is inside a poll, or a blocking function, is left behind with its thread. The limit is
    /// real time, also on a loop whose time stands still. (In the deterministic mode it is not waited
    /// for where nothing can happen before.)
    ///
    /// # Errors
    /// If that was necessary; the error names what was left behind.
    ///
    /// # Panics
    /// In a fork of the process that made the runner.
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

/// The settings of a [`Runner`].
#[derive(Clone)]
#[must_use = "a builder does nothing until it builds"]
pub struct Builder {
    options: Options,
    /// None: the defaults.
    workers: Option<usize>,
    max_blocking_threads: Option<usize>,
    max_spare_workers: Option<usize>,
}

impl Builder {
    #[track_caller]
    fn new() -> Builder {
        let processors = thread::available_parallelism().map_or(1, |count| count.get());
        let options = Options {
            workers: environment::workers().unwrap_or(processors.min(MOST_WORKERS)),
            max_blocking_threads: blocking_threads_for(processors),
            blocking_keep_alive: Duration::from_secs(10),
            thread_name: "asyncio".to_owned(),
            thread_stack_size: None,
            on_thread_start: None,
            on_thread_stop: None,
            debug: environment::debug(),
            time: TimeSettings::default(),
            max_spare_workers: 0,
            seed: None,
            tuning: Tuning::from_environment(),
        };
        Builder {
            options,
            workers: None,
            max_blocking_threads: None,
            max_spare_workers: None,
        }
    }

    /// The options as they stand. A schedule by seed is the same on every machine and in every
    /// environment, so its defaults are.
    fn settled(&self) -> Options {
        let mut options = self.options.clone();
        if options.seed.is_some() {
            options.workers = SEEDED_WORKERS;
            options.max_blocking_threads = blocking_threads_for(SEEDED_WORKERS);
            options.time.paused = true;
        }
        options.workers = self.workers.unwrap_or(options.workers);
        let threads = self.max_blocking_threads;
        options.max_blocking_threads = threads.unwrap_or(options.max_blocking_threads);
        options.max_spare_workers = self.max_spare_workers.unwrap_or(options.workers);
        options
    }

    /// How many workers, the calling thread included. By default as many as the machine has
    /// processors, or what `ASYNCIO_WORKERS` says; two in the [deterministic](Builder::deterministic)
    /// mode, on every machine.
    ///
    /// # Panics
    /// If it is zero, or over 1,024. (What `ASYNCIO_WORKERS` says is held to the same, by
    /// [`Runner::builder`].)
    #[track_caller]
    pub fn workers(mut self, count: usize) -> Builder {
        assert!(count > 0, "a loop needs at least one worker");
        assert!(count <= MOST_WORKERS, "a loop has at most 1,024 workers");
        self.workers = Some(count);
        self
    }

    /// How many threads may serve blocking calls at once; by default the processors and four more,
    /// 32 at most; six in the [deterministic](Builder::deterministic) mode. As many workers, but 1,024 at
    /// most, can be replaced while they are inside [`blocking`](crate::blocking).
    ///
    /// # Panics
    /// If it is zero.
    #[track_caller]
    pub fn max_blocking_threads(mut self, count: usize) -> Builder {
        assert!(count > 0, "blocking calls need at least one thread");
        self.max_blocking_threads = Some(count);
        self
    }

    /// How long a thread for blocking calls stays without work; by default ten seconds.
    pub fn blocking_keep_alive(mut self, time: Duration) -> Builder {
        self.options.blocking_keep_alive = time;
        self
    }

    /// What the names of the loop's threads begin with; by default `asyncio`.
    ///
    /// # Panics
    /// If there is a NUL in it, which no thread's name may have.
    #[track_caller]
    pub fn thread_name(mut self, name: impl Into<String>) -> Builder {
        let name = name.into();
        assert!(
            !name.contains('\0'),
            "the name of a thread may not contain a NUL: {name:?}"
        );
        self.options.thread_name = name;
        self
    }

    /// The stack size of the loop's threads, in bytes. (Worker 0 is the caller's thread.)
    ///
    /// # Panics
    /// If it is less than 64 KiB, or more than a tebibyte. What lies between may still be more than the
    /// system has: then [`build`](Builder::build) returns its error.
    #[track_caller]
    pub fn thread_stack_size(mut self, bytes: usize) -> Builder {
        assert!(
            (64 << 10..=1 << 40).contains(&(bytes as u64)),
            "a thread's stack has from 64 KiB to 1 TiB, and not {bytes} bytes"
        );
        self.options.thread_stack_size = Some(bytes);
        self
    }

    /// Runs `hook` on every thread that the loop starts, before anything else.
    pub fn on_thread_start(mut self, hook: impl Fn() + Send + Sync + 'static) -> Builder {
        self.options.on_thread_start = Some(StdArc::new(hook));
        self
    }

    /// Runs `hook` on every thread that the loop has started, before it ends.
    pub fn on_thread_stop(mut self, hook: impl Fn() + Send + Sync + 'static) -> Builder {
        self.options.on_thread_stop = Some(StdArc::new(hook));
        self
    }

    /// How late a timer may fire, to share its wake-up with others: by a fraction of its delay, but
    /// never more than `at_most`. By default 0.002 and two milliseconds. Zero makes every timer as
    /// exact as the kernel can, at the price of a wake-up each.
    ///
    /// # Panics
    /// If the fraction is negative, infinite, or no number.
    #[track_caller]
    pub fn timer_slack(mut self, fraction: f64, at_most: Duration) -> Builder {
        assert!(
            fraction >= 0.0 && fraction.is_finite(),
            "a slack is a fraction of the delay, zero or more"
        );
        self.options.time.slack = Slack { fraction, at_most };
        self
    }

    /// Starts the loop with a time that stands still. (In the [deterministic](Builder::deterministic)
    /// mode it always does, whatever is said here.)
    ///
    /// It jumps to the next timer whenever nothing else can happen: every worker sleeps, no task, no
    /// callback and no function on the blocking pool is under way. A year of sleeping takes
    /// milliseconds, and [`EventLoop::time`] says a year later. (`Instant::now` knows nothing of
    /// it.) [`EventLoop::hold_time`] keeps it from jumping, [`EventLoop::advance`] moves it by hand.
    /// Foreign threads count while they are at work inside `block_on`, otherwise not.
    ///
    /// ```
    /// use std::time::Duration;
    /// let mut runner = asyncio::Runner::builder().start_paused(true).build()?;
    /// runner.run(async {
    ///     let event_loop = asyncio::get_running_loop();
    ///     let begin = event_loop.time();
    ///     asyncio::sleep(Duration::from_secs(365 * 24 * 3600)).await;
    ///     assert_eq!(event_loop.time() - begin, Duration::from_secs(365 * 24 * 3600));
    /// });
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn start_paused(mut self, paused: bool) -> Builder {
        self.options.time.paused = paused;
        self
    }

    /// Runs all the workers of the loop on the calling thread, and draws every choice of the scheduler
    /// from `seed`; time stands still, as with [`start_paused`](Builder::start_paused), and cannot be
    /// had otherwise. The numbers of workers and of threads for blocking calls are part of the
    /// schedule: by default they are two and six, whatever the machine has and `ASYNCIO_WORKERS` says.
    ///
    /// The same seed gives the same schedule, on every machine, as long as nothing from outside takes
    /// part: sockets and foreign threads work, but their moments are not the seed's. What a foreign
    /// thread will set later is nothing that the loop knows of: time jumps over it, or a deadlock is
    /// found, unless [`EventLoop::hold_time`] holds the time until then. It explores the
    /// orders of await points, not data races. Functions for the pool run on the same thread. If nothing is left
    /// that could ever happen, `run` panics: "deadlock"; so does the shutdown. With one worker everything runs in
    /// asyncio's order: main, tasks and callbacks stand in one line, first in, first out.
    ///
    /// The attribute does this for many seeds: `#[asyncio::test(seeds = 1000)]`.
    ///
    /// ```
    /// let schedule = |seed| {
    ///     let mut runner =
    ///         asyncio::Runner::builder().workers(4).deterministic(seed).build().unwrap();
    ///     runner.run(async {
    ///         for _ in 0..10 {
    ///             asyncio::create_task(async {}).await.unwrap();
    ///         }
    ///     });
    ///     runner.get_loop().metrics().schedule
    /// };
    /// assert_eq!(schedule(7), schedule(7));
    /// assert_ne!(schedule(7), schedule(8));
    /// ```
    pub fn deterministic(mut self, seed: u64) -> Builder {
        self.options.seed = Some(seed);
        self
    }

    /// How many workers may be started beside the others while those are stuck in tasks that block;
    /// they go when the stuck ones come back. By default as many as there are workers. Zero: none.
    ///
    /// What is bound to the thread of a stuck worker waits for it: local tasks, and, if that is the thread
    /// of [`run`](Runner::run), the main coroutine. That happens to main once: after a task has kept it
    /// waiting for some ten milliseconds, that thread takes nothing but main and local tasks, and a spare
    /// worker serves in its place, until no worker was stuck for five seconds. (With one worker and no
    /// spare to be had, it goes on to take everything.) In debug mode the task is named.
    ///
    /// # Panics
    /// If it is over 1,024.
    #[track_caller]
    pub fn max_spare_workers(mut self, count: usize) -> Builder {
        let most = MOST_WORKERS;
        assert!(count <= most, "a loop has at most 1,024 spare workers");
        self.max_spare_workers = Some(count);
        self
    }

    /// Debug mode; by default what `ASYNCIO_DEBUG` says: `1` is on, `0` is off.
    pub fn debug(mut self, debug: bool) -> Builder {
        self.options.debug = debug;
        self
    }

    #[doc(hidden)]
    pub fn tuning(mut self, tuning: Tuning) -> Builder {
        self.options.tuning = tuning;
        self
    }

    /// Builds the runner and starts its threads.
    ///
    /// # Errors
    /// What the system says to the poller's descriptors, or to a thread; nothing is left behind.
    pub fn build(self) -> io::Result<Runner> {
        Ok(Runner {
            engine: Engine::start(self.settled())?,
            context: Context::new(),
            _not_send: PhantomData,
        })
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settled().fmt(f)
    }
}

/// The default number of workers in the deterministic mode: that of `#[asyncio::test]`.
const SEEDED_WORKERS: usize = 2;

fn blocking_threads_for(processors: usize) -> usize {
    (processors + 4).min(32)
}
