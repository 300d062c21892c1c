//! What begins a session of a client or of a server.

use std::io;

use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};

use super::super::session::{NewSession, Session};
use super::rustls_session::RustlsSession;
use super::server_name::Name;
use crate::sync::StdArc;

/// The session of a client.
pub(super) fn client(config: StdArc<ClientConfig>, name: Name) -> StdArc<NewSession> {
    StdArc::new(move || {
        let name = name.clone().map_err(|error| invalid(error.into()))?;
        let connection = ClientConnection::new(StdArc::clone(&config), name);
        let mut connection = connection.map_err(|error| invalid(error.into()))?;
        connection.set_buffer_limit(None);
        Ok(boxed(connection.into()))
    })
}

/// The session of a server.
pub(super) fn server(config: StdArc<ServerConfig>) -> StdArc<NewSession> {
    StdArc::new(move || {
        let connection = ServerConnection::new(StdArc::clone(&config));
        let mut connection = connection.map_err(|error| invalid(error.into()))?;
        connection.set_buffer_limit(None);
        Ok(boxed(connection.into()))
    })
}

fn boxed(connection: rustls::Connection) -> Box<dyn Session> {
    Box::new(RustlsSession::new(connection))
}

fn invalid(error: Box<dyn std::error::Error + Send + Sync>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
