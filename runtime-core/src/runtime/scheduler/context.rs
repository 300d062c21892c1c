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
    /// Inside `EventLoop::enter`: the thread has the kind of the entry below, as long as that entry
    /// is open. A guard may be carried out of the run, the task or the `block_on` in which it was
    /// made. It carries the loop, but not the kind of a thread that has left that entry.
    AsBelow,
    /// The thread does nothing for any loop, and the entries below are hidden. So a function that
    /// is run by hand, instead of on a thread of the pool, sees the context that it would see
    /// there.
    Absent,
}

/// One entering of a loop. The entries form a stack, whose top is in the thread-local pointer.
#[derive(Debug)]
pub(crate) struct LoopEntry {
    pub(crate) shared: Arc<Shared>,
    /// The loop reference that tasks made on this thread hold.
    loop_ref: StdArc<LoopRef>,
    kind: ThreadKind,
    /// The entry below.
    previous: Option<Rc<LoopEntry>>,
    /// The guard has been dropped: the entry is skipped, and removed once it is on top.
    left: Cell<bool>,
}

local! {
    // An `Rc<LoopEntry>` as a raw pointer: a `Cell` without a destructor needs no registration.
    static CURRENT: Cell<Option<NonNull<LoopEntry>>> = Cell::new(None)
}

/// Leaves the loop when it is dropped. Guards may be dropped in any order. A guard that is
/// forgotten leaves its loop entered, and leaks the entry: the pointer stays valid.
#[derive(Debug)]
pub(crate) struct Guard {
    entry: Rc<LoopEntry>,
}

/// Enters a loop, until the guard is dropped.
pub(crate) fn enter(shared: Arc<Shared>, kind: ThreadKind) -> Guard {
    CURRENT.with(|current| {
        // SAFETY: the word holds one strong count, which becomes the new entry's.
        let previous = current
            .take()
            .map(|entry| unsafe { Rc::from_raw(entry.as_ptr()) });
        let loop_ref = match &kind {
            ThreadKind::Worker(core) => StdArc::clone(&core.loop_ref),
            ThreadKind::AsBelow => loop_ref_below(&shared, previous.as_deref()),
            ThreadKind::Root(_) | ThreadKind::Guest | ThreadKind::Absent => {
                LoopRef::new(Arc::clone(&shared))
            }
        };
        let entry = Rc::new(LoopEntry {
            shared,
            loop_ref,
            kind,
            previous,
            left: Cell::new(false),
        });
        current.set(NonNull::new(Rc::into_raw(Rc::clone(&entry)).cast_mut()));
        Guard { entry }
    })
}

/// The loop reference of the entry below, if that is of the same loop: entering a loop on one of
/// its workers makes no new loop reference.
fn loop_ref_below(shared: &Arc<Shared>, below: Option<&LoopEntry>) -> StdArc<LoopRef> {
    let same = below.filter(|entry| Arc::ptr_eq(&entry.shared, shared));
    same.map_or_else(
        || LoopRef::new(Arc::clone(shared)),
        |entry| StdArc::clone(&entry.loop_ref),
    )
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.entry.left.set(true);
        CURRENT.with(|current| {
            // SAFETY: the word holds one strong count.
            let mut top = current
                .take()
                .map(|entry| unsafe { Rc::from_raw(entry.as_ptr()) });
            while top.as_ref().is_some_and(|entry| entry.left.get()) {
                top = top.and_then(|entry| entry.previous.clone());
            }
            current.set(top.and_then(|entry| NonNull::new(Rc::into_raw(entry).cast_mut())));
        });
    }
}

/// Calls `visit` with the current entry. `visit` must not run user code: a guard dropped there
/// would free the entry.
#[inline]
pub(crate) fn with<R>(visit: impl FnOnce(Option<&LoopEntry>) -> R) -> R {
    CURRENT.with(|current| {
        // SAFETY: the word holds a strong count, and `visit` runs nothing that could release it.
        let top = current.get().map(|entry| unsafe { entry.as_ref() });
        visit(top.filter(|entry| entry.is_in_sight()))
    })
}

/// A strong reference to the current entry, for a caller that runs user code meanwhile.
pub(crate) fn entry() -> Option<Rc<LoopEntry>> {
    CURRENT.with(|current| {
        let pointer = current.get()?.as_ptr().cast_const();
        // SAFETY: the word holds a strong count, in addition to which this makes another.
        unsafe { Rc::increment_strong_count(pointer) };
        // SAFETY: this takes the count just made.
        Some(unsafe { Rc::from_raw(pointer) }).filter(|entry| entry.is_in_sight())
    })
}

