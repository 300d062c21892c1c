//! Callbacks at a time: ties the callback timers to the driver and the callback queue.

use std::task::{Wake, Waker};

use super::callback_queue::discard;
use super::callback_timers::CallbackTimerKey;
use super::schedule::follow;
use super::shared::Shared;
use crate::runtime::task::callback::Handle;
use crate::runtime::time::Tick;
use crate::sync::{Arc, StdArc};

/// Runs a callback on the callback queue at `when`, or at once if that is past. If the loop is
/// closed, discards the callback and returns `None`.
pub(crate) fn call_at(shared: &Arc<Shared>, when: Tick, call: Handle) -> Option<CallbackTimerKey> {
    let added = shared
        .callback_timers
        .add(&shared.driver, when, Handle::clone(&call), || waker(shared));
    match added {
        // Earlier callbacks that are due as well go first: so this one, too, goes by the callback
        // timers.
        Some(_) if when <= shared.driver.clock.tick() => move_due(shared),
        Some(_) => {}
        None => discard([call]),
    }
    added
}

/// Removes a callback that has been cancelled.
pub(crate) fn forget(shared: &Arc<Shared>, key: CallbackTimerKey) {
    let _call = shared
        .callback_timers
        .remove(&shared.driver, key, || waker(shared));
}

fn move_due(shared: &Arc<Shared>) {
    let pushed = shared
        .callback_timers
        .move_due(&shared.driver, &shared.callback_queue, || waker(shared));
    follow(shared, pushed);
}

fn waker(shared: &Arc<Shared>) -> Waker {
    StdArc::new(CallbackTimersWaker(Arc::clone(shared))).into()
}

/// The waker of the driver timer. It keeps the loop alive until the loop is closed, which removes
/// it from the driver.
struct CallbackTimersWaker(Arc<Shared>);

impl Wake for CallbackTimersWaker {
    fn wake(self: StdArc<Self>) {
        move_due(&self.0);
    }
}
