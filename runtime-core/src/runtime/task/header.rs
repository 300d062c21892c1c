//! The header: the first part of every task's allocation, independent of the future's type.
//!
//! The invariants that the unsafe code of this folder cites:
//!
//! * **H1** A `Header` is the first field of a `Cell<F, S, O>` made by `raw::allocate`. It is freed
//!   only by the thread whose `State::unregister` returned true ("last"). A `TaskPointer` is derived
//!   from the pointer that `memory::allocate` returned, never from a `&Header`.
//! * **H2** The future is touched only by the thread between `State::start` and `idle`
//!   or `complete`: the holder of RUNNING.
//! * **H3** After DONE the output is touched only by the holder of the `Task` handle, or by the
//!   completer if there is no handle. Before that, H2 governs it: it uses the future's place.
//! * **H4** The place of the join waker is touched by the holder of the handle while JOINER is
//!   clear, and by the completer, once, if JOINER was set when it set DONE.
//! * **H5** A thread that has a `TaskRef` or the right to run, or is inside the task's poll, holds
//!   a reference or is covered by the loop's reference: the header is alive.
//! * **H6** The side allocation may hold one reference for the next waiter of the task. It is left
//!   there by who has the right to run, and taken by who holds RUNNING: by one thread at a time.
//!   The end of the task takes it before DONE.

use std::fmt;
use std::hint::black_box;
use std::panic::Location;
use std::ptr::{self, NonNull};
use std::task::{Context as PollWith, Poll, Waker};

use super::registry::SlotIndex;
use super::side::Side;
use super::state::State;
use super::transitions::Ending;
use crate::exceptions::{CancelledError, Cause, PanicError};
use crate::sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering};
use crate::sync::{IS_MODEL, Mutant, UnsafeCell, ordered};

/// The id of a task: unique in the process, in no particular order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub(crate) u64);

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TaskId({})", self.0)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A pointer to a task under H1.
pub(crate) type TaskPointer = NonNull<Header>;

/// The functions of a task that depend on the types of its future and its scheduler. Made by `raw`.
pub(crate) struct Vtable {
    /// Polls the future. If it ends, drops it and stores the output or the panic.
    pub(crate) poll: unsafe fn(TaskPointer, &mut PollWith<'_>) -> Poll<Ending>,
    /// Drops the future and stores the cancellation, or the panic of a destructor.
    pub(crate) cancel: unsafe fn(TaskPointer, CancelledError) -> Ending,
    /// Moves the output to where the pointer points: an `Option<Outcome<T>>`.
    pub(crate) take: unsafe fn(TaskPointer, *mut ()),
    /// Returns a pointer to the output, an `Outcome<T>`, or null if it has been taken.
    pub(crate) output: unsafe fn(TaskPointer) -> *const (),
    /// Drops the output. Returns a panic that has not been retrieved.
    pub(crate) dispose: unsafe fn(TaskPointer) -> Option<PanicError>,
    /// Whether a value that the future returns must be dropped.
    pub(crate) value_needs_drop: bool,
    /// Gives the right to run, which the caller holds, to the scheduler.
    pub(crate) schedule: unsafe fn(TaskPointer, Wake),
    /// Removes the task from the registry, and tells its parent that it has ended.
    pub(crate) unregister: unsafe fn(TaskPointer),
    /// Returns for what the task's parent has ended its children.
    pub(crate) cause_of_parent: unsafe fn(TaskPointer) -> Cause,
    /// Returns the scheduler as a trait object, for rare calls.
    pub(crate) scheduler: unsafe fn(TaskPointer) -> NonNull<dyn super::dyn_schedule::DynSchedule>,
    /// Frees the allocation.
    pub(crate) free: unsafe fn(TaskPointer),
}

/// Why a task is scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wake {
    /// The task is new, or was woken or cancelled while it waited.
    Woken,
    /// It was woken by one who has left its reference to it (H6), and holds none any more.
    WokenUncounted,
    /// The task was woken during its poll: it goes to the back of the queue.
    Yielded,
}

/// The beginning of a task's one allocation.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) state: State,
    pub(crate) vtable: &'static Vtable,
    pub(crate) id: TaskId,
    /// The task's slot in the registry, or `UNREGISTERED`. Set before the task is first scheduled,
    /// and cleared when the task has left the registry.
    place: AtomicU64,
    pub(crate) joiner: UnsafeCell<Option<Waker>>,
    side: AtomicPtr<Side>,
    /// A raw `Context`, null while it would be empty. Set at most once.
    pub(crate) context: AtomicPtr<()>,
    pub(crate) location: &'static Location<'static>,
    /// Where the task waits: the address of a `&'static Location`, or one of the constants below.
    /// Never a pointer into the awaited future, which may be gone when this is read.
    waiting: AtomicUsize,
}

/// The value of `waiting` before the first poll.
const NEW: usize = 1;
/// The value of `waiting` from the beginning of a poll until the task notes where it waits.
const NOTHING: usize = 0;
/// The value of `place` until the task is inserted into the registry, and after its removal. It
/// stays so if the registry was closed.
const UNREGISTERED: u64 = u64::MAX;

const _: () = assert!(IS_MODEL || size_of::<Header>() <= 80);

