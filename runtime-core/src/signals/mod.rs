//! Signals: asyncio's `loop.add_signal_handler`, signals as a stream, and what Ctrl-C does.
//!
//! A signal is noted by the handler that the crate `signal-hook` installs, which writes a byte into
//! a pipe; the loop reads it. So a callback is called as any other, and may do what it likes. Many
//! signals that come at once may count as fewer, as the system itself does it; but of each kind
//! that has come, at least one is seen.
//!
//! A signal whose last callback and stream are removed does again what it did before. (It is the
//! crate's handler that then does what the system would do. So do not add handlers by other means
//! for a signal that was used here before: it would still end the process.)
//!
//! The numbers of signals differ between systems; here are the usual ones.

mod disposition;

mod signal_pipe;

mod handlers;
mod interrupts;
mod signal_stream;

pub(crate) use interrupts::{Interrupts, end_by};
pub use signal_stream::Signals;

use rustix::process::Signal;

macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident = $signal:ident;)*) => {
        $($(#[$doc])* pub const $name: i32 = Signal::$signal.as_raw();)*
    };
}

numbers! {
    /// The terminal is gone, or a configuration is to be read again.
    SIGHUP = HUP;
    /// Ctrl-C.
    SIGINT = INT;
    /// Ctrl-\.
    SIGQUIT = QUIT;
    /// The process is to end.
    SIGTERM = TERM;
    /// For the program to use.
    SIGUSR1 = USR1;
    /// For the program to use.
    SIGUSR2 = USR2;
    /// A child has exited.
    SIGCHLD = CHILD;
    /// A timer of `alarm` has expired.
    SIGALRM = ALARM;
    /// A pipe without a reader was written to.
    SIGPIPE = PIPE;
    /// The process goes on after a stop.
    SIGCONT = CONT;
    /// Ctrl-Z.
    SIGTSTP = TSTP;
    /// The size of the terminal has changed.
    SIGWINCH = WINCH;
    /// Ends the process; it cannot be handled.
    SIGKILL = KILL;
    /// Stops the process; it cannot be handled.
    SIGSTOP = STOP;
}
