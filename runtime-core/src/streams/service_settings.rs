//! What the servers of all kinds of sockets can be set to.

use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::panic::Location;

use super::acceptor::{Acceptor, Serve};
use super::clients::Clients;
use super::endpoint::Kind;
use super::limit::Limit;
use super::reader::StreamReader;
use super::server::Server;
use super::serving::Service;
use super::session::Encryption;
use super::socket_file::SocketFile;
use super::writer::StreamWriter;
use crate::contextvars::copy_context;
use crate::exceptions::NoRunningLoop;
use crate::runtime::EventLoop;
use crate::sync::StdArc;

/// asyncio's backlog.
const BACKLOG: u32 = 100;

/// The settings of a server, and its handler.
pub(super) struct ServiceSettings {
    pub(super) limit: Limit,
    pub(super) backlog: u32,
    pub(super) start: bool,
    pub(super) encryption: Encryption,
    location: &'static Location<'static>,
    with_handler: Box<dyn Fn(Service) -> Box<Serve> + Send>,
}

/// A server that is being made.
pub(super) struct NewService {
    settings: ServiceSettings,
    service: Service,
}

impl ServiceSettings {
    pub(super) fn new<H, F>(handler: H, location: &'static Location<'static>) -> ServiceSettings
    where
        H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let handler = StdArc::new(handler);
        ServiceSettings {
            limit: Limit::default(),
            backlog: BACKLOG,
            start: true,
            encryption: Encryption::default(),
            location,
            with_handler: Box::new(move |service| service.with_handler(StdArc::clone(&handler))),
        }
    }

    /// Makes a server of the current loop, which has no sockets yet.
    ///
    /// # Errors
    /// There is no current loop; or limits of TLS are set, and there is no TLS.
    pub(super) fn begin(self) -> io::Result<NewService> {
        self.encryption.check()?;
        let event_loop = EventLoop::current();
        let service = Service {
            event_loop: event_loop.ok_or_else(|| io::Error::other(NoRunningLoop))?,
            clients: Clients::new(),
            context: copy_context(),
            location: self.location,
            limit: self.limit,
            encryption: self.encryption.clone(),
        };
        Ok(NewService {
            settings: self,
            service,
        })
    }
}

impl NewService {
    /// What accepts the connections of a bound socket.
    pub(super) fn acceptor(&self, socket: OwnedFd, kind: Kind) -> StdArc<Acceptor> {
        let serve = (self.settings.with_handler)(self.service.clone());
        let event_loop = &self.service.event_loop;
        Acceptor::new(event_loop, socket, kind, self.settings.backlog, serve)
    }

    /// The server, which accepts by `acceptors`.
    ///
    /// # Errors
    /// The system cannot listen.
    pub(super) fn serve(
        self,
        acceptors: Vec<StdArc<Acceptor>>,
        file: Option<SocketFile>,
    ) -> io::Result<Server> {
        let server = Server::new(acceptors, self.service.clients, file);
        if self.settings.start {
            server.start_serving()?;
        }
        Ok(server)
    }
}
