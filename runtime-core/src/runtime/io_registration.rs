//! A descriptor's registration with a loop.

use std::io;
use std::os::fd::BorrowedFd;

use super::event_loop::EventLoop;
use super::reactor::{Key, Source};
use super::scheduler::context;
use super::scheduler::shared::Shared;
use crate::exceptions::{LoopClosed, NoRunningLoop};
use crate::sync::{Arc, Poller, Ready, StdArc};

/// The registration of a descriptor. Its owner deregisters it before it closes the descriptor.
///
/// Its tasks may run on any loop; the loop that it is registered with must run for them to be
/// woken.
#[derive(Clone, Debug)]
pub(crate) struct IoRegistration {
    shared: Arc<Shared>,
    source: StdArc<Source>,
    key: Key,
}

impl IoRegistration {
    /// Registers a descriptor, which does not block, with the current loop. It is assumed to be
    /// `ready` for that.
    ///
    /// # Errors
    /// There is no current loop, or it is closed; or the system refuses the descriptor.
    pub(crate) fn new(fd: BorrowedFd<'_>, ready: Ready) -> io::Result<IoRegistration> {
        let shared = context::current().ok_or_else(|| io::Error::other(NoRunningLoop))?;
        IoRegistration::with(&shared, fd, ready)
    }

    /// The same with a given loop.
    ///
    /// # Errors
    /// The loop is closed, or the system refuses the descriptor.
    pub(crate) fn with_loop(
        event_loop: &EventLoop,
        fd: BorrowedFd<'_>,
        ready: Ready,
    ) -> io::Result<IoRegistration> {
        IoRegistration::with(event_loop.shared(), fd, ready)
    }

    /// The same with the loop of `shared`.
    pub(crate) fn with(
        shared: &Arc<Shared>,
        fd: BorrowedFd<'_>,
        ready: Ready,
    ) -> io::Result<IoRegistration> {
        let shared = Arc::clone(shared);
        let poller = poller_of(&shared).ok_or_else(|| io::Error::other(LoopClosed))?;
        let source = StdArc::new(Source::new(ready));
        let key = shared.driver.sources.insert(StdArc::clone(&source));
        let key = key.ok_or_else(|| io::Error::other(LoopClosed))?;
        // From here on events come, and find the source.
        if let Err(error) = poller.add(fd, key.to_word()) {
            shared.driver.sources.remove(key);
            return Err(error);
        }
        Ok(IoRegistration {
            shared,
            source,
            key,
        })
    }

    /// The loop that it is a registration with.
    pub(crate) fn event_loop(&self) -> EventLoop {
        EventLoop::new(Arc::clone(&self.shared))
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// Ends the registration of `fd`, which is still open.
    pub(crate) fn deregister(&self, fd: BorrowedFd<'_>) {
        if let Some(poller) = poller_of(&self.shared) {
            // It fails if the descriptor has been closed behind our back: then the kernel has
            // forgotten it.
            let _forgotten = poller.delete(fd);
        }
        // An event that has been taken from the kernel already finds another generation.
        self.shared.driver.sources.remove(self.key);
    }
}

fn poller_of(shared: &Shared) -> Option<StdArc<Poller>> {
    match shared.driver.is_closed() {
        true => None,
        false => shared.driver.keep_open(),
    }
}
