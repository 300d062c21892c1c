//! Registers new tasks, and decides in which round of a shutdown a task is cancelled.
//!
//! A shutdown cancels each task by one *shutdown request*. A round must cancel all tasks that were
//! there when it began, and also the tasks that these make before their own shutdown requests are
//! delivered: a task that is inside a poll on another worker, while the shutdown looks for tasks,
//! makes tasks as if the shutdown had not begun. A round that did not cancel these would wait for
//! their makers, which wait for them. But a task that a *cleanup* makes, after the shutdown request
//! of its maker has been delivered, must be left alone until the next round.
//!
//! So the shutdown request of the maker, which is in the maker's state, decides:
//!
//! 1. Before the child is registered: if the maker's request has been delivered, or the maker
//!    itself is left to the next round, the child is marked as **late**. So is a task that is made
//!    outside of any task.
//! 2. The child is registered.
//! 3. After that, the maker's state is read once more. If the maker's request is pending, the child
//!    is cancelled at once.
//!
//! While a poll carries a request that has not been claimed yet, the request still counts as
//! pending.
//!
//! The round cancels all tasks that it finds. Then it looks again for tasks that are neither late
//! nor cancelled, until it finds no more. **No task is missed:** there is a `fence(SeqCst)` between
//! the two steps on either side, so either the maker, in step 3, sees its own request, or the
//! round, which looks again after it has made that request, finds the child.

use super::shared::Shared;
use crate::runtime::task::cancel::{self, OwnerId};
use crate::runtime::task::header::{Header, TaskId};
use crate::runtime::task::registry::{Closed, SlotIndex};
use crate::runtime::task::runnable::Runnable;
use crate::runtime::task::transitions::ShutdownRequest;
use crate::sync::atomic::{Ordering, fence};

/// The id of all hidden tasks: those that drain the callback queue and, in the deterministic mode,
/// those that run the jobs of the pool. `all_tasks` does not show them.
pub(crate) const HIDDEN: TaskId = TaskId(0);

/// Registers a task by `insert`. During a shutdown, also decides in which round the task is
/// cancelled.
///
/// # Errors
/// The registry is closed.
#[inline(always)]
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
    match shutdown_request_of_maker(shared) {
        ShutdownRequest::None | ShutdownRequest::Pending => {}
        ShutdownRequest::Delivered => child.state.leave_to_next_round(),
    }
}

#[cold]
fn after_insert(shared: &Shared, child: &Runnable) {
    // Pairs with the fence in the shutdown's `cancel_all`.
    fence(Ordering::SeqCst);
    let hidden = child.header().id == HIDDEN;
    if !hidden && shutdown_request_of_maker(shared) == ShutdownRequest::Pending {
        child.reference().cancel_for_shutdown();
    }
    shared.notify_shutdown();
}

/// The shutdown request of the task that runs on this thread. `Delivered` if there is no task, or
/// if it belongs to another loop.
fn shutdown_request_of_maker(shared: &Shared) -> ShutdownRequest {
    let request = cancel::with_current(|maker| {
        if maker.scheduler().loop_address() != std::ptr::from_ref(shared).addr() {
            return ShutdownRequest::Delivered;
        }
        match maker.header().state.shutdown_request() {
            // The request is being delivered by the current poll.
            ShutdownRequest::Delivered if cancel::offered_owner() == OwnerId::TASK => {
                ShutdownRequest::Pending
            }
            request => request,
        }
    });
    request.unwrap_or(ShutdownRequest::Delivered)
}
