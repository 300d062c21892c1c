//! The seam in a model: loom's primitives, and a locked queue in the place of crossbeam's deque.

pub(crate) use loom::sync::{Arc, MutexGuard};
// Set once before the threads of a model start: not part of any protocol.
pub(crate) use std::sync::{Arc as StdArc, OnceLock};

use std::cell::Cell;

use super::mutant::Mutant;

pub(crate) mod atomic {
    pub(crate) use loom::sync::atomic::{
        AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence,
    };
}

pub(crate) mod thread {
    pub(crate) use loom::thread::{
        Builder, JoinHandle, Thread, ThreadId, current, park, yield_now,
    };
    pub(crate) use std::thread::available_parallelism;

    /// Time does not pass in a model: nothing ends this wait but an unpark.
    pub(crate) fn park_timeout(_timeout: std::time::Duration) {
        park();
    }
}

/// A locked queue with the face of crossbeam's FIFO deque.
pub(crate) mod queue {
    use std::collections::VecDeque;

    use loom::sync::{Arc, Mutex};

    pub(crate) use crossbeam_deque::Steal;

    type Shared<T> = Arc<Mutex<VecDeque<T>>>;

    #[derive(Debug)]
    pub(crate) struct Local<T>(Shared<T>);

    #[derive(Debug)]
    pub(crate) struct Stealer<T>(Shared<T>);

    impl<T> Clone for Stealer<T> {
        fn clone(&self) -> Stealer<T> {
            Stealer(Arc::clone(&self.0))
        }
    }

    fn lock<T>(shared: &Shared<T>) -> loom::sync::MutexGuard<'_, VecDeque<T>> {
        shared.lock().expect("loom's mutex is not poisoned")
    }

    impl<T> Local<T> {
        pub(crate) fn new_fifo() -> Local<T> {
            Local(Arc::new(Mutex::new(VecDeque::new())))
        }

        pub(crate) fn stealer(&self) -> Stealer<T> {
            Stealer(Arc::clone(&self.0))
        }

        pub(crate) fn push(&self, value: T) {
            lock(&self.0).push_back(value);
        }

        pub(crate) fn pop(&self) -> Option<T> {
            lock(&self.0).pop_front()
        }

        pub(crate) fn len(&self) -> usize {
            lock(&self.0).len()
        }

        pub(crate) fn is_empty(&self) -> bool {
            self.len() == 0
        }
    }

    impl<T> Stealer<T> {
        pub(crate) fn steal(&self) -> Steal<T> {
            lock(&self.0)
                .pop_front()
                .map_or(Steal::Empty, Steal::Success)
        }

        pub(crate) fn steal_batch_and_pop(&self, into: &Local<T>) -> Steal<T> {
            let mut batch: VecDeque<T> = {
                let mut queue = lock(&self.0);
                let half = queue.len().div_ceil(2);
                queue.drain(..half).collect()
            };
            let Some(first) = batch.pop_front() else {
                return Steal::Empty;
            };
            lock(&into.0).extend(batch);
            Steal::Success(first)
        }

        pub(crate) fn is_empty(&self) -> bool {
            lock(&self.0).is_empty()
        }

        pub(crate) fn len(&self) -> usize {
            lock(&self.0).len()
        }
    }
}

/// Whether this build is a model. Sizes differ there, and waits have no timeout.
pub(crate) const IS_MODEL: bool = true;

thread_local! {
    // Loom runs the threads of a model as coroutines of one OS thread, so a
    // plain thread-local is one cell per model that runs.
    static BROKEN: Cell<Option<Mutant>> = const { Cell::new(None) };
}

/// Breaks `step` for the models that run on this thread from now on.
pub(crate) fn break_step(step: Option<Mutant>) {
    BROKEN.set(step);
}

/// Whether a model asked for `step` to be broken.
pub(crate) fn broken(step: Mutant) -> bool {
    BROKEN.get() == Some(step)
}

/// Tells a spin loop's turn to loom, which otherwise explores it for ever.
pub(crate) fn spin() {
    loom::thread::yield_now();
}

/// Declares a thread-local; loom makes its value anew for each thread of the model.
macro_rules! local {
    ($(#[$attribute:meta])* static $name:ident: $type:ty = $value:expr) => {
        loom::thread_local! { $(#[$attribute])* static $name: $type = $value }
    };
}
pub(crate) use local;

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

    /// Never times out: time does not pass in a model.
    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _timeout: std::time::Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        (self.wait(guard), false)
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

/// A cell whose accesses loom watches.
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
