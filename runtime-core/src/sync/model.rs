//! The seam in a model: loom's primitives, and a locked queue in place of crossbeam's deque.

pub(crate) use loom::sync::{Arc, MutexGuard};
// For data that no protocol depends on.
pub(crate) use loom::sync::{Mutex as UserMutex, MutexGuard as UserMutexGuard};
pub(crate) use std::sync::atomic::{AtomicBool as StdAtomicBool, AtomicU64 as StdAtomicU64};
pub(crate) use std::sync::{
    Arc as StdArc, Mutex as StdMutex, MutexGuard as StdMutexGuard, OnceLock as StdOnceLock,
    PoisonError, Weak as StdWeak,
};

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use super::mutant::Mutant;

pub(crate) mod atomic {
    pub(crate) use loom::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence,
    };
}

pub(crate) mod thread {
    pub(crate) use loom::thread::{Builder, JoinHandle, ThreadId, spawn, yield_now};
    pub(crate) use std::thread::{available_parallelism, panicking};

    /// A model has no signals.
    pub(crate) fn is_main() -> bool {
        false
    }

    use super::{Bell, StdArc};

    loom::thread_local! {
        // Instead of loom's own park, which loses its token when the thread waits for a mutex
        // meanwhile.
        static OWN_BELL: StdArc<Bell> = StdArc::new(Bell::new());
    }

    /// A handle of a thread of the model, to unpark it.
    #[derive(Clone, Debug)]
    pub(crate) struct Thread {
        id: ThreadId,
        bell: StdArc<Bell>,
    }

    impl Thread {
        pub(crate) fn id(&self) -> ThreadId {
            self.id
        }

        pub(crate) fn unpark(&self) {
            self.bell.ring();
        }
    }

    /// The id of the calling thread.
    pub(crate) fn this() -> ThreadId {
        loom::thread::current().id()
    }

    pub(crate) fn current() -> Thread {
        Thread {
            id: loom::thread::current().id(),
            bell: OWN_BELL.with(StdArc::clone),
        }
    }

    pub(crate) fn park() {
        OWN_BELL.with(StdArc::clone).wait();
    }

    /// Time does not pass in a model: only an unpark ends this wait.
    pub(crate) fn park_timeout(_timeout: std::time::Duration) {
        park();
    }

    /// Always false: loom does not offer this.
    pub(crate) fn is_finished<T>(_thread: &JoinHandle<T>) -> bool {
        false
    }
}

/// A token that one thread waits for. (A channel, because loom's `Notify` also wakes without a
/// token. That doubles the paths, and shows no more than an extra token would.)
#[derive(Debug)]
pub(crate) struct Bell {
    sender: loom::sync::mpsc::Sender<()>,
    // Std's lock, which loom must not see: only the one thread that waits takes it.
    tokens: std::sync::Mutex<loom::sync::mpsc::Receiver<()>>,
}

impl Bell {
    pub(crate) fn new() -> Bell {
        let (sender, tokens) = loom::sync::mpsc::channel();
        let tokens = std::sync::Mutex::new(tokens);
        Bell { sender, tokens }
    }

    /// Sends the token.
    pub(crate) fn ring(&self) {
        self.sender.send(()).expect("the bell has both ends");
    }

    /// Waits for the token and takes it.
    pub(crate) fn wait(&self) {
        let tokens = self.tokens.lock().expect("no panic under this lock");
        tokens.recv().expect("the bell has both ends");
        while tokens.try_recv().is_ok() {}
    }

    /// Takes the token without waiting. Returns whether it was there.
    pub(crate) fn take(&self) -> bool {
        let tokens = self.tokens.lock().expect("no panic under this lock");
        let rung = tokens.try_recv().is_ok();
        while tokens.try_recv().is_ok() {}
        rung
    }
}

/// Whether this build is a model. Sizes differ there, and waits have no timeout.
pub(crate) const IS_MODEL: bool = true;

thread_local! {
    // Loom runs the threads of a model as coroutines of one OS thread, so a plain thread-local is
    // one cell for each running model.
    static BROKEN: Cell<Option<Mutant>> = const { Cell::new(None) };
}

/// How many preemptions a model explores, unless `LOOM_MAX_PREEMPTIONS` sets another number. Loom's
/// authors find nearly every bug with two or three; each further one takes five to twenty times as
/// long.
const PREEMPTIONS: usize = 3;
/// The longest path through a model, in switches of threads.
const BRANCHES: usize = 20_000;

/// Runs `model` in every interleaving that loom distinguishes, with one step broken or none.
pub(crate) fn explore(name: &str, step: Option<Mutant>, model: impl Fn() + Send + Sync + 'static) {
    explore_less(0, name, step, model);
}

/// As [`explore`], for a large model: with `fewer` preemptions less, but at least one.
pub(crate) fn explore_less(
    fewer: usize,
    name: &str,
    step: Option<Mutant>,
    model: impl Fn() + Send + Sync + 'static,
) {
    BROKEN.set(step);
    let mut builder = loom::model::Builder::new();
    let preemptions = builder.preemption_bound.unwrap_or(PREEMPTIONS);
    let preemptions = preemptions.saturating_sub(fewer).max(1);
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = builder.max_branches.max(BRANCHES);
    let runs = StdArc::new(Tally::default());
    let counted = StdArc::clone(&runs);
    let start = std::time::Instant::now();
    count_panics();
    builder.check(move || {
        counted.add();
        model();
        // The engine catches panics of tasks, and with them loom's own panics inside tasks.
        assert_eq!(PANICS.get(), 0, "a panic inside the model was caught");
    });
    let (runs, time) = (runs.count(), start.elapsed());
    eprintln!(
        "{name}: {runs} interleavings, {preemptions} preemptions deep, in {:.1} s",
        time.as_secs_f64()
    );
}

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

