//! The poll context: which task is polled on this thread, and which request is on its way through
//! it.
//!
//! A context is saved and restored around a nested poll (an eager start, a `block_on` in user
//! code), and hidden from destructors, so that code in them is not cancelled by accident.
//!
//! Where no task is cancelled, an aware awaitable pays for two loads of thread-locals per poll.

use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::panic::Location;

use super::super::header::TaskPointer;
use super::super::reference::TaskRef;
use super::super::side::Side;
use crate::exceptions::{CancelledError, Cause};
use crate::sync::local;

/// Names the owner of a request: no request, the task itself, or a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnerId(usize);

impl OwnerId {
    pub(crate) const NONE: OwnerId = OwnerId(0);
    pub(crate) const TASK: OwnerId = OwnerId(1);

    /// The owner of a scope's request, by the address of that record, which lives as long as the
    /// request does.
    pub(crate) fn of_scope<T>(record: &T) -> OwnerId {
        OwnerId(std::ptr::from_ref(record).addr())
    }
}

/// A position in the order of raises on one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Serial {
    /// The thread's, by the address of its context. It is compared first, so that a mark of another
    /// thread is never taken for one of this thread.
    thread: usize,
    number: u64,
}

struct PollContext {
    task: Cell<Option<TaskPointer>>,
    /// The owner of the request on its way.
    offered_owner: Cell<OwnerId>,
    /// How many marks there are, at any depth.
    marks: Cell<u32>,
    /// How many polls are nested.
    depth: Cell<u32>,
    /// The number of the newest mark.
    serial: Cell<u64>,
    /// What a cancelled task ends with, while its future is dropped. `ending_with` takes it out
    /// again, so the context needs no destructor, about which every access would have to ask.
    ends_with: Cell<ManuallyDrop<Option<CancelledError>>>,
    /// How many operations have not suspended in this poll.
    operations: Cell<u32>,
    /// The innermost shield: at which depth, and how many requests had come before it.
    shield: Cell<(u32, u32)>,
}

local! {
    static POLL: PollContext = PollContext {
        task: Cell::new(None),
        offered_owner: Cell::new(OwnerId::NONE),
        marks: Cell::new(0),
        depth: Cell::new(0),
        serial: Cell::new(0),
        ends_with: Cell::new(ManuallyDrop::new(None)),
        operations: Cell::new(0),
        shield: Cell::new((0, 0)),
    }
}

impl PollContext {
    fn newest(&self) -> Serial {
        Serial {
            thread: std::ptr::from_ref(self).addr(),
            number: self.serial.get(),
        }
    }
}

/// The context of one poll of one task; the one before it comes back when this is dropped.
#[derive(Debug)]
pub(crate) struct Entered {
    task: Option<TaskPointer>,
    offered_owner: OwnerId,
}

/// Enters the poll of `task` with a request to deliver, or none.
///
/// # Safety
/// The task is alive (H5) until the result is dropped.
#[inline]
pub(crate) unsafe fn enter(task: TaskPointer, offered_owner: OwnerId) -> Entered {
    POLL.with(|poll| {
        poll.operations.set(0);
        poll.depth.set(poll.depth.get() + 1);
        Entered {
            task: poll.task.replace(Some(task)),
            offered_owner: poll.offered_owner.replace(offered_owner),
        }
    })
}

/// Hides the current task: what runs now, a callback say, belongs to no task.
pub(crate) fn enter_no_task() -> Entered {
    POLL.with(|poll| {
        poll.depth.set(poll.depth.get() + 1);
        Entered {
            task: poll.task.replace(None),
            offered_owner: poll.offered_owner.replace(OwnerId::NONE),
        }
    })
}

impl Drop for Entered {
    fn drop(&mut self) {
        POLL.with(|poll| {
            poll.depth.set(poll.depth.get() - 1);
            poll.task.set(self.task);
            poll.offered_owner.set(self.offered_owner);
        });
    }
}

/// The task that is polled on this thread.
#[inline]
pub(crate) fn current() -> Option<TaskRef> {
    let pointer = current_pointer()?;
    // SAFETY: `enter`'s caller keeps the task alive while it stands here.
    Some(unsafe { TaskRef::from_borrowed(pointer) })
}

/// The same for a waiter of the task: by the reference that an earlier one has left, if there is
/// one.
#[inline]
pub(crate) fn current_of_waiter() -> Option<TaskRef> {
    let pointer = current_pointer()?;
    // SAFETY: as in `current`.
    let side = unsafe { pointer.as_ref() }.side();
    if side.is_some_and(Side::take_reference) {
        // SAFETY: H6: this thread polls the task, so it holds RUNNING. The reference is the
        // result's now.
        return Some(unsafe { TaskRef::from_owned(pointer) });
    }
    current()
}

/// Shows the current task to `look`, uncounted.
#[inline]
pub(crate) fn with_current<R>(look: impl FnOnce(&TaskRef) -> R) -> Option<R> {
    let pointer = current_pointer()?;
    // SAFETY: as in `current`; the reference is not dropped, so it gives nothing back.
    let task = ManuallyDrop::new(unsafe { TaskRef::from_owned(pointer) });
    Some(look(&task))
}

/// Notes what the current task waits on.
pub(crate) fn wait_on(location: &'static Location<'static>) {
    if let Some(task) = current_pointer() {
        // SAFETY: as in `current`.
        unsafe { task.as_ref() }.wait_on(location);
    }
}

