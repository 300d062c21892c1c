//! `UdpSocket`.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll};

use socket2::{Domain, Protocol, Socket, Type};

use super::addresses::{Target, ToAddrs, first_of};
use super::async_fd::{Async, Interest};
use super::datagrams::datagram_methods;
use super::socket::{addresses, of_nonblocking, options, socket};

/// A UDP socket.
///
/// All operations take `&self`: any number of tasks may send and receive at once.
///
/// ```
/// use asyncio::net::UdpSocket;
///
/// # fn main() -> std::io::Result<()> {
/// asyncio::run(async {
///     let server = UdpSocket::bind("127.0.0.1:0").await?;
///     let client = UdpSocket::bind("127.0.0.1:0").await?;
///     client.send_to(b"ping", server.local_addr()?).await?;
///     let mut buffer = [0; 1500];
///     let (length, address) = server.recv_from(&mut buffer).await?;
///     assert_eq!(&buffer[..length], b"ping");
///     assert_eq!(address, client.local_addr()?);
///     Ok(())
/// })
/// # }
/// ```
pub struct UdpSocket {
    io: Async<std::net::UdpSocket>,
}

impl UdpSocket {
    /// Binds a socket to `address`; port 0 is any that is free. A name is looked up by the loop's
    /// resolver; only this waits. Of several addresses the first is taken at which this succeeds.
    ///
    /// # Errors
    /// The address is in use, or not one of this machine; the name is not known; or there is no
    /// current loop.
    pub async fn bind(address: impl ToAddrs) -> io::Result<UdpSocket> {
        let addresses = Target::of(&address).look_up().await?;
        first_of(&addresses, bind)
    }

    /// Connects the socket: [`send`](UdpSocket::send) sends to `address`, and only datagrams from
    /// there are received. Nothing is sent for that. A name is looked up by the loop's resolver; of
    /// several addresses the first is taken to which there is a way.
    ///
    /// # Errors
    /// Those of the system, or the name is not known.
    pub async fn connect(&self, address: impl ToAddrs) -> io::Result<()> {
        let addresses = Target::of(&address).look_up().await?;
        first_of(&addresses, |address| self.io.get_ref().connect(address))
    }

    datagram_methods!(SocketAddr);

    /// Sends a datagram to `address`.
    ///
    /// # Errors
    /// Those of [`send`](UdpSocket::send).
    ///
    /// # Cancellation
    /// The datagram has not been sent.
    pub async fn send_to(&self, data: &[u8], address: SocketAddr) -> io::Result<usize> {
        self.io.write_with(|io| io.send_to(data, address)).await
    }

    /// [`send_to`](UdpSocket::send_to), to be polled.
    ///
    /// # Errors
    /// Those of [`send`](UdpSocket::send).
    pub fn poll_send_to(
        &self,
        cx: &mut Context<'_>,
        data: &[u8],
        address: SocketAddr,
    ) -> Poll<io::Result<usize>> {
        self.io
            .poll_io(Interest::Write, cx, |io| io.send_to(data, address))
    }

    /// [`send_to`](UdpSocket::send_to) without waiting.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if there is no room, as far as is known; otherwise
    /// those of [`send`](UdpSocket::send).
    pub fn try_send_to(&self, data: &[u8], address: SocketAddr) -> io::Result<usize> {
        self.io
            .try_io(Interest::Write, |io| io.send_to(data, address))
    }