thread_local! {
    // Until the end of the exploration: other threads of the model run while one is in `work`.
    static EXPECTED: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// Calls `work`, which may panic with a message that contains `message`: then there is no result.
/// From now on such panics are neither counted nor printed.
pub(crate) fn unless_refused<T>(message: &'static str, work: impl FnOnce() -> T) -> Option<T> {
    EXPECTED.set(Some(message));
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(done) => Some(done),
        Err(payload) if contains(payload.as_ref(), message) => None,
        Err(payload) => resume_unwind(payload),
    }
}

fn contains(payload: &(dyn Any + Send), message: &str) -> bool {
    let text = payload.downcast_ref::<String>();
    text.is_some_and(|text| text.contains(message))
}

/// Starts counting the panics of this thread, from zero.
fn count_panics() {
    static HOOK: std::sync::Once = std::sync::Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let expected = EXPECTED.try_with(Cell::get).unwrap_or_default();
            if expected.is_some_and(|expected| contains(panic.payload(), expected)) {
                return;
            }
            let _gone = PANICS.try_with(|panics| panics.set(panics.get() + 1));
            before(panic);
        }));
    });
    PANICS.set(0);
    EXPECTED.set(None);
}

/// Counts events of a model without being part of it: loom does not see it.
#[derive(Debug, Default)]
pub(crate) struct Tally(std::sync::atomic::AtomicUsize);

impl Tally {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(std::sync::atomic::Ordering::SeqCst)
    }
}

/// Whether a model asked for `step` to be broken.
pub(crate) fn broken(step: Mutant) -> bool {
    BROKEN.get() == Some(step)
}

/// `ordering`, or none if a model asked for `step` to be broken.
pub(crate) fn ordered(ordering: atomic::Ordering, step: Mutant) -> atomic::Ordering {
    if broken(step) {
        atomic::Ordering::Relaxed
    } else {
        ordering
    }
}

/// Must be called in every iteration of a spin loop, which loom would otherwise explore for ever.
pub(crate) fn spin() {
    loom::thread::yield_now();
}

/// Declares a thread-local; loom makes a new value for each thread of the model.
macro_rules! local {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr) => {
        loom::thread_local! { $(#[$attribute])* static $name: $type = $value }
    };
}
pub(crate) use local;

/// Declares a static; loom makes a new value for each run of the model.
macro_rules! global {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr) => {
        loom::lazy_static! { $(#[$attribute])* static ref $name: $type = $value; }
    };
}
pub(crate) use global;

/// Declares a function that is `const`, except in a model.
macro_rules! const_fn {
    ($(#[$attribute:meta])* $visibility:vis fn $($function:tt)*) => {
        $(#[$attribute])* $visibility fn $($function)*
    };
}
pub(crate) use const_fn;

/// Part of a value that is published by storing a pointer to it. Loom checks that every access to
/// an atomic is ordered after its creation, so it finds an access that the publication does not
/// order.
#[derive(Debug, Default)]
pub(crate) struct Published(atomic::AtomicBool);

impl Published {
    /// Notes an access to the value. Relaxed: only the load of the pointer may order the access.
    pub(crate) fn look(&self) {
        self.0.load(atomic::Ordering::Relaxed);
    }
}

/// A mutex that does not poison.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Mutex<T> {
        Mutex(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}

/// A cell that is set once: std's, with a flag that shows the order to loom.
#[derive(Debug)]
pub(crate) struct OnceLock<T> {
    value: std::sync::OnceLock<T>,
    set: atomic::AtomicBool,
    /// Held while the value is made: other threads wait here, where loom sees it.
    making: Mutex<()>,
}

impl<T> Default for OnceLock<T> {
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> OnceLock<T> {
        OnceLock {
            value: std::sync::OnceLock::new(),
            set: atomic::AtomicBool::new(false),
            making: Mutex::new(()),
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        let set = self.set.load(atomic::Ordering::Acquire);
        self.value.get().filter(|_| set)
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        self.value.set(value)?;
        self.set.store(true, atomic::Ordering::Release);
        Ok(())
    }

    pub(crate) fn get_or_init(&self, init: impl FnOnce() -> T) -> &T {
        let _making = self.making.lock();
        if self.get().is_none() {
            let set = self.set(init());
            assert!(set.is_ok(), "two threads have made the value");
        }
        self.get().expect("set above, or by another thread before")
    }
}

/// A timeout shorter than this may pass while a model runs.
const SOON: std::time::Duration = std::time::Duration::from_secs(3600);

/// A condition variable for [`Mutex`].
#[derive(Debug)]
pub(crate) struct Condvar(loom::sync::Condvar);

impl Default for Condvar {
    fn default() -> Condvar {
        Condvar::new()
    }
}

impl Condvar {
    pub(crate) fn new() -> Condvar {
        Condvar(loom::sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0
            .wait(guard)
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Time does not pass in a model. But a short timeout passes at the very moment at which a
    /// thread notifies: both have happened, and only the timeout is reported.
    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        timeout: std::time::Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        (self.wait(guard), timeout < SOON)
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A cell whose accesses loom checks.
#[derive(Debug, Default)]
pub(crate) struct UnsafeCell<T>(loom::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(crate) fn new(value: T) -> UnsafeCell<T> {
        UnsafeCell(loom::cell::UnsafeCell::new(value))
    }

    pub(crate) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        self.0.with(read)
    }

    pub(crate) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        self.0.with_mut(write)
    }
}
