//! `sendfile`: a file goes to a socket without passing through the program.

use std::fs::File;
use std::future::Future;
use std::io::{self, Seek, SeekFrom};
use std::os::fd::BorrowedFd;
use std::os::unix::fs::FileExt;

use super::async_fd::Async;
use super::tcp_stream::TcpStream;
use super::unix_stream::UnixStream;
use crate::runtime::EventLoop;
use crate::threads::to_thread;

/// How many bytes one system call sends at most, as in asyncio.
const NATIVE_BLOCK: usize = 256 * 1024;
/// How many bytes are read at a time where the kernel cannot send them itself, as in asyncio.
const FALLBACK_BLOCK: usize = 16 * 1024;

/// A connection to which [`EventLoop::sendfile`] can send: a stream of this crate.
pub trait SendFile: Sync {
    /// Has the kernel send at most `count` bytes of `file` from `offset` on.
    #[doc(hidden)]
    fn send_part(
        &self,
        file: BorrowedFd<'_>,
        offset: u64,
        count: usize,
    ) -> impl Future<Output = io::Result<usize>> + Send;

    /// Writes a part of `data`.
    #[doc(hidden)]
    fn send_some(&self, data: &[u8]) -> impl Future<Output = io::Result<usize>> + Send;
}

/// Implements the trait for a stream.
macro_rules! send_file {
    ($Stream:ty) => {
        impl SendFile for $Stream {
            async fn send_part(
                &self,
                file: BorrowedFd<'_>,
                offset: u64,
                count: usize,
            ) -> io::Result<usize> {
                send(self.as_async(), file, offset, count).await
            }

            async fn send_some(&self, data: &[u8]) -> io::Result<usize> {
                self.write(data).await
            }
        }
    };
}

send_file!(TcpStream);
send_file!(UnixStream);

/// Has the kernel send a part of a file, as soon as the socket takes one.
pub(crate) async fn send<T: std::os::fd::AsFd>(
    socket: &Async<T>,
    file: BorrowedFd<'_>,
    offset: u64,
    count: usize,
) -> io::Result<usize> {
    // How much the file has left is not known, so a short transfer says nothing of the socket.
    let send = |socket: &T| send_now(socket, file, offset, count);
    socket.write_with(send).await
}

#[cfg(target_os = "linux")]
fn send_now(
    socket: impl std::os::fd::AsFd,
    file: BorrowedFd<'_>,
    mut offset: u64,
    count: usize,
) -> io::Result<usize> {
    Ok(rustix::fs::sendfile(
        socket,
        file,
        Some(&mut offset),
        count,
    )?)
}

#[cfg(not(target_os = "linux"))]
fn send_now(
    _socket: impl std::os::fd::AsFd,
    _file: BorrowedFd<'_>,
    _offset: u64,
    _count: usize,
) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

