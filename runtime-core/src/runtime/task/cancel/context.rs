//! The poll context: which task is polled on this thread, and the request on its way up through it.
//!
//! # How a cancellation is delivered
//!
//! 1. `cancel` counts the request in the state word, sets its CANCEL bit and schedules the task.
//! 2. The worker, about to poll, moves the bit into this context: [`enter`] with `Delivering`.
//! 3. The poll goes down as always. What has become ready in the meantime is returned: the request
//!    waits for an await that really suspends, and a task that ends first keeps its value.
//! 4. On the way back up, each *aware* awaitable whose inner future answered `Pending` asks
//!    [`intercept`]: is a request still on its way, or has somebody inside raised? If so it
//!    **claims** it, so that nobody further out sees it, and acts: drops its future, starts its
//!    cleanup, cancels the task that it awaits.
//! 5. What nobody claims reaches the root, which drops the future.
//!
//! **Raising.** A raiser leaves a *mark* with the next serial and is pending for ever. A scope
//! claims marks newer than the serial that it noted before it polled its inner future, so a sibling
//! in a `join!` cannot take one, and a stale one cannot hide a new one. Dropping the raiser
//! takes its mark back: else the loser of a `select` that raised would tear down an innocent scope.
//! Marks live no longer than the poll in which they were left: its root claims what is left.
//!
//! **Foreign wakers.** A combinator with wakers of its own (`FuturesUnordered`) polls only children
//! that were woken, so a request could not travel down through it: see `cancel_waker`.
//!
//! The context is saved and restored around nested polls (an eager start, a `block_on` in user
//! code), and hidden from destructors, so that code in them is not cancelled by accident.
//!
//! Where nobody cancels and no foreign waker is used, an aware awaitable pays for two loads of
//! thread-locals per poll.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::panic::Location;

use super::super::header::TaskPointer;
use super::super::reference::TaskRef;
use crate::exceptions::{CancelledError, Cause};
use crate::runtime::time::Stamp;
use crate::sync::{StdArc, local};

/// Which request is on its way: none, the task's own, or a scope's, by the address of what stands for
/// it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin(usize);

impl Origin {
    pub(crate) const NOBODY: Origin = Origin(0);
    pub(crate) const TASK: Origin = Origin(1);

    /// Something that stands for a request of a scope as long as anybody knows of it.
    pub(crate) fn address<T>(request: &T) -> Origin {
        Origin(std::ptr::from_ref(request).addr())
    }
}

/// A position in the order of raises on one thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Serial {
    /// The thread's, by the address of its context: first, so that what another thread left behind
    /// is never taken for one's own.
    thread: usize,
    number: u64,
}

struct Mark {
    serial: Serial,
    /// The nesting of polls at which it was left.
    depth: u32,
    error: CancelledError,
    /// What the raiser stands for, for whoever raises it in its place.
    claims: ErasedClaims,
}

/// Something of a higher floor.
pub(crate) type ErasedClaims = StdArc<dyn Any + Send + Sync>;

struct PollContext {
    task: Cell<Option<TaskPointer>>,
    delivering: Cell<Origin>,
    /// How many marks there are, at any depth.
    marks: Cell<u32>,
    depth: Cell<u32>,
    serial: Cell<u64>,
    /// Behind a shield: at which nesting of polls, and how many requests had come before it.
    shield: Cell<(u32, u32)>,
}

local! {
    static POLL: PollContext = PollContext {
        task: Cell::new(None),
        delivering: Cell::new(Origin::NOBODY),
        marks: Cell::new(0),
        depth: Cell::new(0),
        serial: Cell::new(0),
        shield: Cell::new((0, 0)),
    }
}

// Apart from the rest, because it has a destructor: only who raises pays for that.
local! { static MARKS: RefCell<Vec<Mark>> = RefCell::new(Vec::new()) }

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
    delivering: Origin,
}

/// Enters the poll of `task` with a request to deliver, or none.
///
/// # Safety
/// The task is alive (H5) until the result is dropped.
#[inline]
pub(crate) unsafe fn enter(task: TaskPointer, delivering: Origin) -> Entered {
    POLL.with(|poll| {
        poll.depth.set(poll.depth.get() + 1);
        Entered {
            task: poll.task.replace(Some(task)),
            delivering: poll.delivering.replace(delivering),
        }
    })
}

/// Hides the current task: what runs now, a callback say, is nobody's.
pub(crate) fn enter_nobody() -> Entered {
    POLL.with(|poll| {
        poll.depth.set(poll.depth.get() + 1);
        Entered {
            task: poll.task.replace(None),
            delivering: poll.delivering.replace(Origin::NOBODY),
        }
    })
}

