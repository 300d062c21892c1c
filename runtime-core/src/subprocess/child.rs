//! A child process, until it has been reaped.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, kill_process, pidfd_send_signal, waitid,
};

use super::launch::{ExitFd, Launched};
use crate::locks::Event;
use crate::net::Async;
use crate::runtime::{Direction, EventLoop, WaiterKey};
use crate::sync::{Mutex, Ready, StdArc};

/// How long the end of a loop waits for a child that it has killed.
const KILLED: Duration = Duration::from_secs(1);

/// A child process.
pub(super) struct Child {
    pid: Pid,
    watch: Watch,
    state: Mutex<State>,
    /// Set when it has been reaped.
    exited: Event,
    waiting: Mutex<Option<WaiterKey>>,
}

/// Readable when the child has exited.
enum Watch {
    Pidfd(Async<OwnedFd>),
    Pipe(Async<OwnedFd>),
}

#[derive(Clone, Copy, Debug)]
enum State {
    Running,
    /// It has been reaped, and its number may be another's.
    Exited(Exit),
}

/// How a child has exited.
#[derive(Clone, Copy, Debug)]
enum Exit {
    /// Its exit status; `-N` for the signal N.
    Code(i32),
    /// Somebody else has reaped it.
    Unknown,
}

impl Child {
    /// Watches a child that has been started.
    ///
    /// # Errors
    /// The loop is closed, or the system refuses. The child is killed.
    pub(super) fn of(event_loop: &EventLoop, mut launched: Launched) -> io::Result<StdArc<Child>> {
        let register = |descriptor| Async::with_loop(event_loop, descriptor, Ready::BOTH);
        let watch = match launched.take_exit()? {
            ExitFd::Pidfd(pidfd) => Watch::Pidfd(register(pidfd)?),
            ExitFd::Pipe(pipe) => {
                rustix::io::ioctl_fionbio(&pipe, true)?;
                Watch::Pipe(register(pipe)?)
            }
        };
        let child = StdArc::new(Child {
            pid: launched.leave(),
            watch,
            state: Mutex::new(State::Running),
            exited: Event::new(),
            waiting: Mutex::new(None),
        });
        child.go_on();
        Ok(child)
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    pub(super) fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        match &self.watch {
            Watch::Pidfd(pidfd) => Some(pidfd.as_fd()),
            Watch::Pipe(_) => None,
        }
    }

    /// The exit status, once it has been noticed.
    pub(super) fn code(&self) -> Option<i32> {
        match *self.state.lock() {
            State::Exited(Exit::Code(code)) => Some(code),
            State::Running | State::Exited(Exit::Unknown) => None,
        }
    }

    /// Waits for the exit.
    ///
    /// # Errors
    /// Somebody else has reaped the child.
    pub(super) async fn wait(&self) -> io::Result<i32> {
        self.exited.wait().await;
        self.code().ok_or_else(|| Errno::CHILD.into())
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// The child has been reaped (`ESRCH`); or the system refuses.
    pub(super) fn send_signal(&self, signal: Signal) -> io::Result<()> {
        // While it is locked nobody reaps the child, so its number is not another's.
        let state = self.state.lock();
        if matches!(*state, State::Exited(_)) {
            return Err(Errno::SRCH.into());
        }
        let sent = match &self.watch {
            Watch::Pidfd(pidfd) => pidfd_send_signal(pidfd, signal),
            Watch::Pipe(_) => kill_process(self.pid, signal),
        };
        Ok(sent?)
    }

    /// Reaps the child if it has exited. Returns whether it has been reaped.
    fn reap(&self) -> bool {
        let mut state = self.state.lock();
        if matches!(*state, State::Exited(_)) {
            return true;
        }
        let id = match &self.watch {
            Watch::Pidfd(pidfd) => WaitId::PidFd(pidfd.as_fd()),
            Watch::Pipe(_) => WaitId::Pid(self.pid),
        };
        let exit = match waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
            Ok(Some(status)) => Exit::Code(code_of(&status)),
            Ok(None) | Err(Errno::INTR) => return false,
            Err(_) => Exit::Unknown,
        };
        *state = State::Exited(exit);
        drop(state);
        self.exited.set();
        true
    }

    /// Reaps the child, or waits for its exit. If that can no longer be waited for, kills it.
    fn go_on(self: &StdArc<Self>) {
        let watch = self.watch.descriptor();
        loop {
            let reap = |_: &OwnedFd| match self.reap() {
                true => Ok(1),
                false => Err(io::ErrorKind::WouldBlock.into()),
            };
            if watch.try_transfer(Direction::Read, 1, reap).is_ok() {
                return;
            }
            let waker = Waker::from(StdArc::clone(self));
            let key = &mut *self.waiting.lock();
            match watch.poll_ready_as(Direction::Read, key, &Context::from_waker(&waker)) {
                Poll::Pending => return,
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_closed)) => return self.end(),
            }
        }
    }

    /// Kills the child, and reaps it: its loop is closed.
    fn end(&self) {
        let until = Instant::now() + KILLED;
        // It fails if the child is gone already.
        let _killed = self.send_signal(Signal::KILL);
        while !self.reap() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let left = Timespec::try_from(left).ok();
            let mut exit = [PollFd::new(self.watch.descriptor(), PollFlags::IN)];
            let _waited = poll(&mut exit, left.as_ref());
        }
    }
}

impl Watch {
    fn descriptor(&self) -> &Async<OwnedFd> {
        match self {
            Watch::Pidfd(pidfd) => pidfd,
            Watch::Pipe(pipe) => pipe,
        }
    }
}

/// asyncio's return code.
fn code_of(status: &WaitIdStatus) -> i32 {
    let signal = status.terminating_signal();
    match signal {
        Some(signal) => -signal,
        None => status.exit_status().unwrap_or_default(),
    }
}

/// The child may have exited, or the loop is closed.
impl Wake for Child {
    fn wake(self: StdArc<Self>) {
        self.go_on();
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not locked while it is written: that may wait.
        let state = *self.state.lock();
        f.debug_struct("Child")
            .field("pid", &self.pid())
            .field("state", &state)
            .finish_non_exhaustive()
    }
}
