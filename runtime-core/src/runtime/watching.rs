//! `add_reader` and `add_writer`: callbacks for descriptors.
//!
//! asyncio's are level-triggered: a callback is called again and again, as long as the descriptor
//! is ready, because it need not read all there is. The poller reports changes only. So after each
//! call, and before the first, the descriptor itself is asked (`poll`, without waiting) whether it
//! is ready; only if it is not, the readiness is cleared, and the next event waited for.
//!
//! The waker of a watcher adds a callback to the queue of the loop: a watcher's function is called
//! in turn with all others, never by the thread that polls.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::panic::Location;
use std::task::{Context as PollWith, Poll, Wake, Waker};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::event_loop::EventLoop;
use super::io_registration::IoRegistration;
use super::reactor::{Direction, WaiterKey, Watch};
use super::task::callback::Handle;
use super::task::context::Context;
use super::task::current_context::inherited_context;
use crate::exceptions::LoopClosed;
use crate::sync::{Mutex, Ready, StdArc};

type Function = Box<dyn FnMut() + Send>;

impl EventLoop {
    /// Calls `callback` whenever `fd` can be read from, or has ended: `loop.add_reader`. It
    /// replaces the callback that is there for this descriptor.
    ///
    /// The callback is called as long as there is something to read, in turn with the other
    /// callbacks of the loop. It should read; the descriptor should not block. If it panics, that
    /// is reported to the exception handler, and the next call comes all the same.
    ///
    /// The loop keeps a duplicate of the descriptor, so that closing the other one first does no
    /// harm; but what it is of, a connection for example, stays open until
    /// [`remove_reader`](EventLoop::remove_reader) or the end of the loop.
    ///
    /// # Errors
    /// The loop is closed; the descriptor is of a regular file, which is always ready; or the
    /// system has no descriptor left.
    ///
    /// ```
    /// use std::io::{Read, Write};
    ///
    /// # fn main() -> std::io::Result<()> {
    /// asyncio::run(async {
    ///     let (mut reader, mut writer) = std::io::pipe()?;
    ///     let event_loop = asyncio::get_running_loop();
    ///     let read = asyncio::Future::new();
    ///     let (set, pipe) = (read.clone(), reader.try_clone()?);
    ///     event_loop.add_reader(&pipe, move || {
    ///         let mut buffer = [0; 16];
    ///         let count = reader.read(&mut buffer).unwrap();
    ///         let _again = set.set_result(buffer[..count].to_vec());
    ///     })?;
    ///     writer.write_all(b"hello")?;
    ///     assert_eq!(read.await.unwrap(), b"hello");
    ///     assert!(event_loop.remove_reader(&pipe));
    ///     Ok(())
    /// })
    /// # }
    /// ```
    #[track_caller]
    pub fn add_reader(
        &self,
        fd: impl AsFd,
        callback: impl FnMut() + Send + 'static,
    ) -> io::Result<()> {
        self.watch(&fd, Direction::Read, Box::new(callback))
    }

    /// Removes the callback of [`add_reader`](EventLoop::add_reader). False if there is none. Once
    /// this returns, no call begins; one that has begun on another thread goes on.
    pub fn remove_reader(&self, fd: impl AsFd) -> bool {
        self.unwatch(&fd, Direction::Read)
    }

    /// Calls `callback` whenever `fd` can be written to: `loop.add_writer`. In all else it is
    /// [`add_reader`](EventLoop::add_reader).
    ///
    /// # Errors
    /// Those of [`add_reader`](EventLoop::add_reader).
    #[track_caller]
    pub fn add_writer(
        &self,
        fd: impl AsFd,
        callback: impl FnMut() + Send + 'static,
    ) -> io::Result<()> {
        self.watch(&fd, Direction::Write, Box::new(callback))
    }

    /// Removes the callback of [`add_writer`](EventLoop::add_writer). False if there is none.
    pub fn remove_writer(&self, fd: impl AsFd) -> bool {
        self.unwatch(&fd, Direction::Write)
    }

