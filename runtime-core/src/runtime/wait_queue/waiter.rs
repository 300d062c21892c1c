//! A waiter: what a future that waits for units of a queue is made of.

use std::fmt;
use std::marker::{PhantomData, PhantomPinned};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use super::list::Node;
use super::queue::{Locked, WaitQueue};
use super::resource::Resource;
use super::wakes::Wake;
use crate::runtime::task::cancel::current;
use crate::runtime::task::reference::TaskRef;
use crate::sync::StdArc;

impl<R: Resource<LINES>, const LINES: usize> WaitQueue<R, LINES> {
    /// A waiter for `units` in `line`. It enters the queue when it is polled.
    pub(crate) fn wait(&self, line: usize, units: usize) -> Waiter<'_, R, LINES> {
        WaiterOf::new(self, line, units)
    }
}

/// What a waiter has of its queue. Implemented for what keeps a queue alive:
/// here, and nowhere else.
pub(crate) trait Pointer<R: Resource<LINES>, const LINES: usize> {
    fn queue(&self) -> &WaitQueue<R, LINES>;
}

impl<R: Resource<LINES>, const LINES: usize> Pointer<R, LINES> for &WaitQueue<R, LINES> {
    #[inline]
    fn queue(&self) -> &WaitQueue<R, LINES> {
        self
    }
}

impl<R: Resource<LINES>, const LINES: usize> Pointer<R, LINES> for StdArc<WaitQueue<R, LINES>> {
    #[inline]
    fn queue(&self) -> &WaitQueue<R, LINES> {
        self
    }
}

/// A waiter: a future that ends when its units are the caller's, with the queue still locked.
///
/// Dropped, it leaves the queue, and what it was granted goes to the next in line.
pub(crate) struct WaiterOf<P, R, const LINES: usize>
where
    P: Pointer<R, LINES>,
    R: Resource<LINES>,
{
    queue: P,
    node: Node,
    /// It may be in the queue.
    entered: bool,
    _resource: PhantomData<fn() -> R>,
    /// The queue has pointers to the node.
    _pinned: PhantomPinned,
}

/// A waiter that borrows its queue.
pub(crate) type Waiter<'a, R, const LINES: usize = 1> = WaiterOf<&'a WaitQueue<R, LINES>, R, LINES>;

/// A waiter that keeps its queue alive.
pub(crate) type OwnedWaiter<R, const LINES: usize = 1> =
    WaiterOf<StdArc<WaitQueue<R, LINES>>, R, LINES>;

// SAFETY: the node is touched only under the queue's lock (W1), or with `&mut Waiter` while it is
// in no list.
unsafe impl<P, R, const LINES: usize> Send for WaiterOf<P, R, LINES>
where
    P: Pointer<R, LINES> + Send,
    R: Resource<LINES>,
{
}
// SAFETY: as above; nothing is done through `&Waiter`.
unsafe impl<P, R, const LINES: usize> Sync for WaiterOf<P, R, LINES>
where
    P: Pointer<R, LINES> + Sync,
    R: Resource<LINES>,
{
}

