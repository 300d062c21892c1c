//! Catching a cancellation, and passing it on.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::exceptions::CancelledError;
use crate::runtime::{CancelWaker, Raise, claim_and_acknowledge, drop_handled, newest_raise};

/// Runs `future`, and catches a cancellation that reaches it: `try: … except CancelledError`.
///
/// On a request the future is dropped, and the code after this await runs on. It may await, to
/// clean up; it may pass the request on with [`raise`](CancelledError::raise), or keep it.
///
/// ```
/// use asyncio::catch_cancelled;
/// # asyncio::run(async {
/// let task = asyncio::create_task(async {
///     match catch_cancelled(std::future::pending::<()>()).await {
///         Ok(()) => unreachable!(),
///         Err(cancelled) => {
///             asyncio::checkpoint().await; // clean up, with awaits
///             cancelled.raise().await
///         }
///     }
/// });
/// asyncio::checkpoint().await;
/// task.cancel();
/// assert!(task.await.unwrap_err().is_cancelled());
/// # });
/// ```
///
/// # Errors
/// The request.
#[track_caller]
pub fn catch_cancelled<F: Future>(future: F) -> CatchCancelled<F> {
    CatchCancelled {
        future: Some(future),
        cancel_waker: CancelWaker::default(),
        location: Location::caller(),
    }
}

pin_project! {
    /// The future of [`catch_cancelled`].
    #[must_use = "futures do nothing unless polled"]
    pub struct CatchCancelled<F> {
        #[pin]
        future: Option<F>,
        cancel_waker: CancelWaker,
        location: &'static Location<'static>,
    }
}

impl<F: Future> Future for CatchCancelled<F> {
    type Output = Result<F::Output, CancelledError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            polled_again(this.location)
        };
        let noted = newest_raise();
        if let Poll::Ready(value) = future.poll(cx) {
            this.future.set(None);
            return Poll::Ready(Ok(value));
        }
        match claim_and_acknowledge(noted) {
            Some(error) => {
                drop_handled(|| this.future.set(None));
                Poll::Ready(Err(error))
            }
            None => {
                this.cancel_waker.register_waker(cx.waker());
                Poll::Pending
            }
        }
    }
}

#[cold]
fn polled_again(location: &Location<'_>) -> ! {
    panic!("the catch_cancelled made at {location} was polled after its end")
}

impl<F> fmt::Debug for CatchCancelled<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatchCancelled").finish_non_exhaustive()
    }
}

impl CancelledError {
    /// Passes the cancellation on outward: `raise`. Never returns.
    ///
    /// The innermost enclosing scope that catches cancellations takes it, or else the task ends
    /// cancelled. If the future is dropped instead, as the loser of a `select`, nothing was raised.
    ///
    /// # Panics
    /// Outside a task.
    pub async fn raise(self) -> ! {
        match Raise::new(self).await {}
    }
}
