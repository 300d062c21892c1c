//! `TcpStream`.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use socket2::SockRef;

use super::async_fd::{Async, Interest};
use super::byte_stream::{read_methods, stream_traits, write_methods};
use super::socket::{addresses, of_nonblocking, options, socket};
use crate::runtime::Direction;

/// A TCP connection.
///
/// Reads and writes take `&self`; `TcpStream` and `&TcpStream` are `AsyncRead` and `AsyncWrite` of
/// the `futures` crate. So a split that borrows is two references to the stream;
/// [`into_split`](TcpStream::into_split) makes two owned halves.
///
/// ```
/// use asyncio::net::{TcpListener, TcpStream};
///
/// # fn main() -> std::io::Result<()> {
/// asyncio::run(async {
///     let listener = TcpListener::bind("127.0.0.1:0").await?;
///     let client = TcpStream::connect(listener.local_addr()?).await?;
///     let (server, _address) = listener.accept().await?;
///     client.write_all(b"ping").await?;
///     let mut buffer = [0; 4];
///     server.read_exact(&mut buffer).await?;
///     assert_eq!(&buffer, b"ping");
///     Ok(())
/// })
/// # }
/// ```
///
/// Options that have no method here are set through `SockRef` of the crate `socket2`, which takes
/// any socket of this module:
///
/// ```
/// use std::time::Duration;
/// use asyncio::net::{TcpListener, TcpStream};
/// use socket2::{SockRef, TcpKeepalive};
///
/// # fn main() -> std::io::Result<()> {
/// # asyncio::run(async {
/// # let listener = TcpListener::bind("127.0.0.1:0").await?;
/// # let address = listener.local_addr()?;
/// let stream = TcpStream::connect(address).await?;
/// let options = SockRef::from(&stream);
/// options.set_tcp_keepalive(&TcpKeepalive::new().with_time(Duration::from_secs(60)))?;
/// options.set_recv_buffer_size(1 << 20)?;
/// assert!(options.keepalive()?);
/// # Ok(())
/// # })
/// # }
/// ```
pub struct TcpStream {
    pub(super) io: Async<std::net::TcpStream>,
}

impl TcpStream {
    pub(super) fn of_connected(io: Async<std::net::TcpStream>) -> TcpStream {
        TcpStream { io }
    }

    read_methods!();
    write_methods!();
    of_nonblocking!(std::net::TcpStream);
    addresses!(SocketAddr);

    options! {
        /// Whether small writes go out at once (`TCP_NODELAY`), instead of waiting for an
        /// acknowledgement of those before.
        nodelay, set_nodelay: bool;
        /// How many routers a packet may pass (`IP_TTL`).
        ttl, set_ttl: u32;
    }

    /// For how long the system goes on sending, in the background, what was written before the
    /// socket is closed (`SO_LINGER`). `None`, the default, leaves that to the system.
    ///
    /// # Errors
    /// Those of the system.
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        SockRef::from(self).linger()
    }

    /// Sets [`linger`](TcpStream::linger). With zero, closing drops what has not been sent, and
    /// resets the connection. With a longer time, closing *blocks* its thread for at most that
    /// time on some systems (not on Linux, for a socket that does not block).
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_linger(&self, linger: Option<Duration>) -> io::Result<()> {
        SockRef::from(self).set_linger(linger)
    }

    /// Ends one direction, or both. Ending the writes tells the peer that the stream has ended.
    ///
    /// # Errors
    /// The connection has been closed already.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.get_ref().shutdown(how)
    }

    /// The socket with its registration.
    pub(crate) fn into_async(self) -> Async<std::net::TcpStream> {
        self.io
    }

    fn stream(&self) -> &TcpStream {
        self
    }

    /// A read that is short has taken all that there was.
    pub(super) fn read_room(&self, room: usize) -> usize {
        room
    }
}

socket!(TcpStream, std::net::TcpStream);
stream_traits!(TcpStream);
