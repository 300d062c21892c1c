//! The pipe into which the signal handler writes.

use std::io::{self, Read};
use std::os::unix::net::UnixStream;

use signal_hook::SigId;
use signal_hook::low_level::{pipe, unregister};

use super::disposition::Handled;

/// The end that is read: a byte for each time that a signal has come. While this exists, the signal
/// is handled.
#[derive(Debug)]
pub(super) struct SignalPipe {
    reader: UnixStream,
    writes: SigId,
    /// `None` if somebody else has it.
    _handled: Option<Handled>,
}

impl SignalPipe {
    /// Handles a signal.
    ///
    /// # Errors
    /// There is no such signal, or it cannot be handled; or descriptors are short.
    pub(super) fn new(signal: i32) -> io::Result<SignalPipe> {
        let handled = Handled::begin(signal)?;
        SignalPipe::with(signal, Some(handled))
    }

    /// The same for a signal that the caller handles.
    ///
    /// # Errors
    /// Descriptors are short.
    pub(super) fn of_handled(signal: i32) -> io::Result<SignalPipe> {
        SignalPipe::with(signal, None)
    }

    fn with(signal: i32, handled: Option<Handled>) -> io::Result<SignalPipe> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        Ok(SignalPipe {
            reader,
            writes: pipe::register(signal, writer)?,
            _handled: handled,
        })
    }

    /// How often the signal has come since this was called last. Does not wait.
    pub(super) fn take(&self) -> usize {
        let mut all = 0;
        let mut bytes = [0; 64];
        loop {
            match (&self.reader).read(&mut bytes) {
                Ok(count @ 1..) => all += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => return all,
            }
        }
    }
}

impl Drop for SignalPipe {
    fn drop(&mut self) {
        unregister(self.writes);
    }
}

impl std::os::fd::AsFd for SignalPipe {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.reader.as_fd()
    }
}
