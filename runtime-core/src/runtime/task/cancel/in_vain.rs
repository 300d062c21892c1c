//! Awaitables of ours under another executor, in the midst of a task.

use std::task::Waker;

use super::super::waker::wakes;
use super::context;

/// How often another executor, which polls nothing else, polls an awaitable inside a task in vain.
const MOST_POLLS_IN_VAIN: u32 = 64;

/// Counts the polls by a waker that is not the task's own while the task itself is to act. A
/// combinator comes back to the task after a few; another executor, inside the task, never does.
#[derive(Debug, Default)]
pub(crate) struct InVain(u32);

impl InVain {
    /// Has the executor poll once more. False if that has been in vain for too long: the awaitable
    /// is to go on without its task.
    #[must_use]
    pub(crate) fn try_again(&mut self, waker: &Waker) -> bool {
        let own = context::current_pointer().is_some_and(|task| wakes(waker, task));
        if own {
            self.0 = 0;
            return true;
        }
        self.0 += 1;
        if self.0 <= MOST_POLLS_IN_VAIN {
            waker.wake_by_ref();
        }
        self.0 <= MOST_POLLS_IN_VAIN
    }
}
