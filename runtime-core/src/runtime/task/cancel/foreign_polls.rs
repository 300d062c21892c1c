//! The polls of an awaitable by an executor that runs inside a task.

use std::task::Waker;

use super::super::waker::wakes;
use super::context;

/// How often such an executor, which polls nothing else, polls an awaitable that waits for its
/// task.
const MOST_FOREIGN_POLLS: u32 = 64;

/// Counts the polls by a foreign waker while the task itself is to act. A combinator comes back to
/// the task after a few; another executor, inside the task, never does.
#[derive(Debug, Default)]
pub(crate) struct ForeignPolls(u32);

impl ForeignPolls {
    /// Has the executor poll once more. False if it has done so too often: the awaitable is to go
    /// on without its task.
    #[must_use]
    pub(crate) fn try_again(&mut self, waker: &Waker) -> bool {
        let own = context::current_pointer().is_some_and(|task| wakes(waker, task));
        if own {
            self.0 = 0;
            return true;
        }
        self.0 += 1;
        if self.0 <= MOST_FOREIGN_POLLS {
            waker.wake_by_ref();
        }
        self.0 <= MOST_FOREIGN_POLLS
    }
}
