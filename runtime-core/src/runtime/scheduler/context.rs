//! The current loop of a thread, and what the thread is to it.

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
    /// One of its workers.
    Worker(Rc<Core>),
    /// A foreign thread inside `block_on`.
    Root(Rc<LocalQueue>),
    /// A foreign thread, or one that serves nobody for a while.
    Guest,
    /// Inside `EventLoop::enter`: what the thread is by the frame below, as long as that is open. A
    /// guard may be carried out of the run, the task or the `block_on` in which it was made; what it
    /// carries is the loop, and never the role of a thread that has left.
    AsBelow,
    /// Nothing: it works for nobody, and what it has entered before is out of its sight. So a function
    /// that stands in for one on a pool's thread finds what that would find.
    Absent,
}

/// One entering of a loop. A stack of them stands under the thread-local pointer.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) shared: Arc<Shared>,
    /// For what this thread makes to hold, instead of the loop.
    loop_ref: StdArc<LoopRef>,
    role: ThreadKind,
    previous: Option<Rc<Frame>>,
    left: Cell<bool>,
}

local! {
    // An `Rc<Frame>` as a raw pointer: a `Cell` without a destructor costs no registration.
    static CURRENT: Cell<Option<NonNull<Frame>>> = Cell::new(None)
}

/// Leaves the loop when it is dropped, in whichever order guards are dropped. A guard that is
/// forgotten leaves its loop entered, and leaks the frame: the pointer stays good.
#[derive(Debug)]
pub(crate) struct Guard {
    frame: Rc<Frame>,
}

/// Enters a loop.
pub(crate) fn enter(shared: Arc<Shared>, role: ThreadKind) -> Guard {
    CURRENT.with(|current| {
        // SAFETY: the word holds one strong count, which becomes the new frame's.
        let previous = current
            .take()
            .map(|frame| unsafe { Rc::from_raw(frame.as_ptr()) });
        let loop_ref = match &role {
            ThreadKind::Worker(core) => StdArc::clone(&core.loop_ref),
            ThreadKind::AsBelow => loop_ref_below(&shared, previous.as_deref()),
            ThreadKind::Root(_) | ThreadKind::Guest | ThreadKind::Absent => {
                LoopRef::new(Arc::clone(&shared))
            }
        };
        let frame = Rc::new(Frame {
            shared,
            loop_ref,
            role,
            previous,
            left: Cell::new(false),
        });
        current.set(NonNull::new(Rc::into_raw(Rc::clone(&frame)).cast_mut()));
        Guard { frame }
    })
}

/// That of the frame below, if it is of the same loop: who enters a loop on a worker counts nothing.
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

/// Shows the current frame to `look`, which must not run user code: a guard dropped there would take
/// the frame away.
#[inline]
pub(crate) fn with<R>(look: impl FnOnce(Option<&Frame>) -> R) -> R {
    CURRENT.with(|current| {
        // SAFETY: the word holds a strong count, and `look` runs nothing that could take it.
        let top = current.get().map(|frame| unsafe { frame.as_ref() });
        look(top.filter(|frame| frame.is_in_sight()))
    })
}

/// The current frame, kept: for who runs user code meanwhile.
pub(crate) fn frame() -> Option<Rc<Frame>> {
    CURRENT.with(|current| {
        let pointer = current.get()?.as_ptr().cast_const();
        // SAFETY: the word holds a strong count, beside which this makes another.
        unsafe { Rc::increment_strong_count(pointer) };
        // SAFETY: the count just made.
        Some(unsafe { Rc::from_raw(pointer) }).filter(|frame| frame.is_in_sight())
    })
}

/// The core of this thread, if it is a worker of its current loop. Kept, as in `frame`.
#[inline]
pub(crate) fn core() -> Option<Rc<Core>> {
    with(|frame| match frame?.role() {
        ThreadKind::Worker(core) => Some(Rc::clone(core)),
        _ => None,
    })
}

/// A branch of the current loop, or else of the process's default one.
#[inline]
pub(crate) fn loop_ref() -> Option<StdArc<LoopRef>> {
    with(|frame| Some(StdArc::clone(&frame?.loop_ref)))
        .or_else(|| Some(LoopRef::foreign(&default()?)))
}

