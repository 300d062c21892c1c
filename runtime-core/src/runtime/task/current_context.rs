//! The current context: the one that `Context::run` has entered on this thread, or the task's.

use std::cell::{Cell, RefCell};

use super::cancel;
use super::context::Context;
use super::reference::TaskRef;
use crate::sync::{lasting, local};

lasting! {
    /// Each context with the nesting of polls in which it was entered. It does not apply to a poll
    /// nested deeper: that is a poll of another task, which has its own context.
    static ENTERED: RefCell<Vec<(u32, Context)>> = RefCell::new(Vec::new())
}

local! {
    /// The length of `ENTERED`. Every spawn reads it, so it is a thread-local without a destructor,
    /// which is cheaper to access.
    static COUNT: Cell<usize> = Cell::new(0)
}

impl Context {
    /// Runs `work` with this as the current context, over that of the task.
    ///
    /// ```
    /// asyncio::context_var! { static DEPTH: usize = 0 }
    /// let context = asyncio::Context::new();
    /// context.run(|| drop(DEPTH.set(1)));
    /// assert_eq!(DEPTH.get(), 0);
    /// assert_eq!(context.run(|| DEPTH.get()), 1);
    /// ```
    pub fn run<R>(&self, work: impl FnOnce() -> R) -> R {
        struct Leave;
        impl Drop for Leave {
            fn drop(&mut self) {
                // The context is dropped after the borrow ends: its values are the user's.
                COUNT.with(|count| count.set(count.get() - 1));
                let _left = ENTERED.with(|entered| entered.borrow_mut().pop());
            }
        }
        let entry = (cancel::depth(), self.clone());
        COUNT.with(|count| count.set(count.get() + 1));
        ENTERED.with(|entered| entered.borrow_mut().push(entry));
        let _leave = Leave;
        work()
    }

    /// The innermost context that `run` has entered in this poll.
    #[inline]
    pub(crate) fn entered() -> Option<Context> {
        if COUNT.with(Cell::get) == 0 {
            return None;
        }
        let innermost = |entered: &RefCell<Vec<(u32, Context)>>| {
            let entered = entered.borrow();
            let (depth, context) = entered.last()?;
            (*depth == cancel::depth()).then(|| context.clone())
        };
        ENTERED.with(innermost)
    }
}

/// Returns a copy of the current context for a new task or a callback. `None` if it is empty.
#[inline(always)]
pub(crate) fn inherited_context() -> Option<Context> {
    let entered = COUNT.with(Cell::get) > 0;
    let is_empty = |task: &TaskRef| task.header().has_no_context();
    if !entered && cancel::with_current(is_empty) == Some(true) {
        return None;
    }
    inherited_if_any()
}

#[inline(never)]
fn inherited_if_any() -> Option<Context> {
    match Context::entered() {
        Some(entered) => entered.inherited(),
        None => cancel::with_current(TaskRef::context_for_child).flatten(),
    }
}
