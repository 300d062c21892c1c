//! The poller of a loop: the platform's own, or the portable one.

use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

#[cfg(target_os = "linux")]
use super::linux;
use super::poller_events::{PollerEvents, Ready};
use super::portable;

/// The poller of a loop. Which one is decided when the loop is made.
#[derive(Debug)]
pub(crate) enum Poller {
    #[cfg(target_os = "linux")]
    Linux(linux::Poller),
    Portable(portable::Poller),
}

/// Calls a method of whichever poller it is.
macro_rules! each {
    ($self:expr, $poller:ident => $call:expr) => {
        match $self {
            #[cfg(target_os = "linux")]
            Poller::Linux($poller) => $call,
            Poller::Portable($poller) => $call,
        }
    };
}

impl Poller {
    /// Makes the platform's own poller, unless the `portable` one is asked for.
    pub(crate) fn new(portable: bool) -> io::Result<Poller> {
        #[cfg(target_os = "linux")]
        if !portable {
            return linux::Poller::new().map(Poller::Linux);
        }
        let _other_platforms_have_no_choice = portable;
        portable::Poller::new().map(Poller::Portable)
    }

    /// Arms the timer, which ends one wait after that time; `None` disarms it. Also affects a wait
    /// in progress.
    pub(crate) fn arm(&self, after: Option<Duration>) -> io::Result<()> {
        each!(self, poller => poller.arm(after))
    }

    /// Whether `set_alarm` and `wait_for_alarm` work.
    pub(crate) fn has_alarm(&self) -> bool {
        !matches!(self, Poller::Portable(_))
    }

    /// Makes `wait_for_alarm` return after that time, instead of whenever an earlier call said.
    ///
    /// # Errors
    /// Among others, this poller has no alarm.
    pub(crate) fn set_alarm(&self, after: Duration) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Poller::Linux(poller) => poller.set_alarm(after),
            Poller::Portable(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Blocks until the alarm goes off. If it did since the last call, returns at once.
    ///
    /// # Errors
    /// Among others, this poller has no alarm.
    pub(crate) fn wait_for_alarm(&self) -> io::Result<()> {
        match self {
            #[cfg(target_os = "linux")]
            Poller::Linux(poller) => poller.wait_for_alarm(),
            Poller::Portable(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Registers a descriptor, once, for both directions: each change is reported once, with `key`.
    pub(crate) fn add(&self, fd: BorrowedFd<'_>, key: usize) -> io::Result<()> {
        each!(self, poller => poller.add(fd, key))
    }

    /// Takes a descriptor away. Events that a wait has taken already may still be on their way.
    pub(crate) fn delete(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        each!(self, poller => poller.delete(fd))
    }

    /// Waits for an interrupt, a deadline or an event. With `at_once` it only looks, without
    /// waiting. Passes the events of registered descriptors to `on_event`.
    pub(crate) fn wait(
        &self,
        at_once: bool,
        on_event: impl FnMut(usize, Ready),
    ) -> io::Result<PollerEvents> {
        each!(self, poller => poller.wait(at_once, on_event))
    }

    /// Ends the wait in progress, or else the next one.
    pub(crate) fn interrupt(&self) {
        each!(self, poller => poller.interrupt());
    }
}
