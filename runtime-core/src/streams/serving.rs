//! What a server does with a connection: a task that runs its handler.

use std::any::Any;
use std::future::Future;
use std::panic::Location;

use super::acceptor::Serve;
use super::clients::Clients;
use super::connection::Connection;
use super::handshake::handshake;
use super::limit::Limit;
use super::outgoing::Outgoing;
use super::reader::StreamReader;
use super::session::Encryption;
use super::writer::StreamWriter;
use crate::exceptions::{Cause, panic_text};
use crate::runtime::{Context, EventLoop, NewTask, Outcome, Parent};
use crate::sync::StdArc;

/// What all connections of a server have in common.
#[derive(Clone)]
pub(super) struct Service {
    pub(super) event_loop: EventLoop,
    pub(super) clients: StdArc<Clients<Connection>>,
    /// The one in which the server was made: each handler has a copy.
    pub(super) context: Context,
    pub(super) location: &'static Location<'static>,
    pub(super) limit: Limit,
    pub(super) encryption: Encryption,
}

impl Service {
    /// Has `handler` called for each connection, in a task of its own.
    pub(super) fn with_handler<H, F>(self, handler: StdArc<H>) -> Box<Serve>
    where
        H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        Box::new(move |endpoint| {
            let connect = |membership| Connection::new(endpoint, membership);
            let Some(connection) = self.clients.admit(connect) else {
                return;
            };
            let encryption = self.encryption.clone();
            let handled = handle(connection, StdArc::clone(&handler), self.limit, encryption);
            let new = NewTask {
                name: None,
                context: Some(self.context.copy()),
                eager: false,
                location: self.location,
            };
            let reported = Reported(self.event_loop.clone());
            // The loop owns the task.
            drop(self.event_loop.spawn_child(handled, reported, new));
        })
    }
}

async fn handle<H, F>(
    connection: StdArc<Connection>,
    handler: StdArc<H>,
    limit: Limit,
    encryption: Encryption,
) where
    H: Fn(StreamReader, StreamWriter) -> F,
    F: Future<Output = ()>,
{
    let connection = CloseOnDrop(connection);
    let Ok(session) = encryption.begin() else {
        return;
    };
    if let Some(session) = session {
        // As in asyncio, nobody is told of a client whose handshake fails: there are many.
        let shaken = handshake(&connection.0, session, encryption.times).await;
        if shaken.is_err() {
            return;
        }
    }
    let reader = StreamReader::new(StdArc::clone(&connection.0), limit.get());
    let writer = StreamWriter::new(StdArc::clone(&connection.0));
    handler(reader, writer).await;
}

/// However a handler ends, its connection is closed, and what it has written is still sent.
struct CloseOnDrop(StdArc<Connection>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0.update(Outgoing::close);
    }
}

/// The parent of a handler's task: it reports panics.
struct Reported(EventLoop);

impl Parent<()> for Reported {
    type Value = ();

    const TAKES_PANICS: bool = true;

    fn receive(&self, (): ()) -> Outcome<()> {
        Outcome::Returned(())
    }

    fn receive_panic(&self, payload: Box<dyn Any + Send>) -> Box<dyn Any + Send> {
        let text = panic_text(&*payload).unwrap_or("a panic that is no text");
        let message = "Unhandled exception in client_connected_cb";
        self.0.report(message, text.to_owned());
        payload
    }

    fn child_has_ended(&self) {}

    fn cause(&self) -> Cause {
        Cause::default()
    }
}
