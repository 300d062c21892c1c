//! What all threads of a loop share, and the few steps that every thread takes on it: arriving,
//! waiting in the poller, reporting an exception. Everything else is in the files above.

use std::any::Any;
use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;
use std::time::{Duration, Instant};

use super::alarm::Alarm;
use super::callback_queue::CallbackQueue;
use super::callback_timers::CallbackTimers;
use super::driver::{Driver, Waited};
use super::exception_context::ExceptionContext;
use super::ids::Ids;
use super::options::Options;
use super::parker::{Interrupt, Parker};
use super::role::PollerGuard;
use super::stand_ins::StandIns;
use super::worker_set::WorkerSet;
use crate::exceptions::{LoopClosed, PanicError};
use crate::runtime::blocking::FunctionPool;
use crate::runtime::catch_panic::catch_panic;
use crate::runtime::lookups::{LazyLookups, Lookups};
use crate::runtime::run_queue::{BACKLOG, Order, RunQueue};
use crate::runtime::task::header::Header;
use crate::runtime::task::registry::{Registry, SlotWriter};
use crate::runtime::task::runnable::Runnable;
use crate::runtime::time::Stamp;
use crate::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
use crate::sync::{
    Arc, Mutant, Mutex, OnceLock, Poller, StdArc, StdAtomicU64, StdWeak, broken, thread,
};

/// The exception handler: called with an error that no caller receives.
pub(crate) type Handler = StdArc<dyn Fn(&Arc<Shared>, &ExceptionContext) + Send + Sync>;

/// How long the deterministic mode waits for a foreign thread, when nothing else can happen, before
/// it reports a deadlock.
const DEADLOCK_GRACE: Duration = Duration::from_millis(20);

/// The initial limit for a poll or a callback in debug mode: 0.1 s, as in asyncio.
const SLOW_NANOSECONDS: u64 = 100_000_000;

/// The value of `Shared::awaited` while the shutdown waits for no task in particular.
const ANYTHING: usize = 0;

/// The state of a loop.
pub(crate) struct Shared {
    pub(crate) workers: WorkerSet<Runnable>,
    pub(crate) registry: Registry<Header>,
    pub(crate) driver: Driver,
    pub(crate) callback_queue: CallbackQueue,
    pub(crate) callback_timers: CallbackTimers,
    /// The pool of threads for functions that block.
    pub(crate) pool: FunctionPool,
    lookups: LazyLookups,
    /// How many closed connections still send.
    pub(crate) flushes: AtomicUsize,
    pub(crate) options: Options,
    /// `None` for good once the loop is closed: a handler may hold a reference to the loop.
    handler: Mutex<Option<Option<Handler>>>,
    debug: AtomicBool,
    /// Debug mode is on, or tasks are abandoned: polls are not the usual ones.
    unusual: AtomicBool,
    slow_nanoseconds: AtomicU64,
    pub(crate) counters: Counters,
    /// Where the monitor parks.
    pub(crate) alarm: Alarm,
    /// The parts of the spare workers that are not running.
    pub(crate) spares: Mutex<Vec<WorkerParts>>,
    pub(crate) stand_ins: StandIns,
    /// The parts of the stand-ins that have no thread.
    pub(crate) stand_in_parts: Mutex<Vec<WorkerParts>>,
    /// Every thread that was started in addition to the workers' own, to be joined at the end.
    pub(crate) more_threads: Mutex<Vec<thread::JoinHandle<()>>>,
    /// The monitor is parked without a timeout, or is about to be.
    pub(crate) monitor_parked: AtomicBool,
    pub(crate) ids: Ids,
    /// The loop reference for foreign threads, whose type is on a higher floor. Weak, because the
    /// loop reference keeps the loop alive.
    pub(crate) foreign_loop_ref: OnceLock<StdWeak<dyn Any + Send + Sync>>,
    /// The thread of worker 0.
    pub(crate) first_thread: thread::ThreadId,
    /// The id of the process that made the loop.
    process: u32,
    /// A `run` is under way.
    running: AtomicBool,
    /// A shutdown is under way: every end of a task notifies worker 0.
    closing: AtomicBool,
    /// The address of the task whose end the shutdown waits for, or `ANYTHING`.
    awaited: AtomicUsize,
    /// The stamp of the last round of the shutdown.
    closing_since: StdAtomicU64,
    /// Nothing can happen any more: a deadlock, found in the deterministic mode.
    stalled: AtomicBool,
    /// A task that is dequeued is dropped instead of run: the end of a forced shutdown.
    abandoning: AtomicBool,
}