/// The current task, uncounted: to be compared, or used before the poll ends.
#[inline]
pub(crate) fn current_pointer() -> Option<TaskPointer> {
    POLL.with(|poll| poll.task.get())
}

/// The owner of the request on its way.
#[inline]
pub(crate) fn offered_owner() -> OwnerId {
    POLL.with(|poll| poll.offered_owner.get())
}

/// How many requests the current task has counted.
#[inline]
pub(crate) fn current_cancelling() -> Option<u32> {
    // SAFETY: as in `current`.
    current_pointer().map(|task| unsafe { task.as_ref() }.state.cancelling())
}

/// Whether the current task has a request that has not been delivered.
#[inline]
pub(crate) fn current_has_request() -> bool {
    // SAFETY: as in `current`.
    current_pointer().is_some_and(|task| unsafe { task.as_ref() }.state.has_request())
}

/// Whether a request of the current task is on its way, or about to be, where no shield hides it.
pub(crate) fn is_task_request_near() -> bool {
    offered_owner() == OwnerId::TASK || (shield() == u32::MAX && current_has_request())
}

/// What the current task is being cancelled by.
pub(crate) fn current_cause() -> Cause {
    current().map(|task| task.cause()).unwrap_or_default()
}

/// The task that is polled on this thread, by its place in memory and its number; both, because
/// either may be another's later, or on another loop.
#[inline]
pub(crate) fn current_identity() -> Option<(usize, u64)> {
    with_current(|task| (task.pointer().as_ptr().addr(), task.id().0))
}

/// How many polls are nested on this thread.
#[inline]
pub(crate) fn depth() -> u32 {
    POLL.with(|poll| poll.depth.get())
}

/// How many operations a task may make in one poll, without one that suspends.
const OPERATIONS: u32 = 128;

/// Counts an operation that is ready at once. True if the current task has made its share of them
/// in this poll: it is to suspend, so that others run, and that a request can reach it.
#[inline]
pub(crate) fn has_had_its_share() -> bool {
    POLL.with(|poll| {
        let operations = poll.operations.get() + 1;
        poll.operations.set(operations);
        operations > OPERATIONS && poll.task.get().is_some()
    })
}

/// Whether a request is on its way.
#[inline]
pub(crate) fn is_request_offered() -> bool {
    offered_owner() != OwnerId::NONE
}

/// Replaces the owner of the request on its way, and returns the one before.
#[inline]
pub(crate) fn set_offered(owner: OwnerId) -> OwnerId {
    POLL.with(|poll| poll.offered_owner.replace(owner))
}

/// The serial to note before polling an inner future.
#[inline]
pub(crate) fn newest_raise() -> Serial {
    POLL.with(|poll| poll.newest())
}

/// Whether a mark has been left, at any depth.
#[inline]
pub(super) fn has_marks() -> bool {
    POLL.with(|poll| poll.marks.get() != 0)
}

/// Notes how many marks there are.
pub(super) fn count_marks(count: usize) {
    POLL.with(|poll| poll.marks.set(count as u32));
}

/// The serial of a new mark.
pub(super) fn next_raise() -> Serial {
    POLL.with(|poll| {
        poll.serial.set(poll.serial.get() + 1);
        poll.newest()
    })
}

/// Whether a request is on its way, or a mark has been left.
#[inline]
pub(crate) fn is_disturbed() -> bool {
    POLL.with(|poll| poll.offered_owner.get() != OwnerId::NONE || poll.marks.get() != 0)
}

/// How many requests had come to the current task before the shield around this call went up; the
/// greatest number where there is none.
#[inline]
pub(crate) fn shield() -> u32 {
    POLL.with(|poll| match poll.shield.get() {
        (depth, before) if depth == poll.depth.get() => before,
        _ => u32::MAX,
    })
}

/// Runs `work` behind a shield: with no request on its way, and with only `before` requests that
/// have come.
pub(crate) fn shielded<R>(before: u32, work: impl FnOnce() -> R) -> R {
    struct Restore((u32, u32));
    impl Drop for Restore {
        fn drop(&mut self) {
            POLL.with(|poll| poll.shield.set(self.0));
        }
    }
    let before = before.min(shield());
    let _restore = Restore(POLL.with(|poll| poll.shield.replace((poll.depth.get(), before))));
    hidden(work)
}

/// Runs `work`, which drops the future of a task that ends with `error`.
pub(crate) fn ending_with<R>(error: CancelledError, work: impl FnOnce() -> R) -> R {
    struct Restore(Option<CancelledError>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let _over = replace_ending(self.0.take());
        }
    }
    let _restore = Restore(replace_ending(Some(error)));
    hidden(work)
}

/// What the current task ends with, for a destructor in its future.
pub(crate) fn ends_with() -> Option<CancelledError> {
    let error = replace_ending(None);
    let answer = error.clone();
    let _none = replace_ending(error);
    answer
}

#[inline]
fn replace_ending(error: Option<CancelledError>) -> Option<CancelledError> {
    let before = POLL.with(|poll| poll.ends_with.replace(ManuallyDrop::new(error)));
    ManuallyDrop::into_inner(before)
}

/// Runs `work` with no request on its way: destructors, and what a shield holds.
#[inline]
pub(crate) fn hidden<R>(work: impl FnOnce() -> R) -> R {
    struct Restore(OwnerId);
    impl Drop for Restore {
        fn drop(&mut self) {
            set_offered(self.0);
        }
    }
    let _restore = Restore(set_offered(OwnerId::NONE));
    work()
}
