//! `add_signal_handler` and `remove_signal_handler`.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use super::signal_pipe::SignalPipe;
use crate::runtime::EventLoop;
use crate::sync::{PoisonError, StdArc, StdMutex, StdMutexGuard, StdOnceLock};

/// The loop, by its address, and the signal.
type Key = (usize, i32);

/// The descriptors by which handlers are removed.
type Handlers = HashMap<Key, StdArc<OwnedFd>>;

impl EventLoop {
    /// Calls `callback` whenever the signal comes: `loop.add_signal_handler`. It replaces the
    /// callback that is there for this signal. The numbers are in [`signals`](crate::signals).
    ///
    /// The callback is called in turn with the other callbacks of the loop, and may do what they
    /// may. Unlike in asyncio, any thread may call this, and several loops may have callbacks for
    /// one signal. The callback is removed when the loop is closed.
    ///
    /// # Errors
    /// There is no such signal, or it cannot be handled (SIGKILL, SIGSTOP and those of faults); or
    /// the loop is closed; or descriptors are short.
    ///
    /// ```
    /// # fn main() -> std::io::Result<()> {
    /// asyncio::run(async {
    ///     let event_loop = asyncio::get_running_loop();
    ///     let come = std::sync::Arc::new(asyncio::Event::new());
    ///     let set = come.clone();
    ///     event_loop.add_signal_handler(asyncio::signals::SIGUSR1, move || set.set())?;
    ///     # use rustix::process::{Signal, getpid, kill_process};
    ///     # kill_process(getpid(), Signal::USR1)?;
    ///     come.wait().await;
    ///     assert!(event_loop.remove_signal_handler(asyncio::signals::SIGUSR1));
    ///     Ok(())
    /// })
    /// # }
    /// ```
    #[track_caller]
    pub fn add_signal_handler(
        &self,
        signal: i32,
        mut callback: impl FnMut() + Send + 'static,
    ) -> io::Result<()> {
        let pipe = SignalPipe::new(signal)?;
        let descriptor = StdArc::new(pipe.as_fd().try_clone_to_owned()?);
        let key = (self.address(), signal);
        let registered = Registered(key, StdArc::clone(&descriptor));
        let before = handlers().insert(key, StdArc::clone(&descriptor));
        if let Some(before) = before {
            self.remove_reader(&*before);
        }
        self.add_reader(&*descriptor, move || {
            let _registered = &registered;
            for _ in 0..pipe.take() {
                callback();
            }
        })?;
        if !is_current(key, &descriptor) {
            // Another thread has replaced or removed it, when the reader was not there yet.
            self.remove_reader(&*descriptor);
        }
        Ok(())
    }

    /// Removes the callback of [`add_signal_handler`](EventLoop::add_signal_handler): the signal
    /// does again what it did before. False if there is none.
    pub fn remove_signal_handler(&self, signal: i32) -> bool {
        let descriptor = handlers().remove(&(self.address(), signal));
        descriptor.is_some_and(|descriptor| self.remove_reader(&*descriptor))
    }
}

/// Forgets a handler when it is removed, or its loop is closed.
struct Registered(Key, StdArc<OwnedFd>);

impl Drop for Registered {
    fn drop(&mut self) {
        let mut handlers = handlers();
        let own = handlers.get(&self.0);
        if own.is_some_and(|own| StdArc::ptr_eq(own, &self.1)) {
            handlers.remove(&self.0);
        }
    }
}

/// Whether a handler has neither been replaced nor removed.
fn is_current(key: Key, descriptor: &StdArc<OwnedFd>) -> bool {
    let handlers = handlers();
    let current = handlers.get(&key);
    current.is_some_and(|current| StdArc::ptr_eq(current, descriptor))
}

fn handlers() -> StdMutexGuard<'static, Handlers> {
    static HANDLERS: StdOnceLock<StdMutex<Handlers>> = StdOnceLock::new();
    let handlers = HANDLERS.get_or_init(StdMutex::default).lock();
    handlers.unwrap_or_else(PoisonError::into_inner)
}
