//! The state of one worker that the code on its thread reaches.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::choices::{Choices, SchedulingPolicy};
use super::local_queue::LocalQueue;
use super::loop_ref::LoopRef;
use super::registration;
use super::shared::{Shared, WorkerParts};
use super::worker_set::Remote;
use crate::runtime::run_queue::RunQueue;
use crate::runtime::task::header::{Header, TaskId, Wake};
use crate::runtime::task::registry::{Closed, SlotWriter};
use crate::runtime::task::runnable::Runnable;
use crate::sync::{Arc, StdArc};

/// How many pushes during one poll wake a thief without waiting for the end of the poll.
const PUSHES_BEFORE_NOTIFY: u32 = 32;

/// The worker's side of a loop. It never leaves its thread. Everything in it is reached through
/// `&self`, because a task that runs on the worker reaches it too.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) shared: Arc<Shared>,
    pub(crate) loop_ref: StdArc<LoopRef>,
    pub(crate) index: usize,
    pub(crate) queue: RunQueue<Runnable>,
    remote: Arc<Remote<Runnable>>,
    pub(crate) local_queue: LocalQueue,
    slot_writer: RefCell<SlotWriter<Header>>,
    /// The rest of this worker's block of task ids: the next id, and the end.
    ids: Cell<(u64, u64)>,
    /// Whether pushed tasks go to this worker's queue. False while worker 0 is apart, and under a
    /// seed.
    keeps_queue: Cell<bool>,
    /// How many further pushes in this poll wake a thief.
    pushes_to_notify: Cell<u32>,
    /// How many pushes of one poll wake a thief.
    pushes_between_notifies: u32,
    /// The number of the last poll that pushed that many.
    prolific_poll: Cell<u64>,
    pub(crate) choices: Rc<Choices>,
}

impl Core {
    /// A core with choices of its own.
    pub(crate) fn new(shared: Arc<Shared>, parts: WorkerParts) -> Core {
        let choices = Rc::new(Choices::stealing(parts.index));
        Core::with_choices(shared, parts, choices)
    }

    /// A core with the choices of a loop whose workers share one thread.
    pub(crate) fn with_choices(
        shared: Arc<Shared>,
        parts: WorkerParts,
        choices: Rc<Choices>,
    ) -> Core {
        // Under a seed, one thread turns all workers, and it sleeps on the parker of worker 0.
        let parker_index = shared.options.seed.map_or(parts.index, |_| 0);
        let parker = Arc::clone(&shared.workers.remotes[parker_index].parker);
        let inhibitor = shared.driver.inhibitor.clone();
        let pushes_between_notifies = match shared.options.tuning.defer {
            true => PUSHES_BEFORE_NOTIFY,
            false => 1,
        };
        Core {
            loop_ref: LoopRef::new(Arc::clone(&shared)),
            remote: Arc::clone(&shared.workers.remotes[parts.index]),
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
            pushes_to_notify: Cell::new(pushes_between_notifies),
            pushes_between_notifies,
            prolific_poll: Cell::new(0),
            choices,
        }
    }

    /// Returns the parts, for the next worker with this index. What is in the queue stays in it.
    pub(crate) fn into_parts(self) -> WorkerParts {
        WorkerParts {
            index: self.index,
            queue: self.queue,
            slot_writer: self.slot_writer.into_inner(),
        }
    }

    /// Adds a task that is ready to run.
    #[inline(always)]
    pub(crate) fn push(&self, task: Runnable, wake: Wake) {
        if wake == Wake::Yielded {
            return self.push_yielded(task);
        }
        if !self.keeps_queue.get() {
            return self.push_elsewhere(task, wake);
        }
        self.queue.push_next(task);
        self.count_push();
    }

    /// Adds a new task.
    #[inline(always)]
    pub(crate) fn push_new(&self, task: Runnable) {
        if !self.keeps_queue.get() {
            return self.push_elsewhere(task, Wake::Woken);
        }
        if self.queue.stacks_new() && self.is_poll_of_few() {
            return self.push_to_stack(task);
        }
        self.queue.push_next(task);
        self.count_push();
    }

