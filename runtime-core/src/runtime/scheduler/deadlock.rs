//! The report of a deadlock, which the deterministic mode finds: nothing can happen any more.

use std::fmt;

use crate::runtime::task::handle::TaskHandle;

/// Every task waits, and nothing is left that could wake one.
#[derive(Debug)]
#[must_use = "the caller must report the deadlock"]
pub(crate) struct Deadlock {
    /// Descriptions of the tasks that wait.
    tasks: Vec<String>,
    /// Where the deadlock occurred, if not in `run`.
    place: &'static str,
}

impl Deadlock {
    /// A deadlock of these tasks, in a loop that runs.
    pub(crate) fn of(waiting: &[TaskHandle]) -> Deadlock {
        let tasks = waiting.iter().map(|task| task.reference().describe());
        Deadlock {
            tasks: tasks.collect(),
            place: "",
        }
    }

    /// A deadlock of these tasks, for whose end a shutdown waits.
    pub(crate) fn of_the_last(waiting: &[TaskHandle]) -> Deadlock {
        Deadlock {
            place: " in the shutdown",
            ..Deadlock::of(waiting)
        }
    }
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "deadlock{}: every task waits, and nothing is left that could wake one: {}",
            self.place,
            self.tasks.join(", ")
        )
    }
}
