//! What users write for an address, and what becomes of it.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ops::Deref;

use crate::exceptions::NoRunningLoop;
use crate::runtime::EventLoop;

/// What can be connected to, or be listened at: an address, several, or a name with a port.
///
/// * `"host:port"`, `"127.0.0.1:80"`, `"[::1]:80"`, as `&str` or `String`;
/// * `("host", 80)`, with a `&str` or a `String`;
/// * `(IpAddr, 80)`, and with an `Ipv4Addr` or an `Ipv6Addr`;
/// * `SocketAddr`, `SocketAddrV4`, `SocketAddrV6`;
/// * `&[SocketAddr]`, `[SocketAddr; N]`, `Vec<SocketAddr>`, to be tried in this order;
/// * a reference to any of these.
///
/// A name is looked up when the operation begins, by
/// [`EventLoop::getaddrinfo`](crate::EventLoop::getaddrinfo). It is what
/// [`ToSocketAddrs`](std::net::ToSocketAddrs) of the standard library is, without blocking. Not for
/// other types.
pub trait ToAddrs: sealed::ToTarget {}

impl<T: sealed::ToTarget + ?Sized> ToAddrs for T {}

mod sealed {
    #[expect(unnameable_types, reason = "nobody outside may implement it")]
    pub trait ToTarget {
        /// What is written, understood; nothing is looked up.
        #[expect(private_interfaces, reason = "nobody outside can name this trait")]
        fn to_target(&self) -> super::Target;
    }
}

use sealed::ToTarget;

/// An address as it was written.
#[derive(Debug)]
pub(crate) enum Target {
    Known(Addresses),
    Name { host: String, port: u16 },
    Invalid { text: String },
}

/// Addresses to be tried, one after the other.
#[derive(Debug)]
pub(crate) enum Addresses {
    One(SocketAddr),
    Several(Vec<SocketAddr>),
}

impl Target {
    /// What is written in `address`.
    pub(crate) fn of(address: &impl ToAddrs) -> Target {
        address.to_target()
    }

    /// Looks a name up.
    ///
    /// # Errors
    /// That of the look-up; or there is no current loop; or what was written is no address; or
    /// there is no address.
    pub(crate) async fn look_up(self) -> io::Result<Addresses> {
        match self {
            Target::Known(addresses) if addresses.is_empty() => Err(invalid("there is no address")),
            Target::Known(addresses) => Ok(addresses),
            Target::Invalid { text } => Err(invalid(&format!(
                "an address is written \"host:port\", not {text:?}"
            ))),
            Target::Name { host, port } => {
                let event_loop = EventLoop::current();
                let event_loop = event_loop.ok_or_else(|| io::Error::other(NoRunningLoop))?;
                let found = event_loop.getaddrinfo(&host, port).await?;
                match found.is_empty() {
                    true => Err(no_address(&host, port)),
                    false => Ok(Addresses::Several(found)),
                }
            }
        }
    }

    fn in_text(text: &str) -> Target {
        if let Ok(address) = text.parse() {
            return Target::one(address);
        }
        let parts = text.rsplit_once(':');
        match parts.and_then(|(host, port)| Some((host, port.parse().ok()?))) {
            Some((host, port)) => Target::in_pair(unbracketed(host), port),
            None => Target::Invalid {
                text: text.to_owned(),
            },
        }
    }

    fn in_pair(host: &str, port: u16) -> Target {
        match host.parse::<IpAddr>() {
            Ok(address) => Target::one(SocketAddr::new(address, port)),
            Err(_) => Target::Name {
                host: host.to_owned(),
                port,
            },
        }
    }

    fn one(address: SocketAddr) -> Target {
        Target::Known(Addresses::One(address))
    }
}

impl Deref for Addresses {
    type Target = [SocketAddr];

    fn deref(&self) -> &[SocketAddr] {
        match self {
            Addresses::One(address) => std::slice::from_ref(address),
            Addresses::Several(addresses) => addresses,
        }
    }
}