impl Header {
    #[inline]
    pub(crate) fn new(
        vtable: &'static Vtable,
        id: TaskId,
        context: *mut (),
        location: &'static Location<'static>,
    ) -> Header {
        Header {
            state: State::new(),
            vtable,
            id,
            place: AtomicU64::new(UNREGISTERED),
            joiner: UnsafeCell::new(None),
            side: AtomicPtr::new(ptr::null_mut()),
            context: AtomicPtr::new(context),
            location,
            waiting: AtomicUsize::new(NEW),
        }
    }

    /// The task's slot in the registry. `None` before its insertion and after its removal.
    pub(crate) fn place(&self) -> Option<SlotIndex> {
        // Acquire: pairs with `clear_slot`. The push of the new task orders the first store.
        let word = self.place.load(Ordering::Acquire);
        (word != UNREGISTERED).then(|| SlotIndex::from_word(word))
    }

    pub(crate) fn set_slot(&self, place: SlotIndex) {
        self.place.store(place.to_word(), Ordering::Relaxed);
    }

    /// Notes that the task has left the registry. Release: a shutdown that sees this no longer
    /// waits for the task.
    pub(crate) fn clear_slot(&self) {
        self.place.store(UNREGISTERED, Ordering::Release);
    }

    /// Whether the task's context would be empty.
    #[inline]
    pub(crate) fn has_no_context(&self) -> bool {
        self.context.load(Ordering::Acquire).is_null()
    }

    /// Whether nothing that belongs to the header must be dropped. Every field is named, so that
    /// none is forgotten.
    #[inline]
    pub(crate) fn is_bare(&mut self) -> bool {
        let Header {
            joiner,
            side,
            context,
            state: _,
            vtable: _,
            id: _,
            place: _,
            location: _,
            waiting: _,
        } = self;
        // SAFETY: the caller has the header for itself.
        let no_joiner = joiner.with(|place| unsafe { (*place).is_none() });
        let side = side.load(Ordering::Acquire);
        let context = context.load(Ordering::Acquire);
        no_joiner && side.is_null() && context.is_null()
    }

    /// The side allocation, if it has been made.
    #[inline]
    pub(crate) fn side(&self) -> Option<&Side> {
        // Acquire: pairs with the exchange in `side_or_new`.
        let acquire = ordered(Ordering::Acquire, Mutant::SideLoadRelaxed);
        let side = NonNull::new(self.side.load(acquire))?;
        // SAFETY: set once, from a Box, and freed only in `drop`.
        let side = unsafe { side.as_ref() };
        side.published.look();
        Some(side)
    }

    /// The side allocation, made now if there is none yet.
    #[inline]
    pub(crate) fn side_or_new(&self) -> &Side {
        self.side().unwrap_or_else(|| self.new_side())
    }

    #[cold]
    fn new_side(&self) -> &Side {
        let new = Box::into_raw(Box::<Side>::default());
        let publish = ordered(Ordering::AcqRel, Mutant::SideExchangeRelaxed);
        let exchange = self
            .side
            .compare_exchange(ptr::null_mut(), new, publish, Ordering::Acquire);
        if exchange.is_err() {
            // SAFETY: `new` is from a Box, and no other thread has seen it.
            drop(unsafe { Box::from_raw(new) });
        }
        self.side()
            .expect("stored above, here or by another thread")
    }

    /// Loads a word of each cache line, of which a wake and a poll need the rest.
    #[inline]
    pub(crate) fn fetch(&self) {
        let state = self.state.is_scheduled();
        black_box((state, self.waiting.load(Ordering::Relaxed)));
    }

    /// Whether the future has never been polled.
    pub(crate) fn is_new(&self) -> bool {
        // Relaxed: written by the polling thread; polls of one task are ordered by its state.
        self.waiting.load(Ordering::Relaxed) == NEW
    }

    /// Notes that a poll has begun: the task is no longer new, and waits on nothing.
    pub(crate) fn begin_poll(&self) {
        self.waiting.store(NOTHING, Ordering::Relaxed);
        if let Some(side) = self.side() {
            side.turns.begin_poll();
        }
    }

    /// Notes that the poll has ended, when no lock is held: passes on turns that it has not used.
    #[inline]
    pub(crate) fn end_poll(&self) {
        if let Some(side) = self.side().filter(|side| side.turns.has_turns()) {
            side.turns.end_poll(self.state.is_scheduled());
        }
    }

    /// Notes where the task waits. Relaxed: the location is a static, read only for reports.
    pub(crate) fn wait_on(&self, location: &'static Location<'static>) {
        self.waiting
            .store(ptr::from_ref(location).addr(), Ordering::Relaxed);
    }
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("id", &self.id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

// Left out where `is_bare`.
impl Drop for Header {
    fn drop(&mut self) {
        // Acquire: the thread that stored it released its reference after that.
        let side = self.side.load(Ordering::Acquire);
        if !side.is_null() {
            // SAFETY: from a Box, in `side_or_new`, and dropped only here.
            drop(unsafe { Box::from_raw(side) });
        }
        let context = self.context.load(Ordering::Acquire);
        if !context.is_null() {
            // SAFETY: the word holds one reference, from `Context::into_raw`; taken only here.
            drop(unsafe { super::context::Context::from_raw(context) });
        }
    }
}