impl Drop for Entered {
    fn drop(&mut self) {
        POLL.with(|poll| {
            if poll.marks.get() != 0 {
                forget_marks(poll);
            }
            poll.depth.set(poll.depth.get() - 1);
            poll.task.set(self.task);
            poll.delivering.set(self.delivering);
        });
    }
}

#[cold]
fn forget_marks(poll: &PollContext) {
    MARKS.with(|marks| {
        let mut marks = marks.borrow_mut();
        marks.retain(|mark| mark.depth < poll.depth.get());
        poll.marks.set(marks.len() as u32);
    });
}

/// The task that is polled on this thread.
pub(crate) fn current() -> Option<TaskRef> {
    let pointer = current_pointer()?;
    // SAFETY: `enter`'s caller keeps the task alive while it stands here.
    Some(unsafe { TaskRef::from_borrowed(pointer) })
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

/// The same, uncounted: to be compared, or used before the poll ends.
#[inline]
pub(crate) fn current_pointer() -> Option<TaskPointer> {
    POLL.with(|poll| poll.task.get())
}

/// Whose request is on its way.
#[inline]
pub(crate) fn delivering() -> Origin {
    POLL.with(|poll| poll.delivering.get())
}

/// How many requests the current task has counted.
pub(crate) fn current_cancelling() -> Option<u32> {
    // SAFETY: as in `current`.
    current_pointer().map(|task| unsafe { task.as_ref() }.state.cancelling())
}

/// Whether the current task has a request that has not been delivered.
pub(crate) fn current_has_request() -> bool {
    // SAFETY: as in `current`.
    current_pointer().is_some_and(|task| unsafe { task.as_ref() }.state.has_request())
}

/// Whether a request of the current task is on its way, or about to be, where no shield hides it.
pub(crate) fn is_task_request_near() -> bool {
    delivering() == Origin::TASK || (shield() == u32::MAX && current_has_request())
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
pub(crate) fn depth() -> u32 {
    POLL.with(|poll| poll.depth.get())
}

/// Whether a request is on its way.
pub(crate) fn is_delivering() -> bool {
    delivering() != Origin::NOBODY
}

/// Sets whose request is on its way, and returns what stood there.
pub(crate) fn set_delivering(origin: Origin) -> Origin {
    POLL.with(|poll| poll.delivering.replace(origin))
}

/// The serial to note before polling an inner future.
#[inline]
pub(crate) fn newest_raise() -> Serial {
    POLL.with(|poll| poll.newest())
}

/// Claims the request on its way, or else a raise newer than `noted`. For an aware awaitable whose
/// inner future has just answered `Pending`.
#[inline]
pub(crate) fn intercept(noted: Serial) -> Option<CancelledError> {
    if is_disturbed() {
        claim_all(noted)
    } else {
        None
    }
}

/// What is raised and what is on its way at the same time is one cancellation.
#[cold]
fn claim_all(noted: Serial) -> Option<CancelledError> {
    let raised = claim_raised(noted);
    raised.into_iter().chain(claim()).next()
}

/// A handler, or a cleanup, begins: what the task was asked for before is a part of its cause. Returns
/// the moment.
pub(crate) fn begin_handler() -> Option<Stamp> {
    Some(current()?.absorb_request())
}

/// Whether a request is on its way, or somebody raises.
#[inline]
pub(crate) fn is_disturbed() -> bool {
    POLL.with(|poll| poll.delivering.get() != Origin::NOBODY || poll.marks.get() != 0)
}

/// Claims the request on its way, which has met somebody then.
pub(crate) fn claim() -> Option<CancelledError> {
    let task = current()?;
    let (error, delivered) = offer(&task, CancelledError::default(), |_| true)?;
    task.meet(delivered);
    Some(error)
}

/// Claims it for the root, which ends the task: nobody will ask what has become of it.
pub(crate) fn claim_for_root(noted: Serial) -> Option<CancelledError> {
    let error = match delivering() {
        Origin::NOBODY => return claim_raised(noted),
        Origin::TASK => current()?.take_message(),
        _scope => CancelledError::default(),
    };
    set_delivering(Origin::NOBODY);
    Some(error)
}

/// Claims the request on its way, if `accept` takes it; it is shown the error first, which is
/// `of_scope` for that of a scope. Notes the delivery, and returns its moment.
pub(crate) fn offer(
    task: &TaskRef,
    of_scope: CancelledError,
    accept: impl FnOnce(&CancelledError) -> bool,
) -> Option<(CancelledError, Stamp)> {
    let origin = delivering();
    let error = match origin {
        Origin::NOBODY => return None,
        Origin::TASK => task.message(),
        _scope => of_scope,
    };
    if !accept(&error) {
        return None;
    }
    if origin == Origin::TASK {
        let _claimed = task.take_message();
    }
    let delivered = Stamp::now();
    task.note_delivery(delivered);
    set_delivering(Origin::NOBODY);
    Some((error, delivered))
}

/// Claims what was raised since `noted`, and everything raised with it.
pub(crate) fn claim_raised(noted: Serial) -> Option<CancelledError> {
    claim_marks(noted).pop().map(|(error, _)| error)
}

/// The same, with what the raisers stand for; the last is the one that was raised.
pub(crate) fn claim_marks(noted: Serial) -> Vec<(CancelledError, ErasedClaims)> {
    let depth = POLL.with(|poll| {
        if poll.marks.get() == 0 {
            0
        } else {
            poll.depth.get()
        }
    });
    if depth == 0 {
        return Vec::new();
    }
    let claimed = MARKS.with(|marks| {
        let mut marks = marks.borrow_mut();
        let newer = |mark: &mut Mark| mark.depth == depth && mark.serial > noted;
        let claimed: Vec<Mark> = marks.extract_if_compat(newer);
        POLL.with(|poll| poll.marks.set(marks.len() as u32));
        claimed
    });
    let marks = claimed.into_iter();
    marks.map(|mark| (mark.error, mark.claims)).collect()
}

trait ExtractIf<T> {
    fn extract_if_compat(&mut self, wanted: impl FnMut(&mut T) -> bool) -> Vec<T>;
}

impl<T> ExtractIf<T> for Vec<T> {
    /// `Vec::extract_if`, which is younger than our oldest compiler.
    fn extract_if_compat(&mut self, wanted: impl FnMut(&mut T) -> bool) -> Vec<T> {
        let mut wanted = wanted;
        let mut extracted = Vec::new();
        let mut index = 0;
        while index < self.len() {
            if wanted(&mut self[index]) {
                extracted.push(self.remove(index));
            } else {
                index += 1;
            }
        }
        extracted
    }
}

/// How many requests had come to the current task before the shield that this is called behind;
/// beyond any number where there is none.
pub(crate) fn shield() -> u32 {
    POLL.with(|poll| match poll.shield.get() {
        (depth, before) if depth == poll.depth.get() => before,
        _ => u32::MAX,
    })
}

/// Runs `work` behind a shield: with no request on its way, and none that has come but those
/// `before` it went up.
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

// What a task that is cancelled ends with, while its future is dropped. Apart, as the marks are.
local! { static ENDING: RefCell<Option<CancelledError>> = RefCell::new(None) }

/// Runs `work`, which drops the future of a task that ends with `error`.
pub(crate) fn ending_with<R>(error: &CancelledError, work: impl FnOnce() -> R) -> R {
    struct Restore(Option<CancelledError>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let outer = self.0.take();
            let _gone = ENDING.try_with(|ending| ending.replace(outer));
        }
    }
    let error = Some(error.clone());
    let outer = ENDING.try_with(|ending| ending.replace(error));
    let _restore = Restore(outer.ok().flatten());
    hidden(work)
}

/// What the current task ends with, for a destructor in its future.
pub(crate) fn ends_with() -> Option<CancelledError> {
    ENDING.try_with(|ending| ending.borrow().clone()).ok()?
}

/// Runs `work` with no request on its way: destructors, and what a shield holds.
#[inline]
pub(crate) fn hidden<R>(work: impl FnOnce() -> R) -> R {
    struct Restore(Origin);
    impl Drop for Restore {
        fn drop(&mut self) {
            set_delivering(self.0);
        }
    }
    let _restore = Restore(set_delivering(Origin::NOBODY));
    work()
}

/// Leaves a mark: somebody raises.
pub(crate) fn leave_mark(error: CancelledError, claims: ErasedClaims) -> Serial {
    POLL.with(|poll| {
        poll.serial.set(poll.serial.get() + 1);
        let serial = poll.newest();
        poll.marks.set(poll.marks.get() + 1);
        let depth = poll.depth.get();
        let mark = Mark {
            serial,
            depth,
            error,
            claims,
        };
        MARKS.with(|marks| marks.borrow_mut().push(mark));
        serial
    })
}

/// Whether nobody has claimed a mark yet.
pub(crate) fn is_left(serial: Serial) -> bool {
    let any = POLL.with(|poll| poll.marks.get()) != 0;
    any && MARKS.with(|marks| marks.borrow().iter().any(|mark| mark.serial == serial))
}

/// Takes a mark back. False if it has been claimed.
pub(crate) fn take_mark_back(serial: Serial) -> bool {
    if POLL.with(|poll| poll.marks.get()) == 0 {
        return false;
    }
    MARKS.with(|marks| {
        let mut marks = marks.borrow_mut();
        let before = marks.len();
        marks.retain(|mark| mark.serial != serial);
        POLL.with(|poll| poll.marks.set(marks.len() as u32));
        marks.len() < before
    })
}
