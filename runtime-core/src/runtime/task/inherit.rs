//! What is inherited: a copy of the context in which the current code runs.

use super::cancel;
use super::context::Context;

/// A copy of the current context for a new task or a callback, if there is anything in it.
pub(crate) fn inherited_context() -> Option<Context> {
    match Context::entered() {
        Some(entered) => (!entered.is_empty()).then(|| entered.copy()),
        None => cancel::current()?.context_for_child(),
    }
}
