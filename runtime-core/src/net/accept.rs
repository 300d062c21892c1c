//! Accepting a connection, and what it fails with.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::io::Errno;

use crate::exceptions::LoopClosed;

/// Accepts a connection that does not block and is not inherited by child processes.
pub(crate) fn accept_nonblocking(listener: impl AsFd) -> io::Result<OwnedFd> {
    #[cfg(target_os = "linux")]
    {
        use rustix::net::{SocketFlags, accept_with};
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        Ok(accept_with(listener, flags)?)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let (socket, _address) = socket2::SockRef::from(&listener).accept()?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    }
}

/// What an error of `accept` is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AcceptError {
    /// Nobody has connected.
    NoneWaits,
    /// One connection: the next can be accepted all the same. Linux passes on the errors that the
    /// network has noted for the new connection; EPERM is a firewall's.
    OfOneConnection,
    /// The system is short of something.
    Shortage,
    LoopClosed,
    Other,
}

impl AcceptError {
    /// How long nothing is accepted after the system could not: asyncio's delay.
    pub(crate) const PAUSE: Duration = Duration::from_secs(1);

    pub(crate) fn of(error: &io::Error) -> AcceptError {
        match Errno::from_io_error(error) {
            Some(
                Errno::CONNABORTED
                | Errno::CONNRESET
                | Errno::PERM
                | Errno::PROTO
                | Errno::NOPROTOOPT
                | Errno::NETDOWN
                | Errno::NETUNREACH
                | Errno::HOSTDOWN
                | Errno::HOSTUNREACH
                | Errno::TIMEDOUT,
            ) => AcceptError::OfOneConnection,
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::NOSPC) => {
                AcceptError::Shortage
            }
            Some(_) => match error.kind() {
                io::ErrorKind::WouldBlock => AcceptError::NoneWaits,
                _ => AcceptError::Other,
            },
            None => AcceptError::without_number(error),
        }
    }

    fn without_number(error: &io::Error) -> AcceptError {
        let inner = error.get_ref();
        if inner.is_some_and(|inner| inner.is::<LoopClosed>()) {
            return AcceptError::LoopClosed;
        }
        match error.kind() {
            io::ErrorKind::WouldBlock => AcceptError::NoneWaits,
            _ => AcceptError::Other,
        }
    }

    /// What is reported: asyncio's texts.
    pub(crate) fn message(self) -> &'static str {
        match self {
            AcceptError::Shortage => "socket.accept() out of system resource",
            _ => "Accept failed on a socket",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_is_of_one_connection_or_of_the_system() {
        for errno in [Errno::CONNABORTED, Errno::PROTO, Errno::PERM] {
            let of = AcceptError::of(&errno.into());
            assert_eq!(of, AcceptError::OfOneConnection);
        }
        for errno in [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM] {
            assert_eq!(AcceptError::of(&errno.into()), AcceptError::Shortage);
        }
        assert_eq!(AcceptError::of(&Errno::BADF.into()), AcceptError::Other);
        assert_eq!(
            AcceptError::of(&Errno::AGAIN.into()),
            AcceptError::NoneWaits
        );
        let none = io::ErrorKind::WouldBlock.into();
        assert_eq!(AcceptError::of(&none), AcceptError::NoneWaits);
        let closed = io::Error::other(LoopClosed);
        assert_eq!(AcceptError::of(&closed), AcceptError::LoopClosed);
        let other = io::Error::other("something else");
        assert_eq!(AcceptError::of(&other), AcceptError::Other);
    }
}
