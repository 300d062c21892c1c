//! What the future of a scope is made of: a part of a task that can be cancelled by itself.
//!
//! [`Scoped`] polls a body in the engine's [`Scope`](crate::runtime::Scope), and asks a [`Control`]
//! whether the scope is due: the deadline of a `timeout`, the handle of a `move_on_after`, the
//! abort of a task group. [`ScopeHandle`] is what handles on other tasks and threads share with it.

mod deadline;
mod handle;
mod once;

mod scoped;

pub(crate) use handle::{Lease, Part, ScopeHandle, ScopeStage, State};
pub(crate) use once::Once;
pub(crate) use scoped::{Control, Scoped, View};
