//! What can be looked up, and the calls of the system that answer.

use std::hash::Hash;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

/// A question to the system, whose answer takes time.
pub(crate) trait Question: Clone + Eq + Hash + Send + Sync + 'static {
    type Answer: Clone + Send + Sync + 'static;

    /// Asks, and blocks until there is an answer.
    fn ask(&self) -> io::Result<Self::Answer>;
}

/// The addresses of a host, each with the port: `getaddrinfo`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AddressOf {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Question for AddressOf {
    type Answer = Vec<SocketAddr>;

    fn ask(&self) -> io::Result<Vec<SocketAddr>> {
        Ok((self.host.as_str(), self.port).to_socket_addrs()?.collect())
    }
}

/// The names of the host and the service at an address: `getnameinfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NameOf(pub(crate) SocketAddr);

impl Question for NameOf {
    type Answer = (String, String);

    fn ask(&self) -> io::Result<(String, String)> {
        const NO_FLAGS: i32 = 0;
        Ok(dns_lookup::getnameinfo(&self.0, NO_FLAGS)?)
    }
}
