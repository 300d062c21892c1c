//! What Ctrl-C does to a `run`: the first cancels the main task, the second ends the process.
//!
//! The first is seen by whoever polls, so also while all workers are stuck. From then on the signal
//! handler itself ends the process. While the program handles the signal in its own way, by a
//! callback or a stream of some loop, nothing is done here.

use std::fmt;
use std::io;
use std::task::{Context, Poll, Wake, Waker};

use signal_hook::low_level::emulate_default_handler;

use super::disposition::{EndsProcess, Switch, end_next_time, is_default};
use super::signal_pipe::SignalPipe;
use crate::net::Async;
use crate::runtime::{Direction, EventLoop, TaskHandle, WaiterKey, wake_catching};
use crate::sync::{Mutex, Ready, StdArc};

/// The signal that ends a `run`, for as long as this exists.
#[derive(Debug)]
pub(crate) struct Interrupts {
    watch: StdArc<Watch>,
    /// Ends the process when the signal comes once more. Not with the watch, which a thread that
    /// polls may still have: the signal is not handled any more once this is dropped, and the next
    /// `run` may handle it.
    _ends: EndsProcess,
}

/// Waits for the signal: the waker that is left with the pipe.
struct Watch {
    signal: i32,
    pipe: Async<SignalPipe>,
    main: TaskHandle,
    switch: Switch,
    waiting: Mutex<Option<WaiterKey>>,
}

impl Interrupts {
    /// Has a signal cancel `main`. `None` if the program handles it in another way.
    ///
    /// # Errors
    /// Descriptors are short.
    pub(crate) fn watch(
        signal: i32,
        event_loop: &EventLoop,
        main: TaskHandle,
    ) -> io::Result<Option<Interrupts>> {
        if !is_default(signal) {
            return Ok(None);
        }
        // First of all, because it looks what the signal does by then. And before the pipe is
        // written to: otherwise the first signal, which is seen by then on another thread, would
        // be taken for the second.
        let ends = EndsProcess::begin(signal)?;
        let pipe = SignalPipe::of_handled(signal)?;
        let watch = StdArc::new(Watch {
            signal,
            pipe: Async::with_loop(event_loop, pipe, Ready::BOTH)?,
            main,
            switch: ends.switch().clone(),
            waiting: Mutex::new(None),
        });
        watch.go_on();
        Ok(Some(Interrupts { watch, _ends: ends }))
    }
}

impl Watch {
    fn go_on(self: &StdArc<Self>) {
        loop {
            let take = |pipe: &SignalPipe| match pipe.take() {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                come => Ok(come),
            };
            let come = self.pipe.try_transfer(Direction::Read, 1, take).is_ok();
            if come && end_next_time(self.signal, &self.switch) {
                self.main.cancel_by_signal(self.signal);
            }
            let waker = Waker::from(StdArc::clone(self));
            let key = &mut *self.waiting.lock();
            let cx = Context::from_waker(&waker);
            match self.pipe.poll_ready_as(Direction::Read, key, &cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Pending | Poll::Ready(Err(_)) => return,
            }
        }
    }
}

impl Wake for Watch {
    fn wake(self: StdArc<Self>) {
        self.go_on();
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        // The waker there is the watch itself, which finds nothing to do.
        self.watch.pipe.retire().into_iter().for_each(wake_catching);
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("signal", &self.signal)
            .finish_non_exhaustive()
    }
}

/// Ends the process as the signal does by default: so a shell sees what has ended it.
pub(crate) fn end_by(signal: i32) {
    // It returns only if there is no such signal.
    let _no_such_signal = emulate_default_handler(signal);
}
