//! `Process`.

use std::io;
use std::os::fd::BorrowedFd;

use bytes::Bytes;
use rustix::process::Signal;

use super::child::Child;
use crate::streams::{StreamReader, StreamWriter};
use crate::sync::StdArc;

/// A child process: `asyncio.subprocess.Process`.
/// [`create_subprocess_exec`](super::create_subprocess_exec) makes it.
///
/// A `Process` that is dropped leaves its child running, and the child is reaped when it exits; see
/// [`kill_on_drop`](Process::kill_on_drop). A child that still runs when the loop is closed is
/// killed.
#[derive(Debug)]
pub struct Process {
    /// The standard input, if it is a [`PIPE`](super::PIPE).
    pub stdin: Option<StreamWriter>,
    /// The standard output, if it is a [`PIPE`](super::PIPE).
    pub stdout: Option<StreamReader>,
    /// The standard error, if it is a [`PIPE`](super::PIPE).
    pub stderr: Option<StreamReader>,
    child: StdArc<Child>,
    kill_on_drop: bool,
}

impl Process {
    pub(super) fn new(child: StdArc<Child>, kill_on_drop: bool) -> Process {
        Process {
            stdin: None,
            stdout: None,
            stderr: None,
            child,
            kill_on_drop,
        }
    }

    /// The number of the process. It may be another's once the child has exited.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// A descriptor that stands for the process; `None` where the system has none.
    #[must_use]
    pub fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        self.child.pidfd()
    }

    /// The exit status, once the exit has been noticed; `-N` if the signal `N` has ended it.
    #[must_use]
    pub fn returncode(&self) -> Option<i32> {
        self.child.code()
    }

    /// Waits until the child has exited, and returns its exit status; `-N` if the signal `N` has
    /// ended it. Any number of tasks may wait, also after the exit.
    ///
    /// A child whose output is a pipe that nobody reads never exits once the pipe is full:
    /// [`communicate`](Process::communicate) reads it.
    ///
    /// # Errors
    /// Somebody else has reaped the child.
    ///
    /// # Cancellation
    /// Nothing happens to the child.
    pub async fn wait(&self) -> io::Result<i32> {
        self.child.wait().await
    }

    /// Writes `input` to the standard input and closes it, reads both outputs to their ends, and
    /// waits for the exit. Returns what was read; `None` for what is not a pipe.
    ///
    /// A child that does not read its input is no error. A process that the child has started, and
    /// that still has the pipes, makes this wait for it as well.
    ///
    /// # Errors
    /// Those of reading.
    ///
    /// # Cancellation
    /// Nothing happens to the child. What was read is still in the readers; the input still goes to
    /// the child.
    pub async fn communicate(
        &mut self,
        input: Option<&[u8]>,
    ) -> io::Result<(Option<Bytes>, Option<Bytes>)> {
        let Process {
            stdin,
            stdout,
            stderr,
            child,
            ..
        } = self;
        let outputs = async {
            let (stdout, stderr) = ::futures::future::join(read(stdout), read(stderr)).await;
            Ok::<_, io::Error>((stdout?, stderr?))
        };
        let (outputs, ()) = ::futures::future::join(outputs, feed(stdin, input)).await;
        child.wait().await?;
        outputs
    }

    /// Sends a signal, by its number: see [`signals`](crate::signals).
    ///
    /// # Errors
    /// The exit has been noticed (`ESRCH`): no signal ever goes to another process. Or there is no
    /// such signal; or the system refuses.
    pub fn send_signal(&self, signal: i32) -> io::Result<()> {
        let signal = Signal::from_named_raw(signal).ok_or(rustix::io::Errno::INVAL)?;
        self.child.send_signal(signal)
    }

    /// Asks the child to end: SIGTERM.
    ///
    /// # Errors
    /// Those of [`send_signal`](Process::send_signal).
    pub fn terminate(&self) -> io::Result<()> {
        self.child.send_signal(Signal::TERM)
    }

    /// Ends the child: SIGKILL.
    ///
    /// # Errors
    /// Those of [`send_signal`](Process::send_signal).
    pub fn kill(&self) -> io::Result<()> {
        self.child.send_signal(Signal::KILL)
    }

    /// Whether the child is killed when this value is dropped. By default it is not.
    pub fn kill_on_drop(&mut self, kill: bool) {
        self.kill_on_drop = kill;
    }
}

async fn read(pipe: &mut Option<StreamReader>) -> io::Result<Option<Bytes>> {
    match pipe {
        Some(pipe) => pipe.read_to_end().await.map(Some),
        None => Ok(None),
    }
}

/// How much of its input a child is given at a time: what a pipe holds.
const PIECE: usize = 64 << 10;

/// Writes all of the input, and closes the pipe. A child that does not read it is no error.
async fn feed(pipe: &mut Option<StreamWriter>, input: Option<&[u8]>) {
    let Some(pipe) = pipe else { return };
    let mut input = Input {
        pipe,
        left: input.unwrap_or_default(),
    };
    // The pipe keeps a copy of what it cannot send at once. Of a large input it is to be small.
    while let Some((piece, left)) = input.left.split_at_checked(PIECE) {
        input.left = left;
        input.pipe.write(piece);
        if input.pipe.drain().await.is_err() {
            break;
        }
    }
    drop(input);
    let _unread = pipe.wait_closed().await;
}

/// What has not been written yet. When it is dropped, also by a cancellation, the pipe gets it,
/// and is closed.
struct Input<'a> {
    pipe: &'a StreamWriter,
    left: &'a [u8],
}

impl Drop for Input<'_> {
    fn drop(&mut self) {
        self.pipe.write(self.left);
        self.pipe.close();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.kill_on_drop {
            // It fails if the child has exited.
            let _killed = self.child.send_signal(Signal::KILL);
        }
    }
}
