//! The current loop of a thread, and the thread's kind: what the thread does for that loop.

use std::cell::Cell;
use std::ptr::NonNull;
use std::rc::Rc;

use super::core::Core;
use super::local_queue::LocalQueue;
use super::loop_ref::LoopRef;
use super::shared::Shared;
use crate::sync::{Arc, PoisonError, StdArc, StdMutex, local};

/// What the current thread is to the current loop.
#[derive(Clone, Debug)]
pub(crate) enum ThreadKind {
    /// One of the loop's workers.
    Worker(Rc<Core>),
    /// A foreign thread inside `block_on`.
    Root(Rc<LocalQueue>),
    /// A foreign thread, or a worker's thread while it is inside `blocking`.
    Guest,
    /// Inside `EventLoop::enter`: the thread has the kind of the frame below, as long as that frame
    /// is open. A guard may be carried out of the run, the task or the `block_on` in which it was
    /// made. It carries the loop, but not the kind of a thread that has left that frame.
    AsBelow,
    /// The thread does nothing for any loop, and the frames below are hidden. So a function that is
    /// run by hand, instead of on a thread of the pool, sees the context that it would see there.
    Absent,
}

/// One entering of a loop. The frames form a stack, whose top is in the thread-local pointer.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) shared: Arc<Shared>,
    /// The loop reference that tasks made on this thread hold.
    loop_ref: StdArc<LoopRef>,
    kind: ThreadKind,
    /// The frame below.
    previous: Option<Rc<Frame>>,
    /// The guard has been dropped: the frame is skipped, and removed once it is on top.
    left: Cell<bool>,
}

local! {
    // An `Rc<Frame>` as a raw pointer: a `Cell` without a destructor needs no registration.
    static CURRENT: Cell<Option<NonNull<Frame>>> = Cell::new(None)
}

/// Leaves the loop when it is dropped. Guards may be dropped in any order. A guard that is
/// forgotten leaves its loop entered, and leaks the frame: the pointer stays valid.
#[derive(Debug)]
pub(crate) struct Guard {
    frame: Rc<Frame>,
}

/// Enters a loop, until the guard is dropped.
pub(crate) fn enter(shared: Arc<Shared>, kind: ThreadKind) -> Guard {
    CURRENT.with(|current| {
        // SAFETY: the word holds one strong count, which becomes the new frame's.
        let previous = current
            .take()
            .map(|frame| unsafe { Rc::from_raw(frame.as_ptr()) });
        let loop_ref = match &kind {
            ThreadKind::Worker(core) => StdArc::clone(&core.loop_ref),
            ThreadKind::AsBelow => loop_ref_below(&shared, previous.as_deref()),
            ThreadKind::Root(_) | ThreadKind::Guest | ThreadKind::Absent => {
                LoopRef::new(Arc::clone(&shared))
            }
        };
        let frame = Rc::new(Frame {
            shared,
            loop_ref,
            kind,
            previous,
            left: Cell::new(false),
        });
        current.set(NonNull::new(Rc::into_raw(Rc::clone(&frame)).cast_mut()));
        Guard { frame }
    })
}

/// The loop reference of the frame below, if that is of the same loop: entering a loop on one of
/// its workers makes no new loop reference.
fn loop_ref_below(shared: &Arc<Shared>, below: Option<&Frame>) -> StdArc<LoopRef> {
    let same = below.filter(|frame| Arc::ptr_eq(&frame.shared, shared));
    same.map_or_else(
        || LoopRef::new(Arc::clone(shared)),
        |frame| StdArc::clone(&frame.loop_ref),
    )
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.frame.left.set(true);
        CURRENT.with(|current| {
            // SAFETY: the word holds one strong count.
            let mut top = current
                .take()
                .map(|frame| unsafe { Rc::from_raw(frame.as_ptr()) });
            while top.as_ref().is_some_and(|frame| frame.left.get()) {
                top = top.and_then(|frame| frame.previous.clone());
            }
            current.set(top.and_then(|frame| NonNull::new(Rc::into_raw(frame).cast_mut())));
        });
    }
}

/// Calls `look` with the current frame. `look` must not run user code: a guard dropped there would
/// free the frame.
#[inline]
pub(crate) fn with<R>(look: impl FnOnce(Option<&Frame>) -> R) -> R {
    CURRENT.with(|current| {
        // SAFETY: the word holds a strong count, and `look` runs nothing that could release it.
        let top = current.get().map(|frame| unsafe { frame.as_ref() });
        look(top.filter(|frame| frame.is_in_sight()))
    })
}

/// A strong reference to the current frame, for a caller that runs user code meanwhile.
pub(crate) fn frame() -> Option<Rc<Frame>> {
    CURRENT.with(|current| {
        let pointer = current.get()?.as_ptr().cast_const();
        // SAFETY: the word holds a strong count, in addition to which this makes another.
        unsafe { Rc::increment_strong_count(pointer) };
        // SAFETY: this takes the count just made.
        Some(unsafe { Rc::from_raw(pointer) }).filter(|frame| frame.is_in_sight())
    })
}

