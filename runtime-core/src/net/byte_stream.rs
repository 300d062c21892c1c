//! What all streams of bytes can do, written once for all of them.
//!
//! The macros are for a type with a method `stream`, which returns the stream itself: its field
//! `io` is the descriptor, and its function `read_room` says how many bytes a read has to move
//! before it may be followed by another without a look at the readiness (`Async::transfer`).

/// The methods that read.
macro_rules! read_methods {
    () => {
        /// Reads what there is, up to the length of `buffer`; 0 is the end of the stream.
        ///
        /// # Errors
        /// Those of the system, or the loop is closed.
        ///
        /// # Cancellation
        /// No byte is lost.
        pub async fn read(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let stream = self.stream();
            let room = stream.read_room(buffer.len());
            let read = |mut io: &_| std::io::Read::read(&mut io, buffer);
            stream.io.transfer(Direction::Read, room, read).await
        }

        /// Reads what there is into several buffers, one after the other, as
        /// [`read`](Self::read).
        ///
        /// # Errors
        /// Those of [`read`](Self::read).
        pub async fn read_vectored(
            &self,
            buffers: &mut [std::io::IoSliceMut<'_>],
        ) -> std::io::Result<usize> {
            let stream = self.stream();
            let room = stream.read_room(buffers.iter().map(|buffer| buffer.len()).sum());
            let read = |mut io: &_| std::io::Read::read_vectored(&mut io, buffers);
            stream.io.transfer(Direction::Read, room, read).await
        }

        /// Fills `buffer`.
        ///
        /// # Errors
        /// [`UnexpectedEof`](std::io::ErrorKind::UnexpectedEof) if the stream ends before;
        /// otherwise those of [`read`](Self::read).
        ///
        /// # Cancellation
        /// What has been read by then is in `buffer`, and how much that is, is not known.
        pub async fn read_exact(&self, mut buffer: &mut [u8]) -> std::io::Result<()> {
            while !buffer.is_empty() {
                match self.read(buffer).await? {
                    0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                    read => buffer = &mut buffer[read..],
                }
            }
            Ok(())
        }

        /// Reads into memory that need not be initialized. Returns how many bytes, from the first
        /// on, have been, and hold what was read; 0 is the end of the stream.
        ///
        /// # Errors
        /// Those of [`read`](Self::read).
        pub async fn read_uninit(
            &self,
            buffer: &mut [std::mem::MaybeUninit<u8>],
        ) -> std::io::Result<usize> {
            let stream = self.stream();
            let room = stream.read_room(buffer.len());
            let read = |io: &_| super::receive::into_uninit(io, buffer);
            stream.io.transfer(Direction::Read, room, read).await
        }

        /// [`read_uninit`](Self::read_uninit), to be polled.
        ///
        /// # Errors
        /// Those of [`read`](Self::read).
        pub fn poll_read_uninit(
            &self,
            cx: &mut std::task::Context<'_>,
            buffer: &mut [std::mem::MaybeUninit<u8>],
        ) -> std::task::Poll<std::io::Result<usize>> {
            let stream = self.stream();
            let room = stream.read_room(buffer.len());
            let read = |io: &_| super::receive::into_uninit(io, buffer);
            stream.io.poll_transfer(Direction::Read, cx, room, read)
        }

        /// Reads what there is without waiting.
        ///
        /// # Errors
        /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) if nothing is known to be there:
        /// [`readable`](Self::readable) waits for it. Otherwise those of [`read`](Self::read).
        pub fn try_read(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let read = |mut io: &_| std::io::Read::read(&mut io, buffer);
            self.stream().io.try_io(Interest::Read, read)
        }

        /// Reads what there is without taking it: the next read gets it again.
        ///
        /// # Errors
        /// Those of [`read`](Self::read).
        pub async fn peek(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let peek = |io: &_| super::receive::peek(io, buffer);
            self.stream().io.read_with(peek).await
        }

        /// [`peek`](Self::peek), to be polled.
        ///
        /// # Errors
        /// Those of [`read`](Self::read).
        pub fn poll_peek(
            &self,
            cx: &mut std::task::Context<'_>,
            buffer: &mut [u8],
        ) -> std::task::Poll<std::io::Result<usize>> {
            let peek = |io: &_| super::receive::peek(io, buffer);
            self.stream().io.poll_io(Interest::Read, cx, peek)
        }

        /// Waits until there may be something to read, or the stream has ended.
        ///
        /// # Errors
        /// The loop is closed.
        pub async fn readable(&self) -> std::io::Result<()> {
            self.stream().io.readable().await
        }
    };
}

