//! The settings of TLS of those who open connections, and of servers.

use std::time::Duration;

use rustls::{ClientConfig, ServerConfig};

use super::super::open::{OpenConnection, OpenUnixConnection};
use super::super::start_server::StartServer;
use super::super::start_unix_server::StartUnixServer;
use super::server_name::ToServerName;
use super::sessions;
use crate::sync::StdArc;

/// The limits, which are the same for all.
macro_rules! limits {
    ($Settings:ty) => {
        impl $Settings {
            /// Sets how long a handshake may take; by default 60 seconds. Only with
            /// [`tls`](Self::tls): else there is an error at the await.
            ///
            /// # Panics
            /// It is zero.
            #[track_caller]
            pub fn ssl_handshake_timeout(self, time: Duration) -> Self {
                let time = positive("ssl_handshake_timeout", time);
                self.encrypt(|encryption| encryption.times.ssl_handshake_timeout = time)
            }

            /// Sets how long the end of a connection may take, once it is closed: until all has
            /// been sent, and the peer has ended as well; by default 30 seconds. Then the
            /// connection is aborted. Only with [`tls`](Self::tls): else there is an error at the
            /// await.
            ///
            /// # Panics
            /// It is zero.
            #[track_caller]
            pub fn ssl_shutdown_timeout(self, time: Duration) -> Self {
                let time = positive("ssl_shutdown_timeout", time);
                self.encrypt(|encryption| encryption.times.ssl_shutdown_timeout = time)
            }
        }
    };
}

limits!(OpenConnection);
limits!(OpenUnixConnection);
limits!(StartServer);
limits!(StartUnixServer);

/// # Panics
/// It is zero.
#[track_caller]
pub(super) fn positive(name: &str, time: Duration) -> Option<Duration> {
    assert!(
        !time.is_zero(),
        "{name} should be a positive number, got 0.0"
    );
    Some(time)
}

impl OpenConnection {
    /// Encrypts the connection. The server has to prove that it is `name`; unlike in asyncio,
    /// there is always a name. [`default_client_config`](super::default_client_config) trusts whom
    /// the system trusts.
    ///
    /// At the await, a name that is none is an error of the kind
    /// [`InvalidInput`](std::io::ErrorKind::InvalidInput). If the server is not who it should be,
    /// or does not speak TLS, that is [`InvalidData`](std::io::ErrorKind::InvalidData), with
    /// rustls's error inside. If it takes too long,
    /// [`ConnectionAborted`](std::io::ErrorKind::ConnectionAborted).
    ///
    /// What the server sends must end with its `close_notify`. If the connection ends without, the
    /// read is an error, [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof): somebody may have
    /// cut it. In asyncio that looks like the end of the stream.
    pub fn tls(
        self,
        config: impl Into<StdArc<ClientConfig>>,
        name: impl ToServerName,
    ) -> OpenConnection {
        let session = sessions::client(config.into(), name.convert());
        self.encrypt(|encryption| encryption.new_session = Some(session))
    }
}

impl OpenUnixConnection {
    /// Encrypts the connection: see [`OpenConnection::tls`].
    pub fn tls(
        self,
        config: impl Into<StdArc<ClientConfig>>,
        name: impl ToServerName,
    ) -> OpenUnixConnection {
        let session = sessions::client(config.into(), name.convert());
        self.encrypt(|encryption| encryption.new_session = Some(session))
    }
}

impl StartServer {
    /// Encrypts the connections. The handler is called after the handshake; if that fails, it is
    /// not called, and nobody is told, as in asyncio.
    pub fn tls(self, config: impl Into<StdArc<ServerConfig>>) -> StartServer {
        let session = sessions::server(config.into());
        self.encrypt(|encryption| encryption.new_session = Some(session))
    }
}

impl StartUnixServer {
    /// Encrypts the connections: see [`StartServer::tls`].
    pub fn tls(self, config: impl Into<StdArc<ServerConfig>>) -> StartUnixServer {
        let session = sessions::server(config.into());
        self.encrypt(|encryption| encryption.new_session = Some(session))
    }
}
