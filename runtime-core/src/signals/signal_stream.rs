//! `EventLoop::signal`: a signal as a stream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures::Stream;

use super::signal_pipe::SignalPipe;
use crate::net::Async;
use crate::runtime::EventLoop;
use crate::sync::Ready;

impl EventLoop {
    /// The comings of a signal, as a `Stream` of the `futures` crate, which ends with the loop.
    /// While it exists, the signal does nothing else. Any number of streams may exist, and each
    /// sees the signal.
    ///
    /// # Errors
    /// Those of [`add_signal_handler`](EventLoop::add_signal_handler).
    ///
    /// ```no_run
    /// # async fn reload() {}
    /// # async fn doc() -> std::io::Result<()> {
    /// use futures::StreamExt;
    ///
    /// let mut hangups = asyncio::get_running_loop().signal(asyncio::signals::SIGHUP)?;
    /// while hangups.next().await.is_some() {
    ///     reload().await;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn signal(&self, signal: i32) -> io::Result<Signals> {
        let pipe = SignalPipe::new(signal)?;
        Ok(Signals {
            pipe: Async::with_loop(self, pipe, Ready::BOTH)?,
            come: 0,
        })
    }
}

/// The comings of a signal: [`EventLoop::signal`](crate::EventLoop::signal) makes it.
///
/// # Cancellation
/// None is lost.
#[must_use = "streams do nothing unless they are polled"]
#[derive(Debug)]
pub struct Signals {
    pipe: Async<SignalPipe>,
    /// How often it has come, and has not been taken.
    come: usize,
}

impl Stream for Signals {
    type Item = ();

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<()>> {
        if self.come == 0 {
            let take = |pipe: &SignalPipe| match pipe.take() {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                come => Ok(come),
            };
            match ready!(self.pipe.poll_io(crate::net::Interest::Read, cx, take)) {
                Ok(come) => self.come = come,
                Err(_closed) => return Poll::Ready(None),
            }
        }
        self.come -= 1;
        Poll::Ready(Some(()))
    }
}
