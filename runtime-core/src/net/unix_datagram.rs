//! `UnixDatagram`.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use super::async_fd::{Async, Interest};
use super::datagrams::datagram_methods;
use super::socket::{addresses, socket};
use crate::tasks::sleep;

type Std = std::os::unix::net::UnixDatagram;

/// After how long a send to an address is tried again, at first and at most, while its receiver
/// has no room.
const RETRY: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(64));

/// A socket for datagrams between processes of this machine. They arrive, and in order.
///
/// ```
/// use asyncio::net::UnixDatagram;
///
/// # fn main() -> std::io::Result<()> {
/// asyncio::run(async {
///     let (left, right) = UnixDatagram::pair()?;
///     left.send(b"ping").await?;
///     let mut buffer = [0; 1500];
///     assert_eq!(right.recv(&mut buffer).await?, 4);
///     Ok(())
/// })
/// # }
/// ```
pub struct UnixDatagram {
    io: Async<Std>,
}

impl UnixDatagram {
    /// Binds a socket to `path`, which must not exist yet. The file stays when the socket is
    /// dropped.
    ///
    /// # Errors
    /// The path exists, or cannot be made; or there is no current loop.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<UnixDatagram> {
        UnixDatagram::from_std(Std::bind(path)?)
    }

    /// Binds a socket to an address, which may be a name in the abstract namespace of Linux: it
    /// goes away with the socket.
    ///
    /// # Errors
    /// The address is in use; or there is no current loop.
    pub fn bind_addr(address: &SocketAddr) -> io::Result<UnixDatagram> {
        UnixDatagram::from_std(Std::bind_addr(address)?)
    }

    /// A socket without an address: nobody can send to it.
    ///
    /// # Errors
    /// Descriptors are short; or there is no current loop.
    pub fn unbound() -> io::Result<UnixDatagram> {
        UnixDatagram::from_std(Std::unbound()?)
    }

    /// Two sockets that are connected to each other.
    ///
    /// # Errors
    /// Descriptors are short; or there is no current loop.
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (left, right) = Std::pair()?;
        Ok((
            UnixDatagram::from_std(left)?,
            UnixDatagram::from_std(right)?,
        ))
    }

    /// Connects the socket: [`send`](UnixDatagram::send) sends to the socket at `path`, and only
    /// datagrams from there are received.
    ///
    /// # Errors
    /// There is no socket.
    pub fn connect(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.io.get_ref().connect(path)
    }

    /// The same for an address, which may be a name in the abstract namespace of Linux.
    ///
    /// # Errors
    /// There is no socket.
    pub fn connect_addr(&self, address: &SocketAddr) -> io::Result<()> {
        self.io.get_ref().connect_addr(address)
    }

    datagram_methods!(SocketAddr);

    /// Sends a datagram to the socket at `path`.
    ///
    /// While the receiver has no room this waits, and tries again: the system does not tell a
    /// socket that is not connected when there is room. Connect the socket and
    /// [`send`](UnixDatagram::send), where many datagrams go to one receiver.
    ///
    /// # Errors
    /// Those of [`send`](UnixDatagram::send).
    ///
    /// # Cancellation
    /// The datagram has not been sent.
    pub async fn send_to(&self, data: &[u8], path: impl AsRef<Path>) -> io::Result<usize> {
        let path = path.as_ref();
        self.send_with(|io| io.send_to(data, path)).await
    }

    /// The same for an address, which may be a name in the abstract namespace of Linux.
    ///
    /// # Errors
    /// Those of [`send`](UnixDatagram::send).
    ///
    /// # Cancellation
    /// The datagram has not been sent.
    pub async fn send_to_addr(&self, data: &[u8], address: &SocketAddr) -> io::Result<usize> {
        self.send_with(|io| io.send_to_addr(data, address)).await
    }

    /// [`send_to`](UnixDatagram::send_to) without waiting.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if the receiver has no room; otherwise those of
    /// [`send`](UnixDatagram::send).
    pub fn try_send_to(&self, data: &[u8], path: impl AsRef<Path>) -> io::Result<usize> {
        self.io.get_ref().send_to(data, path)
    }

    async fn send_with(
        &self,
        mut operation: impl FnMut(&Std) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let (mut delay, longest) = RETRY;
        loop {
            match operation(self.io.get_ref()) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                outcome => return outcome,
            }
            sleep(delay).await;
            delay = longest.min(2 * delay);
        }
    }

    addresses!(SocketAddr);

    /// Ends one direction, or both.
    ///
    /// # Errors
    /// The socket is not connected.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.get_ref().shutdown(how)
    }
}

socket!(UnixDatagram, Std);