/// A strong reference to the core of this thread, if it is a worker of its current loop.
#[inline]
pub(crate) fn core() -> Option<Rc<Core>> {
    with(|entry| match entry?.kind() {
        ThreadKind::Worker(core) => Some(Rc::clone(core)),
        _ => None,
    })
}

/// A loop reference of the current loop, or else of the process's default one.
#[inline]
pub(crate) fn loop_ref() -> Option<StdArc<LoopRef>> {
    with(|entry| Some(StdArc::clone(&entry?.loop_ref))).or_else(foreign_loop_ref)
}

/// The same, with the index of this thread among the workers of that loop, if it is one.
#[inline]
pub(crate) fn loop_ref_and_worker() -> Option<(StdArc<LoopRef>, Option<usize>)> {
    // Apart, since an option of both would go through memory.
    let mut worker = None;
    let own = with(|entry| {
        let entry = entry?;
        if let ThreadKind::Worker(core) = entry.kind() {
            worker = Some(core.index);
        }
        Some(StdArc::clone(&entry.loop_ref))
    });
    match own {
        Some(loop_ref) => Some((loop_ref, worker)),
        None => Some((foreign_loop_ref()?, None)),
    }
}

#[cold]
fn foreign_loop_ref() -> Option<StdArc<LoopRef>> {
    Some(LoopRef::foreign(&default()?))
}

/// The current loop, or else the process's default one.
pub(crate) fn current() -> Option<Arc<Shared>> {
    with(|entry| entry.map(|entry| Arc::clone(&entry.shared))).or_else(default)
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

impl Drop for LoopEntry {
    fn drop(&mut self) {
        // In a loop, not by recursion: there may be any number of nested entries.
        let mut previous = self.previous.take();
        while let Some(entry) = previous.as_mut().and_then(Rc::get_mut) {
            previous = entry.previous.take();
        }
    }
}

impl LoopEntry {
    /// The kind that the thread has now in this entry.
    #[inline]
    pub(crate) fn kind(&self) -> &ThreadKind {
        match &self.kind {
            ThreadKind::AsBelow => self.kind_below(),
            kind => kind,
        }
    }

    /// The kind of the next entry below that has one of its own. In a loop, not by recursion, as
    /// everything here that looks below: there may be any number of nested entries.
    #[cold]
    fn kind_below(&self) -> &ThreadKind {
        let below = self.with_those_below().skip(1);
        let same = below.take_while(|entry| Arc::ptr_eq(&entry.shared, &self.shared));
        let mut kinds = same.map(|entry| &entry.kind);
        let own = kinds.find(|kind| !matches!(kind, ThreadKind::AsBelow));
        own.unwrap_or(&ThreadKind::Guest)
    }

    /// This entry, and the entries below that are open and not hidden.
    fn with_those_below(&self) -> impl Iterator<Item = &LoopEntry> {
        std::iter::successors(Some(self), |entry| entry.below())
    }

    /// The core, if this thread is a worker of `shared`.
    #[inline]
    pub(crate) fn core_of(&self, shared: &Arc<Shared>) -> Option<&Core> {
        match self.kind() {
            ThreadKind::Worker(core) if Arc::ptr_eq(&self.shared, shared) => Some(core),
            _ => None,
        }
    }

    /// Whether this thread is a worker or inside `block_on`, in this entry or in one below.
    pub(crate) fn is_serving(&self) -> bool {
        let mut entries = self.with_those_below();
        entries.any(|entry| matches!(entry.kind, ThreadKind::Worker(_) | ThreadKind::Root(_)))
    }

    /// Whether this thread is a worker of `shared`, in this entry or in one below.
    pub(crate) fn is_worker_of(&self, shared: &Arc<Shared>) -> bool {
        let mut entries = self.with_those_below();
        entries.any(|entry| {
            matches!(entry.kind, ThreadKind::Worker(_)) && Arc::ptr_eq(&entry.shared, shared)
        })
    }

    #[inline]
    fn is_in_sight(&self) -> bool {
        !matches!(self.kind, ThreadKind::Absent)
    }

    /// The next entry below that is still open, if it is not hidden.
    fn below(&self) -> Option<&LoopEntry> {
        let mut below = self.previous.as_deref();
        while let Some(left) = below.filter(|entry| entry.left.get()) {
            below = left.previous.as_deref();
        }
        below.filter(|entry| entry.is_in_sight())
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
