//! How a waiter is woken, and those that are to be woken when a lock has been released.

use std::task::Waker;

use super::no_task;
use crate::runtime::catch_panic::{catch_panic, wake_catching};
use crate::runtime::task::cancel::{current_of_waiter, current_pointer};
use crate::runtime::task::reference::TaskRef;
use crate::runtime::task::waker::wakes;
use crate::runtime::unnest::{drop_unnested, unnested};

/// Whom to wake for a waiter: the task that polled it by its own waker; or a foreign waker, and the
/// task in whose poll it came, if there was one.
#[derive(Debug)]
pub(crate) struct Wake {
    pub(super) task: Option<TaskRef>,
    pub(super) foreign: Option<Waker>,
}

impl Wake {
    /// The task of the poll that goes on now, if `waker` is its own waker. Runs no user code.
    #[inline]
    pub(crate) fn own_task(waker: &Waker) -> Option<TaskRef> {
        let pointer = current_pointer()?;
        if wakes(waker, pointer) {
            current_of_waiter()
        } else {
            None
        }
    }

    /// Of the poll that goes on now with `waker`. May run user code: the caller has no lock.
    /// `turns` says whether the waiter is given turns.
    pub(crate) fn of(waker: &Waker, turns: bool) -> Wake {
        if let Some(task) = Wake::own_task(waker) {
            return Wake {
                task: Some(task),
                foreign: None,
            };
        }
        Wake {
            task: if turns { current_of_waiter() } else { None },
            foreign: Some(waker.clone()),
        }
    }

    /// Whether this is of a poll of the same task with the same waker.
    pub(crate) fn is_of(&self, waker: &Waker) -> bool {
        let task = self.task.as_ref().map(TaskRef::pointer);
        match &self.foreign {
            None => task.is_some_and(|task| wakes(waker, task)),
            Some(own) => own.will_wake(waker) && (task.is_none() || task == current_pointer()),
        }
    }

    /// Wakes it. The task is woken in addition to a foreign waker, so that it has a poll in which
    /// it can use its turn, or not.
    fn wake(self) {
        if let Some(waker) = self.foreign {
            unnested(|| wake_catching(waker));
        }
        if let Some(task) = self.task {
            wake_task(task);
        }
    }
}

/// Wakes a task that polled a waiter.
#[inline]
pub(super) fn wake_task(task: TaskRef) {
    catch_panic(|| task.wake_and_leave());
}

/// Collected under a lock, to be woken after it.
///
/// Mostly that is one task. It is taken out alone: to move all of this takes longer than to wake a
/// task.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    /// The first to be woken, in its two parts. Mostly there is one at a time, which needs no
    /// allocation.
    task: Option<TaskRef>,
    foreign: Option<Waker>,
    rest: Rest,
}

#[derive(Debug, Default)]
struct Rest {
    others: Vec<Wake>,
    replaced: Option<Wake>,
    /// A turn was given to a waiter without a task.
    no_task: bool,
}

impl Wakes {
    #[inline]
    pub(super) fn add(&mut self, task: Option<TaskRef>, foreign: Option<Waker>) {
        if self.task.is_some() || self.foreign.is_some() {
            self.rest.others.push(Wake { task, foreign });
        } else {
            self.task = task;
            self.foreign = foreign;
        }
    }

    /// Takes the task out that is woken first, if there is one.
    #[inline]
    pub(super) fn take_task(&mut self) -> Option<TaskRef> {
        self.task.take()
    }

    /// Whether there is nothing else to be done after the lock.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        let Rest {
            others,
            replaced,
            no_task,
        } = &self.rest;
        self.foreign.is_none() && others.is_empty() && replaced.is_none() && !no_task
    }

    /// Drops `wake` without waking it.
    pub(super) fn put_aside(&mut self, wake: Option<Wake>) {
        debug_assert!(
            self.rest.replaced.is_none(),
            "one is replaced under one lock"
        );
        self.rest.replaced = wake;
    }

    /// Has the turns of waiters without a task watched over.
    pub(super) fn watch_no_task(&mut self) {
        self.rest.no_task = true;
    }

    /// Wakes all, in order; `task` is the one that has been taken out.
    pub(super) fn wake_all(self, task: Option<TaskRef>) {
        let Wakes { foreign, rest, .. } = self;
        Wake { task, foreign }.wake();
        rest.others.into_iter().for_each(Wake::wake);
        if let Some(waker) = rest.replaced.and_then(|replaced| replaced.foreign) {
            catch_panic(move || drop_unnested(waker));
        }
        if rest.no_task {
            no_task::watch();
        }
    }
}
