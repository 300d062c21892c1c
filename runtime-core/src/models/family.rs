//! A group without a body: its children, and a task that stands for their parent.

use std::any::Any;
use std::future::{Future, pending};

use super::test_scheduler::TestScheduler;
use crate::exceptions::{CancelReason, CancelSource, CancelledError, Cause};
use crate::runtime::modelled::parent::{Outcome, Parent};
use crate::runtime::{Task, TaskHandle};
use crate::sync::StdArc;
use crate::taskgroups::modelled::Children;

/// The family, with the scheduler of its tasks.
#[derive(Clone)]
pub(super) struct Family {
    pub(super) scheduler: TestScheduler,
    pub(super) children: StdArc<Children>,
    parent: StdArc<Task<()>>,
}

/// A child's part in it.
struct Member(StdArc<Children>);

impl Family {
    pub(super) fn new() -> Family {
        let scheduler = TestScheduler::new();
        let parent = scheduler.spawn(pending());
        scheduler.run_all();
        let children = StdArc::new(Children::new());
        children.set_parent(parent.handle());
        Family {
            scheduler,
            children,
            parent: StdArc::new(parent),
        }
    }

    /// Adds a child. `None` if it is refused.
    pub(super) fn add<F>(&self, future: F) -> Option<TaskHandle>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.add_task(future).map(|child| child.handle())
    }

    /// The same, with its handle.
    pub(super) fn add_task<F>(&self, future: F) -> Option<Task<()>>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let _gate = self.children.enter().ok()?;
        let member = Member(StdArc::clone(&self.children));
        let child = self.scheduler.spawn_child(future, member);
        self.children.add(&child.handle());
        Some(child)
    }

    pub(super) fn abort(&self) {
        let reason = CancelReason::new(CancelSource::TaskGroup);
        self.children.abort(CancelledError::new(reason));
    }

    /// Ends the task that stands for the parent.
    pub(super) fn end(self) {
        self.children.clear();
        self.parent.cancel();
        self.scheduler.run_all();
    }
}

impl Parent<()> for Member {
    type Value = ();

    const TAKES_PANICS: bool = false;

    fn receive(&self, (): ()) -> Outcome<()> {
        Outcome::Returned(())
    }

    fn receive_panic(&self, payload: Box<dyn Any + Send>) -> Box<dyn Any + Send> {
        payload
    }

    fn child_has_ended(&self) {
        self.0.leave(None);
    }

    fn cause(&self) -> Cause {
        self.0.cause()
    }
}