impl<P, R, const LINES: usize> WaiterOf<P, R, LINES>
where
    P: Pointer<R, LINES>,
    R: Resource<LINES>,
{
    /// A waiter for `units` in `line`. It enters the queue when it is polled.
    pub(crate) fn new(queue: P, line: usize, units: usize) -> WaiterOf<P, R, LINES> {
        WaiterOf {
            queue,
            node: Node::new(line, units),
            entered: false,
            _resource: PhantomData,
            _pinned: PhantomPinned,
        }
    }

    /// Returns the queue, locked, and what the resource answered when it reserved the units. It may
    /// be polled again then, to wait for the same once more.
    pub(crate) fn poll<'a>(
        self: Pin<&'a mut Self>,
        with: &mut Context<'_>,
    ) -> Poll<(Locked<'a, R, LINES>, usize)> {
        let (queue, mut place) = self.parts();
        let mut locked = queue.lock();
        let answer = ready!(place.poll(queue, &mut locked, with.waker()));
        *place.entered = false;
        Poll::Ready((locked, answer))
    }

    /// As [`poll`](WaiterOf::poll), for a caller that has locked the queue. It goes on with the
    /// lock: a lock that stays where it is costs less than one that is returned.
    ///
    /// # Panics
    /// If it has locked another one.
    #[inline]
    pub(crate) fn poll_under(
        self: Pin<&mut Self>,
        locked: &mut Locked<'_, R, LINES>,
        with: &mut Context<'_>,
    ) -> Poll<usize> {
        let (queue, mut place) = self.parts();
        let answer = ready!(place.poll(queue, locked, with.waker()));
        *place.entered = false;
        Poll::Ready(answer)
    }

    /// As [`poll`](WaiterOf::poll), but leaves what the waiter was granted reserved for it, as a
    /// turn that begins now. The waiter takes it with a later `poll`. If it is not polled in time,
    /// or is dropped, it goes to the next in line.
    pub(crate) fn hold(self: Pin<&mut Self>, with: &mut Context<'_>) -> Poll<()> {
        let task = current();
        let turns = task.as_ref().map(TaskRef::turn_list);
        let (queue, mut place) = self.parts();
        let mut locked = queue.lock();
        let answer = ready!(place.poll(queue, &mut locked, with.waker()));
        // SAFETY: the waiter is pinned, and its destructor calls `leave`; `poll` has just returned
        // the answer.
        unsafe { locked.put_back(place.node, answer, turns) };
        Poll::Ready(())
    }

    #[cold]
    fn leave(&self) {
        self.queue.queue().lock().leave(&self.node);
    }

    fn parts<'a>(self: Pin<&'a mut Self>) -> (&'a WaitQueue<R, LINES>, PlaceOf<'a>) {
        // SAFETY: nothing is moved out.
        let this = unsafe { self.get_unchecked_mut() };
        let place = PlaceOf {
            node: &this.node,
            entered: &mut this.entered,
        };
        (this.queue.queue(), place)
    }
}

/// The part of a pinned waiter that its queue knows.
struct PlaceOf<'a> {
    node: &'a Node,
    entered: &'a mut bool,
}

impl PlaceOf<'_> {
    /// One poll, under `locked`, the lock of `queue`, which is the waiter's.
    fn poll<R: Resource<LINES>, const LINES: usize>(
        &mut self,
        queue: &WaitQueue<R, LINES>,
        locked: &mut Locked<'_, R, LINES>,
        waker: &Waker,
    ) -> Poll<usize> {
        // The node is touched under the lock of its own queue: W1.
        assert!(locked.is_of(queue), "the lock of another queue");
        // Before the node may be in a list: so its destructor takes it out.
        *self.entered = true;
        let mut wake = None;
        loop {
            // SAFETY: the waiter is pinned, and its destructor calls `leave`.
            let polled = unsafe { locked.poll(self.node, &mut wake, waker) };
            if let Ok(polled) = polled {
                if wake.is_some() {
                    // Not dropped here: it may be a foreign waker, and the queue is locked.
                    locked.put_aside(wake);
                }
                return polled;
            }
            wake = Some(locked.unlocked(|| Wake::of(waker, R::has_turns(self.node.line))));
        }
    }
}

impl<P, R, const LINES: usize> Drop for WaiterOf<P, R, LINES>
where
    P: Pointer<R, LINES>,
    R: Resource<LINES>,
{
    #[inline]
    fn drop(&mut self) {
        if self.entered {
            self.leave();
        }
    }
}

impl<P, R, const LINES: usize> fmt::Debug for WaiterOf<P, R, LINES>
where
    P: Pointer<R, LINES>,
    R: Resource<LINES>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter").finish_non_exhaustive()
    }
}
