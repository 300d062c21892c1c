//! The settings of a runner.

use std::fmt;
use std::time::Duration;

use super::handled_signals::HandledSignals;
use crate::environment;
use crate::runtime::{MOST_WORKERS, Options, Resolve, Slack, TimeSettings, Tuning};
use crate::sync::{StdArc, thread};

/// The settings of a [`Runner`](super::Runner); made by
/// [`Runner::builder`](super::Runner::builder).
#[derive(Clone)]
#[must_use = "a builder does nothing until it builds"]
pub struct Builder {
    options: Options,
    signals: HandledSignals,
    /// `None` for the default, in all three.
    workers: Option<usize>,
    max_blocking_threads: Option<usize>,
    max_spare_workers: Option<usize>,
}

impl Builder {
    #[track_caller]
    pub(super) fn new() -> Builder {
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
            portable_poller: environment::portable_poller(),
            time: TimeSettings::default(),
            max_spare_workers: 0,
            seed: None,
            resolver: None,
            tuning: Tuning::from_environment(),
        };
        Builder {
            options,
            signals: HandledSignals::default(),
            workers: None,
            max_blocking_threads: None,
            max_spare_workers: None,
        }
    }

    /// The final options. In the deterministic mode their defaults do not depend on the machine or
    /// the environment, because the schedule of a seed must not.
    pub(super) fn settled(&self) -> Options {
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

    /// Sets the number of workers, including the calling thread. The default is the value of
    /// `ASYNCIO_WORKERS`, or else the number of the machine's processors; in the
    /// [deterministic](Builder::deterministic) mode it is two on every machine.
    ///
    /// # Panics
    /// If `count` is zero or over 1,024. ([`Runner::builder`](super::Runner::builder) checks
    /// `ASYNCIO_WORKERS` in the same way.)
    #[track_caller]
    pub fn workers(mut self, count: usize) -> Builder {
        assert!(count > 0, "a loop needs at least one worker");
        assert!(count <= MOST_WORKERS, "a loop has at most 1,024 workers");
        self.workers = Some(count);
        self
    }

    /// Sets the greatest number of threads that run blocking functions at once. The default is the
    /// number of processors plus four, at most 32; in the [deterministic](Builder::deterministic)
    /// mode it is six. The same number, at most 1,024, limits the stand-ins for workers that are
    /// inside [`blocking`](crate::blocking).
    ///
    /// # Panics
    /// If `count` is zero.
    #[track_caller]
    pub fn max_blocking_threads(mut self, count: usize) -> Builder {
        assert!(count > 0, "blocking calls need at least one thread");
        self.max_blocking_threads = Some(count);
        self
    }

    /// Sets how long an idle thread for blocking calls, or stand-in, is kept; by default ten
    /// seconds.
    pub fn blocking_keep_alive(mut self, time: Duration) -> Builder {
        self.options.blocking_keep_alive = time;
        self
    }

    /// Sets the prefix of the names of the loop's threads; by default `asyncio`.
    ///
    /// # Panics
    /// If `name` contains a NUL, which the name of a thread may not contain.
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

    /// Sets the stack size, in bytes, of the threads that the loop starts. (Worker 0 is the
    /// caller's thread, which keeps its own.)
    ///
    /// # Panics
    /// If `bytes` is less than 64 KiB or more than 1 TiB. (If the system refuses a size within
    /// these limits, [`build`](Builder::build) returns an error.)
    #[track_caller]
    pub fn thread_stack_size(mut self, bytes: usize) -> Builder {
        assert!(
            (64 << 10..=1 << 40).contains(&(bytes as u64)),
            "the stack size of a thread is from 64 KiB to 1 TiB, not {bytes} bytes"
        );
        self.options.thread_stack_size = Some(bytes);
        self
    }

    /// Sets a function that every thread of the loop runs first, except the caller's thread.
    ///
    /// ```
    /// let mut runner = asyncio::Runner::builder()
    ///     .on_thread_start(|| println!("a thread has started"))
    ///     .on_thread_stop(|| println!("a thread stops"))
    ///     .build()?;
    /// runner.run(async {});
    /// # Ok::<_, std::io::Error>(())
    /// ```
    pub fn on_thread_start(mut self, hook: impl Fn() + Send + Sync + 'static) -> Builder {
        self.options.on_thread_start = Some(StdArc::new(hook));
        self
    }

    /// Sets a function that every thread of the loop runs last, except the caller's thread.
    pub fn on_thread_stop(mut self, hook: impl Fn() + Send + Sync + 'static) -> Builder {
        self.options.on_thread_stop = Some(StdArc::new(hook));
        self
    }

    /// Whether Ctrl-C (SIGINT) cancels the main task, which is the default, as in `asyncio.run`.
    ///
    /// It does for a `run` on the main thread of the process, if the program has not changed what
    /// the signal does. The cleanup of the main task runs, and then the shutdown; then the process
    /// ends by the signal, as a shell expects. [`try_run`](super::Runner::try_run) returns the
    /// error instead, whose [`by_signal`](crate::CancelledError::by_signal) tells. A main task that
    /// suppresses the cancellation returns its value. A second Ctrl-C ends the process at once.
    pub fn handle_sigint(mut self, handle: bool) -> Builder {
        self.signals.sigint = handle;
        self
    }

    /// Whether SIGTERM cancels the main task, as Ctrl-C does. By default it does not, and ends the
    /// process at once.
    pub fn handle_sigterm(mut self, handle: bool) -> Builder {
        self.signals.sigterm = handle;
        self
    }

    /// None in the deterministic mode, whose schedule must not depend on signals.
    pub(super) fn signals(&self) -> HandledSignals {
        match self.options.seed {
            None => self.signals,
            Some(_) => HandledSignals::NONE,
        }
    }

    /// Sets how late a timer may fire, so that several timers share one wake-up: by `fraction` of
    /// its delay, but never by more than `at_most`. The defaults are 0.002 and two milliseconds.
    /// With zero, every timer is as exact as the kernel allows, at the price of one wake-up for
    /// each. A fraction above one counts as one.
    ///
    /// # Panics
    /// If `fraction` is negative, infinite or NaN.
    #[track_caller]
    pub fn timer_slack(mut self, fraction: f64, at_most: Duration) -> Builder {
        assert!(
            fraction >= 0.0 && fraction.is_finite(),
            "the slack is a fraction of the delay: a finite number, zero or more"
        );
        self.options.time.slack = Slack { fraction, at_most };
        self
    }

    /// Starts the loop with a paused clock, for tests.
    ///
    /// A paused clock does not follow real time. It jumps to the next timer when nothing else can
    /// happen: all workers are parked, and no task, callback, look-up of a name or function on the
    /// blocking pool is running or ready. So a year of sleeping takes milliseconds, and then
    /// [`EventLoop::time`](crate::EventLoop::time) is a year later. (`Instant::now` is not
    /// affected.) [`EventLoop::hold_time`](crate::EventLoop::hold_time) keeps the clock from
    /// jumping, [`EventLoop::advance`](crate::EventLoop::advance) moves it explicitly. A foreign
    /// thread keeps it from jumping only while it runs code inside
    /// `block_on`. In the
    /// [deterministic](Builder::deterministic) mode the clock is always paused, and this has no
    /// effect.
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

    /// Turns on the deterministic mode: all workers of the loop run on the calling thread, and
    /// every choice of the scheduler is drawn from `seed`.
    ///
    /// The clock is paused, as with [`start_paused`](Builder::start_paused), and functions for the
    /// blocking pool run on the calling thread too. The numbers of workers and of threads for
    /// blocking calls are part of the schedule; the defaults are two and six on every machine,
    /// independent of `ASYNCIO_WORKERS`. With one worker everything runs in asyncio's order: the
    /// main coroutine, tasks and callbacks share one first-in-first-out queue.
    ///
    /// The same seed gives the same schedule on every machine, as long as nothing outside the loop
    /// takes part: sockets and foreign threads work, but the seed does not control when they act.
    /// It explores the orders of await points, not data races. If nothing can happen any more,
    /// `run` panics with "deadlock", and so does the shutdown. The loop does not know what a
    /// foreign thread will do later: the clock jumps past it, or the loop reports a deadlock,
    /// unless [`EventLoop::hold_time`](crate::EventLoop::hold_time) holds the clock until then. To
    /// run a test under many seeds, write `#[asyncio::test(seeds = 1000)]`.
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

    /// Sets how many spare workers the loop may start while others are stuck in tasks that block. A
    /// spare stops when the stuck worker continues. By default there may be as many spares as
    /// workers; zero turns them off.
    ///
    /// Work that is bound to the thread of a stuck worker has to wait: local tasks and, on the
    /// thread of [`run`](super::Runner::run), the main coroutine. That waits only once: after a
    /// task has delayed it for some ten milliseconds, its thread runs only the main coroutine and
    /// local tasks, and a spare worker takes its place, until no worker was stuck for five seconds.
    /// (With one worker and no spare available, the thread continues to run everything.) In debug
    /// mode the blocking task is named.
    ///
    /// # Panics
    /// If `count` is over 1,024.
    #[track_caller]
    pub fn max_spare_workers(mut self, count: usize) -> Builder {
        let most = MOST_WORKERS;
        assert!(count <= most, "a loop has at most 1,024 spare workers");
        self.max_spare_workers = Some(count);
        self
    }

    /// Turns debug mode on or off; by default as `ASYNCIO_DEBUG` says: `1` is on, `0` is off.
    pub fn debug(mut self, debug: bool) -> Builder {
        self.options.debug = debug;
        self
    }

    /// Sets what is asked for the addresses of hosts, by
    /// [`EventLoop::getaddrinfo`](crate::EventLoop::getaddrinfo) and every connection to a name.
    /// The default is [`SystemResolver`](crate::net::SystemResolver).
    pub fn resolver(mut self, resolver: impl Resolve) -> Builder {
        self.options.resolver = Some(StdArc::new(resolver));
        self
    }

    #[doc(hidden)]
    pub fn tuning(mut self, tuning: Tuning) -> Builder {
        self.options.tuning = tuning;
        self
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
