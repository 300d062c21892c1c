//! Debug mode's complaint about code that keeps its worker for too long.

use std::fmt::Display;
use std::time::{Duration, Instant};

use super::shared::{Shared, print_error};

/// A poll or a callback, with the time of its beginning if somebody wants to know.
#[derive(Debug)]
#[must_use]
pub(crate) struct Stopwatch {
    began: Option<Instant>,
}

impl Stopwatch {
    /// Starts, in debug mode. The real clock, also where the loop's stands still: it is the worker's
    /// time that is spent.
    #[inline]
    pub(crate) fn start(shared: &Shared) -> Stopwatch {
        Stopwatch {
            began: shared.is_debug().then(Instant::now),
        }
    }

    /// Stops, and complains about `what` if it took longer than the loop allows.
    #[inline]
    pub(crate) fn stop(self, shared: &Shared, what: impl Display) {
        if let Some(began) = self.began {
            complain(began.elapsed(), shared.slow_callback_duration(), what);
        }
    }
}

#[cold]
fn complain(took: Duration, allowed: Duration, what: impl Display) {
    if took >= allowed {
        let seconds = took.as_secs_f64();
        print_error(format_args!("Executing <{what}> took {seconds:.3} seconds"));
    }
}
