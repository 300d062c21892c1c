//! `open_connection` and `open_unix_connection`.

use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use super::clients::Membership;
use super::connection::Connection;
use super::endpoint::Endpoint;
use super::handshake::handshake;
use super::limit::Limit;
use super::reader::StreamReader;
use super::session::{Encryption, Session, Times};
use super::writer::StreamWriter;
use crate::net::{Connect, TcpStream, ToAddrs, UnixStream};
use crate::prepared::Prepared;
use crate::sync::StdArc;

type Streams = (StreamReader, StreamWriter);

/// Connects to `address`, and returns the two halves of the connection.
///
/// `address` is `"host:port"`, `("host", port)`, a `SocketAddr` or any other
/// [`ToAddrs`](crate::net::ToAddrs). If a name has several addresses, they are tried as
/// [`TcpStream::connect`](crate::net::TcpStream::connect) does.
///
/// What is returned has settings, and is a future: it begins when it is polled first.
///
/// # Errors
/// Those of [`TcpStream::connect`](crate::net::TcpStream::connect); under TLS, those of the
/// handshake: see its method `tls`.
///
/// # Cancellation
/// The connection is given up, and its descriptor closed.
///
/// ```
/// use asyncio::{StreamReader, StreamWriter};
///
/// # fn main() -> std::io::Result<()> {
/// asyncio::run(async {
///     let shout = |mut reader: StreamReader, writer: StreamWriter| async move {
///         if let Ok(line) = reader.readline().await {
///             writer.write(&line.to_ascii_uppercase());
///         }
///     };
///     let server = asyncio::start_server(shout, "127.0.0.1:0").await?;
///     let address = server.local_addrs()[0];
///
///     let (mut reader, writer) = asyncio::open_connection(address).await?;
///     writer.write(b"hello\n");
///     assert_eq!(reader.readline().await?, "HELLO\n");
///     writer.close();
///     writer.wait_closed().await
/// })
/// # }
/// ```
pub fn open_connection(address: impl ToAddrs) -> OpenConnection {
    OpenConnection {
        state: Prepared::Settings(Settings {
            connect: TcpStream::connect(address),
            limit: Limit::default(),
            encryption: Encryption::default(),
        }),
    }
}

/// The future of [`open_connection`], and its settings.
#[must_use = "futures do nothing unless they are awaited"]
pub struct OpenConnection {
    state: Prepared<Settings, Streams>,
}

struct Settings {
    connect: Connect,
    limit: Limit,
    encryption: Encryption,
}

impl OpenConnection {
    /// Sets the limit of the reader, in bytes; by default 64 KiB. See [`StreamReader`].
    ///
    /// # Panics
    /// The limit is 0.
    #[track_caller]
    pub fn limit(mut self, limit: usize) -> OpenConnection {
        let limit = Limit::of(limit);
        self.state.set(|settings| settings.limit = limit);
        self
    }

    /// Connects from this address: [`Connect::local_addr`].
    pub fn local_addr(self, address: impl ToAddrs) -> OpenConnection {
        self.with_connect(|connect| connect.local_addr(address))
    }

    /// Sets how long an attempt has before the next address is tried beside it:
    /// [`Connect::happy_eyeballs_delay`].
    pub fn happy_eyeballs_delay(self, delay: Duration) -> OpenConnection {
        self.with_connect(|connect| connect.happy_eyeballs_delay(delay))
    }

    fn with_connect(mut self, change: impl FnOnce(Connect) -> Connect) -> OpenConnection {
        if let Prepared::Settings(mut settings) = self.state {
            settings.connect = change(settings.connect);
            self.state = Prepared::Settings(settings);
        }
        self
    }

    #[cfg(feature = "tls")]
    pub(super) fn encrypt(mut self, change: impl FnOnce(&mut Encryption)) -> OpenConnection {
        self.state.set(|settings| change(&mut settings.encryption));
        self
    }
}

impl Future for OpenConnection {
    type Output = io::Result<Streams>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Streams>> {
        self.state.poll(cx, |settings| async move {
            // First: if it cannot begin, nobody is to be connected to.
            let session = settings.encryption.begin()?;
            let endpoint = Endpoint::of_tcp(settings.connect.await?);
            open(endpoint, settings.limit, session, settings.encryption.times).await
        })
    }
}

impl fmt::Debug for OpenConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenConnection").finish_non_exhaustive()
    }
}

/// Connects to the listener at `path`, a Unix socket. The rest is as in [`open_connection`].
///
/// # Errors
/// Those of [`UnixStream::connect`](crate::net::UnixStream::connect).
///
/// # Cancellation
/// The connection is given up, and its descriptor closed.
pub fn open_unix_connection(path: impl AsRef<Path>) -> OpenUnixConnection {
    OpenUnixConnection {
        state: Prepared::Settings(UnixSettings {
            path: path.as_ref().to_owned(),
            limit: Limit::default(),
            encryption: Encryption::default(),
        }),
    }
}

/// The future of [`open_unix_connection`], and its settings.
#[must_use = "futures do nothing unless they are awaited"]
pub struct OpenUnixConnection {
    state: Prepared<UnixSettings, Streams>,
}

struct UnixSettings {
    path: PathBuf,
    limit: Limit,
    encryption: Encryption,
}

impl OpenUnixConnection {
    /// Sets the limit of the reader, in bytes; by default 64 KiB. See [`StreamReader`].
    ///
    /// # Panics
    /// The limit is 0.
    #[track_caller]
    pub fn limit(mut self, limit: usize) -> OpenUnixConnection {
        let limit = Limit::of(limit);
        self.state.set(|settings| settings.limit = limit);
        self
    }

    #[cfg(feature = "tls")]
    pub(super) fn encrypt(mut self, change: impl FnOnce(&mut Encryption)) -> OpenUnixConnection {
        self.state.set(|settings| change(&mut settings.encryption));
        self
    }
}

impl Future for OpenUnixConnection {
    type Output = io::Result<Streams>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Streams>> {
        self.state.poll(cx, |settings| async move {
            // First: if it cannot begin, nobody is to be connected to.
            let session = settings.encryption.begin()?;
            let endpoint = Endpoint::of_unix(UnixStream::connect(settings.path).await?);
            open(endpoint, settings.limit, session, settings.encryption.times).await
        })
    }
}

impl fmt::Debug for OpenUnixConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenUnixConnection").finish_non_exhaustive()
    }
}

async fn open(
    endpoint: Endpoint,
    limit: Limit,
    session: Option<Box<dyn Session>>,
    times: Times,
) -> io::Result<Streams> {
    let connection = Connection::new(endpoint, Membership::default());
    if let Some(session) = session {
        handshake(&connection, session, times).await?;
    }
    let reader = StreamReader::new(StdArc::clone(&connection), limit.get());
    Ok((reader, StreamWriter::new(connection)))
}
