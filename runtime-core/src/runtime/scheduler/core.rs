//! A worker's own things, as the code that runs on its thread reaches them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::choices::{Choices, SchedulingPolicy};
use super::local_queue::LocalQueue;
use super::loop_ref::LoopRef;
use super::registration;
use super::shared::{Shared, WorkerParts};
use crate::runtime::run_queue::RunQueue;
use crate::runtime::task::header::{Header, TaskId, Wake};
use crate::runtime::task::registry::{Closed, SlotWriter};
use crate::runtime::task::runnable::Runnable;
use crate::sync::{Arc, StdArc};

/// How many pushes during one poll before thieves are called without waiting for its end.
const PUSHES_BEFORE_CALL: u32 = 32;

/// Never leaves its thread; everything in it is reached through `&self`, because a task that runs
/// on the worker reaches it too.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) shared: Arc<Shared>,
    pub(crate) loop_ref: StdArc<LoopRef>,
    pub(crate) index: usize,
    pub(crate) queue: RunQueue<Runnable>,
    pub(crate) local_queue: LocalQueue,
    slot_writer: RefCell<SlotWriter<Header>>,
    /// The rest of the block of numbers: the next, and the end.
    ids: Cell<(u64, u64)>,
    /// Whether what is pushed goes to the queue, as usual.
    keeps_queue: Cell<bool>,
    /// Pushes since the poll began.
    pushes: Cell<u32>,
    pub(crate) choices: Rc<Choices>,
}

impl Core {
    /// With choices of its own.
    pub(crate) fn new(shared: Arc<Shared>, parts: WorkerParts) -> Core {
        let choices = Rc::new(Choices::stealing(parts.index));
        Core::with_choices(shared, parts, choices)
    }

    /// With the choices of a loop on one thread.
    pub(crate) fn with_choices(
        shared: Arc<Shared>,
        parts: WorkerParts,
        choices: Rc<Choices>,
    ) -> Core {
        // One thread turns all the workers of a seed, and it sleeps on worker 0's.
        let parker_index = shared.options.seed.map_or(parts.index, |_| 0);
        let parker = Arc::clone(&shared.workers.remotes[parker_index].parker);
        let inhibitor = shared.driver.inhibitor.clone();
        Core {
            loop_ref: LoopRef::new(Arc::clone(&shared)),
            shared,
            index: parts.index,
            queue: parts.queue,
            local_queue: LocalQueue::new(
                parker,
                inhibitor,
                choices.policy() == SchedulingPolicy::Fifo,
            ),
            slot_writer: RefCell::new(parts.slot_writer),
            ids: Cell::new((0, 0)),
            keeps_queue: Cell::new(choices.policy() == SchedulingPolicy::Stealing),
            pushes: Cell::new(0),
            choices,
        }
    }

    /// The parts again, for the next worker that sits here. What is in the queue stays in it.
    pub(crate) fn into_parts(self) -> WorkerParts {
        WorkerParts {
            index: self.index,
            queue: self.queue,
            slot_writer: self.slot_writer.into_inner(),
        }
    }

    /// Adds what is ready to run.
    #[inline]
    pub(crate) fn push(&self, task: Runnable, wake: Wake) {
        if !self.keeps_queue.get() {
            return self.push_elsewhere(task, wake);
        }
        match wake {
            Wake::Woken => self.queue.push_next(task),
            Wake::Yielded => self.queue.push_back(task),
        }
        let pushes = self.pushes.get() + 1;
        self.pushes.set(pushes);
        if pushes % PUSHES_BEFORE_CALL == 0 || !self.shared.options.tuning.defer {
            self.call_thieves(true);
        }
    }

    /// Whether what is pushed from now on goes to the queue, or to everybody.
    pub(crate) fn keep_queue(&self, keep: bool) {
        self.keeps_queue.set(keep);
    }

    #[cold]
    fn push_elsewhere(&self, task: Runnable, wake: Wake) {
        if self.choices.policy() != SchedulingPolicy::Stealing {
            return self.push_by_choice(task, wake);
        }
        if let Err(task) = self.shared.workers.submit(task) {
            // The loop is closed: it is dropped with what the worker has.
            self.queue.push_back(task);
        }
    }

    /// The same in the deterministic mode.
    fn push_by_choice(&self, task: Runnable, wake: Wake) {
        if self.choices.policy() == SchedulingPolicy::Fifo {
            return self.local_queue.line_up(task);
        }
        match (wake, self.choices.one_of(3)) {
            (Wake::Woken, 0) => self.queue.push_next(task),
            (Wake::Yielded, 0) | (_, 1) => self.queue.push_back(task),
            // As if another thread had woken it.
            _ => {
                if let Err(task) = self.shared.workers.injector.push(task) {
                    self.queue.push_back(task);
                }
            }
        }
    }

    /// A poll begins.
    #[inline]
    pub(crate) fn begin_poll(&self) {
        self.pushes.set(0);
    }

    /// Wakes another worker if there is more here than this one runs next.
    #[inline]
    pub(crate) fn call_thieves(&self, busy: bool) {
        if self.queue.has_surplus(busy) {
            self.shared.workers.notify_for_surplus();
        }
    }

    /// A number for a task.
    #[inline]
    pub(crate) fn next_id(&self) -> TaskId {
        let (mut next, mut end) = self.ids.get();
        if next == end {
            (next, end) = self.shared.ids.block();
        }
        self.ids.set((next + 1, end));
        TaskId(next)
    }

    /// Registers a task in this worker's array.
    #[inline]
    pub(crate) fn register(&self, task: &Runnable) -> Result<(), Closed> {
        registration::register(&self.shared, task, || {
            let mut slot_writer = self.slot_writer.borrow_mut();
            let registry = &self.shared.registry;
            registry.insert(&mut slot_writer, self.index, task.pointer())
        })
    }
}
