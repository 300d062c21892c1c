//! `StreamWriter::start_tls`.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::{ClientConfig, ServerConfig};

use super::super::connection::Connection;
use super::super::handshake::handshake;
use super::super::session::{Encryption, NewSession};
use super::super::writer::StreamWriter;
use super::builders::positive;
use super::server_name::ToServerName;
use super::sessions;
use crate::prepared::Prepared;
use crate::sync::StdArc;

impl StreamWriter {
    /// Encrypts a connection that is not encrypted, as its client, from now on. The server has to
    /// prove that it is `name`.
    ///
    /// What has been written before is sent as it is, what is written meanwhile is sent encrypted
    /// after the handshake. What has been received and has not been read is the beginning of the
    /// handshake: anything else is an error, and is never read.
    ///
    /// What is returned has settings, and is a future: it begins when it is polled first.
    ///
    /// # Errors
    /// Those of [`OpenConnection::tls`](super::super::OpenConnection::tls). The connection is
    /// aborted then. Or it could not begin, and nothing happens to the connection: it is closed, or
    /// a pipe, or encrypted already; its writes have been ended; or what `poll_fill_buf` has
    /// returned has not been consumed.
    ///
    /// # Cancellation
    /// The connection is aborted, if it has begun.
    pub fn start_tls(
        &self,
        config: impl Into<StdArc<ClientConfig>>,
        name: impl ToServerName,
    ) -> StartTls {
        let session = sessions::client(config.into(), name.convert());
        StartTls::new(&self.connection, session)
    }

    /// Encrypts a connection that is not encrypted, as its server, from now on. The rest is as in
    /// [`start_tls`](StreamWriter::start_tls).
    pub fn start_server_tls(&self, config: impl Into<StdArc<ServerConfig>>) -> StartTls {
        StartTls::new(&self.connection, sessions::server(config.into()))
    }
}

/// The future of [`StreamWriter::start_tls`], and its settings.
#[must_use = "futures do nothing unless they are awaited"]
pub struct StartTls {
    state: Prepared<Settings, ()>,
}

struct Settings {
    connection: StdArc<Connection>,
    encryption: Encryption,
}

impl StartTls {
    fn new(connection: &StdArc<Connection>, session: StdArc<NewSession>) -> StartTls {
        let encryption = Encryption {
            new_session: Some(session),
            ..Encryption::default()
        };
        StartTls {
            state: Prepared::Settings(Settings {
                connection: StdArc::clone(connection),
                encryption,
            }),
        }
    }

    /// Sets how long the handshake may take; by default 60 seconds.
    ///
    /// # Panics
    /// It is zero.
    #[track_caller]
    pub fn ssl_handshake_timeout(mut self, time: Duration) -> StartTls {
        let time = positive("ssl_handshake_timeout", time);
        self.state
            .set(|settings| settings.encryption.times.ssl_handshake_timeout = time);
        self
    }

    /// Sets how long the end of the connection may take, once it is closed; by default 30 seconds.
    /// Then the connection is aborted.
    ///
    /// # Panics
    /// It is zero.
    #[track_caller]
    pub fn ssl_shutdown_timeout(mut self, time: Duration) -> StartTls {
        let time = positive("ssl_shutdown_timeout", time);
        self.state
            .set(|settings| settings.encryption.times.ssl_shutdown_timeout = time);
        self
    }
}

impl Future for StartTls {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.state.poll(cx, |settings| async move {
            let Settings {
                connection,
                encryption,
            } = settings;
            match encryption.begin()? {
                Some(session) => handshake(&connection, session, encryption.times).await,
                None => Ok(()),
            }
        })
    }
}

impl fmt::Debug for StartTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartTls").finish_non_exhaustive()
    }
}
