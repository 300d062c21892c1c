//! What becomes of what a future returns: the outcome that the handle of its task gets, and the
//! parent that looks at it first.
//!
//! Most tasks have no parent: what their future returns is their value. A task that belongs to a
//! group has one, which is told three things, each once and by the completer of the task:
//!
//! 1. what the future returned, or the payload of its panic, before the task is done. The parent
//!    keeps errors and payloads; the handle gets the rest;
//! 2. that the task has ended: it is done, its callbacks are queued, and it has left the registry.
//!    So who is told by the parent finds the task done;
//! 3. (it is asked, rather) for which cause it ends its children: see `cancel/propagation.rs`.

use std::any::Any;

use crate::exceptions::{CancelledError, Cause};

/// A task's output, as the `Task` handle takes it.
#[derive(Debug)]
pub(crate) enum Outcome<T> {
    Returned(T),
    /// An error, which the parent has.
    Failed,
    Cancelled(CancelledError),
    /// In a box of its own: a pointer to a trait object would make every task larger by a word.
    Panicked(Box<Box<dyn Any + Send>>),
}

// Room for the outcome is a part of every task.
const _: () = assert!(size_of::<Outcome<()>>() <= 2 * size_of::<usize>());

/// The parent of a task whose future returns an `R`: a value in the task's allocation.
pub(crate) trait Parent<R>: Send + Sync + 'static {
    /// The value of the task.
    type Value: 'static;

    /// Whether panics are the parent's: they are not reported when nobody retrieves them.
    const TAKES_PANICS: bool;

    /// Takes what the future has returned.
    fn receive(&self, output: R) -> Outcome<Self::Value>;

    /// Takes the payload of a panic, and returns the one that the handle gets.
    fn receive_panic(&self, payload: Box<dyn Any + Send>) -> Box<dyn Any + Send>;

    /// The task has ended.
    fn child_has_ended(&self);

    /// For what the parent has ended its children; the default if it has not.
    fn cause(&self) -> Cause;
}

/// The parent of a task that has none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoParent;

impl<R: 'static> Parent<R> for NoParent {
    type Value = R;

    const TAKES_PANICS: bool = false;

    #[inline(always)]
    fn receive(&self, output: R) -> Outcome<R> {
        Outcome::Returned(output)
    }

    fn receive_panic(&self, payload: Box<dyn Any + Send>) -> Box<dyn Any + Send> {
        payload
    }

    #[inline(always)]
    fn child_has_ended(&self) {}

    fn cause(&self) -> Cause {
        Cause::default()
    }
}