/// `[fe80::1%eth0]` is looked up without the brackets.
fn unbracketed(host: &str) -> &str {
    let inside = host.strip_prefix('[');
    let inside = inside.and_then(|host| host.strip_suffix(']'));
    inside.unwrap_or(host)
}

fn invalid(text: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

fn no_address(host: &str, port: u16) -> io::Error {
    let text = format!("failed to look up address information for {host}:{port}: no address");
    io::Error::new(io::ErrorKind::NotFound, text)
}

/// What was tried, and failed: one error each.
#[derive(Debug, Default)]
pub(super) struct Failures(Vec<(SocketAddr, io::Error)>);

impl Failures {
    pub(super) fn add(&mut self, address: SocketAddr, error: io::Error) {
        self.0.push((address, error));
    }

    /// One error for all: the first if all say the same, as in asyncio, or else one that lists
    /// them. It is of the kind of all, or of no particular kind.
    pub(super) fn into_error(mut self) -> io::Error {
        let Some((_, first)) = self.0.first() else {
            return invalid("there is no address");
        };
        let (kind, text) = (first.kind(), first.to_string());
        if self.0.iter().all(|(_, error)| error.to_string() == text) {
            return self.0.swap_remove(0).1;
        }
        let same_kind = self.0.iter().all(|(_, error)| error.kind() == kind);
        let kind = if same_kind {
            kind
        } else {
            io::ErrorKind::Other
        };
        io::Error::new(kind, self.to_string())
    }
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Multiple exceptions: ")?;
        for (place, (address, error)) in self.0.iter().enumerate() {
            let comma = if place == 0 { "" } else { ", " };
            write!(f, "{comma}{address}: {error}")?;
        }
        Ok(())
    }
}

/// Tries `attempt` with one address after the other, until one succeeds.
///
/// # Errors
/// All have failed: see [`Failures::into_error`].
pub(super) fn first_of<T>(
    addresses: &[SocketAddr],
    mut attempt: impl FnMut(SocketAddr) -> io::Result<T>,
) -> io::Result<T> {
    let mut failures = Failures::default();
    for &address in addresses {
        match attempt(address) {
            Ok(success) => return Ok(success),
            Err(error) => failures.add(address, error),
        }
    }
    Err(failures.into_error())
}

/// Implements the conversion of types, each by a function of a reference to it.
macro_rules! to_target {
    ($($type:ty: $convert:expr;)*) => {
        $(impl ToTarget for $type {
            #[expect(private_interfaces, reason = "nobody outside can name the trait")]
            fn to_target(&self) -> Target {
                let convert: fn(&$type) -> Target = $convert;
                convert(self)
            }
        })*
    };
}

to_target! {
    str: |text| Target::in_text(text);
    String: |text| Target::in_text(text);
    (&str, u16): |&(host, port)| Target::in_pair(host, port);
    (String, u16): |(host, port)| Target::in_pair(host, *port);
    (IpAddr, u16): |&address| Target::one(address.into());
    (Ipv4Addr, u16): |&address| Target::one(address.into());
    (Ipv6Addr, u16): |&address| Target::one(address.into());
    SocketAddr: |&address| Target::one(address);
    SocketAddrV4: |&address| Target::one(address.into());
    SocketAddrV6: |&address| Target::one(address.into());
    [SocketAddr]: |addresses| Target::Known(Addresses::Several(addresses.to_vec()));
    Vec<SocketAddr>: |addresses| Target::Known(Addresses::Several(addresses.clone()));
}

impl<const N: usize> ToTarget for [SocketAddr; N] {
    #[expect(private_interfaces, reason = "nobody outside can name the trait")]
    fn to_target(&self) -> Target {
        self.as_slice().to_target()
    }
}

impl<T: ToTarget + ?Sized> ToTarget for &T {
    #[expect(private_interfaces, reason = "nobody outside can name the trait")]
    fn to_target(&self) -> Target {
        (**self).to_target()
    }
}
