//! Who is born while the loop closes, and in which round of the shutdown it gets its part.
//!
//! A round is to meet everybody who was there when it began, and whoever those make before they have met
//! their own part: a task that is inside a poll on another worker, while the shutdown looks round, makes
//! tasks as if it had not begun. A round that did not meet these would wait for their makers, which wait
//! for them. What a *cleanup* makes, which has met its part, is to be left alone until the next round.
//!
//! So a maker's part decides, which stands in its state:
//!
//! 1. Before the birth: a maker that has met its part, or is itself left to the next round, has its
//!    child marked as **late**. So is what nobody's task makes.
//! 2. The child is registered.
//! 3. After that, the maker is looked at once more. If its part is about to come, the child gets its own
//!    at once.
//!
//! The round gives all that it finds their parts, and then looks round again for those that are neither late
//! nor have theirs, until it finds no more. **Nobody slips through:** with a `fence(SeqCst)` between
//! the two steps on either side, either the maker, in step 3, sees its own part, or the round, which
//! looks again after it has given that part, finds the child.

use super::shared::Shared;
use crate::runtime::task::cancel::{self, Origin};
use crate::runtime::task::header::{Header, TaskId};
use crate::runtime::task::registry::{Closed, SlotIndex};
use crate::runtime::task::runnable::Runnable;
use crate::runtime::task::transitions::ShutdownPart;
use crate::sync::atomic::{Ordering, fence};

/// The number of tasks that nobody is shown: the lane's.
pub(crate) const HIDDEN: TaskId = TaskId(0);

/// Registers a task by `insert`, as the shutdown wants it if there is one.
#[inline]
pub(crate) fn register(
    shared: &Shared,
    task: &Runnable,
    insert: impl FnOnce() -> Result<SlotIndex, Closed>,
) -> Result<(), Closed> {
    if shared.is_closing() {
        before_insert(shared, task.header());
    }
    task.header().set_slot(insert()?);
    if shared.is_closing() {
        after_insert(shared, task);
    }
    Ok(())
}

#[cold]
fn before_insert(shared: &Shared, child: &Header) {
    match part_of_maker(shared) {
        ShutdownPart::NotYet | ShutdownPart::Coming => {}
        ShutdownPart::Met => child.state.leave_to_next_round(),
    }
}

#[cold]
fn after_insert(shared: &Shared, child: &Runnable) {
    // Pairs with the fence in the shutdown's `meet_all`.
    fence(Ordering::SeqCst);
    let hidden = child.header().id == HIDDEN;
    if !hidden && part_of_maker(shared) == ShutdownPart::Coming {
        child.reference().cancel_for_shutdown();
    }
    shared.notify_shutdown();
}

/// Where the task that runs on this thread is with its part; one of another loop has none in this one.
fn part_of_maker(shared: &Shared) -> ShutdownPart {
    let part = cancel::with_current(|maker| {
        if maker.scheduler().loop_address() != std::ptr::from_ref(shared).addr() {
            return ShutdownPart::Met;
        }
        match maker.header().state.shutdown_part() {
            // It is on its way through this very poll.
            ShutdownPart::Met if cancel::delivering() == Origin::TASK => ShutdownPart::Coming,
            part => part,
        }
    });
    part.unwrap_or(ShutdownPart::Met)
}
