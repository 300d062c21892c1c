//! The error of a gather's child, which is reported unless the gather takes it.

use std::any::Any;
use std::fmt::{self, Debug};

use crate::exceptions::TaskError;
use crate::runtime::{TaskHandle, current_task};

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
    pub(super) fn new(error: E) -> Unseen<E> {
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
