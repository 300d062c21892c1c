//! The stream of a listener's connections.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use super::accept::AcceptError;
use crate::runtime::EventLoop;
use crate::tasks::{Sleep, sleep};
use futures::Stream;

/// How many connections in a row may fail on their own. Beyond that it is more likely the system
/// that fails, with an error that looks like theirs: without a pause, this would spin.
const FAILURES: u32 = 16;

/// What accepts connections.
#[expect(
    unnameable_types,
    reason = "it is not for others to implement; the two types that have it have its methods"
)]
pub trait Listener {
    /// A connection.
    type Stream;

    /// Accepts a connection.
    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Self::Stream>>;

    /// The loop that serves the listener.
    fn event_loop(&self) -> EventLoop;
}

/// The connections of a listener, as a `Stream` of the `futures` crate. `incoming` makes it.
///
/// It never ends while its loop is open, and has no errors, as a server of asyncio has none:
///
/// * what has happened to one connection only, as that its peer has gone, is skipped (up to
///   sixteen times in a row);
/// * if the system is short of descriptors or memory, or fails otherwise, that is reported to the
///   loop's exception handler ("socket.accept() out of system resource"), and nothing is accepted
///   for one second. The connections wait in the meantime, as long as the system has room for
///   them.
///
/// To decide otherwise, call `accept`, which returns every error.
///
/// # Cancellation
/// No connection is lost: it is taken from the system by the poll that returns it.
///
/// ```
/// use asyncio::net::{TcpListener, TcpStream};
/// use futures::StreamExt;
///
/// # fn main() -> std::io::Result<()> {
/// asyncio::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let address = listener.local_addr()?;
///     let server = asyncio::create_task(async move {
///         let mut incoming = listener.incoming();
///         while let Some(stream) = incoming.next().await {
///             asyncio::create_task(async move { stream.write_all(b"hello").await });
///         }
///     });
///     let client = TcpStream::connect(address).await?;
///     let mut buffer = [0; 5];
///     client.read_exact(&mut buffer).await?;
///     assert_eq!(&buffer, b"hello");
///     server.cancel();
///     Ok(())
/// })
/// # }
/// ```
#[must_use = "streams do nothing unless they are polled"]
pub struct Incoming<'a, L> {
    listener: &'a L,
    /// Nothing is accepted before its end.
    pause: Option<Sleep>,
    /// How many connections in a row have failed on their own.
    failures: u32,
}

impl<'a, L> Incoming<'a, L> {
    pub(super) fn new(listener: &'a L) -> Incoming<'a, L> {
        Incoming {
            listener,
            pause: None,
            failures: 0,
        }
    }
}

impl<L: Listener> Stream for Incoming<'_, L> {
    type Item = L::Stream;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<L::Stream>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(Pin::new(pause).poll(cx));
                self.pause = None;
            }
            match ready!(self.listener.poll_accept(cx)) {
                Ok(stream) => {
                    self.failures = 0;
                    return Poll::Ready(Some(stream));
                }
                Err(error) => match AcceptError::of(&error) {
                    AcceptError::OfOneConnection if self.failures < FAILURES => self.failures += 1,
                    AcceptError::LoopClosed => return Poll::Ready(None),
                    other => {
                        let event_loop = self.listener.event_loop();
                        event_loop.report(other.message(), error.to_string());
                        self.pause = Some(sleep(AcceptError::PAUSE));
                        self.failures = 0;
                    }
                },
            }
        }
    }
}

impl<L: fmt::Debug> fmt::Debug for Incoming<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("listener", self.listener)
            .field("paused", &self.pause.is_some())
            .finish()
    }
}