    #[track_caller]
    fn watch(&self, fd: &impl AsFd, direction: Direction, function: Function) -> io::Result<()> {
        let fd = fd.as_fd();
        let own = fd.try_clone_to_owned()?;
        let watcher = StdArc::new(Watcher {
            registration: IoRegistration::with(self.shared(), own.as_fd(), Ready::BOTH)?,
            fd: own,
            event_loop: self.clone(),
            direction,
            location: Location::caller(),
            state: Mutex::new(State {
                function: Some(function),
                ..State::default()
            }),
            context: inherited_context(),
        });
        let list = &self.shared().driver.watch_list;
        let before = list.replace(fd.as_raw_fd(), direction, Some(watcher.clone()));
        watcher.wait();
        let closed = self.is_closed();
        if closed {
            // It may have closed before the watcher was in the list.
            self.unwatch(&fd, direction);
        }
        // Last: the destructor of a user's function may panic.
        before.iter().for_each(|watch| watch.stop());
        match closed {
            true => Err(io::Error::other(LoopClosed)),
            false => Ok(()),
        }
    }

    fn unwatch(&self, fd: &impl AsFd, direction: Direction) -> bool {
        let list = &self.shared().driver.watch_list;
        let watch = list.replace(fd.as_fd().as_raw_fd(), direction, None);
        watch.iter().for_each(|watch| watch.stop());
        watch.is_some()
    }
}

/// One callback for one direction of a descriptor.
struct Watcher {
    registration: IoRegistration,
    /// The loop's own duplicate.
    fd: OwnedFd,
    event_loop: EventLoop,
    direction: Direction,
    location: &'static Location<'static>,
    context: Option<Context>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// `None` while it is called, and once it has been removed.
    function: Option<Function>,
    stopped: bool,
}

impl Watcher {
    /// Waits for the descriptor, or has the function called if it is ready now.
    ///
    /// Two threads may be here: who adds the watcher, and who has called the function meanwhile.
    /// They use one key, the only one of this source, and so one place for the waker.
    fn wait(self: &StdArc<Watcher>) {
        let source = self.registration.source();
        let waker = Waker::from(StdArc::clone(self));
        let cx = PollWith::from_waker(&waker);
        loop {
            match source.poll_ready_as(self.direction, &mut Some(WaiterKey::ONLY), &cx) {
                Poll::Ready(Ok(seen)) if !self.is_ready() => source.clear(self.direction, seen),
                Poll::Ready(Ok(_)) => {
                    self.wake_by_ref();
                    break;
                }
                Poll::Pending | Poll::Ready(Err(_)) => break,
            }
        }
        if self.state.lock().stopped {
            // It was stopped meanwhile, perhaps before the waker was there.
            source.forget(self.direction, WaiterKey::ONLY);
        }
    }

    /// Whether the descriptor is ready at this moment.
    fn is_ready(&self) -> bool {
        let wanted = match self.direction {
            Direction::Read => PollFlags::IN,
            Direction::Write => PollFlags::OUT,
        };
        let mut asked = [PollFd::new(&self.fd, wanted)];
        let at_once = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        loop {
            match poll(&mut asked, Some(&at_once)) {
                // A signal is no reason to call: the function may block if nothing is there.
                Err(Errno::INTR) => {}
                // If it cannot be asked, the function finds out why.
                outcome => return outcome.is_err() || !asked[0].revents().is_empty(),
            }
        }
    }

    /// Calls the function, unless it has been removed, and waits again.
    fn call(self: &StdArc<Watcher>) {
        if !self.is_ready() {
            // An earlier call has read what this one was for.
            return self.wait();
        }
        let taken = self.state.lock().function.take();
        let Some(function) = taken else { return };
        // Also after a panic, which the loop reports.
        let mut calling = Calling {
            watcher: self,
            function: Some(function),
        };
        if let Some(function) = &mut calling.function {
            function();
        }
    }
}

/// Puts the function back after a call.
struct Calling<'a> {
    watcher: &'a StdArc<Watcher>,
    function: Option<Function>,
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        let mut state = self.watcher.state.lock();
        if state.stopped {
            return;
        }
        state.function = self.function.take();
        drop(state);
        self.watcher.wait();
    }
}

impl Wake for Watcher {
    fn wake(self: StdArc<Self>) {
        let (context, location) = (self.context.clone(), self.location);
        let event_loop = self.event_loop.clone();
        let call = Handle::new(Box::new(move || self.call()), context, location);
        event_loop.run_calls(vec![call]);
    }
}

impl Watch for Watcher {
    fn stop(&self) {
        let mut state = self.state.lock();
        state.stopped = true;
        let function = state.function.take();
        drop(state);
        let source = self.registration.source();
        source.forget(self.direction, WaiterKey::ONLY);
        drop(function);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.registration.deregister(self.fd.as_fd());
    }
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watcher")
            .field("fd", &self.fd)
            .field("direction", &self.direction)
            .finish_non_exhaustive()
    }
}