/// The methods that write.
macro_rules! write_methods {
    () => {
        /// Writes a part of `data`, at least one byte, and returns how many that were.
        ///
        /// # Errors
        /// Those of the system, or the loop is closed.
        ///
        /// # Cancellation
        /// Nothing has been written.
        pub async fn write(&self, data: &[u8]) -> std::io::Result<usize> {
            let write = |mut io: &_| std::io::Write::write(&mut io, data);
            let io = &self.stream().io;
            io.transfer(Direction::Write, data.len(), write).await
        }

        /// Writes a part of several pieces of data, one after the other, as
        /// [`write`](Self::write).
        ///
        /// # Errors
        /// Those of [`write`](Self::write).
        pub async fn write_vectored(
            &self,
            data: &[std::io::IoSlice<'_>],
        ) -> std::io::Result<usize> {
            let room = data.iter().map(|part| part.len()).sum();
            let write = |mut io: &_| std::io::Write::write_vectored(&mut io, data);
            let io = &self.stream().io;
            io.transfer(Direction::Write, room, write).await
        }

        /// Writes all of `data`.
        ///
        /// # Errors
        /// Those of [`write`](Self::write).
        ///
        /// # Cancellation
        /// A part of `data` has been written, and how much that is, is not known.
        pub async fn write_all(&self, mut data: &[u8]) -> std::io::Result<()> {
            while !data.is_empty() {
                match self.write(data).await? {
                    0 => return Err(std::io::ErrorKind::WriteZero.into()),
                    written => data = &data[written..],
                }
            }
            Ok(())
        }

        /// Writes what can be written without waiting.
        ///
        /// # Errors
        /// [`WouldBlock`](std::io::ErrorKind::WouldBlock) if there is no room, as far as is known:
        /// [`writable`](Self::writable) waits for some. Otherwise those of
        /// [`write`](Self::write).
        pub fn try_write(&self, data: &[u8]) -> std::io::Result<usize> {
            let write = |mut io: &_| std::io::Write::write(&mut io, data);
            self.stream().io.try_io(Interest::Write, write)
        }

        /// Waits until there may be room to write, or the peer has ended the connection.
        ///
        /// # Errors
        /// The loop is closed.
        pub async fn writable(&self) -> std::io::Result<()> {
            self.stream().io.writable().await
        }
    };
}

/// `AsyncRead` and `AsyncWrite` of a stream, and of references to it.
macro_rules! stream_traits {
    ($Stream:ident) => {
        impl futures::io::AsyncRead for &$Stream {
            fn poll_read(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buffer: &mut [u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                let room = self.read_room(buffer.len());
                let read = |mut io: &_| std::io::Read::read(&mut io, buffer);
                self.io.poll_transfer(Direction::Read, cx, room, read)
            }

            fn poll_read_vectored(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                buffers: &mut [std::io::IoSliceMut<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                let room = self.read_room(buffers.iter().map(|buffer| buffer.len()).sum());
                let read = |mut io: &_| std::io::Read::read_vectored(&mut io, buffers);
                self.io.poll_transfer(Direction::Read, cx, room, read)
            }
        }

        impl futures::io::AsyncWrite for &$Stream {
            fn poll_write(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                data: &[u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                let write = |mut io: &_| std::io::Write::write(&mut io, data);
                self.io
                    .poll_transfer(Direction::Write, cx, data.len(), write)
            }

            fn poll_write_vectored(
                self: std::pin::Pin<&mut Self>,
                cx: &mut std::task::Context<'_>,
                data: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                let room = data.iter().map(|part| part.len()).sum();
                let write = |mut io: &_| std::io::Write::write_vectored(&mut io, data);
                self.io.poll_transfer(Direction::Write, cx, room, write)
            }

            fn poll_flush(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                // Nothing is buffered here.
                std::task::Poll::Ready(Ok(()))
            }

            fn poll_close(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                std::task::Poll::Ready(match self.shutdown(std::net::Shutdown::Write) {
                    // The peer has gone already: there is nobody to tell.
                    Err(error) if error.kind() == std::io::ErrorKind::NotConnected => Ok(()),
                    outcome => outcome,
                })
            }
        }

        super::forward::owned_by_reference!($Stream);
    };
}

pub(super) use {read_methods, stream_traits, write_methods};