/// Counts of what happened so far.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) steals: AtomicU64,
    pub(crate) parks: AtomicU64,
    /// The hash of the schedule so far, in the deterministic mode.
    pub(crate) schedule: AtomicU64,
}

/// The parts of a loop that belong to one worker each.
#[derive(Debug)]
pub(crate) struct WorkerParts {
    pub(crate) index: usize,
    pub(crate) queue: RunQueue<Runnable>,
    pub(crate) slot_writer: SlotWriter<Header>,
}

impl Shared {
    /// Makes a loop, and the parts of its workers.
    ///
    /// # Errors
    /// The poller cannot be created.
    pub(crate) fn new(options: Options) -> io::Result<(Shared, Vec<WorkerParts>)> {
        let poller = StdArc::new(Poller::new(options.portable_poller)?);
        let has_alarm = options.tuning.alarm && poller.has_alarm();
        let interrupt = interrupt_of(&poller);
        // Room for all workers, spares and stand-ins from the start: no array here ever grows.
        let timed = options.workers + options.spares();
        let remotes = timed + options.stand_ins();
        let tuning = &options.tuning;
        let order = Order {
            lifo: tuning.lifo && options.seed.is_none(),
            backlog: tuning.depth_first.then_some(BACKLOG),
        };
        let (workers, queues) = WorkerSet::new(
            options.workers,
            remotes - options.workers,
            order,
            &interrupt,
        );
        let (registry, slot_writer) = Registry::new(remotes);
        let parts = queues.into_iter().zip(slot_writer).enumerate();
        let parts = parts.map(|(index, (queue, slot_writer))| WorkerParts {
            index,
            queue,
            slot_writer,
        });
        let mut parts: Vec<_> = parts.collect();
        let stand_ins = parts.split_off(timed);
        let spares = parts.split_off(options.workers);
        let [debug, unusual] = [(); 2].map(|()| AtomicBool::new(options.debug));
        let ids = options.seed.map_or_else(Ids::shared, |_| Ids::own());
        let shared = Shared {
            workers,
            registry,
            driver: Driver::new(poller, timed, options.time),
            callback_queue: CallbackQueue::new(options.is_fifo()),
            pool: FunctionPool::new(options.pool()),
            lookups: LazyLookups::new(),
            flushes: AtomicUsize::new(0),
            options,
            callback_timers: CallbackTimers::default(),
            handler: Mutex::new(Some(None)),
            debug,
            unusual,
            slow_nanoseconds: AtomicU64::new(SLOW_NANOSECONDS),
            counters: Counters::default(),
            alarm: Alarm::new(Parker::new(interrupt), has_alarm),
            spares: Mutex::new(spares),
            stand_ins: StandIns::new(timed..remotes),
            stand_in_parts: Mutex::new(stand_ins),
            more_threads: Mutex::default(),
            monitor_parked: AtomicBool::new(false),
            ids,
            foreign_loop_ref: OnceLock::new(),
            first_thread: thread::current().id(),
            process: std::process::id(),
            running: AtomicBool::new(false),
            closing: AtomicBool::new(false),
            awaited: AtomicUsize::new(ANYTHING),
            closing_since: StdAtomicU64::new(0),
            stalled: AtomicBool::new(false),
            abandoning: AtomicBool::new(false),
        };
        Ok((shared, parts))
    }

    /// What look-ups of names need. `None` if the loop is closed, and has never looked one up.
    pub(crate) fn lookups(&self) -> Option<&Lookups> {
        self.lookups.get(|| self.options.lookup_pool())
    }

    /// Ends the look-ups, at the end of the loop.
    pub(crate) fn close_lookups(&self, deadline: Instant) {
        self.lookups.close(&LoopClosed.to_string(), deadline);
    }

