//! The future of one operation.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::runtime::{Direction, IoRegistration, Seen, WaiterKey};

/// Waits until a direction is ready, and makes an operation, until that does not block. Dropping it
/// removes its waker.
#[derive(Debug)]
#[must_use = "futures do nothing unless they are awaited"]
pub(super) struct Operation<'a, F> {
    registration: &'a IoRegistration,
    direction: Direction,
    key: Option<WaiterKey>,
    operation: F,
}

impl<'a, F> Operation<'a, F> {
    pub(super) fn new(
        registration: &'a IoRegistration,
        direction: Direction,
        operation: F,
    ) -> Self {
        Operation {
            registration,
            direction,
            key: None,
            operation,
        }
    }
}

impl<R, F> Future for Operation<'_, F>
where
    F: FnMut(Seen) -> io::Result<R> + Unpin,
{
    type Output = io::Result<R>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<R>> {
        let this = &mut *self;
        let source = this.registration.source();
        loop {
            let seen = ready!(source.poll_ready_as(this.direction, &mut this.key, cx))?;
            let outcome = source.attempt(this.direction, seen, || (this.operation)(seen));
            if let Some(outcome) = outcome {
                return Poll::Ready(outcome);
            }
        }
    }
}

impl<F> Drop for Operation<'_, F> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.registration.source().forget(self.direction, key);
        }
    }
}
