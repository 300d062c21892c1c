//! How a waiter is woken, and those that are to be woken when a lock has been released.

use std::task::Waker;

use super::no_task;
use crate::runtime::catch_panic::{catch_panic, wake_catching};
use crate::runtime::task::cancel::{current_of_waiter, current_pointer};
use crate::runtime::task::reference::TaskRef;
use crate::runtime::task::waker::wakes;
use crate::runtime::turns::TurnList;
use crate::runtime::unnest::{drop_unnested, unnested};

/// Whom to wake for a waiter.
#[derive(Debug)]
pub(crate) enum Wake {
    /// The task that polled it, by its own waker.
    Task(TaskRef),
    /// A foreign waker, and the task in whose poll it came, if there was one.
    Foreign(Waker, Option<TaskRef>),
}

impl Wake {
    /// Of the poll that goes on now, if `waker` is the own waker of the task that is polled. Runs
    /// no user code.
    pub(crate) fn of_own_task(waker: &Waker, turns: bool) -> Option<Wake> {
        let pointer = current_pointer()?;
        if !wakes(waker, pointer) {
            return None;
        }
        let task = current_of_waiter()?;
        if turns {
            // Made here, in the task's own poll, so that the end of the task finds it.
            let _list = task.turn_list();
        }
        Some(Wake::Task(task))
    }

    /// Of the poll that goes on now with `waker`. May run user code: the caller has no lock.
    /// `turns` says whether the waiter is given turns.
    pub(crate) fn of(waker: &Waker, turns: bool) -> Wake {
        let task = current_of_waiter();
        match task {
            Some(task) if wakes(waker, task.pointer()) => {
                if turns {
                    // Made here, in the task's own poll, so that the end of the task finds it.
                    let _list = task.turn_list();
                }
                Wake::Task(task)
            }
            Some(task) if turns => {
                let _list = task.turn_list();
                Wake::Foreign(waker.clone(), Some(task))
            }
            _ => Wake::Foreign(waker.clone(), None),
        }
    }

    /// Whether this is of a poll of the same task with the same waker.
    pub(crate) fn is_of(&self, waker: &Waker) -> bool {
        match self {
            Wake::Task(task) => wakes(waker, task.pointer()),
            Wake::Foreign(own, task) => {
                let task = task.as_ref().map(TaskRef::pointer);
                own.will_wake(waker) && (task.is_none() || task == current_pointer())
            }
        }
    }

    /// The turn list of the task that polled the waiter.
    pub(crate) fn turn_list(&self) -> Option<&TurnList> {
        match self {
            Wake::Task(task) | Wake::Foreign(_, Some(task)) => Some(task.turn_list()),
            Wake::Foreign(_, None) => None,
        }
    }

    /// Wakes it. The task is woken in addition to a foreign waker, so that it has a poll in which
    /// it can use its turn, or not.
    fn wake(self) {
        match self {
            Wake::Task(task) => catch_panic(|| task.wake_and_leave()),
            Wake::Foreign(waker, task) => {
                unnested(|| wake_catching(waker));
                if let Some(task) = task {
                    catch_panic(|| task.wake_and_leave());
                }
            }
        }
    }
}

/// Collected under a lock. Dropped after it, this wakes them.
#[derive(Debug, Default)]
pub(crate) struct Wakes {
    /// Mostly there is one at a time, which needs no allocation.
    first: Option<Wake>,
    others: Vec<Wake>,
    replaced: Option<Wake>,
    /// A turn was given to a waiter without a task.
    no_task: bool,
}

impl Wakes {
    pub(crate) fn add(&mut self, wake: Wake) {
        match &mut self.first {
            Some(_) => self.others.push(wake),
            first => *first = Some(wake),
        }
    }

    /// Whether there is nothing to be done after the lock.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none() && self.replaced.is_none() && !self.no_task
    }

    /// Drops `wake` without waking it.
    pub(crate) fn put_aside(&mut self, wake: Option<Wake>) {
        debug_assert!(self.replaced.is_none(), "one is replaced under one lock");
        self.replaced = wake;
    }

    /// Has the turns of waiters without a task watched over.
    pub(crate) fn watch_no_task(&mut self) {
        self.no_task = true;
    }
}

impl Drop for Wakes {
    /// Wakes all, in order.
    fn drop(&mut self) {
        if let Some(first) = self.first.take() {
            first.wake();
            self.others.drain(..).for_each(Wake::wake);
        }
        if let Some(Wake::Foreign(waker, _)) = self.replaced.take() {
            catch_panic(move || drop_unnested(waker));
        }
        if self.no_task {
            no_task::watch();
        }
    }
}
