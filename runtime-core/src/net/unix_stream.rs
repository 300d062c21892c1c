//! `UnixStream`.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};

use super::async_fd::{Async, Interest};
use super::byte_stream::{read_methods, stream_traits, write_methods};
use super::socket::{addresses, of_nonblocking, socket};
use super::unix_address::sock_addr;
use crate::runtime::Direction;
use crate::tasks::sleep;

/// After how long a connection is tried again, at first and at most, while the listener has no
/// room.
const RETRY: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(64));

/// A connection between processes of this machine.
///
/// Otherwise the same as [`TcpStream`](super::TcpStream).
///
/// ```
/// use asyncio::net::UnixStream;
///
/// # fn main() -> std::io::Result<()> {
/// asyncio::run(async {
///     let (left, right) = UnixStream::pair()?;
///     left.write_all(b"ping").await?;
///     let mut buffer = [0; 4];
///     right.read_exact(&mut buffer).await?;
///     assert_eq!(&buffer, b"ping");
///     Ok(())
/// })
/// # }
/// ```
pub struct UnixStream {
    pub(super) io: Async<std::os::unix::net::UnixStream>,
}

impl UnixStream {
    /// Connects to the listener at `path`.
    ///
    /// A listener that has as many connections waiting as it wants makes this wait, and try again:
    /// the system tells nobody when there is room.
    ///
    /// # Errors
    /// Nobody listens there; or there is no current loop.
    ///
    /// # Cancellation
    /// The connection is given up, and its descriptor closed.
    pub async fn connect(path: impl AsRef<Path>) -> io::Result<UnixStream> {
        UnixStream::connect_to(SockAddr::unix(path)?).await
    }

    /// Connects to an address, which may be a name in the abstract namespace of Linux. Otherwise
    /// the same as [`connect`](UnixStream::connect).
    ///
    /// # Errors
    /// Those of [`connect`](UnixStream::connect); or the address has no name.
    ///
    /// # Cancellation
    /// That of [`connect`](UnixStream::connect).
    pub async fn connect_addr(address: &SocketAddr) -> io::Result<UnixStream> {
        UnixStream::connect_to(sock_addr(address)?).await
    }

    async fn connect_to(address: SockAddr) -> io::Result<UnixStream> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
        let (mut delay, longest) = RETRY;
        loop {
            match socket.connect(&address) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    sleep(delay).await;
                    delay = longest.min(2 * delay);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                outcome => break outcome?,
            }
        }
        UnixStream::of_nonblocking(socket.into())
    }

    /// Two ends of a connection.
    ///
    /// # Errors
    /// Descriptors are short; or there is no current loop.
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (left, right) = Socket::pair(Domain::UNIX, Type::STREAM.nonblocking(), None)?;
        Ok((
            UnixStream::of_nonblocking(left.into())?,
            UnixStream::of_nonblocking(right.into())?,
        ))
    }

    read_methods!();
    write_methods!();
    of_nonblocking!(std::os::unix::net::UnixStream);
    addresses!(SocketAddr);

    /// Ends one direction, or both. Ending the writes tells the peer that the stream has ended.
    ///
    /// # Errors
    /// The connection has been closed already.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.get_ref().shutdown(how)
    }

    /// The socket with its registration.
    pub(crate) fn into_async(self) -> Async<std::os::unix::net::UnixStream> {
        self.io
    }

    fn stream(&self) -> &UnixStream {
        self
    }

    /// A read that is short need not have taken all that there was: it ends where the peer has sent
    /// a descriptor along, or with other credentials. So only a read that would block shows that
    /// nothing is left.
    pub(super) fn read_room(&self, room: usize) -> usize {
        room.min(1)
    }
}

socket!(UnixStream, std::os::unix::net::UnixStream);
stream_traits!(UnixStream);