    /// Receives the next datagram, and returns its length and the address of its sender, without
    /// taking it: the next receive gets it again.
    ///
    /// # Errors
    /// Those of [`recv`](UdpSocket::recv).
    pub async fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.read_with(|io| io.peek_from(buffer)).await
    }

    /// [`peek_from`](UdpSocket::peek_from), to be polled.
    ///
    /// # Errors
    /// Those of [`recv`](UdpSocket::recv).
    pub fn poll_peek_from(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.io
            .poll_io(Interest::Read, cx, |io| io.peek_from(buffer))
    }

    of_nonblocking!(std::net::UdpSocket);
    addresses!(SocketAddr);

    options! {
        /// Whether datagrams may be sent to a broadcast address (`SO_BROADCAST`).
        broadcast, set_broadcast: bool;
        /// How many routers a datagram may pass (`IP_TTL`).
        ttl, set_ttl: u32;
        /// Whether this machine receives its own multicast datagrams (`IP_MULTICAST_LOOP`).
        multicast_loop_v4, set_multicast_loop_v4: bool;
        /// How many routers a multicast datagram may pass (`IP_MULTICAST_TTL`).
        multicast_ttl_v4, set_multicast_ttl_v4: u32;
        /// Whether this machine receives its own multicast datagrams (`IPV6_MULTICAST_LOOP`).
        multicast_loop_v6, set_multicast_loop_v6: bool;
    }

    /// Receives what is sent to the group `group`, on the interface with the address `interface`;
    /// `0.0.0.0` lets the system choose.
    ///
    /// # Errors
    /// Those of the system: it is not an address of a group, or there is no such interface.
    pub fn join_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.io.get_ref().join_multicast_v4(&group, &interface)
    }

    /// Ends [`join_multicast_v4`](UdpSocket::join_multicast_v4).
    ///
    /// # Errors
    /// Those of the system: the group was not joined.
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.io.get_ref().leave_multicast_v4(&group, &interface)
    }

    /// Receives what is sent to the group `group`, on the interface with the number `interface`;
    /// 0 lets the system choose.
    ///
    /// # Errors
    /// Those of the system: it is not an address of a group, or there is no such interface.
    pub fn join_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.get_ref().join_multicast_v6(group, interface)
    }

    /// Ends [`join_multicast_v6`](UdpSocket::join_multicast_v6).
    ///
    /// # Errors
    /// Those of the system: the group was not joined.
    pub fn leave_multicast_v6(&self, group: &Ipv6Addr, interface: u32) -> io::Result<()> {
        self.io.get_ref().leave_multicast_v6(group, interface)
    }
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = new_socket(address)?;
    socket.bind(&address.into())?;
    UdpSocket::of_nonblocking(socket.into())
}

/// A socket for addresses like `address` that does not block.
fn new_socket(address: SocketAddr) -> io::Result<Socket> {
    Socket::new(
        Domain::for_address(address),
        Type::DGRAM.nonblocking(),
        Some(Protocol::UDP),
    )
}

/// Makes a UDP socket that is bound to `local`, connected to `remote`, or both:
/// `loop.create_datagram_endpoint`.
///
/// Unlike in asyncio there is no protocol: the socket's methods send and receive.
///
/// # Errors
/// [`InvalidInput`](io::ErrorKind::InvalidInput) if there is neither of them, or they are not of
/// one family; those of the system; or there is no current loop.
///
/// ```
/// use asyncio::net::create_datagram_endpoint;
/// use std::net::SocketAddr;
///
/// # fn main() -> std::io::Result<()> {
/// asyncio::run(async {
///     let any: SocketAddr = ([127, 0, 0, 1], 0).into();
///     let server = create_datagram_endpoint(any, None).await?;
///     let client = create_datagram_endpoint(None, server.local_addr()?).await?;
///     client.send(b"ping").await?;
///     let mut buffer = [0; 1500];
///     let (length, address) = server.recv_from(&mut buffer).await?;
///     server.send_to(&buffer[..length], address).await?;
///     assert_eq!(client.recv(&mut buffer).await?, 4);
///     Ok(())
/// })
/// # }
/// ```
pub async fn create_datagram_endpoint(
    local: impl Into<Option<SocketAddr>>,
    remote: impl Into<Option<SocketAddr>>,
) -> io::Result<UdpSocket> {
    let (local, remote) = (local.into(), remote.into());
    let invalid = |text| io::Error::new(io::ErrorKind::InvalidInput, text);
    let Some(address) = local.or(remote) else {
        return Err(invalid("unexpected address family: there is no address"));
    };
    if remote.is_some_and(|remote| remote.is_ipv4() != address.is_ipv4()) {
        return Err(invalid("the two addresses are not of one family"));
    }
    let socket = new_socket(address)?;
    if let Some(local) = local {
        socket.bind(&local.into())?;
    }
    if let Some(remote) = remote {
        socket.connect(&remote.into())?;
    }
    UdpSocket::of_nonblocking(socket.into())
}

socket!(UdpSocket, std::net::UdpSocket);
