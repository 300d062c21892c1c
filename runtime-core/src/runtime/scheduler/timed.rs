//! Calling back at a time: the agenda, tied to the driver and the lane.

use std::task::{Wake, Waker};

use super::callback_queue::discard;
use super::callback_timers::CallbackTimerKey;
use super::schedule::follow;
use super::shared::Shared;
use crate::runtime::task::callback::Handle;
use crate::runtime::time::Tick;
use crate::sync::{Arc, StdArc};

/// Runs a callback on the lane at `when`: at once if that is past. On a loop that is closed it is
/// discarded.
pub(crate) fn call_at(shared: &Arc<Shared>, when: Tick, call: Handle) -> Option<CallbackTimerKey> {
    let added = shared
        .callback_timers
        .add(&shared.driver, when, Handle::clone(&call), || waker(shared));
    match added {
        // What is due as well, and earlier, goes first: through the agenda too.
        Some(_) if when <= shared.driver.clock.tick() => move_due(shared),
        Some(_) => {}
        None => discard([call]),
    }
    added
}

/// Forgets a callback that has been cancelled.
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

/// What the driver wakes. It keeps the loop, which takes it out of the driver when it is closed.
struct CallbackTimersWaker(Arc<Shared>);

impl Wake for CallbackTimersWaker {
    fn wake(self: StdArc<Self>) {
        move_due(&self.0);
    }
}