    #[inline(never)]
    fn push_to_stack(&self, task: Runnable) {
        self.queue.push_to_stack(task);
        self.count_push();
    }

    /// Whether the current poll has pushed few tasks so far. Those of one that pushes many keep
    /// their order.
    #[inline]
    fn is_poll_of_few(&self) -> bool {
        self.prolific_poll.get() != self.remote.polls()
    }

    /// Adds a task that was woken during its poll.
    #[inline(always)]
    pub(crate) fn push_yielded(&self, task: Runnable) {
        if !self.keeps_queue.get() {
            return self.push_elsewhere(task, Wake::Yielded);
        }
        self.queue.push_back(task);
        self.count_push();
    }

    #[inline]
    fn count_push(&self) {
        let left = self.pushes_to_notify.get() - 1;
        self.pushes_to_notify.set(left);
        if left == 0 {
            self.notify_within_poll();
        }
    }

    #[cold]
    fn notify_within_poll(&self) {
        self.prolific_poll.set(self.remote.polls());
        self.begin_poll();
        self.notify_if_surplus(|| true);
    }

    /// Chooses where pushed tasks go from now on: to this worker's queue, or to the injector.
    pub(crate) fn keep_queue(&self, keep: bool) {
        self.keeps_queue.set(keep);
    }

    #[cold]
    fn push_elsewhere(&self, task: Runnable, wake: Wake) {
        if self.choices.policy() != SchedulingPolicy::Stealing {
            return self.push_by_choice(task, wake);
        }
        if let Err(task) = self.shared.workers.submit(task) {
            // The loop is closed: the task is dropped with the rest of this worker's queue.
            self.queue.push_back(task);
        }
    }

    /// Like `push`, in the deterministic mode.
    fn push_by_choice(&self, task: Runnable, wake: Wake) {
        if self.choices.policy() == SchedulingPolicy::Fifo {
            return self.local_queue.push_back(task);
        }
        match (wake, self.choices.one_of(3)) {
            (Wake::Woken | Wake::WokenUncounted, 0) => self.queue.push_next(task),
            (Wake::Yielded, 0) | (_, 1) => self.queue.push_back(task),
            // As if another thread had woken it.
            _ => {
                if let Err(task) = self.shared.workers.injector.push(task) {
                    self.queue.push_back(task);
                }
            }
        }
    }

    /// Resets the count of pushes: a poll begins.
    #[inline]
    pub(crate) fn begin_poll(&self) {
        self.pushes_to_notify.set(self.pushes_between_notifies);
    }

    /// Wakes another worker, at the end of a poll, for what this worker does not run next.
    #[inline(always)]
    pub(crate) fn notify_after_poll(&self) {
        if self.has_surplus() {
            self.shared.workers.notify_for_surplus();
        }
    }

    /// Whether more waits than this worker runs next.
    #[inline]
    pub(crate) fn has_surplus(&self) -> bool {
        self.queue.has_surplus(|| self.local_queue.has_ready())
    }

    /// Wakes another worker if the queue holds more than this worker runs next.
    #[inline]
    pub(crate) fn notify_if_surplus(&self, busy: impl FnOnce() -> bool) {
        if self.queue.has_surplus(busy) {
            self.shared.workers.notify_for_surplus();
        }
    }

    /// Returns an id for a new task.
    #[inline]
    pub(crate) fn next_id(&self) -> TaskId {
        let (mut next, mut end) = self.ids.get();
        if next == end {
            (next, end) = self.shared.ids.block();
        }
        self.ids.set((next + 1, end));
        TaskId(next)
    }

    /// Registers a task in this worker's slots of the registry.
    ///
    /// # Errors
    /// The registry is closed.
    #[inline(always)]
    pub(crate) fn register(&self, task: &Runnable) -> Result<(), Closed> {
        registration::register(&self.shared, task, || {
            let mut slot_writer = self.slot_writer.borrow_mut();
            let registry = &self.shared.registry;
            registry.insert(&mut slot_writer, self.index, task.pointer())
        })
    }
}
