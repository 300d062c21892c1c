//! Sockets, and any other descriptor that the poller can watch.
//!
//! Every operation is tried at once, and waits only if it would block. All of them take `&self`:
//! one task may read while another writes, and any number may wait. A type may be used from tasks
//! of any loop; the loop in which it was made serves it, and has to run.
//!
//! **Cancellation.** An operation that is cancelled, timed out or dropped has done nothing: a read
//! has taken no byte, an accept no connection. Those that are made of several (`read_exact`,
//! `write_all`) say how they differ.
//!
//! **Names.** What takes an address takes a name as well ([`ToAddrs`]). Names are looked up by the
//! system, on threads of the loop that do nothing else
//! ([`getaddrinfo`](crate::EventLoop::getaddrinfo)), or by a [`Resolve`] of the program.
//!
//! **Virtual time.** A paused clock does not stand still for a socket from which nothing comes. To
//! hold it while something is on its way, use
//! [`EventLoop::hold_time`](crate::EventLoop::hold_time). Sockets work under a seed, which replays
//! nothing of them.
//!
//! **Errors.** A socket that has reported an error stays registered, and may be used on. Once its
//! loop is closed, its operations fail with [`LoopClosed`](crate::LoopClosed).
//!
//! **Files** are always ready, for every poller: read them in [`to_thread`](crate::to_thread).
//!
//! # Inside
//!
//! [`Async`] is a descriptor with its registration; the sockets are made of it. What several of
//! them can do is written once, as macros: `socket` (all), `byte_stream` (streams), `datagrams`.
//! Who waits, and what wakes it, is the reactor's (`runtime/reactor`).

mod accept;
mod forward;
mod operation;
mod receive;
mod socket;
mod unix_address;

mod byte_stream;
mod datagrams;

mod async_fd;
mod incoming;

mod resolve;

mod addresses;

mod tcp_stream;
mod udp_socket;
mod unix_datagram;
mod unix_stream;

mod halves;
mod send_file;

mod connect;
mod tcp_listener;
mod unix_listener;

pub(crate) use accept::{AcceptError, accept_nonblocking};
pub(crate) use addresses::Target;
pub use addresses::ToAddrs;
pub use async_fd::{Async, Interest};
pub use connect::Connect;
pub use halves::{OwnedReadHalf, OwnedWriteHalf, ReuniteError};
pub use incoming::Incoming;
pub use resolve::{Resolve, Resolving, SystemResolver};
pub use send_file::SendFile;
pub(crate) use send_file::send as send_file_part;
pub use tcp_listener::TcpListener;
pub use tcp_stream::TcpStream;
pub use udp_socket::{UdpSocket, create_datagram_endpoint};
pub use unix_datagram::UnixDatagram;
pub use unix_listener::UnixListener;
pub use unix_stream::UnixStream;
