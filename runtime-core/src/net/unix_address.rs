//! Addresses of Unix sockets, as `socket2` wants them.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::SocketAddr;

use socket2::SockAddr;

/// A path, or a name in the abstract namespace of Linux.
pub(super) fn sock_addr(address: &SocketAddr) -> io::Result<SockAddr> {
    if let Some(path) = address.as_pathname() {
        return SockAddr::unix(path);
    }
    match abstract_name(address) {
        // A path that begins with a zero stands for such a name.
        Some(name) => SockAddr::unix(OsStr::from_bytes(&[b"\0", name].concat())),
        None => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the address has no name",
        )),
    }
}

#[cfg(target_os = "linux")]
fn abstract_name(address: &SocketAddr) -> Option<&[u8]> {
    use std::os::linux::net::SocketAddrExt;
    address.as_abstract_name()
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_: &SocketAddr) -> Option<&[u8]> {
    None
}
