//! `start_server`.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use super::endpoint::Kind;
use super::limit::Limit;
use super::reader::StreamReader;
use super::server::Server;
use super::service_settings::ServiceSettings;
#[cfg(feature = "tls")]
use super::session::Encryption;
use super::writer::StreamWriter;
use crate::net::{Target, ToAddrs};
use crate::prepared::Prepared;

/// Starts a server at `address`: `handler` is called for each connection, in a task of its own.
///
/// `address` is what [`open_connection`](super::open_connection) takes. A name is looked up, and
/// the server listens at all its addresses that this machine has; an IPv6 address is for IPv6 only.
/// Port 0 is any that is free: [`Server::local_addrs`] has it. The address may be one that a server
/// used shortly before.
///
/// When the handler returns, or is cancelled, or panics, its connection is closed, and what it has
/// written is still sent. A panic is reported to the loop's exception handler ("Unhandled exception
/// in client_connected_cb"). Unlike in asyncio, a handler that returns cannot leave its connection
/// open for another task. Handlers run in copies of the context that is current here.
///
/// If the system is short of descriptors or memory, that is reported to the exception handler, and
/// nothing is accepted for a second.
///
/// What is returned has settings, and is a future: it begins when it is polled first.
///
/// # Errors
/// The address is in use, or not one of this machine: the text has the address. Or the name is not
/// known; or there is no current loop.
///
/// # Cancellation
/// There is no server.
///
/// ```
/// use asyncio::{StreamReader, StreamWriter};
///
/// async fn echo(mut reader: StreamReader, writer: StreamWriter) {
///     while let Ok(data) = reader.read(4096).await {
///         if data.is_empty() {
///             break;
///         }
///         writer.write(&data);
///         if writer.drain().await.is_err() {
///             break;
///         }
///     }
/// }
///
/// # fn main() -> std::io::Result<()> {
/// asyncio::run(async {
///     let server = asyncio::start_server(echo, "127.0.0.1:0").await?;
///     let (mut reader, writer) = asyncio::open_connection(server.local_addrs()[0]).await?;
///     writer.write(b"hello");
///     writer.write_eof();
///     assert_eq!(reader.read_to_end().await?, "hello");
///     Ok(())
/// })
/// # }
/// ```
#[track_caller]
pub fn start_server<H, F>(handler: H, address: impl ToAddrs) -> StartServer
where
    H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    StartServer {
        state: Prepared::Settings(Settings {
            target: Target::of(&address),
            reuse_port: false,
            service: ServiceSettings::new(handler, Location::caller()),
        }),
    }
}

/// The future of [`start_server`], and its settings.
#[must_use = "futures do nothing unless they are awaited"]
pub struct StartServer {
    state: Prepared<Settings, Server>,
}

struct Settings {
    target: Target,
    reuse_port: bool,
    service: ServiceSettings,
}

impl StartServer {
    /// Sets the limit of the readers, in bytes; by default 64 KiB. See [`StreamReader`].
    ///
    /// # Panics
    /// The limit is 0.
    #[track_caller]
    pub fn limit(mut self, limit: usize) -> StartServer {
        let limit = Limit::of(limit);
        self.state.set(|settings| settings.service.limit = limit);
        self
    }

    /// Sets how many connections may wait to be accepted; by default 100.
    pub fn backlog(mut self, backlog: u32) -> StartServer {
        self.state
            .set(|settings| settings.service.backlog = backlog);
        self
    }

    /// Allows other sockets to listen at the same address (`SO_REUSEPORT`), if they allow it as
    /// well.
    pub fn reuse_port(mut self, reuse: bool) -> StartServer {
        self.state.set(|settings| settings.reuse_port = reuse);
        self
    }

    /// Whether the server accepts connections at once, which is the default. If not,
    /// [`Server::start_serving`] or [`Server::serve_forever`] is to be called.
    pub fn start_serving(mut self, start: bool) -> StartServer {
        self.state.set(|settings| settings.service.start = start);
        self
    }

    #[cfg(feature = "tls")]
    pub(super) fn encrypt(mut self, change: impl FnOnce(&mut Encryption)) -> StartServer {
        self.state
            .set(|settings| change(&mut settings.service.encryption));
        self
    }
}

impl Future for StartServer {
    type Output = io::Result<Server>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Server>> {
        self.state.poll(cx, |settings| async move {
            let service = settings.service.begin()?;
            let addresses = settings.target.look_up().await?;
            let sockets = bind_all(&addresses, settings.reuse_port)?;
            let sockets = sockets.into_iter();
            let acceptors = sockets.map(|socket| service.acceptor(socket, Kind::Tcp));
            let acceptors = acceptors.collect();
            service.serve(acceptors, None)
        })
    }
}

impl fmt::Debug for StartServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartServer").finish_non_exhaustive()
    }
}

/// Binds a socket to each of the addresses, of which there is one at least.
///
/// # Errors
/// One of them cannot be served, or none is of this machine.
fn bind_all(addresses: &[SocketAddr], reuse_port: bool) -> io::Result<Vec<OwnedFd>> {
    let (mut sockets, mut absent) = (Vec::new(), None);
    for (place, &address) in addresses.iter().enumerate() {
        // Some systems have a name twice in their table.
        if addresses[..place].contains(&address) {
            continue;
        }
        match bind(address, reuse_port) {
            Ok(socket) => sockets.push(socket),
            Err(error) if is_absent(&error) => absent = Some(explained(address, &error)),
            Err(error) => return Err(explained(address, &error)),
        }
    }
    match absent {
        Some(error) if sockets.is_empty() => Err(error),
        _ => Ok(sockets),
    }
}

/// Whether this machine has no such address, or nothing of its kind: a name may have an IPv6
/// address where there is no IPv6.
fn is_absent(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::ADDRNOTAVAIL | Errno::AFNOSUPPORT)
    )
}

fn bind(address: SocketAddr, reuse_port: bool) -> io::Result<OwnedFd> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(reuse_port)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.bind(&address.into())?;
    Ok(socket.into())
}

/// asyncio's text, which has the address.
fn explained(address: SocketAddr, error: &io::Error) -> io::Error {
    let text = format!("error while attempting to bind on address {address}: {error}");
    io::Error::new(error.kind(), text)
}
