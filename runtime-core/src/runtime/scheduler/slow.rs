//! Debug mode: reports a poll or a callback that takes long.

use std::fmt::Display;
use std::time::{Duration, Instant};

use super::shared::{Shared, print_error};

/// Times a poll or a callback, in debug mode.
#[derive(Debug)]
#[must_use]
pub(crate) struct Stopwatch {
    began: Option<Instant>,
}

impl Stopwatch {
    /// Starts, in debug mode. Reads the real clock, also if the loop's clock is paused: what counts
    /// is the worker's time.
    #[inline]
    pub(crate) fn start(shared: &Shared) -> Stopwatch {
        Stopwatch {
            began: shared.is_debug().then(Instant::now),
        }
    }

    /// Stops, and reports `what` if it took longer than the loop allows.
    #[inline]
    pub(crate) fn stop(self, shared: &Shared, what: impl Display) {
        if let Some(began) = self.began {
            report(began.elapsed(), shared.slow_callback_duration(), what);
        }
    }
}

#[cold]
fn report(took: Duration, allowed: Duration, what: impl Display) {
    if took >= allowed {
        let seconds = took.as_secs_f64();
        print_error(format_args!("Executing <{what}> took {seconds:.3} seconds"));
    }
}
