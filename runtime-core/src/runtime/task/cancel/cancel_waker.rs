//! Awaitables that must be polled when a request is delivered, although their wakers are not their
//! task's.
//!
//! A combinator with wakers of its own (`FuturesUnordered`) polls only children that were woken, so
//! a request could not travel down through it. An aware awaitable that is polled with such a
//! **foreign waker** registers it with its task. A delivery, by the task or by a scope, wakes all
//! of them first: those of the whole task, not only those inside the scope. One wake too many costs
//! a poll; a list per scope would cost every scope.
//!
//! A waker that has been woken is off the list until its awaitable has been polled: until then its
//! combinator is about to poll it anyway. So many limits that expire in one poll wake each
//! awaitable once, and not once per limit.

use std::task::Waker;

use super::super::foreign_waker::ForeignWaker;
use super::super::reference::TaskRef;
use super::super::waker::wakes;
use super::context;
use crate::runtime::catch_panic::catch_panic;
use crate::sync::StdArc;

/// The registration of an aware awaitable that is polled through a foreign waker.
#[derive(Debug, Default)]
pub(crate) struct CancelWaker(Option<Box<Entry>>);

#[derive(Debug)]
struct Entry {
    task: TaskRef,
    key: u64,
    foreign_waker: StdArc<ForeignWaker>,
}

impl CancelWaker {
    /// Registers `waker` to be woken by a request for the current task, if it is not the task's
    /// own.
    #[inline]
    pub(crate) fn register_waker(&mut self, waker: &Waker) {
        if let Some(task) = context::current_pointer() {
            if !wakes(waker, task) {
                self.register(waker);
            }
        }
    }

    #[cold]
    fn register(&mut self, waker: &Waker) {
        let Some(task) = context::current() else {
            return;
        };
        if self
            .0
            .as_ref()
            .is_some_and(|entry| entry.is_registered_for(&task, waker))
        {
            return;
        }
        self.0 = None;
        let foreign_waker = StdArc::new(ForeignWaker::new(waker.clone()));
        let side = task.header().side_or_new();
        let key = side.add_foreign_waker(StdArc::clone(&foreign_waker));
        task.header().state.note_foreign();
        self.0 = Some(Box::new(Entry {
            task,
            key,
            foreign_waker,
        }));
    }
}

impl Entry {
    fn is_registered_for(&self, task: &TaskRef, waker: &Waker) -> bool {
        self.foreign_waker.is_registered_for(waker) && self.task == *task
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let _foreign_waker = self
            .task
            .header()
            .side()
            .and_then(|side| side.remove_foreign_waker(self.key));
    }
}

/// Wakes the foreign wakers of the current task: before a delivery.
pub(crate) fn wake_foreign_wakers() {
    let has_foreign = |task: &TaskRef| task.header().state.has_foreign();
    if context::with_current(has_foreign) == Some(true) {
        wake_all();
    }
}

#[cold]
fn wake_all() {
    let Some(task) = context::current() else {
        return;
    };
    let foreign_wakers = task.header().side().map(|side| side.take_foreign_wakers());
    for foreign_waker in foreign_wakers.into_iter().flatten() {
        // This may drop the last reference to it, with its waker.
        catch_panic(move || foreign_waker.wake());
    }
}
