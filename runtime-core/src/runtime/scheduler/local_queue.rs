//! The local queue: holds the tasks that are bound to one thread, and the root that it runs.
//!
//! In the deterministic mode with one worker this queue holds everything that is ready, in
//! asyncio's order: all other tasks too, and the root has no privilege.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use super::inbox::Inbox;
use super::parker::Parker;
use crate::runtime::task::handle::TaskHandle;
use crate::runtime::task::header::TaskPointer;
use crate::runtime::task::runnable::Runnable;
use crate::runtime::time::ClockInhibitor;
use crate::sync::Arc;

/// What kind of task has been pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// The root, which goes before the other tasks.
    Root,
    /// Any other task, or the root where it has no privilege.
    Local,
}

/// The queue of one thread, and the inbox through which other threads push to it.
#[derive(Debug)]
pub(crate) struct LocalQueue {
    pub(crate) inbox: Arc<Inbox>,
    ready: RefCell<VecDeque<Runnable>>,
    /// The task that `run` or `block_on` waits for. It runs before the others.
    root: Cell<Option<TaskPointer>>,
    root_ready: RefCell<Option<Runnable>>,
    /// How many tasks are ready, the root among them.
    ready_count: Cell<usize>,
    /// How many other tasks run before the root, which has yielded.
    ahead_of_root: Cell<usize>,
    /// The local tasks. Those that have ended are pruned now and then.
    tasks: RefCell<Vec<TaskHandle>>,
    /// The length at which the tasks are pruned: twice what the last pruning left, so that pruning
    /// costs each task a look or two.
    prune_at: Cell<usize>,
    /// The root is queued like every other task.
    is_fifo: bool,
    /// The thread runs no further tasks: see `close`.
    closed: Cell<bool>,
}

impl LocalQueue {
    pub(crate) fn new(parker: Arc<Parker>, inhibitor: ClockInhibitor, is_fifo: bool) -> LocalQueue {
        LocalQueue {
            inbox: Arc::new(Inbox::new(parker, inhibitor)),
            ready: RefCell::default(),
            root: Cell::new(None),
            root_ready: RefCell::default(),
            ready_count: Cell::new(0),
            ahead_of_root: Cell::new(0),
            tasks: RefCell::default(),
            prune_at: Cell::new(64),
            is_fifo,
            closed: Cell::new(false),
        }
    }

    /// Sets the root, or clears it.
    pub(crate) fn set_root(&self, root: Option<TaskPointer>) {
        self.root.set(root);
    }

    /// Whether there is a root.
    pub(crate) fn has_root(&self) -> bool {
        self.root.get().is_some()
    }

    /// Adds a task of this thread. Called on this thread.
    pub(crate) fn push(&self, task: Runnable) -> Pushed {
        if !self.is_fifo && self.root.get() == Some(task.pointer()) {
            *self.root_ready.borrow_mut() = Some(task);
            self.ready_count.set(self.ready_count.get() + 1);
            Pushed::Root
        } else {
            self.push_back(task);
            Pushed::Local
        }
    }

    /// Adds a task behind those that are ready.
    pub(crate) fn push_back(&self, task: Runnable) {
        self.ready.borrow_mut().push_back(task);
        self.ready_count.set(self.ready_count.get() + 1);
    }

    /// The root has yielded: it waits until `queued` tasks and the ready local tasks have run.
    pub(crate) fn step_back(&self, queued: usize) {
        self.ahead_of_root.set(queued + self.ready.borrow().len());
    }

    /// Counts the turn of another task, which the root has let pass.
    #[inline]
    pub(crate) fn let_pass(&self) {
        self.ahead_of_root
            .set(self.ahead_of_root.get().saturating_sub(1));
    }

    /// Takes the root, if it is ready and need not let other tasks pass.
    #[inline]
    pub(crate) fn pop_root_in_turn(&self) -> Option<Runnable> {
        if self.ahead_of_root.get() == 0 {
            self.pop_root()
        } else {
            None
        }
    }

    /// Takes in the tasks that other threads have sent.
    #[inline]
    pub(crate) fn receive(&self) {
        if self.inbox.has_any() {
            self.inbox.take().into_iter().for_each(|task| {
                self.push(task);
            });
        }
    }

    /// Takes the root, if it is ready.
    #[inline]
    pub(crate) fn pop_root(&self) -> Option<Runnable> {
        self.ahead_of_root.set(0);
        self.count_popped(self.root_ready.borrow_mut().take())
    }

    /// Takes the next ready task: a local task or, if the queue is fifo, any task.
    #[inline]
    pub(crate) fn pop(&self) -> Option<Runnable> {
        self.count_popped(self.ready.borrow_mut().pop_front())
    }

    fn count_popped(&self, task: Option<Runnable>) -> Option<Runnable> {
        let popped = usize::from(task.is_some());
        self.ready_count.set(self.ready_count.get() - popped);
        task
    }

    /// Whether any task here is ready.
    #[inline]
    pub(crate) fn has_ready(&self) -> bool {
        self.ready_count.get() > 0
    }

    /// Whether no task here is ready, and none has been sent.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        !self.has_ready() && !self.inbox.has_any()
    }

    /// Notes a local task, which must be ended when the thread leaves.
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

    /// Refuses local tasks from now on: the thread is about to leave, has ended its local tasks,
    /// and would not run new ones. What is dropped this late, for example the values of a context,
    /// may still try to make one.
    pub(crate) fn close(&self) {
        debug_assert!(
            !self.has_ready(),
            "a ready task is left on a thread that leaves"
        );
        self.closed.set(true);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Drops the handles of tasks that have ended. The last handle of a task drops what is left of
    /// it, which may be user code that makes a local task: so not under the borrow.
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
