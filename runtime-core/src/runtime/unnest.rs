//! Limits the nesting of destructors: work that would nest too deep is deferred to a list.
//!
//! A user may link futures, tasks, callbacks and contexts to a chain of any length, each link owned
//! by the one before. If every link were dropped inside the destructor of the one before, a long
//! chain would overflow the stack. So every drop of a user's value by the library, and every other
//! step that may lead back to such a drop, goes through [`unnested`]:
//!
//! 1. Up to [`MOST_NESTED`] calls deep, the work is done within the call.
//! 2. Deeper work is put on a list of the thread.
//! 3. When the outermost call has done its own work, it runs the list until it is empty. Work that
//!    comes up meanwhile nests up to the limit, or is put on the same list.
//!
//! So all of the work is done when the outermost call returns. A panic of deferred work ends in the
//! loop that runs the list; the panic hook has printed it.
//!
//! A loop that is driven inside a destructor starts [`afresh`]: the work that is deferred inside
//! it, for example a wake-up, may be what it waits for.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;

use super::catch_panic::catch_panic;
use crate::sync::{lasting, local};

/// The deepest nesting of calls of [`unnested`]. Small, because each level may contain stack frames
/// of user code of any size.
const MOST_NESTED: u32 = 16;

type Work = Box<dyn FnOnce()>;

local! {
    /// The current nesting of calls of [`unnested`] on this thread.
    static NESTED: Cell<u32> = Cell::new(0)
}

lasting! {
    /// The deferred work of this thread.
    static WAITING: RefCell<VecDeque<Work>> = RefCell::new(VecDeque::new())
}

/// Does `work` now or, if calls of this function nest too deep, before the outermost call returns.
pub(crate) fn unnested(work: impl FnOnce() + 'static) {
    let nested = NESTED.with(Cell::get);
    if nested >= MOST_NESTED {
        return defer(work);
    }
    NESTED.with(|count| count.set(nested + 1));
    let _level = Level(nested);
    work();
}

/// Drops `value` through [`unnested`].
pub(crate) fn drop_unnested<T: 'static>(value: T) {
    unnested(move || drop(value));
}

/// Makes calls of [`unnested`] on this thread count from zero again, with an empty list, until the
/// result is dropped. Callers are the functions that drive a loop.
#[must_use = "it ends when it is dropped"]
pub(crate) fn afresh() -> Afresh {
    let nested = NESTED.with(|count| count.replace(0));
    // Usually nothing is nested here, and the list is empty.
    let waiting = (nested > 0).then(|| WAITING.with(RefCell::take));
    let waiting = waiting.unwrap_or_default();
    Afresh { nested, waiting }
}

/// The nesting and the list outside of an [`afresh`] section. Dropping this restores them.
pub(crate) struct Afresh {
    nested: u32,
    waiting: VecDeque<Work>,
}

impl Drop for Afresh {
    fn drop(&mut self) {
        NESTED.with(|count| count.set(self.nested));
        if !self.waiting.is_empty() {
            let waiting = std::mem::take(&mut self.waiting);
            let _none = WAITING.with(|now| now.replace(waiting));
        }
    }
}

#[cold]
fn defer(work: impl FnOnce() + 'static) {
    let work: Work = Box::new(work);
    WAITING.with(|waiting| waiting.borrow_mut().push_back(work));
}

/// Ends one call of [`unnested`], also if its work panics. Holds the number of calls around it.
struct Level(u32);

impl Drop for Level {
    fn drop(&mut self) {
        if self.0 == 0 {
            run_deferred();
        }
        NESTED.with(|nested| nested.set(self.0));
    }
}

/// Runs the deferred work. Only the outermost call does this, and it still counts in `NESTED`, so
/// that no call inside the deferred work does the same.
fn run_deferred() {
    let next = || WAITING.with(|waiting| waiting.borrow_mut().pop_front());
    while let Some(work) = next() {
        catch_panic(work);
    }
}

/// A user's value inside a type of the library. Dropping this calls [`drop_unnested`].
pub(crate) struct Unnested<T> {
    /// `None` once `into_inner` or the destructor has taken it.
    value: Option<T>,
    // A function pointer rather than a bound `T: 'static`, which every type that contains this
    // would have to repeat.
    drop: fn(T),
}

impl<T: 'static> Unnested<T> {
    pub(crate) fn new(value: T) -> Unnested<T> {
        Unnested {
            value: Some(value),
            drop: drop_unnested::<T>,
        }
    }
}

impl<T> Unnested<T> {
    pub(crate) fn get(&self) -> &T {
        self.value
            .as_ref()
            .expect("only `into_inner` and the destructor take the value")
    }

    pub(crate) fn into_inner(mut self) -> T {
        self.value
            .take()
            .expect("only `into_inner` and the destructor take the value")
    }
}

impl<T> Drop for Unnested<T> {
    fn drop(&mut self) {
        self.value.take().into_iter().for_each(self.drop);
    }
}

impl<T> fmt::Debug for Unnested<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Unnested")
    }
}
