//! An error that is reported unless somebody sees it.

use std::any::Any;
use std::fmt::{self, Debug};

use crate::exceptions::TaskError;
use crate::runtime::{TaskHandle, current_task};

/// The error of a child, on its way to the gather. Whoever drops it instead is not interested, and the
/// loop's exception handler hears of it.
pub(super) struct Unseen<E: Debug + 'static> {
    error: Option<E>,
    /// The child itself, which holds this as its output: a circle until that is taken or dropped, as it
    /// always is.
    task: Option<TaskHandle>,
}

impl<E: Debug + 'static> Unseen<E> {
    /// The current task's error.
    pub(super) fn new(error: E) -> Unseen<E> {
        Unseen {
            error: Some(error),
            task: current_task(),
        }
    }

    /// Sees the error.
    pub(super) fn see(mut self) -> E {
        self.error.take().expect("an error is seen once")
    }
}

impl<E: Debug + 'static> Drop for Unseen<E> {
    fn drop(&mut self) {
        let (Some(error), Some(task)) = (self.error.take(), &self.task) else {
            return;
        };
        // A task among the elements that somebody cancelled: not an error, as for any other task.
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