    /// Counts the calling worker as awake: it enters `run`, or returns from `blocking`, or from a
    /// sleep while it is apart.
    pub(crate) fn arrive(&self) {
        let first = self.workers.idle.arrive();
        if !broken(Mutant::ArriveSilently) {
            self.set_alarm(first);
        }
    }

    /// Sets the monitor's alarm if it is parked without a timeout, and waits until a jump of a
    /// paused clock that is under way is over. A worker calls this when it has woken up and is
    /// counted as awake. `first`: no worker was awake before.
    #[inline]
    pub(crate) fn set_alarm(&self, first: bool) {
        self.driver.inhibitor.pass();
        // Pairs with the fence in `monitor::park_monitor`: the worker is counted as awake before
        // this, and reads `monitor_parked` after it.
        if !broken(Mutant::UnparkWithoutFence) {
            fence(Ordering::SeqCst);
        }
        // Acquire: pairs with the Release there.
        if self.monitor_parked.load(Ordering::Acquire) {
            self.alarm.set(&self.driver, first);
        }
    }

    /// Waits in the poller, in real time or with the paused clock. The wakers of advances that end
    /// here go to `due`. The caller holds the poller role.
    pub(crate) fn wait(&self, guard: &PollerGuard, due: &mut Vec<Waker>) {
        if !self.driver.clock.is_paused() {
            return self.driver.wait(guard, due);
        }
        let quiet = || self.workers.idle.all_sleeping() && self.workers.injector.is_empty();
        let grace = self.options.seed.map(|_| DEADLOCK_GRACE);
        if self.driver.wait_paused(guard, quiet, grace, due) == Waited::Stalled {
            self.stalled.store(true, Ordering::Release);
        }
    }

