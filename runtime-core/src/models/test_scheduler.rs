//! The test scheduler for the tasks of a model: one queue, from which any thread may run tasks.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::Location;

use super::drop_probe::DropProbe;
use crate::runtime::Task;
use crate::runtime::modelled::callback::Handle;
use crate::runtime::modelled::dyn_schedule::Report;
use crate::runtime::modelled::header::{Header, TaskId, Wake};
use crate::runtime::modelled::runnable::Runnable;
use crate::runtime::modelled::schedule::Schedule;
use crate::runtime::modelled::spawn::{self, SpawnMeta};
use crate::sync::thread::ThreadId;
use crate::sync::{Arc, Mutex, StdArc, StdMutex, Tally, thread};

/// Holds its queue in loom's `Arc`, so that loom reports a task that is never freed as a leak.
#[derive(Clone)]
pub(super) struct TestScheduler {
    queue: Arc<Mutex<VecDeque<Runnable>>>,
    /// The threads that have queued tasks so far, in order.
    hands: StdArc<StdMutex<Vec<ThreadId>>>,
}

/// The scheduler in the allocation of each task.
pub(super) struct TaskScheduler {
    scheduler: TestScheduler,
    /// Dropped with the allocation. Threads with a reference look at it.
    pub(super) memory: DropProbe,
}

impl TestScheduler {
    pub(super) fn new() -> TestScheduler {
        TestScheduler {
            queue: Arc::default(),
            hands: StdArc::default(),
        }
    }

    /// Makes a task of `future`, ready to run.
    pub(super) fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.spawn_counted(future, &StdArc::default())
    }

    /// The same; `freed` counts how often its allocation is freed.
    pub(super) fn spawn_counted<F>(&self, future: F, freed: &StdArc<Tally>) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (runnable, task) = self.make(future, freed);
        self.push(runnable);
        task
    }

    /// Makes a task that the caller must queue.
    pub(super) fn make<F>(&self, future: F, freed: &StdArc<Tally>) -> (Runnable, Task<F::Output>)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let task_scheduler = TaskScheduler {
            scheduler: self.clone(),
            memory: DropProbe::new(freed),
        };
        let meta = SpawnMeta {
            id: TaskId(1),
            context: None,
            location: Location::caller(),
        };
        spawn::task(future, task_scheduler, meta)
    }

    /// Runs one task, if one is ready.
    pub(super) fn run_one(&self) -> bool {
        let next = self.queue.lock().pop_front();
        next.map(Runnable::run).is_some()
    }

    /// Runs ready tasks until there are none.
    pub(super) fn run_all(&self) {
        while self.run_one() {}
    }

    fn push(&self, task: Runnable) {
        let mut queue = self.queue.lock();
        assert!(!queue.contains(&task), "a task is queued twice");
        queue.push_back(task);
        let this = thread::this();
        self.hands
            .lock()
            .expect("no panic under this lock")
            .push(this);
    }

    /// The threads that have queued tasks so far.
    pub(super) fn hands(&self) -> Vec<ThreadId> {
        self.hands.lock().expect("no panic under this lock").clone()
    }
}

impl Schedule for TaskScheduler {
    fn schedule(&self, task: Runnable, _wake: Wake) {
        // Copied first: once the task is queued, another thread may run it to its end and free it.
        let scheduler = self.scheduler.clone();
        self.memory.look();
        scheduler.push(task);
    }

    fn unregister(&self, _header: &Header) {
        self.memory.look();
    }

    fn call_soon(&self, callback: Handle) {
        callback.take().into_iter().for_each(|body| body());
    }

    fn count_notifier(&self, _begins: bool) {}

    fn report(&self, report: Report) {
        panic!("{}: {}", report.message, report.exception);
    }

    fn loop_address(&self) -> usize {
        0
    }

    fn closing_since(&self) -> u64 {
        1
    }
}
