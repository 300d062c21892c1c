//! What all sockets have, written once for all of them: a type with the field `io`.

/// Makes a socket of one of std's, and the other way round; lends its descriptor.
macro_rules! socket {
    ($Socket:ident, $Std:ty) => {
        impl $Socket {
            /// Takes a socket that was made elsewhere, and makes it non-blocking.
            ///
            /// # Errors
            /// There is no current loop, or it is closed; or the system refuses the descriptor.
            pub fn from_std(socket: $Std) -> std::io::Result<$Socket> {
                let io = Async::new(socket)?;
                Ok($Socket { io })
            }

            /// Ends the registration with the loop, and returns the socket, which stays
            /// non-blocking.
            pub fn into_std(self) -> $Std {
                self.io.into_inner()
            }

            /// The socket's registration with the loop, for operations that have no method here,
            /// and for adapters: `poll_readable`, `poll_writable`, `poll_io`, `try_io`.
            pub fn as_async(&self) -> &Async<$Std> {
                &self.io
            }

            /// Takes the error that the system has noted for the socket, if there is one
            /// (`SO_ERROR`).
            ///
            /// # Errors
            /// Those of the system.
            pub fn take_error(&self) -> std::io::Result<Option<std::io::Error>> {
                self.io.get_ref().take_error()
            }
        }

        impl std::os::fd::AsFd for $Socket {
            fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                self.io.as_fd()
            }
        }

        impl std::os::fd::AsRawFd for $Socket {
            fn as_raw_fd(&self) -> std::os::fd::RawFd {
                self.io.as_raw_fd()
            }
        }

        impl std::fmt::Debug for $Socket {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.io.get_ref().fmt(f)
            }
        }
    };
}

/// Makes a socket of one of std's that does not block already, and is assumed to be ready.
macro_rules! of_nonblocking {
    ($Std:ty) => {
        pub(super) fn of_nonblocking(socket: $Std) -> std::io::Result<Self> {
            let io = Async::of_nonblocking(socket, crate::sync::Ready::BOTH)?;
            Ok(Self { io })
        }
    };
}

/// Options that std's type has: a method to get each, and one to set it.
macro_rules! options {
    ($($(#[$doc:meta])* $get:ident, $set:ident: $Value:ty;)*) => {
        $(
            $(#[$doc])*
            ///
            /// # Errors
            /// Those of the system.
            pub fn $get(&self) -> std::io::Result<$Value> {
                self.io.get_ref().$get()
            }

            #[doc = concat!("Sets [`", stringify!($get), "`](Self::", stringify!($get), ").")]
            ///
            /// # Errors
            /// Those of the system.
            pub fn $set(&self, value: $Value) -> std::io::Result<()> {
                self.io.get_ref().$set(value)
            }
        )*
    };
}

/// The addresses of both ends.
macro_rules! addresses {
    ($Address:ty) => {
        /// The address of this end.
        ///
        /// # Errors
        /// Those of the system.
        pub fn local_addr(&self) -> std::io::Result<$Address> {
            self.io.get_ref().local_addr()
        }

        /// The address of the other end.
        ///
        /// # Errors
        /// Those of the system; among them, the socket is not connected.
        pub fn peer_addr(&self) -> std::io::Result<$Address> {
            self.io.get_ref().peer_addr()
        }
    };
}

pub(super) use {addresses, of_nonblocking, options, socket};
