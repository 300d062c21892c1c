//! What is due on one worker: the tasks of timers that have fired, and of events, woken in one go.

use std::task::Waker;
use std::time::Instant;

use super::core::Core;
use super::quiet_batch::{QuietBatch, TooLong};
use crate::runtime::catch_panic::wake_catching;
use crate::runtime::task::waker::fetch;

/// The wakers of what is due, and the quiet turns after they have been woken.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) wakers: Vec<Waker>,
    quiet: QuietBatch,
}

impl Due {
    pub(crate) fn new() -> Due {
        Due {
            wakers: Vec::new(),
            quiet: QuietBatch::new(),
        }
    }

    /// Wakes what is due by now, without a visit to the poller. True if anything was. (While many
    /// timers fire at close distances, some are due whenever a worker has nothing else to do.)
    pub(crate) fn serve_timers(&mut self, core: &Core) -> bool {
        let driver = &core.shared.driver;
        let early = core.shared.options.tuning.early_timers && !driver.clock.is_paused();
        if !early || !driver.is_due(driver.clock.tick()) {
            return false;
        }
        let Some(guard) = driver.role.take(core.index) else {
            return false;
        };
        let swept = driver.expire(&mut self.wakers);
        driver.role.release(guard);
        let any = !self.wakers.is_empty();
        self.wake(core);
        drop(swept);
        any
    }

    /// Wakes what was due, outside the role and every lock. For a worker with nothing else to do.
    pub(crate) fn wake(&mut self, core: &Core) {
        // Also if there is none: what is left of an earlier batch ends here.
        let quiet = core.shared.options.tuning.quiet_batches;
        let quiet = quiet && self.quiet.begin(self.wakers.len());
        self.wake_all(core, quiet);
    }

    /// Like `wake`, for a worker that has looked around between two of its tasks.
    pub(crate) fn wake_busy(&mut self, core: &Core) {
        let quiet = self.quiet.extend(self.wakers.len());
        self.wake_all(core, quiet);
    }

    fn wake_all(&mut self, core: &Core, quiet: bool) {
        core.choices.shuffle(&mut self.wakers);
        if core.shared.options.tuning.fetch_ahead {
            self.wakers.iter().for_each(fetch);
        }
        for waker in self.wakers.drain(..) {
            wake_catching(waker);
            if quiet {
                // Otherwise every so many pushes wake another worker.
                core.begin_poll();
            }
        }
    }

    /// Whether thieves are not notified after this turn.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        !self.quiet.is_over()
    }

    /// Counts a quiet turn.
    #[inline]
    pub(crate) fn end_quiet_turn(&mut self, core: &Core) -> Option<TooLong> {
        self.quiet.end_turn(|| core.has_surplus())
    }

    /// The worker has looked at the clock, between two turns.
    pub(crate) fn end_if_long(&mut self, now: Instant) {
        self.quiet.end_if_long(now);
    }
}
