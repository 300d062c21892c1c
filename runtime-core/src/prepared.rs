//! A future with settings, which are made before it is polled.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

type Running<T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send>>;

/// Settings first, then what has begun with them.
pub(crate) enum Prepared<S, T> {
    Settings(S),
    Running(Running<T>),
    Over,
}

impl<S, T> Prepared<S, T> {
    /// Changes the settings, if it has not begun yet.
    pub(crate) fn set(&mut self, set: impl FnOnce(&mut S)) {
        if let Prepared::Settings(settings) = self {
            set(settings);
        }
    }

    /// Polls what `begin` makes of the settings.
    ///
    /// # Panics
    /// It is over.
    pub(crate) fn poll<F>(
        &mut self,
        cx: &mut Context<'_>,
        begin: impl FnOnce(S) -> F,
    ) -> Poll<io::Result<T>>
    where
        F: Future<Output = io::Result<T>> + Send + 'static,
    {
        let mut running: Running<T> = match std::mem::replace(self, Prepared::Over) {
            Prepared::Settings(settings) => Box::pin(begin(settings)),
            Prepared::Running(running) => running,
            Prepared::Over => panic!("a future is not polled again after it has ended"),
        };
        let polled = running.as_mut().poll(cx);
        if polled.is_pending() {
            *self = Prepared::Running(running);
        }
        polled
    }
}