/// A strong reference to the core of this thread, if it is a worker of its current loop.
#[inline]
pub(crate) fn core() -> Option<Rc<Core>> {
    with(|frame| match frame?.kind() {
        ThreadKind::Worker(core) => Some(Rc::clone(core)),
        _ => None,
    })
}

/// A loop reference of the current loop, or else of the process's default one.
#[inline]
pub(crate) fn loop_ref() -> Option<StdArc<LoopRef>> {
    with(|frame| Some(StdArc::clone(&frame?.loop_ref)))
        .or_else(|| Some(LoopRef::foreign(&default()?)))
}

/// The index of this thread among the workers of `shared`, if it is one.
#[inline]
pub(crate) fn worker_index(shared: &Arc<Shared>) -> Option<usize> {
    with(|frame| Some(frame?.core_of(shared)?.index))
}

/// The current loop, or else the process's default one.
pub(crate) fn current() -> Option<Arc<Shared>> {
    with(|frame| frame.map(|frame| Arc::clone(&frame.shared))).or_else(default)
}

/// The loop for threads that have entered none.
static DEFAULT: StdMutex<Option<Arc<Shared>>> = StdMutex::new(None);

#[cold]
fn default() -> Option<Arc<Shared>> {
    let default = DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
    default.clone()
}

/// Replaces the loop for threads that have entered none.
pub(crate) fn set_default(shared: Arc<Shared>) {
    let mut default = DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
    let old = default.replace(shared);
    // The last reference to a loop drops user code: only after the lock.
    drop(default);
    drop(old);
}

impl Drop for Frame {
    fn drop(&mut self) {
        // In a loop, not by recursion: there may be any number of nested frames.
        let mut previous = self.previous.take();
        while let Some(frame) = previous.as_mut().and_then(Rc::get_mut) {
            previous = frame.previous.take();
        }
    }
}

impl Frame {
    /// The kind that the thread has now in this frame.
    #[inline]
    pub(crate) fn kind(&self) -> &ThreadKind {
        match &self.kind {
            ThreadKind::AsBelow => self.kind_below(),
            kind => kind,
        }
    }

    /// The kind of the next frame below that has one of its own. In a loop, not by recursion, as
    /// everything here that looks below: there may be any number of nested frames.
    #[cold]
    fn kind_below(&self) -> &ThreadKind {
        let below = self.with_those_below().skip(1);
        let same = below.take_while(|frame| Arc::ptr_eq(&frame.shared, &self.shared));
        let mut roles = same.map(|frame| &frame.kind);
        let own = roles.find(|kind| !matches!(kind, ThreadKind::AsBelow));
        own.unwrap_or(&ThreadKind::Guest)
    }

    /// This frame, and the frames below that are open and not hidden.
    fn with_those_below(&self) -> impl Iterator<Item = &Frame> {
        std::iter::successors(Some(self), |frame| frame.below())
    }

    /// The core, if this thread is a worker of `shared`.
    #[inline]
    pub(crate) fn core_of(&self, shared: &Arc<Shared>) -> Option<&Core> {
        match self.kind() {
            ThreadKind::Worker(core) if Arc::ptr_eq(&self.shared, shared) => Some(core),
            _ => None,
        }
    }

    /// Whether this thread is a worker or inside `block_on`, in this frame or in one below.
    pub(crate) fn is_serving(&self) -> bool {
        let mut frames = self.with_those_below();
        frames.any(|frame| matches!(frame.kind, ThreadKind::Worker(_) | ThreadKind::Root(_)))
    }

    /// Whether this thread is a worker of `shared`, in this frame or in one below.
    pub(crate) fn is_worker_of(&self, shared: &Arc<Shared>) -> bool {
        let mut frames = self.with_those_below();
        frames.any(|frame| {
            matches!(frame.kind, ThreadKind::Worker(_)) && Arc::ptr_eq(&frame.shared, shared)
        })
    }

    #[inline]
    fn is_in_sight(&self) -> bool {
        !matches!(self.kind, ThreadKind::Absent)
    }

    /// The next frame below that is still open, if it is not hidden.
    fn below(&self) -> Option<&Frame> {
        let mut below = self.previous.as_deref();
        while let Some(left) = below.filter(|frame| frame.left.get()) {
            below = left.previous.as_deref();
        }
        below.filter(|frame| frame.is_in_sight())
    }

    /// How many tasks wait in this thread's run queue.
    pub(crate) fn queued(&self) -> usize {
        match self.kind() {
            ThreadKind::Worker(core) => core.queue.len(),
            _ => 0,
        }
    }

    /// The local queue of this thread.
    pub(crate) fn local_queue(&self) -> Option<&LocalQueue> {
        match self.kind() {
            ThreadKind::Worker(core) => Some(&core.local_queue),
            ThreadKind::Root(local_queue) => Some(local_queue),
            ThreadKind::Guest | ThreadKind::AsBelow | ThreadKind::Absent => None,
        }
    }
}
