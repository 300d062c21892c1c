//! Blocking where one is: the worker leaves the crew meanwhile, and somebody serves in its place.
//!
//! 1. The worker counts itself among those that keep a standing time from jumping, as a function on the
//!    pool does, and then leaves the crew: what is in its queue is everybody's, and it counts neither as
//!    awake nor as asleep. So the monitor goes to bed if nothing else happens.
//! 2. A stand-in comes (`stand_ins`).
//! 3. When the function has returned, the worker is awake again before it stops to hold time, wakes the
//!    monitor, and has the stand-in go.
//!
//! Meanwhile its thread is a mere guest of the loop: what it wakes or makes goes through the injector to
//! those who work.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::scheduler::context::{self, ThreadKind};
use super::scheduler::core::Core;
use super::scheduler::schedule::submit;
use super::scheduler::stand_ins::Absence;
use super::scheduler::threads;
use crate::sync::{Arc, IS_MODEL};

/// After so long a task has frozen the main coroutine, if that is bound to its thread: see `apart`.
/// (In a model no time passes.)
const FROZEN: Duration = if IS_MODEL {
    Duration::MAX
} else {
    Duration::from_millis(20)
};

/// Runs `function` here; on a worker, somebody serves in its place.
pub(crate) fn block_in_place<R>(function: impl FnOnce() -> R) -> R {
    let core = context::core();
    let _away = core.map(Away::begin);
    function()
}

/// A worker that serves nobody for a while.
struct Away {
    core: Rc<Core>,
    /// None in the deterministic mode, where no other thread could serve.
    absence: Option<Absence>,
    since: Instant,
    _guest: context::Guard,
}

impl Away {
    fn begin(core: Rc<Core>) -> Away {
        let guest = context::enter(Arc::clone(&core.shared), ThreadKind::Guest);
        let absence = core.shared.options.seed.is_none().then(|| leave(&core));
        Away {
            core,
            absence,
            since: Instant::now(),
            _guest: guest,
        }
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        if let Some(absence) = self.absence {
            if self.since.elapsed() >= FROZEN {
                self.core.shared.workers.remotes[self.core.index].set_frozen();
            }
            come_back(&self.core, absence);
        }
    }
}

fn leave(core: &Core) -> Absence {
    let shared = &core.shared;
    shared.driver.inhibitor.begin();
    shared.workers.remotes[core.index].set_away(true);
    shared.workers.leave(&core.queue);
    // Nothing is left, unless the loop has been closed under a task that was left behind.
    core.queue.drain().for_each(|task| submit(shared, task));
    threads::replace(shared, core.index)
}

fn come_back(core: &Core, absence: Absence) {
    let shared = &core.shared;
    let remote = &shared.workers.remotes[core.index];
    shared.arrive();
    shared.driver.inhibitor.end(1);
    // To the monitor this is another poll, which begins now.
    remote.tick();
    remote.tick();
    remote.set_away(false);
    threads::end_replacement(shared, core.index, absence);
}
