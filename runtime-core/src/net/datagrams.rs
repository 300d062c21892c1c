//! What all sockets of datagrams can do, written once for all of them.
//!
//! Only an operation that would block ends a readiness here: a datagram that is shorter than the
//! buffer says nothing about the next one (unlike a short read of a stream, `Async::transfer`).

/// The methods of a type with the field `io`.
macro_rules! datagram_methods {
    ($Address:ty) => {
        /// Sends a datagram to the peer that the socket is connected to.
        ///
        /// # Errors
        /// Those of the system: the socket is not connected, or the datagram is too long. An error
        /// that a datagram sent before has caused is reported once, by this or by a receive, and
        /// the socket stays good.
        ///
        /// # Cancellation
        /// The datagram has not been sent.
        pub async fn send(&self, data: &[u8]) -> std::io::Result<usize> {
            self.io.write_with(|io| io.send(data)).await
        }

        /// [`send`](Self::send), to be polled.
        ///
        /// # Errors
        /// Those of [`send`](Self::send).
        pub fn poll_send(
            &self,
            cx: &mut std::task::Context<'_>,
            data: &[u8],
        ) -> std::task::Poll<std::io::Result<usize>> {
            self.io.poll_io(Interest::Write, cx, |io| io.send(data))
        }

        /// [`send`](Self::send) without waiting.
        ///
        /// # Errors
        /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) if there is no room, as far as is known;
        /// otherwise those of [`send`](Self::send).
        pub fn try_send(&self, data: &[u8]) -> std::io::Result<usize> {
            self.io.try_io(Interest::Write, |io| io.send(data))
        }

        /// Receives the next datagram, and returns its length. What does not fit into `buffer` is
        /// lost.
        ///
        /// # Errors
        /// Those of the system; among them, of a connected socket, that an earlier datagram has
        /// reached nobody
        /// ([`ConnectionRefused`](std::io::ErrorKind::ConnectionRefused)). The socket stays good.
        ///
        /// # Cancellation
        /// No datagram is lost.
        pub async fn recv(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.io.read_with(|io| io.recv(buffer)).await
        }

        /// [`recv`](Self::recv), to be polled.
        ///
        /// # Errors
        /// Those of [`recv`](Self::recv).
        pub fn poll_recv(
            &self,
            cx: &mut std::task::Context<'_>,
            buffer: &mut [u8],
        ) -> std::task::Poll<std::io::Result<usize>> {
            self.io.poll_io(Interest::Read, cx, |io| io.recv(buffer))
        }

        /// [`recv`](Self::recv) without waiting.
        ///
        /// # Errors
        /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) if nothing is known to be there;
        /// otherwise those of [`recv`](Self::recv).
        pub fn try_recv(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.io.try_io(Interest::Read, |io| io.recv(buffer))
        }

        /// Receives the next datagram, and returns its length and the address of its sender.
        /// What does not fit into `buffer` is lost.
        ///
        /// # Errors
        /// Those of [`recv`](Self::recv).
        ///
        /// # Cancellation
        /// No datagram is lost.
        pub async fn recv_from(&self, buffer: &mut [u8]) -> std::io::Result<(usize, $Address)> {
            self.io.read_with(|io| io.recv_from(buffer)).await
        }

        /// [`recv_from`](Self::recv_from), to be polled.
        ///
        /// # Errors
        /// Those of [`recv`](Self::recv).
        pub fn poll_recv_from(
            &self,
            cx: &mut std::task::Context<'_>,
            buffer: &mut [u8],
        ) -> std::task::Poll<std::io::Result<(usize, $Address)>> {
            self.io
                .poll_io(Interest::Read, cx, |io| io.recv_from(buffer))
        }

        /// [`recv_from`](Self::recv_from) without waiting.
        ///
        /// # Errors
        /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) if nothing is known to be there;
        /// otherwise those of [`recv`](Self::recv).
        pub fn try_recv_from(&self, buffer: &mut [u8]) -> std::io::Result<(usize, $Address)> {
            self.io.try_io(Interest::Read, |io| io.recv_from(buffer))
        }

        /// Receives the next datagram without taking it: the next receive gets it again.
        ///
        /// # Errors
        /// Those of [`recv`](Self::recv).
        pub async fn peek(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let peek = |io: &_| super::receive::peek(io, buffer);
            self.io.read_with(peek).await
        }

        /// [`peek`](Self::peek), to be polled.
        ///
        /// # Errors
        /// Those of [`recv`](Self::recv).
        pub fn poll_peek(
            &self,
            cx: &mut std::task::Context<'_>,
            buffer: &mut [u8],
        ) -> std::task::Poll<std::io::Result<usize>> {
            let peek = |io: &_| super::receive::peek(io, buffer);
            self.io.poll_io(Interest::Read, cx, peek)
        }

        /// Waits until there may be a datagram to receive.
        ///
        /// # Errors
        /// The loop is closed.
        pub async fn readable(&self) -> std::io::Result<()> {
            self.io.readable().await
        }

        /// Waits until there may be room to send a datagram.
        ///
        /// # Errors
        /// The loop is closed.
        pub async fn writable(&self) -> std::io::Result<()> {
            self.io.writable().await
        }
    };
}

pub(super) use datagram_methods;