/// Which worker of `shared` this thread is, if it is one.
#[inline]
pub(crate) fn worker_index(shared: &Arc<Shared>) -> Option<usize> {
    with(|frame| Some(frame?.core_of(shared)?.index))
}

/// The current loop, or else the process's default one.
pub(crate) fn current() -> Option<Arc<Shared>> {
    with(|frame| frame.map(|frame| Arc::clone(&frame.shared))).or_else(default)
}

/// The loop for threads that have none.
static DEFAULT: StdMutex<Option<Arc<Shared>>> = StdMutex::new(None);

#[cold]
fn default() -> Option<Arc<Shared>> {
    let default = DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
    default.clone()
}

/// Replaces the loop for threads that have none.
pub(crate) fn set_default(shared: Arc<Shared>) {
    let mut default = DEFAULT.lock().unwrap_or_else(PoisonError::into_inner);
    let old = default.replace(shared);
    // A loop's last reference drops user code: after the lock.
    drop(default);
    drop(old);
}

impl Drop for Frame {
    fn drop(&mut self) {
        // One after the other: as many nest as there are guards.
        let mut previous = self.previous.take();
        while let Some(frame) = previous.as_mut().and_then(Rc::get_mut) {
            previous = frame.previous.take();
        }
    }
}

impl Frame {
    /// What the thread is to this loop now.
    #[inline]
    pub(crate) fn role(&self) -> &ThreadKind {
        match &self.role {
            ThreadKind::AsBelow => self.role_below(),
            role => role,
        }
    }

    /// That of the next frame below which has one of its own. A loop, as everything here that looks
    /// below: any number of guards may lie on one another.
    #[cold]
    fn role_below(&self) -> &ThreadKind {
        let below = self.with_those_below().skip(1);
        let same = below.take_while(|frame| Arc::ptr_eq(&frame.shared, &self.shared));
        let mut roles = same.map(|frame| &frame.role);
        let own = roles.find(|role| !matches!(role, ThreadKind::AsBelow));
        own.unwrap_or(&ThreadKind::Guest)
    }

    /// This frame, and those below that are open and in sight.
    fn with_those_below(&self) -> impl Iterator<Item = &Frame> {
        std::iter::successors(Some(self), |frame| frame.below())
    }

    /// The core, if this thread is a worker of `shared`.
    #[inline]
    pub(crate) fn core_of(&self, shared: &Arc<Shared>) -> Option<&Core> {
        match self.role() {
            ThreadKind::Worker(core) if Arc::ptr_eq(&self.shared, shared) => Some(core),
            _ => None,
        }
    }

    /// Whether this thread runs something for a loop, here or in a frame below.
    pub(crate) fn is_serving(&self) -> bool {
        let mut frames = self.with_those_below();
        frames.any(|frame| matches!(frame.role, ThreadKind::Worker(_) | ThreadKind::Root(_)))
    }

    /// Whether this thread is a worker of `shared`, here or in a frame below.
    pub(crate) fn is_worker_of(&self, shared: &Arc<Shared>) -> bool {
        let mut frames = self.with_those_below();
        frames.any(|frame| {
            matches!(frame.role, ThreadKind::Worker(_)) && Arc::ptr_eq(&frame.shared, shared)
        })
    }

    #[inline]
    fn is_in_sight(&self) -> bool {
        !matches!(self.role, ThreadKind::Absent)
    }

    /// The frame below that is still open, if it is in sight.
    fn below(&self) -> Option<&Frame> {
        let mut below = self.previous.as_deref();
        while let Some(left) = below.filter(|frame| frame.left.get()) {
            below = left.previous.as_deref();
        }
        below.filter(|frame| frame.is_in_sight())
    }

    /// How many tasks wait in this thread's queue.
    pub(crate) fn queued(&self) -> usize {
        match self.role() {
            ThreadKind::Worker(core) => core.queue.len(),
            _ => 0,
        }
    }

    /// What is bound to this thread.
    pub(crate) fn local_queue(&self) -> Option<&LocalQueue> {
        match self.role() {
            ThreadKind::Worker(core) => Some(&core.local_queue),
            ThreadKind::Root(local_queue) => Some(local_queue),
            ThreadKind::Guest | ThreadKind::AsBelow | ThreadKind::Absent => None,
        }
    }
}
