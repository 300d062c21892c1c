//! Streams, and servers: asyncio's `open_connection`, `start_server`, `StreamReader` and
//! `StreamWriter`.
//!
//! A connection has two halves. A [`StreamReader`] has a buffer and a limit, and reads lines,
//! messages of a given length, or whatever there is. A [`StreamWriter`] never waits in `write`;
//! `drain` is for flow control.
//!
//! **Cancellation.** A read or a `drain` that is cancelled, timed out or dropped loses no byte, and
//! may be made again.
//!
//! **TLS** is there with the feature `tls`, by the library rustls.
//!
//! # Inside
//!
//! A `Connection` is shared by its two halves, by its server and by the poller. It has two locks:
//!
//! 1. `incoming`: what has been received and not been read. Only the reader takes it, and
//!    `start_tls`, which hands what is there to the session. The reader receives while it holds it.
//! 2. `outgoing`: what has not been sent, how far the end of the connection has come, and the TLS
//!    session. `Outgoing::advance` goes on with all of it as far as possible without waiting. Every
//!    change calls it, and so does the poller when the socket can be written to again: the waker
//!    that is left with the socket is the connection itself. No task is needed for that, so what
//!    was written goes out even if nobody awaits anything.
//!
//! They are taken in this order. No code of a user runs under `outgoing`: `advance` returns what is
//! to be woken and closed. The poller must not wait for a task that holds `outgoing`, and does not:
//! see `delegation`.
//!
//! Under TLS a reader decrypts, which changes the session: so it takes `outgoing` for that, a
//! record at a time. During the handshake the session looks certificates up and checks them, by
//! code that users may have written: so whoever goes on with the handshake, be it a reader or who
//! waits for its end, takes the session out of `outgoing` meanwhile (`security`). After the
//! handshake, code of users is left in one place: what keeps the tickets of a client, and logs
//! keys, runs under `outgoing`. It must not touch the connection.
//!
//! The descriptor is closed as soon as the connection is over, whoever holds its halves: both the
//! reader's reference and the one of `outgoing` are taken then, and all who wait are woken. A
//! reader that was about to receive keeps it open for the time of its system call.
//!
//! A server has no task either: its listener's waker accepts (`acceptor`), and makes a task for
//! each handler (`serving`).

mod errors;
mod limit;
mod refusal;
mod separator;
mod session_details;
mod socket_file;
mod spare_vectors;
mod watermarks;

mod buffer;
mod pending;

mod delegation;

mod session;

mod security;

mod endpoint;

mod acceptor;
mod clients;
mod incoming;
mod outgoing;

mod connection;

mod handshake;
mod lent;

mod reader;
mod writer;

mod frames;
mod lines;
mod open;
mod pipes;
mod sending_files;
mod serving;
mod stream_traits;

mod server;

mod service_settings;

mod start_server;
mod start_unix_server;

#[cfg(feature = "tls")]
mod tls;

pub use errors::{IncompleteReadError, LimitOverrunError, ReadUntilError};
pub use frames::{FrameSink, Frames};
pub use lines::Lines;
pub use open::{OpenConnection, OpenUnixConnection, open_connection, open_unix_connection};
pub use pipes::{connect_read_pipe, connect_write_pipe};
pub use reader::StreamReader;
#[cfg(feature = "tls")]
pub use rustls;
pub use separator::Separator;
pub use server::Server;
pub use session_details::TlsSession;
pub use start_server::{StartServer, start_server};
pub use start_unix_server::{StartUnixServer, start_unix_server};
#[cfg(feature = "tls")]
pub use tls::{StartTls, ToServerName, default_client_config};
pub use writer::StreamWriter;

/// What the model of the lock is built on. Nothing else may use it.
#[allow(unused_imports, reason = "the models exist under their own cfg only")]
pub(crate) mod modelled {
    pub(crate) use super::delegation::DelegationLock;
}
