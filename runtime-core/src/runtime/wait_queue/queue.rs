//! The queue: a resource, the lines that wait for it, and the lock over both.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use super::granted::Granted;
use super::held::Held;
use super::list::{Line, List, NO_TICKET};
use super::resource::Resource;
use super::wakes::{Wake, Wakes, wake_task};
use crate::runtime::task::reference::TaskRef;
use crate::runtime::turns::TurnList;
use crate::sync::{Mutex, OnceLock, StdArc, const_fn};

/// Waiters in line for a resource.
pub(crate) struct WaitQueue<R: Resource<LINES>, const LINES: usize = 1> {
    shared: R::Shared,
    /// What turns refer to. So it stays where it is when the queue is moved, and exists as long as
    /// there are turns.
    inner: OnceLock<StdArc<Inner<R, LINES>>>,
    /// The resource, until the lock is taken for the first time.
    initial: Mutex<Option<R>>,
}

pub(super) struct Inner<R, const LINES: usize> {
    state: Mutex<State<R, LINES>>,
}

pub(super) struct State<R, const LINES: usize> {
    /// `None` when the queue has been dropped.
    pub(super) resource: Option<R>,
    pub(super) waiting: [Line; LINES],
    /// Those with a grant whose turn is on a turn list.
    pub(super) granted: [Granted; LINES],
    /// Those that were passed over, where units do not last. They have been woken, so they need no
    /// waker.
    pub(super) passed_over: List,
    /// How many units are reserved in each line.
    pub(super) reserved: [usize; LINES],
    pub(super) last_ticket: u64,
    /// Whom to wake when the lock has been released. Here, so that a [`Locked`] is small.
    pub(super) wakes: Wakes,
    /// While a turn is passed on: the list on which it was, and when it was given.
    pub(super) passing_on: Option<(NonNull<TurnList>, u64)>,
}

// SAFETY: the nodes in the lists are touched only under the lock (W1); what is in them, wakers and
// references to tasks, may be used and dropped on any thread.
unsafe impl<R: Send, const LINES: usize> Send for State<R, LINES> {}

impl<R: Resource<LINES>, const LINES: usize> WaitQueue<R, LINES> {
    const_fn! {
        pub(crate) fn new(shared: R::Shared, resource: R) -> WaitQueue<R, LINES> {
            const { assert!(R::LASTS || LINES == 1, "those that are passed over have one line") };
            WaitQueue {
                shared,
                inner: OnceLock::new(),
                initial: Mutex::new(Some(resource)),
            }
        }
    }

    /// What is used without the lock.
    #[inline]
    pub(crate) fn shared(&self) -> &R::Shared {
        &self.shared
    }

    #[inline]
    pub(crate) fn lock(&self) -> Locked<'_, R, LINES> {
        let inner = self.inner.get_or_init(|| self.make_inner());
        Locked::new(inner, Some(&self.shared))
    }

    #[cold]
    fn make_inner(&self) -> StdArc<Inner<R, LINES>> {
        let resource = self.initial.lock().take();
        let state = State {
            resource,
            waiting: [const { Line::new() }; LINES],
            granted: std::array::from_fn(|_| Granted::default()),
            passed_over: List::new(),
            reserved: [0; LINES],
            last_ticket: NO_TICKET,
            wakes: Wakes::default(),
            passing_on: None,
        };
        StdArc::new(Inner {
            state: Mutex::new(state),
        })
    }
}

impl<R: Resource<LINES>, const LINES: usize> Drop for WaitQueue<R, LINES> {
    fn drop(&mut self) {
        // Here, and not with the last turn: what is in it may be borrowed, or bound to this thread.
        let resource = self
            .inner
            .get()
            .map(|inner| inner.state.lock().resource.take());
        drop(resource);
    }
}

/// A queue whose lock is held. When it is dropped, the lock is released, and then those that were
/// granted something are woken.
///
/// Where it matters, it is passed by reference: its parts are written one by one, and a processor
/// that moves them as a whole right after that waits for the writes.
pub(crate) struct Locked<'a, R: Resource<LINES>, const LINES: usize = 1> {
    pub(super) inner: &'a StdArc<Inner<R, LINES>>,
    /// `None` if a turn is passed on: then nobody has the queue here.
    shared: Option<&'a R::Shared>,
    pub(super) guard: Held<'a, State<R, LINES>>,
}

impl<'a, R: Resource<LINES>, const LINES: usize> Locked<'a, R, LINES> {
    #[inline]
    pub(super) fn new(
        inner: &'a StdArc<Inner<R, LINES>>,
        shared: Option<&'a R::Shared>,
    ) -> Locked<'a, R, LINES> {
        let mut locked = Locked {
            inner,
            shared,
            guard: Held::new(inner.state.lock()),
        };
        if let Some(shared) = shared {
            locked.begin(shared);
        }
        locked
    }

    /// Drops `wake` when the lock has been released.
    pub(super) fn put_aside(&mut self, wake: Option<Wake>) {
        self.guard.wakes.put_aside(wake);
    }

    /// Releases the lock, if it is held, and wakes those that were granted something.
    #[inline]
    fn release(&mut self) {
        // It is not held if a waker was being made, and that panicked.
        if !self.guard.is_held() {
            return;
        }
        let state = &mut *self.guard;
        if let Some(resource) = &mut state.resource {
            resource.at_release();
            if let Some(shared) = self.shared {
                let waiting = std::array::from_fn(|line| {
                    state.waiting[line].len() + state.granted[line].len()
                });
                resource.end(shared, waiting);
            }
        }
        let task = state.wakes.take_task();
        if !state.wakes.is_empty() {
            return self.release_and_wake(task);
        }
        self.guard.release();
        if let Some(task) = task {
            wake_task(task);
        }
    }

    #[cold]
    fn release_and_wake(&mut self, task: Option<TaskRef>) {
        let wakes = std::mem::take(&mut self.guard.wakes);
        self.guard.release();
        wakes.wake_all(task);
    }

    /// Calls `action` without the lock, and takes it again.
    pub(super) fn unlocked<T>(&mut self, action: impl FnOnce() -> T) -> T {
        self.release();
        let done = action();
        self.guard = Held::new(self.inner.state.lock());
        if let Some(shared) = self.shared {
            self.begin(shared);
        }
        done
    }

    /// Whether this is the lock of `queue`.
    #[inline]
    pub(super) fn is_of(&self, queue: &WaitQueue<R, LINES>) -> bool {
        let inner = queue.inner.get();
        inner.is_some_and(|inner| StdArc::ptr_eq(inner, self.inner))
    }
}

const HAS_RESOURCE: &str = "the resource stays as long as the queue";

impl<R: Resource<LINES>, const LINES: usize> Deref for Locked<'_, R, LINES> {
    type Target = R;

    #[inline]
    fn deref(&self) -> &R {
        self.guard.resource.as_ref().expect(HAS_RESOURCE)
    }
}

impl<R: Resource<LINES>, const LINES: usize> DerefMut for Locked<'_, R, LINES> {
    #[inline]
    fn deref_mut(&mut self) -> &mut R {
        self.guard.resource.as_mut().expect(HAS_RESOURCE)
    }
}

impl<R: Resource<LINES>, const LINES: usize> Drop for Locked<'_, R, LINES> {
    #[inline]
    fn drop(&mut self) {
        self.release();
    }
}

impl<R: Resource<LINES>, const LINES: usize> fmt::Debug for WaitQueue<R, LINES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitQueue").finish_non_exhaustive()
    }
}
