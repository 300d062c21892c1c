//! The look-ups of a loop, with their threads.

use std::time::{Duration, Instant};

use super::in_flight::InFlight;
use super::question::{AddressOf, NameOf};
use crate::runtime::blocking::{FunctionPool, Settings};
use crate::sync::{StdArc, StdOnceLock};

/// How many look-ups run at once.
pub(crate) const THREADS: usize = 8;

/// How long the shutdown waits for look-ups that run. Most are over by then; those that are not
/// wait for a name server that does not answer.
pub(crate) const GRACE: Duration = Duration::from_millis(200);

/// The look-ups of a loop, made for the first of them.
pub(crate) struct LazyLookups {
    /// `None` inside if the loop was closed before there was any.
    lookups: StdOnceLock<Option<Lookups>>,
}

/// The look-ups of a loop, and the threads that make them.
pub(crate) struct Lookups {
    pub(crate) pool: FunctionPool,
    pub(crate) addresses: StdArc<InFlight<AddressOf>>,
    pub(crate) names: StdArc<InFlight<NameOf>>,
}

impl LazyLookups {
    pub(crate) fn new() -> LazyLookups {
        LazyLookups {
            lookups: StdOnceLock::new(),
        }
    }

    /// `None` if the loop is closed, and has never looked anything up.
    pub(crate) fn get(&self, settings: impl FnOnce() -> Settings) -> Option<&Lookups> {
        let make = || {
            Some(Lookups {
                pool: FunctionPool::new(settings()),
                addresses: InFlight::new(),
                names: InFlight::new(),
            })
        };
        self.lookups.get_or_init(make).as_ref()
    }

    /// Refuses look-ups from now on, with the text `why`, queued ones as well. Waits for the
    /// threads, but not long, and not beyond the deadline.
    pub(crate) fn close(&self, why: &str, deadline: Instant) {
        let Some(lookups) = self.lookups.get_or_init(|| None) else {
            return;
        };
        for job in lookups.pool.close() {
            job.refuse(why.to_owned());
        }
        let grace = Instant::now() + GRACE;
        // Who is late is left behind: it has nobody to answer to.
        let _ended = lookups.pool.wait_end(Some(deadline.min(grace)));
    }
}
