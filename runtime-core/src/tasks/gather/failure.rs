//! Failures of children: which one was the first, and the error that is reported unless the gather
//! takes it.

use std::any::Any;
use std::fmt::{self, Debug};
use std::task::Waker;

use ::futures::task::AtomicWaker;

use crate::exceptions::TaskError;
use crate::runtime::{TaskHandle, current_task};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering};

/// The index that means that no child has failed.
const NONE: usize = usize::MAX;

/// The state that the children of one gather share with it: the index of the first child that
/// failed, and the waker of the gather.
#[derive(Debug)]
pub(in crate::tasks) struct FirstFailure {
    first: AtomicUsize,
    waker: AtomicWaker,
}

impl FirstFailure {
    pub(in crate::tasks) fn new() -> Arc<FirstFailure> {
        Arc::new(FirstFailure {
            first: AtomicUsize::new(NONE),
            waker: AtomicWaker::new(),
        })
    }

    /// The index of the child that failed first. If there is none yet, registers `waker` to be
    /// woken when there is.
    pub(in crate::tasks) fn poll(&self, waker: &Waker) -> Option<usize> {
        self.first().or_else(|| {
            self.waker.register(waker);
            // Read again: a failure that was reported before the registration has woken no task.
            self.first()
        })
    }

    /// The index of the child that failed first.
    pub(super) fn first(&self) -> Option<usize> {
        // Acquire: pairs with the exchange in `report`.
        match self.first.load(Ordering::Acquire) {
            NONE => None,
            index => Some(index),
        }
    }

    fn report(&self, index: usize) {
        // Release: pairs with the load in `first`. The `AtomicWaker` orders `wake` and `register`:
        // `wake` comes after this exchange, and `register` before the second load in `poll`, so one
        // of the two sees the other.
        let first = self
            .first
            .compare_exchange(NONE, index, Ordering::Release, Ordering::Relaxed);
        if first.is_ok() {
            self.waker.wake();
        }
    }
}

/// Reports the failure of its child when it is dropped, unless it was disarmed because the child
/// has returned a value.
#[derive(Debug)]
pub(in crate::tasks) struct FailureGuard {
    first_failure: Arc<FirstFailure>,
    /// The index of the child; `NONE` after `disarm`.
    index: usize,
}

impl FailureGuard {
    pub(in crate::tasks) fn new(first_failure: &Arc<FirstFailure>, index: usize) -> FailureGuard {
        debug_assert_ne!(index, NONE, "no list is that long");
        FailureGuard {
            first_failure: Arc::clone(first_failure),
            index,
        }
    }

    pub(super) fn disarm(&mut self) {
        self.index = NONE;
    }
}

impl Drop for FailureGuard {
    fn drop(&mut self) {
        if self.index != NONE {
            self.first_failure.report(self.index);
        }
    }
}

/// The error of a child, on its way to the gather. If it is dropped without having been taken, it
/// is reported to the loop's exception handler.
pub(super) struct Unseen<E: Debug + 'static> {
    error: Option<E>,
    /// The child's task, which stores this as its output: a reference cycle until the output is
    /// taken or dropped, which always happens.
    task: Option<TaskHandle>,
}

impl<E: Debug + 'static> Unseen<E> {
    /// Wraps an error of the current task.
    pub(in crate::tasks) fn new(error: E) -> Unseen<E> {
        Unseen {
            error: Some(error),
            task: current_task(),
        }
    }

    /// Takes the error, so that it is not reported.
    pub(super) fn see(mut self) -> E {
        self.error.take().expect("an error is seen once")
    }
}

impl<E: Debug + 'static> Drop for Unseen<E> {
    fn drop(&mut self) {
        let (Some(error), Some(task)) = (self.error.take(), &self.task) else {
            return;
        };
        // The element is a task that was cancelled: not reported, as for any other task.
        let error_itself: &dyn Any = &error;
        let cancelled = error_itself
            .downcast_ref::<TaskError>()
            .is_some_and(TaskError::is_cancelled);
        if !cancelled {
            task.report_unseen(format!("{error:?}"));
        }
    }
}

impl<E: Debug + 'static> Debug for Unseen<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Unseen").field(&self.error).finish()
    }
}
