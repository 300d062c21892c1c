//! Probes, by which a test sees whether, how often and in which order something has happened.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// A flag that all its clones share.
#[derive(Clone, Debug, Default)]
pub struct Flag(Arc<AtomicBool>);

impl Flag {
    /// Sets the flag.
    pub fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it has been set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Returns a value that sets the flag when it is dropped.
    pub fn set_on_drop(&self) -> OnDrop<impl FnOnce() + Send + 'static> {
        let flag = self.clone();
        on_drop(move || flag.set())
    }
}

/// A list of notes that all its clones share.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<&'static str>>>);

impl Log {
    /// Adds a note.
    pub fn note(&self, what: &'static str) {
        self.0.lock().expect("a log is never poisoned").push(what);
    }

    /// All notes, in order.
    #[must_use]
    pub fn notes(&self) -> Vec<&'static str> {
        self.0.lock().expect("a log is never poisoned").clone()
    }
}

/// Runs a closure when it is dropped.
#[derive(Debug)]
#[must_use]
pub struct OnDrop<F: FnOnce()>(Option<F>);

/// Returns a value that runs `action` when it is dropped.
pub fn on_drop<F: FnOnce()>(action: F) -> OnDrop<F> {
    OnDrop(Some(action))
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(action) = self.0.take() {
            action();
        }
    }
}

/// Counts the polls of a future.
#[derive(Clone, Debug, Default)]
pub struct Polls(Arc<AtomicUsize>);

impl Polls {
    /// The number of polls so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Returns `future` with its polls counted in `polls`.
pub fn counting_polls<F: Future>(polls: &Polls, future: F) -> impl Future<Output = F::Output> {
    let polls = polls.clone();
    let mut future = Box::pin(future);
    std::future::poll_fn(move |cx| {
        polls.0.fetch_add(1, Ordering::SeqCst);
        future.as_mut().poll(cx)
    })
}

/// Runs `future` on this thread, outside every loop, as a foreign executor does.
pub fn blocking_wait<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future: Pin<&mut F> = pin!(future);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        thread::park();
    }
}
