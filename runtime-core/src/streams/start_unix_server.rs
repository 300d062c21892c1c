//! `start_unix_server`.

use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::{Domain, SockAddr, Socket, Type};

use super::endpoint::Kind;
use super::limit::Limit;
use super::reader::StreamReader;
use super::server::Server;
use super::service_settings::ServiceSettings;
#[cfg(feature = "tls")]
use super::session::Encryption;
use super::socket_file::{self, SocketFile};
use super::writer::StreamWriter;
use crate::prepared::Prepared;

/// Starts a server at a Unix socket. The rest is as in [`start_server`](super::start_server).
///
/// A socket that is left at `path` by another server is replaced. (One that is still served is as
/// well, as in asyncio: there is no way to tell.) When the server is closed, it removes its file,
/// unless another has taken its place. A `path` that begins with a zero is a name in the abstract
/// namespace of Linux, which has no file.
///
/// # Errors
/// There is a file at `path` that is no socket, or it cannot be made; or there is no current loop.
///
/// # Cancellation
/// It does not wait.
#[track_caller]
pub fn start_unix_server<H, F>(handler: H, path: impl AsRef<Path>) -> StartUnixServer
where
    H: Fn(StreamReader, StreamWriter) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    StartUnixServer {
        state: Prepared::Settings(Settings {
            path: path.as_ref().to_owned(),
            mode: None,
            cleanup: true,
            service: ServiceSettings::new(handler, Location::caller()),
        }),
    }
}

/// The future of [`start_unix_server`], and its settings.
#[must_use = "futures do nothing unless they are awaited"]
pub struct StartUnixServer {
    state: Prepared<Settings, Server>,
}

struct Settings {
    path: PathBuf,
    mode: Option<u32>,
    cleanup: bool,
    service: ServiceSettings,
}

impl StartUnixServer {
    /// Sets the limit of the readers, in bytes; by default 64 KiB. See [`StreamReader`].
    ///
    /// # Panics
    /// The limit is 0.
    #[track_caller]
    pub fn limit(mut self, limit: usize) -> StartUnixServer {
        let limit = Limit::of(limit);
        self.state.set(|settings| settings.service.limit = limit);
        self
    }

    /// Sets how many connections may wait to be accepted; by default 100.
    pub fn backlog(mut self, backlog: u32) -> StartUnixServer {
        self.state
            .set(|settings| settings.service.backlog = backlog);
        self
    }

    /// Sets the permissions of the socket's file, `0o600` for example, before anybody can connect.
    /// By default the process's umask decides.
    pub fn mode(mut self, mode: u32) -> StartUnixServer {
        self.state.set(|settings| settings.mode = Some(mode));
        self
    }

    /// Whether the file is removed when the server is closed, which is the default.
    pub fn cleanup_socket(mut self, cleanup: bool) -> StartUnixServer {
        self.state.set(|settings| settings.cleanup = cleanup);
        self
    }

    /// Whether the server accepts connections at once, which is the default. If not,
    /// [`Server::start_serving`] or [`Server::serve_forever`] is to be called.
    pub fn start_serving(mut self, start: bool) -> StartUnixServer {
        self.state.set(|settings| settings.service.start = start);
        self
    }

    #[cfg(feature = "tls")]
    pub(super) fn encrypt(mut self, change: impl FnOnce(&mut Encryption)) -> StartUnixServer {
        self.state
            .set(|settings| change(&mut settings.service.encryption));
        self
    }
}

impl Future for StartUnixServer {
    type Output = io::Result<Server>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Server>> {
        self.state.poll(cx, |settings| async move {
            let service = settings.service.begin()?;
            let path = &settings.path;
            let socket = bind(path, settings.mode)?;
            let has_file = settings.cleanup && !socket_file::is_abstract(path);
            let file = has_file.then(|| SocketFile::at(path)).transpose()?;
            let acceptor = service.acceptor(socket, Kind::Unix);
            service.serve(vec![acceptor], file)
        })
    }
}

impl fmt::Debug for StartUnixServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartUnixServer").finish_non_exhaustive()
    }
}

fn bind(path: &Path, mode: Option<u32>) -> io::Result<OwnedFd> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
    if !socket_file::is_abstract(path) {
        socket_file::remove_stale(path)?;
    }
    let bound = socket.bind(&SockAddr::unix(path)?);
    bound.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            let text = format!("Address {path:?} is already in use");
            io::Error::new(io::ErrorKind::AddrInUse, text)
        }
        _ => error,
    })?;
    if let Some(mode) = mode {
        let set = socket_file::set_mode(path, mode);
        set.inspect_err(|_| drop(std::fs::remove_file(path)))?;
    }
    Ok(socket.into())
}
