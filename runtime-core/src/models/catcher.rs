//! A task that catches every cancellation until it is told to end.

use std::future::poll_fn;
use std::task::{Poll, Waker};

use super::test_scheduler::TestScheduler;
use crate::exceptions::CancelledError;
use crate::runtime::{Task, TaskHandle, claim_and_acknowledge, drop_handled, newest_raise};
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex, StdArc, StdMutex};

pub(super) struct Catcher {
    pub(super) scheduler: TestScheduler,
    pub(super) task: Task<()>,
    /// One handler has begun, at least. Set with a release.
    pub(super) began: Arc<AtomicBool>,
    caught: StdArc<StdMutex<Vec<CancelledError>>>,
    ends: Arc<AtomicBool>,
    waker: Waker,
}

impl Catcher {
    /// The task has been polled once: before that a cancellation would drop it unpolled.
    pub(super) fn new() -> Catcher {
        let scheduler = TestScheduler::new();
        let caught: StdArc<StdMutex<Vec<CancelledError>>> = StdArc::default();
        let [ends, began] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
        let task = {
            let (caught, waker) = (caught.clone(), waker.clone());
            let (ends, began) = (ends.clone(), began.clone());
            scheduler.spawn(poll_fn(move |cx| {
                *waker.lock() = Some(cx.waker().clone());
                if let Some(error) = claim_and_acknowledge(newest_raise()) {
                    drop_handled(|| ());
                    caught.lock().expect("not held by who panics").push(error);
                    began.store(true, Ordering::Release);
                }
                match ends.load(Ordering::Relaxed) {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                }
            }))
        };
        scheduler.run_one();
        let waker = waker.lock().take().expect("stored by the first poll");
        Catcher {
            scheduler,
            task,
            began,
            caught,
            ends,
            waker,
        }
    }

    pub(super) fn handle(&self) -> TaskHandle {
        self.task.handle()
    }

    /// What it has caught so far.
    pub(super) fn caught(&self) -> Vec<CancelledError> {
        self.caught.lock().expect("not held by who panics").clone()
    }

    pub(super) fn end(self) {
        self.ends.store(true, Ordering::Relaxed);
        self.waker.wake();
        self.scheduler.run_all();
        assert!(self.task.done(), "it was told to end");
    }
}
