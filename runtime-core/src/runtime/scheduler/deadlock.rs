//! What the deterministic mode says when nothing can ever happen any more.

use std::fmt;

use crate::runtime::task::handle::TaskHandle;

/// Every task waits, and nothing is left that could wake one.
#[derive(Debug)]
#[must_use = "nobody else will hear of it"]
pub(crate) struct Deadlock {
    /// Who waits.
    tasks: Vec<String>,
    /// Where it came to that, if not in `run`.
    place: &'static str,
}

impl Deadlock {
    /// Among the tasks of a loop that runs.
    pub(crate) fn of(waiting: &[TaskHandle]) -> Deadlock {
        let tasks = waiting.iter().map(|task| task.reference().describe());
        Deadlock {
            tasks: tasks.collect(),
            place: "",
        }
    }

    /// Among those whose end a shutdown waits for.
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
