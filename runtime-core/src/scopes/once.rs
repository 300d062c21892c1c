//! Wraps a future so that a poll after its end panics with the name and place of the future.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

pin_project! {
    /// Runs `future`; a poll after its end panics with `name` and `location`. (The panic of an
    /// `async` block names neither.)
    #[must_use = "futures do nothing unless polled"]
    pub(crate) struct Once<F> {
        #[pin]
        future: F,
        over: bool,
        name: &'static str,
        location: &'static Location<'static>,
    }
}

impl<F: Future> Once<F> {
    pub(crate) fn new(
        name: &'static str,
        location: &'static Location<'static>,
        future: F,
    ) -> Once<F> {
        Once {
            future,
            over: false,
            name,
            location,
        }
    }
}

impl<F: Future> Future for Once<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        assert!(
            !*this.over,
            "the {} made at {} was polled after its end",
            this.name, this.location
        );
        let output = ready!(this.future.poll(cx));
        *this.over = true;
        Poll::Ready(output)
    }
}