impl EventLoop {
    /// Sends `count` bytes of a file from `offset` on, or all that follow: `loop.sendfile`, and
    /// `loop.sock_sendfile`. Returns how many were sent; they are fewer than `count` if the file
    /// ends before.
    ///
    /// The kernel sends them itself where it can. Elsewhere, and for files that it cannot send so,
    /// they are read in a thread. If the file is not in memory, the kernel's way blocks this worker
    /// while the disk is read; the others take its tasks over.
    ///
    /// Afterwards the file is positioned behind what was sent, as in asyncio; so it is after an
    /// error and a cancellation.
    ///
    /// # Errors
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if `count` is 0; those of the file and of the
    /// connection.
    ///
    /// # Cancellation
    /// A part has been sent, which the position of the file shows.
    ///
    /// ```
    /// use std::io::{Seek, Write};
    /// use asyncio::net::{TcpListener, TcpStream};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # let path = std::env::temp_dir().join(format!("asyncio-sendfile-{}", std::process::id()));
    /// let mut file = std::fs::File::create_new(&path)?;
    /// file.write_all(b"0123456789")?;
    /// # let file = std::fs::File::open(&path)?;
    /// # std::fs::remove_file(&path)?;
    /// asyncio::run(async move {
    ///     let listener = TcpListener::bind("127.0.0.1:0").await?;
    ///     let client = TcpStream::connect(listener.local_addr()?).await?;
    ///     let (server, _address) = listener.accept().await?;
    ///     let event_loop = asyncio::get_running_loop();
    ///     assert_eq!(event_loop.sendfile(&server, &file, 2, Some(5)).await?, 5);
    ///     assert_eq!((&file).stream_position()?, 7);
    ///     let mut buffer = [0; 5];
    ///     client.read_exact(&mut buffer).await?;
    ///     assert_eq!(&buffer, b"23456");
    ///     Ok(())
    /// })
    /// # }
    /// ```
    pub async fn sendfile<S: SendFile>(
        &self,
        socket: &S,
        file: &File,
        offset: u64,
        count: Option<u64>,
    ) -> io::Result<u64> {
        if count == Some(0) {
            let text = "count must be a positive integer (got 0)";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let mut progress = Progress {
            file,
            offset,
            left: count,
            sent: 0,
        };
        match progress.send(socket).await {
            Err(error) if progress.sent == 0 && is_unsupported(&error) => {
                progress.copy(socket).await?;
            }
            outcome => outcome?,
        }
        Ok(progress.sent)
    }
}

/// What has been sent. Positions the file when it is dropped.
struct Progress<'a> {
    file: &'a File,
    /// From where on the next part is sent.
    offset: u64,
    /// How much is left; `None` if all of the file is sent.
    left: Option<u64>,
    sent: u64,
}

impl Progress<'_> {
    /// The length of the next part; 0 if nothing is left.
    fn next(&self, block: usize) -> usize {
        let left = self.left.unwrap_or(u64::MAX);
        usize::try_from(left).unwrap_or(usize::MAX).min(block)
    }

    fn advance(&mut self, sent: usize) {
        let sent = sent as u64;
        self.offset += sent;
        self.sent += sent;
        self.left = self.left.map(|left| left - sent);
    }

    /// Has the kernel send it.
    async fn send<S: SendFile>(&mut self, socket: &S) -> io::Result<()> {
        loop {
            let block = self.next(NATIVE_BLOCK);
            if block == 0 {
                return Ok(());
            }
            let file = std::os::fd::AsFd::as_fd(self.file);
            match socket.send_part(file, self.offset, block).await? {
                0 => return Ok(()),
                sent => self.advance(sent),
            }
        }
    }

    /// Reads it in a thread, and writes it.
    async fn copy<S: SendFile>(&mut self, socket: &S) -> io::Result<()> {
        loop {
            let (block, offset) = (self.next(FALLBACK_BLOCK), self.offset);
            if block == 0 {
                return Ok(());
            }
            let file = self.file.try_clone()?;
            let read = to_thread(move || {
                let mut data = vec![0; block];
                let read = file.read_at(&mut data, offset)?;
                data.truncate(read);
                Ok::<_, io::Error>(data)
            });
            let data = read.await.map_err(io::Error::other)??;
            if data.is_empty() {
                return Ok(());
            }
            // Each part counts at once: a cancellation may come before the next.
            let mut data = &data[..];
            while !data.is_empty() {
                match socket.send_some(data).await? {
                    0 => return Err(io::ErrorKind::WriteZero.into()),
                    sent => {
                        self.advance(sent);
                        data = &data[sent..];
                    }
                }
            }
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.sent > 0 {
            // Fails only for what has no position.
            let _position = (&mut &*self.file).seek(SeekFrom::Start(self.offset));
        }
    }
}

/// Whether the kernel cannot send this file to this socket itself.
fn is_unsupported(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let unsupported = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::SPIPE];
    error.kind() == io::ErrorKind::Unsupported
        || unsupported
            .iter()
            .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
