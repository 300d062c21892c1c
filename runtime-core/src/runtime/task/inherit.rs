//! The context that new tasks and callbacks inherit: a copy of the current one.

use super::cancel;
use super::context::Context;
use super::reference::TaskRef;

/// A copy of the current context for a new task or a callback. `None` if it is empty.
#[inline]
pub(crate) fn inherited_context() -> Option<Context> {
    match Context::entered() {
        Some(entered) => (!entered.is_empty()).then(|| entered.copy()),
        None => cancel::with_current(TaskRef::context_for_child).flatten(),
    }
}
