//! What is bound to one thread: its local tasks, and the root that it runs.
//!
//! Of a loop in the deterministic mode with one worker this is the line in which everything stands
//! that is ready, in asyncio's order: other tasks too, and the root with no privilege.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::inbox::Inbox;
use super::parker::Parker;
use crate::runtime::task::handle::TaskHandle;
use crate::runtime::task::header::TaskPointer;
use crate::runtime::task::runnable::Runnable;
use crate::runtime::time::ClockInhibitor;
use crate::sync::Arc;

/// What has been pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Root,
    Local,
}

/// The thread's own queue, and the way in for others.
#[derive(Debug)]
pub(crate) struct LocalQueue {
    pub(crate) inbox: Arc<Inbox>,
    ready: RefCell<VecDeque<Runnable>>,
    /// The task that `run` or `block_on` waits for: it goes before the others.
    root: Cell<Option<TaskPointer>>,
    root_ready: RefCell<Option<Runnable>>,
    /// How many others the root, which has yielded, lets go before it.
    ahead_of_root: Cell<usize>,
    /// The local tasks, those that have ended pruned now and then.
    tasks: RefCell<Vec<TaskHandle>>,
    /// At so many they are pruned: twice what the last time left, so that it costs each a look or two.
    prune_at: Cell<usize>,
    /// The root has its place in the line like everybody.
    in_line: bool,
    /// The thread turns nothing any more: see `close`.
    closed: Cell<bool>,
}

impl LocalQueue {
    pub(crate) fn new(parker: Arc<Parker>, inhibitor: ClockInhibitor, in_line: bool) -> LocalQueue {
        LocalQueue {
            inbox: Arc::new(Inbox::new(parker, inhibitor)),
            ready: RefCell::default(),
            root: Cell::new(None),
            root_ready: RefCell::default(),
            ahead_of_root: Cell::new(0),
            tasks: RefCell::default(),
            prune_at: Cell::new(64),
            in_line,
            closed: Cell::new(false),
        }
    }

    /// Names the root, or none.
    pub(crate) fn set_root(&self, root: Option<TaskPointer>) {
        self.root.set(root);
    }

    /// Whether there is a root.
    pub(crate) fn has_root(&self) -> bool {
        self.root.get().is_some()
    }

    /// Adds a task of this thread, on this thread.
    pub(crate) fn push(&self, task: Runnable) -> Pushed {
        if !self.in_line && self.root.get() == Some(task.pointer()) {
            *self.root_ready.borrow_mut() = Some(task);
            Pushed::Root
        } else {
            self.line_up(task);
            Pushed::Local
        }
    }

    /// Adds a task behind those that are ready.
    pub(crate) fn line_up(&self, task: Runnable) {
        self.ready.borrow_mut().push_back(task);
    }

    /// The root has yielded: it goes to the back, behind `queued` tasks and the local ones.
    pub(crate) fn step_back(&self, queued: usize) {
        self.ahead_of_root.set(queued + self.ready.borrow().len());
    }

    /// Another task has its turn.
    #[inline]
    pub(crate) fn let_pass(&self) {
        self.ahead_of_root
            .set(self.ahead_of_root.get().saturating_sub(1));
    }

    /// The root, if it is ready and nobody is before it.
    #[inline]
    pub(crate) fn pop_root_in_turn(&self) -> Option<Runnable> {
        if self.ahead_of_root.get() == 0 {
            self.pop_root()
        } else {
            None
        }
    }

    /// Takes in what others have sent.
    #[inline]
    pub(crate) fn receive(&self) {
        if self.inbox.has_any() {
            self.inbox.take().into_iter().for_each(|task| {
                self.push(task);
            });
        }
    }

    /// The root, if it is ready.
    #[inline]
    pub(crate) fn pop_root(&self) -> Option<Runnable> {
        self.ahead_of_root.set(0);
        self.root_ready.borrow_mut().take()
    }

    /// The next that is ready: a local task, or whoever stands in the line.
    #[inline]
    pub(crate) fn pop(&self) -> Option<Runnable> {
        self.ready.borrow_mut().pop_front()
    }

    /// Whether anything here is ready.
    #[inline]
    pub(crate) fn has_ready(&self) -> bool {
        self.root_ready.borrow().is_some() || !self.ready.borrow().is_empty()
    }

    /// Notes a local task, to be ended when the thread leaves.
    pub(crate) fn note_task(&self, task: TaskHandle) {
        if self.tasks.borrow().len() >= self.prune_at.get() {
            self.forget_ended();
            self.prune_at.set((2 * self.tasks.borrow().len()).max(64));
        }
        self.tasks.borrow_mut().push(task);
    }

    /// The local tasks that have not ended.
    pub(crate) fn tasks(&self) -> Vec<TaskHandle> {
        self.forget_ended();
        self.tasks.borrow().clone()
    }

    /// The thread is about to leave, and has ended its local tasks: it refuses others, which nobody would
    /// run. What is dropped this late, a context's values say, may still ask for one.
    pub(crate) fn close(&self) {
        debug_assert!(!self.has_ready(), "something waits on a thread that leaves");
        self.closed.set(true);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Lets go of the tasks that have ended. The last handle of one drops what is left of it, which
    /// may be user code that makes a local task: not under the borrow.
    fn forget_ended(&self) {
        let mut ended = Vec::new();
        self.tasks.borrow_mut().retain(|task| {
            let keeps = !task.done();
            if !keeps {
                ended.push(task.clone());
            }
            keeps
        });
        drop(ended);
    }
}
