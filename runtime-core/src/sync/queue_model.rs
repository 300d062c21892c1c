//! For models: a locked queue with the interface of crossbeam's deque.

use std::collections::VecDeque;

use loom::sync::{Arc, Mutex};

pub(crate) use crossbeam_deque::Steal;

type Shared<T> = Arc<Mutex<VecDeque<T>>>;

#[derive(Debug)]
pub(crate) struct Deque<T>(Shared<T>, Owner);

/// From which end the owner takes.
#[derive(Debug)]
enum Owner {
    Front,
    Back,
}

#[derive(Debug)]
pub(crate) struct Stealer<T>(Shared<T>);

impl<T> Clone for Stealer<T> {
    fn clone(&self) -> Stealer<T> {
        Stealer(Arc::clone(&self.0))
    }
}

fn lock<T>(shared: &Shared<T>) -> loom::sync::MutexGuard<'_, VecDeque<T>> {
    shared.lock().expect("loom's mutex is not poisoned")
}

impl<T> Deque<T> {
    pub(crate) fn new_fifo() -> Deque<T> {
        Deque(Arc::new(Mutex::new(VecDeque::new())), Owner::Front)
    }

    pub(crate) fn new_lifo() -> Deque<T> {
        Deque(Arc::new(Mutex::new(VecDeque::new())), Owner::Back)
    }

    pub(crate) fn stealer(&self) -> Stealer<T> {
        Stealer(Arc::clone(&self.0))
    }

    pub(crate) fn push(&self, value: T) {
        lock(&self.0).push_back(value);
    }

    pub(crate) fn pop(&self) -> Option<T> {
        let mut queue = lock(&self.0);
        match self.1 {
            Owner::Front => queue.pop_front(),
            Owner::Back => queue.pop_back(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> Stealer<T> {
    pub(crate) fn steal(&self) -> Steal<T> {
        lock(&self.0)
            .pop_front()
            .map_or(Steal::Empty, Steal::Success)
    }

    pub(crate) fn steal_batch_and_pop(&self, into: &Deque<T>) -> Steal<T> {
        let mut batch: VecDeque<T> = {
            let mut queue = lock(&self.0);
            let half = queue.len().div_ceil(2);
            queue.drain(..half).collect()
        };
        let Some(first) = batch.pop_front() else {
            return Steal::Empty;
        };
        lock(&into.0).extend(batch);
        Steal::Success(first)
    }

    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }
}
