//! The owned halves of a stream.

use std::error::Error;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::io::{AsyncRead, AsyncWrite};

use super::async_fd::Interest;
use super::byte_stream::{read_methods, write_methods};
use super::tcp_stream::TcpStream;
use super::unix_stream::UnixStream;
use crate::runtime::Direction;
use crate::sync::StdArc;

/// The half of a stream that reads. `into_split` of the stream makes it.
///
/// The socket is closed when both halves are dropped.
#[derive(Debug)]
pub struct OwnedReadHalf<S = TcpStream> {
    stream: StdArc<S>,
}

/// The half of a stream that writes. `into_split` of the stream makes it.
///
/// Dropping it ends the direction: the peer sees the end of the stream, while the other half may go
/// on reading. [`forget`](OwnedWriteHalf::forget) drops it without that.
#[derive(Debug)]
pub struct OwnedWriteHalf<S: AsFd = TcpStream> {
    stream: StdArc<S>,
    ends: bool,
}

/// What `reunite` returns if the halves are those of two streams: the halves.
#[derive(Debug)]
pub struct ReuniteError<S: AsFd = TcpStream>(pub OwnedReadHalf<S>, pub OwnedWriteHalf<S>);

impl<S: AsFd> fmt::Display for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the halves are not those of one stream")
    }
}

impl<S: AsFd + fmt::Debug> Error for ReuniteError<S> {}

fn split<S: AsFd>(stream: S) -> (OwnedReadHalf<S>, OwnedWriteHalf<S>) {
    let stream = StdArc::new(stream);
    let read = OwnedReadHalf {
        stream: StdArc::clone(&stream),
    };
    (read, OwnedWriteHalf { stream, ends: true })
}

impl<S: AsFd> OwnedReadHalf<S> {
    /// Makes the stream whole again.
    ///
    /// # Errors
    /// The halves are those of two streams.
    pub fn reunite(self, write: OwnedWriteHalf<S>) -> Result<S, ReuniteError<S>> {
        if !StdArc::ptr_eq(&self.stream, &write.stream) {
            return Err(ReuniteError(self, write));
        }
        write.forget();
        match StdArc::into_inner(self.stream) {
            Some(stream) => Ok(stream),
            None => unreachable!("a stream has two halves, and both were here"),
        }
    }
}

impl<S: AsFd> OwnedWriteHalf<S> {
    /// Makes the stream whole again.
    ///
    /// # Errors
    /// The halves are those of two streams.
    pub fn reunite(self, read: OwnedReadHalf<S>) -> Result<S, ReuniteError<S>> {
        read.reunite(self)
    }

    /// Drops this half, and lets the direction be: it ends when the socket is closed.
    pub fn forget(mut self) {
        self.ends = false;
    }
}

impl<S: AsFd> Drop for OwnedWriteHalf<S> {
    fn drop(&mut self) {
        if self.ends {
            // It fails if the connection has ended already.
            let _ended = rustix::net::shutdown(&*self.stream, rustix::net::Shutdown::Write);
        }
    }
}

/// The stream of a half: for its addresses and options.
impl<S> AsRef<S> for OwnedReadHalf<S> {
    fn as_ref(&self) -> &S {
        &self.stream
    }
}

/// The stream of a half: for its addresses and options.
impl<S: AsFd> AsRef<S> for OwnedWriteHalf<S> {
    fn as_ref(&self) -> &S {
        &self.stream
    }
}

macro_rules! halves_of {
    ($Stream:ident) => {
        impl $Stream {
            /// Splits the stream into a half that reads and a half that writes, for two tasks.
            ///
            /// Where both may borrow, two references to the stream do the same for nothing.
            ///
            /// ```
            #[doc = concat!("use asyncio::net::", stringify!($Stream), ";")]
            /// # async fn doc(
            #[doc = concat!("#     stream: ", stringify!($Stream), ",")]
            /// # ) -> std::io::Result<()> {
            /// let (reader, writer) = stream.into_split();
            /// let sending = asyncio::create_task(async move { writer.write_all(b"all").await });
            /// let mut buffer = [0; 1024];
            /// while reader.read(&mut buffer).await? > 0 {}
            /// # let _sent = sending.await;
            /// # Ok(())
            /// # }
            /// ```
            pub fn into_split(self) -> (OwnedReadHalf<$Stream>, OwnedWriteHalf<$Stream>) {
                split(self)
            }
        }

        impl OwnedReadHalf<$Stream> {
            read_methods!();

            fn stream(&self) -> &$Stream {
                &self.stream
            }
        }

        impl OwnedWriteHalf<$Stream> {
            write_methods!();

            fn stream(&self) -> &$Stream {
                &self.stream
            }
        }
    };
}

halves_of!(TcpStream);
halves_of!(UnixStream);

impl<S> AsyncRead for OwnedReadHalf<S>
where
    for<'a> &'a S: AsyncRead,
{
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.stream).poll_read(cx, buffer)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.stream).poll_read_vectored(cx, buffers)
    }
}

impl<S: AsFd> AsyncWrite for OwnedWriteHalf<S>
where
    for<'a> &'a S: AsyncWrite,
{
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.stream).poll_write(cx, data)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut &*self.stream).poll_write_vectored(cx, data)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self.stream).poll_flush(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut &*self.stream).poll_close(cx)
    }
}
