//! Runs a blocking function on the calling worker, which leaves the worker set meanwhile and is
//! replaced by a stand-in.
//!
//! 1. The worker begins to inhibit the paused clock, as a function on the pool does. Then it
//!    leaves the worker set: its queued tasks go to the injector, and it counts neither as awake
//!    nor as sleeping. So the monitor can park if nothing else happens.
//! 2. A stand-in takes its place (`stand_ins`).
//! 3. When the function has returned, the worker counts as awake again, which unparks the monitor;
//!    only after that does it stop inhibiting the clock. Then it ends the stand-in's service.
//!
//! Meanwhile its thread is a guest of the loop: the tasks it wakes or makes go through the injector
//! to the other workers.

use std::rc::Rc;
use std::time::{Duration, Instant};

use super::scheduler::context::{self, ThreadKind};
use super::scheduler::core::Core;
use super::scheduler::schedule::submit;
use super::scheduler::stand_ins::Absence;
use super::scheduler::threads;
use crate::sync::{Arc, IS_MODEL};

/// A blocking call at least this long on worker 0 has frozen the main coroutine, which is bound to
/// that thread: see `apart`. (In a model no time passes.)
const FROZEN: Duration = if IS_MODEL {
    Duration::MAX
} else {
    Duration::from_millis(20)
};

/// Runs `function` on this thread. If it is a worker, a stand-in replaces it meanwhile.
pub(crate) fn block_in_place<R>(function: impl FnOnce() -> R) -> R {
    let core = context::core();
    let _away = core.map(Away::begin);
    function()
}

/// A worker that is outside the worker set. Dropping this brings it back.
struct Away {
    core: Rc<Core>,
    /// `None` in the deterministic mode, where no other thread could replace it.
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
    // Empty already, unless the injector is closed: after a forced shutdown that left this task
    // behind.
    core.queue.drain().for_each(|task| submit(shared, task));
    threads::replace(shared, core.index)
}

fn come_back(core: &Core, absence: Absence) {
    let shared = &core.shared;
    let remote = &shared.workers.remotes[core.index];
    shared.arrive();
    shared.driver.inhibitor.end(1);
    // Two ticks: to the monitor the old poll has ended and another one begins now.
    remote.tick();
    remote.tick();
    remote.set_away(false);
    threads::end_replacement(shared, core.index, absence);
}