    /// Whether nothing can happen any more.
    pub(crate) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Acquire)
    }

    /// Passes `context` to the exception handler, or writes it to standard error if there is none.
    pub(crate) fn report(shared: &Arc<Shared>, context: &ExceptionContext) {
        let handler = shared.handler.lock().clone();
        match handler.flatten() {
            Some(handler) => call_handler(&handler, shared, context),
            None => default_handler(context),
        }
    }

    /// Whether this is the process that made the loop, and not a fork of it, which has none of its
    /// threads. Makes a system call.
    pub(crate) fn is_of_this_process(&self) -> bool {
        std::process::id() == self.process
    }

    /// Replaces the exception handler. Returns the handler that the caller must drop: the previous
    /// one or, if the loop is closed, the new one.
    #[must_use = "user code, to be dropped outside of every lock"]
    pub(crate) fn replace_handler(&self, handler: Option<Handler>) -> Option<Handler> {
        match &mut *self.handler.lock() {
            Some(place) => std::mem::replace(place, handler),
            None => handler,
        }
    }

    /// Releases the loop's parts, its poller and its handler, although handles of the loop may
    /// still exist. The loop must be closed, and its threads must have ended or been left behind.
    /// Later reports go to the default handler.
    pub(crate) fn give_back(&self) {
        let spares = std::mem::take(&mut *self.spares.lock());
        let stand_ins = std::mem::take(&mut *self.stand_in_parts.lock());
        drop((spares, stand_ins));
        self.driver.let_go();
        let handler = self.handler.lock().take();
        catch_panic(|| drop(handler));
    }

    #[inline]
    pub(crate) fn is_debug(&self) -> bool {
        // Relaxed: the flag publishes nothing.
        self.debug.load(Ordering::Relaxed)
    }

    pub(crate) fn set_debug(&self, debug: bool) {
        self.debug.store(debug, Ordering::Relaxed);
        // It stays set: `run_unusual` looks again.
        self.unusual.fetch_or(debug, Ordering::Relaxed);
    }

    /// Whether debug mode is, or was, on, or `is_abandoning`: one load for each poll.
    #[inline]
    pub(crate) fn is_unusual(&self) -> bool {
        // Relaxed: as `is_debug` and `is_abandoning`.
        self.unusual.load(Ordering::Relaxed)
    }

    /// How long a poll or a callback may take before debug mode reports it.
    pub(crate) fn slow_callback_duration(&self) -> Duration {
        Duration::from_nanos(self.slow_nanoseconds.load(Ordering::Relaxed))
    }

    pub(crate) fn set_slow_callback_duration(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.slow_nanoseconds.store(nanoseconds, Ordering::Relaxed);
    }

    pub(crate) fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }

    /// Notes whether a `run` is under way. Returns the previous value.
    pub(crate) fn set_running(&self, running: bool) -> bool {
        self.running.swap(running, Ordering::AcqRel)
    }

    #[inline]
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Wakes worker 0 if it runs a shutdown: what the shutdown waits for may have changed.
    #[inline]
    pub(crate) fn notify_shutdown(&self) {
        if self.is_closing() {
            self.workers.remotes[0].parker.unpark();
        }
    }

    /// Wakes worker 0 if it runs a shutdown that waits for the end of this task, or for no task in
    /// particular. If the shutdown waits for another task, wakes no thread.
    #[inline]
    pub(crate) fn notify_end(&self, ended: &Header) {
        if self.is_closing() {
            // Pairs with the fence in `await_ends`: the task has left the registry before this.
            fence(Ordering::SeqCst);
            let awaited = self.awaited.load(Ordering::Relaxed);
            if awaited == ANYTHING || awaited == std::ptr::from_ref(ended).addr() {
                self.workers.remotes[0].parker.unpark();
            }
        }
    }

    /// Notes that the shutdown waits for the end of this task alone (and for the deadline). Returns
    /// true if that was noted before. If it returns false, the caller must look once more whether
    /// the task has ended.
    #[must_use]
    pub(crate) fn await_ends(&self, task: &Header) -> bool {
        let address = std::ptr::from_ref(task).addr();
        if self.awaited.load(Ordering::Relaxed) == address {
            return true;
        }
        self.awaited.store(address, Ordering::Relaxed);
        // Pairs with the fence in `notify_end`.
        fence(Ordering::SeqCst);
        false
    }

    /// Notes that the shutdown waits for no task in particular: any end wakes it.
    pub(crate) fn await_anything(&self) {
        self.awaited.store(ANYTHING, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    pub(crate) fn set_closing(&self) {
        self.closing.store(true, Ordering::Release);
    }

    /// Begins a round of the shutdown: the requests of this round carry a stamp of now.
    pub(crate) fn begin_round(&self) {
        // Relaxed: a reader has received the request, which the task's state publishes.
        self.closing_since.store(Stamp::now().0, Ordering::Relaxed);
    }

    pub(crate) fn closing_since(&self) -> u64 {
        self.closing_since.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn is_abandoning(&self) -> bool {
        // Relaxed: a worker that must see the flag is woken by an exchange after it is set.
        self.abandoning.load(Ordering::Relaxed)
    }

    pub(crate) fn set_abandoning(&self) {
        self.abandoning.store(true, Ordering::Release);
        self.unusual.store(true, Ordering::Release);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.registry.is_closed()
    }
}

/// Interrupts the poller, as long as it is open.
fn interrupt_of(poller: &StdArc<Poller>) -> Interrupt {
    let poller = StdArc::downgrade(poller);
    StdArc::new(move || {
        if let Some(poller) = poller.upgrade() {
            poller.interrupt();
        }
    })
}

/// Calls the handler in the context of the task or callback that failed. If the handler panics, its
/// panic and `context` both go to the default handler.
fn call_handler(handler: &Handler, shared: &Arc<Shared>, context: &ExceptionContext) {
    let variables = context.variables().unwrap_or_default();
    let call = AssertUnwindSafe(|| variables.run(|| handler(shared, context)));
    if let Err(payload) = catch_unwind(call) {
        let message = "Unhandled error in exception handler";
        let panic = ExceptionContext::new(message).with_exception(PanicError::new(payload));
        default_handler(&panic);
        default_handler(context);
        panic.drop_catching();
    }
}

/// Writes one line to standard error.
pub(crate) fn default_handler(context: &ExceptionContext) {
    print_error(format_args!("{context}"));
}

/// Writes to standard error. Unlike `eprintln!`, does not panic if standard error is closed.
pub(crate) fn print_error(text: fmt::Arguments<'_>) {
    let _closed = writeln!(io::stderr(), "asyncio: {text}");
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("workers", &self.workers)
            .field("callback_queue", &self.callback_queue)
            .field("options", &self.options)
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}
