//! Blocking where one is: the worker's queue is handed over first.

use std::rc::Rc;

use super::scheduler::context::{self, Role};
use super::scheduler::core::Core;
use super::scheduler::schedule::submit;
use crate::sync::Arc;

/// Runs `function` here; on a worker, its other tasks go to the others before.
pub(crate) fn in_place<R>(function: impl FnOnce() -> R) -> R {
    let core = context::with(|frame| match frame?.role() {
        Role::Worker(core) => Some(Rc::clone(core)),
        _ => None,
    });
    let _handed_over = core.map(HandedOver::new);
    function()
}

/// A worker that serves nobody for a while. Meanwhile its thread is a mere guest of the loop: what it
/// wakes or makes goes through the injector to those who work.
struct HandedOver {
    core: Rc<Core>,
    _guest: context::Guard,
}

impl HandedOver {
    fn new(core: Rc<Core>) -> HandedOver {
        let guest = context::enter(Arc::clone(&core.shared), Role::Guest);
        let shared = &core.shared;
        // The poller thread would find out, a few milliseconds later.
        shared.crew.seats[core.index].set_stuck(true);
        // One by one, since the loop may have been closed under a task that was left behind.
        core.queue.drain().for_each(|task| submit(shared, task));
        HandedOver {
            core,
            _guest: guest,
        }
    }
}

impl Drop for HandedOver {
    fn drop(&mut self) {
        self.core.shared.crew.seats[self.core.index].set_stuck(false);
    }
}
