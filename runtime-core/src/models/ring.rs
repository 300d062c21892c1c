//! A waker that rings a bell, for threads of a model that wait for a task.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Wake, Waker};

use crate::sync::{Bell, StdArc};

/// The bell on which such a thread waits.
pub(super) struct Ring(Bell);

impl Wake for Ring {
    fn wake(self: StdArc<Self>) {
        self.0.ring();
    }
}

impl Ring {
    pub(super) fn new() -> (StdArc<Ring>, Waker) {
        let ring = StdArc::new(Ring(Bell::new()));
        (ring.clone(), ring.into())
    }

    /// Waits until the waker is woken.
    pub(super) fn wait(&self) {
        self.0.wait();
    }
}

/// Polls `future` to its end on this thread.
pub(super) fn wait_for<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let (ring, waker) = Ring::new();
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => ring.wait(),
        }
    }
}

/// Polls `future` once. It may be polled again with another waker.
pub(super) fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}
