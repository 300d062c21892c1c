//! Destructors that would nest too deep wait in a list.
//!
//! A user may join futures, tasks, callbacks and contexts to a chain of any length, each link owned by
//! the one before. If every link were dropped inside the destructor of the one before, the stack would
//! have to be as long as the chain. So whatever the library drops of the user's, and each thing
//! else that may lead back to the same place, goes through [`unnested`]:
//!
//! 1. Up to [`MOST_NESTED`] calls inside one another, it is done within the call, as everywhere.
//! 2. What comes deeper is put on a list of the thread.
//! 3. The outermost call, when its own work is done, works the list off; what comes up meanwhile is
//!    either nested a little or put on the same list.
//!
//! A loop that is driven inside a destructor begins [`afresh`]: what is put off in there, a wake-up say, may
//! be what it waits for.
//!
//! So all of it has happened when the outermost destructor returns. A panic out of what had to wait is
//! nobody's any more: it has been reported by the panic hook, and ends there.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::sync::local;

/// So deep may destructors nest. Few: each may bring along frames of the user's of any size.
const MOST_NESTED: u32 = 16;

type Work = Box<dyn FnOnce()>;

local! {
    /// Calls inside one another on this thread.
    static NESTED: Cell<u32> = Cell::new(0)
}

local! {
    static WAITING: RefCell<VecDeque<Work>> = RefCell::new(VecDeque::new())
}

/// Does `work` now or, from deep inside other such work, when the outermost of that has been done.
pub(crate) fn unnested(work: impl FnOnce() + 'static) {
    let nested = NESTED.with(Cell::get);
    if nested >= MOST_NESTED {
        return put_off(work);
    }
    NESTED.with(|count| count.set(nested + 1));
    let _level = Level(nested);
    work();
}

/// Drops `value` as [`unnested`] does its work.
pub(crate) fn drop_unnested<T: 'static>(value: T) {
    unnested(move || drop(value));
}

/// Until the result is dropped, calls of [`unnested`] on this thread are inside no others. For who drives
/// a loop.
#[must_use = "it ends when it is dropped"]
pub(crate) fn afresh() -> Afresh {
    let nested = NESTED.with(|count| count.replace(0));
    // Most begin where nothing is nested, and nothing waits.
    let waiting = (nested > 0).then(|| WAITING.try_with(RefCell::take));
    let waiting = waiting.and_then(Result::ok).unwrap_or_default();
    Afresh { nested, waiting }
}

/// What was around it, which comes back.
pub(crate) struct Afresh {
    nested: u32,
    waiting: VecDeque<Work>,
}

impl Drop for Afresh {
    fn drop(&mut self) {
        NESTED.with(|count| count.set(self.nested));
        if !self.waiting.is_empty() {
            let waiting = std::mem::take(&mut self.waiting);
            let _none = WAITING.try_with(|now| now.replace(waiting));
        }
    }
}

#[cold]
fn put_off(work: impl FnOnce() + 'static) {
    let work: Work = Box::new(work);
    let mut work = Some(work);
    // In the last destructors of a thread there is no list any more.
    let listed = WAITING.try_with(|waiting| waiting.borrow_mut().extend(work.take()));
    if listed.is_err() {
        work.into_iter().for_each(|work| work());
    }
}

/// One call of [`unnested`]; so many are around it. Ends with a panic, too.
struct Level(u32);

impl Drop for Level {
    fn drop(&mut self) {
        if self.0 == 0 {
            work_off();
        }
        NESTED.with(|nested| nested.set(self.0));
    }
}

/// Does what has been put off. For the outermost call, which still counts: so nobody inside does the
/// same.
fn work_off() {
    let next = || WAITING.try_with(|waiting| waiting.borrow_mut().pop_front());
    while let Ok(Some(work)) = next() {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
            // Its destructor may be the next that panics.
            std::mem::forget(payload);
        }
    }
}

/// A value of the user's that the library holds, dropped by [`drop_unnested`].
pub(crate) struct Unnested<T> {
    /// Taken by whoever uses it up.
    value: Option<T>,
    // Not a bound on `T`, which every type that holds this would have to repeat.
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
        self.value.as_ref().expect("the value goes with its holder")
    }

    pub(crate) fn into_inner(mut self) -> T {
        self.value.take().expect("the value goes with its holder")
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
