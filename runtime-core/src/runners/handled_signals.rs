//! The signals that end a `run`.

use crate::exceptions::CancelledError;
use crate::runtime::{EventLoop, ExceptionContext, TaskHandle};
use crate::signals::{self, Interrupts};
use crate::sync::thread;

/// The signals that cancel the main task.
#[derive(Clone, Copy, Debug)]
pub(super) struct HandledSignals {
    pub(super) sigint: bool,
    pub(super) sigterm: bool,
}

impl Default for HandledSignals {
    fn default() -> HandledSignals {
        HandledSignals {
            sigint: true,
            sigterm: false,
        }
    }
}

impl HandledSignals {
    pub(super) const NONE: HandledSignals = HandledSignals {
        sigint: false,
        sigterm: false,
    };

    /// Has the signals cancel `main` until what is returned is dropped: if this is the main thread
    /// of the process, and the program does not handle them itself.
    pub(super) fn watch(self, event_loop: &EventLoop, main: &TaskHandle) -> Vec<Interrupts> {
        if !thread::is_main() {
            return Vec::new();
        }
        let handled = [
            (self.sigint, signals::SIGINT),
            (self.sigterm, signals::SIGTERM),
        ];
        let handled = handled.into_iter().filter(|(handled, _)| *handled);
        let watch = |signal| match Interrupts::watch(signal, event_loop, main.clone()) {
            Ok(interrupts) => interrupts,
            Err(error) => {
                let message = "a signal cannot be handled: it will end the process at once";
                let context = ExceptionContext::new(message).with_exception(error);
                event_loop.call_exception_handler(&context);
                None
            }
        };
        handled.filter_map(|(_, signal)| watch(signal)).collect()
    }

    /// Ends the process by the signal, if it was one that has cancelled the main task.
    pub(super) fn end_if_by(self, error: &CancelledError) {
        if let Some(signal) = error.by_signal() {
            signals::end_by(signal);
        }
    }
}
