//! The queue: a resource, the lines that wait for it, and the waiters.

use std::fmt;
use std::marker::PhantomPinned;
use std::ops::{Deref, DerefMut};
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

use super::list::{List, NO_TICKET, Node, Stage};
use super::no_task;
use super::wakes::{Wake, Wakes};
use crate::runtime::turns::TurnList;
use crate::sync::{Mutant, TryMutex, TryMutexGuard, broken, const_fn};

/// What the waiters of a queue wait for, in `LINES` lines.
pub(crate) trait Resource<const LINES: usize> {
    /// The part that is used without the lock.
    type Shared;

    /// Whether a grant is passed on if the waiter is not polled. Where a grant takes nothing from
    /// anybody (an event), it need not be.
    const TURNS: bool = true;

    /// Reserves `units` for a waiter of `line`, if they are free. The answer goes to the waiter.
    fn reserve(&mut self, line: usize, units: usize) -> Option<usize>;

    /// Takes units back that were reserved with `answer`, and not used.
    fn restore(&mut self, line: usize, units: usize, answer: usize);

    /// The lock has been taken.
    fn begin(&mut self, _shared: &Self::Shared) {}

    /// The lock is about to be released. `waiting` tells for each line how many wait in it.
    fn end(&mut self, _shared: &Self::Shared, _waiting: [usize; LINES]) {}
}

/// Waiters in line for a resource.
pub(crate) struct WaitQueue<R: Resource<LINES>, const LINES: usize = 1> {
    shared: R::Shared,
    state: TryMutex<State<R, LINES>>,
}

struct State<R, const LINES: usize> {
    resource: R,
    waiting: [List; LINES],
    /// Those with a grant whose turn is on a turn list.
    granted: List,
    /// How many units are reserved in each line.
    reserved: [usize; LINES],
    last_ticket: u64,
}

// SAFETY: the nodes in the lists are touched only under the lock (W1); what is in them, wakers and
// references to tasks, may be used and dropped on any thread.
unsafe impl<R: Send, const LINES: usize> Send for State<R, LINES> {}

impl<R: Resource<LINES>, const LINES: usize> WaitQueue<R, LINES> {
    const_fn! {
        pub(crate) fn new(shared: R::Shared, resource: R) -> WaitQueue<R, LINES> {
            WaitQueue {
                shared,
                state: TryMutex::new(State {
                    resource,
                    waiting: [const { List::new() }; LINES],
                    granted: List::new(),
                    reserved: [0; LINES],
                    last_ticket: NO_TICKET,
                }),
            }
        }
    }

    /// What is used without the lock.
    #[inline]
    pub(crate) fn shared(&self) -> &R::Shared {
        &self.shared
    }

    pub(crate) fn lock(&self) -> Locked<'_, R, LINES> {
        Locked::new(self, self.state.lock())
    }

    fn try_lock(&self) -> Option<Locked<'_, R, LINES>> {
        Some(Locked::new(self, self.state.try_lock()?))
    }

    /// A waiter for `units` in `line`. It enters the queue when it is polled.
    pub(crate) fn wait(&self, line: usize, units: usize) -> Waiter<'_, R, LINES> {
        Waiter {
            queue: self,
            node: Node::new(line, units),
            entered: false,
            _pinned: PhantomPinned,
        }
    }

    /// Passes on the turn of a waiter: a [`TryPassOn`](crate::runtime::turns::TryPassOn).
    ///
    /// # Safety
    /// `queue` is of this type, `waiter` is one of its nodes, and its turn is on a list that the
    /// caller has locked.
    unsafe fn try_pass_on(
        queue: NonNull<()>,
        waiter: NonNull<()>,
        take_off: &mut dyn FnMut(),
    ) -> bool {
        // SAFETY: W2: the turn is on its list, so the queue exists.
        let queue = unsafe { queue.cast::<WaitQueue<R, LINES>>().as_ref() };
        let Some(mut locked) = queue.try_lock() else {
            return false;
        };
        // SAFETY: W1 and W2: the turn is on its list, so the node exists; the queue is locked.
        let node = unsafe { waiter.cast::<Node>().as_ref() };
        take_off();
        node.turn_list.set(None);
        locked.pass_on(node);
        true
    }
}

impl<R: Resource<LINES>, const LINES: usize> Drop for WaitQueue<R, LINES> {
    fn drop(&mut self) {
        let mut locked = self.lock();
        // Usually there are none: what is here has been leaked.
        while let Some(node) = locked.guard.granted.first().map(NonNull::from) {
            // SAFETY: W2: a leaked node stays where it is.
            let node = unsafe { node.as_ref() };
            locked.take_off_lists(node);
        }
    }
}

/// A queue whose lock is held. When it is dropped, the lock is released, and then those that were
/// granted something are woken.
pub(crate) struct Locked<'a, R: Resource<LINES>, const LINES: usize = 1> {
    queue: &'a WaitQueue<R, LINES>,
    guard: TryMutexGuard<'a, State<R, LINES>>,
    /// After the guard: so it is dropped, and wakes, when the lock has been released.
    wakes: Wakes,
}

impl<'a, R: Resource<LINES>, const LINES: usize> Locked<'a, R, LINES> {
    fn new(
        queue: &'a WaitQueue<R, LINES>,
        mut guard: TryMutexGuard<'a, State<R, LINES>>,
    ) -> Locked<'a, R, LINES> {
        guard.resource.begin(&queue.shared);
        Locked {
            queue,
            guard,
            wakes: Wakes::default(),
        }
    }

    /// How many wait in `line`, without those that have been granted something.
    pub(crate) fn waiting(&self, line: usize) -> usize {
        self.guard.waiting[line].len()
    }

    /// How many units are reserved in `line`, for waiters that have not taken them yet.
    pub(crate) fn reserved(&self, line: usize) -> usize {
        self.guard.reserved[line]
    }

    /// Grants those that wait in `line` what they wait for, in order, as far as it goes.
    pub(crate) fn serve(&mut self, line: usize) {
        while let Some(node) = self.guard.waiting[line].first().map(NonNull::from) {
            // SAFETY: W1: it is in the list, and stays where it is.
            let node = unsafe { node.as_ref() };
            let Some(answer) = self.guard.resource.reserve(line, node.units) else {
                return;
            };
            self.grant(node, answer);
        }
    }

    fn grant(&mut self, node: &Node, answer: usize) {
        // SAFETY: it is the first of this list.
        unsafe { self.guard.waiting[node.line].remove(node) };
        node.stage.set(Stage::Granted);
        node.answer.set(answer);
        self.guard.reserved[node.line] += node.units;
        let Some(wake) = node.wake.take() else {
            unreachable!("a waiter in line has a waker");
        };
        if R::TURNS && !self.list_turn(node, &wake) {
            self.pass_over(node);
        }
        self.wakes.add(wake);
    }

    /// Puts the turn of `node` on the list of the task that polled it. False if that task has
    /// ended.
    fn list_turn(&mut self, node: &Node, wake: &Wake) -> bool {
        let pass_on = WaitQueue::<R, LINES>::try_pass_on;
        let (queue, waiter) = (NonNull::from(self.queue).cast(), NonNull::from(node).cast());
        let list = match wake.turn_list() {
            // SAFETY: `pass_on` is of this queue; both take the turn off before they go (W2).
            Some(list) => unsafe { list.enter(queue, waiter, pass_on) }.then_some(list),
            // SAFETY: as above.
            None => Some(unsafe { no_task::enter(queue, waiter, pass_on) }),
        };
        if wake.turn_list().is_none() {
            self.wakes.watch_no_task();
        }
        let Some(list) = list else {
            return false;
        };
        node.turn_list.set(Some(NonNull::from(list)));
        // SAFETY: it has just left the line, so it is in no list.
        unsafe { self.guard.granted.insert(node) };
        true
    }

    /// Takes a grant back from a waiter that was not polled, and serves the next. Its turn is off
    /// the turn list.
    fn pass_on(&mut self, node: &Node) {
        // SAFETY: its turn was on a list until now, so it is in this list.
        unsafe { self.guard.granted.remove(node) };
        if broken(Mutant::KeepTurn) {
            node.stage.set(Stage::PassedOver);
            return;
        }
        self.pass_over(node);
        if !broken(Mutant::PassOnSilently) {
            self.serve(node.line);
        }
    }

    fn pass_over(&mut self, node: &Node) {
        node.stage.set(Stage::PassedOver);
        self.restore(node);
    }

    fn restore(&mut self, node: &Node) {
        self.guard.reserved[node.line] -= node.units;
        let answer = node.answer.get();
        self.guard.resource.restore(node.line, node.units, answer);
    }

    /// Takes a waiter with a grant off the list of granted ones, and its turn off its turn list.
    fn take_off_lists(&mut self, node: &Node) {
        if let Some(list) = node.turn_list.take() {
            // SAFETY: the list is a static, or of a task that has not ended: its end would have
            // taken the turn off.
            let list: &TurnList = unsafe { list.as_ref() };
            list.remove(NonNull::from(node).cast());
            // SAFETY: a waiter whose turn is on a list is in this list.
            unsafe { self.guard.granted.remove(node) };
        }
    }

    /// One poll of a waiter: its answer, if it was granted what it waits for or if that is free.
    /// `Err` if it must wait and has no waker: `wake` must be given.
    ///
    /// # Safety
    /// The node is pinned, and its destructor calls [`leave`](Locked::leave).
    unsafe fn poll(
        &mut self,
        node: &Node,
        wake: &mut Option<Wake>,
        waker: &Waker,
    ) -> Result<Poll<usize>, NeedsWaker> {
        if node.stage.get() == Stage::Granted {
            self.take_off_lists(node);
            self.guard.reserved[node.line] -= node.units;
            return Ok(Poll::Ready(self.taken(node, node.answer.get())));
        }
        if node.stage.get() == Stage::Waiting {
            return self.keep_waiting(node, wake, waker);
        }
        // A waiter that was passed over goes before those that came later.
        let ticket = node.ticket.get();
        let first = self.guard.waiting[node.line].first();
        if first.is_none_or(|first| ticket != NO_TICKET && ticket < first.ticket.get()) {
            if let Some(answer) = self.guard.resource.reserve(node.line, node.units) {
                return Ok(Poll::Ready(self.taken(node, answer)));
            }
        }
        let wake = wake.take().ok_or(NeedsWaker)?;
        if ticket == NO_TICKET {
            self.guard.last_ticket += 1;
            node.ticket.set(self.guard.last_ticket);
        }
        node.wake.set(Some(wake));
        node.stage.set(Stage::Waiting);
        // SAFETY: it is in no list; W1 by the caller's promise.
        unsafe { self.guard.waiting[node.line].insert(node) };
        Ok(Poll::Pending)
    }

    fn keep_waiting(
        &mut self,
        node: &Node,
        wake: &mut Option<Wake>,
        waker: &Waker,
    ) -> Result<Poll<usize>, NeedsWaker> {
        let stored = node.wake.take();
        if stored.as_ref().is_some_and(|stored| stored.is_of(waker)) {
            node.wake.set(stored);
            return Ok(Poll::Pending);
        }
        match wake.take() {
            Some(wake) => {
                node.wake.set(Some(wake));
                self.wakes.put_aside(stored);
                Ok(Poll::Pending)
            }
            None => {
                node.wake.set(stored);
                Err(NeedsWaker)
            }
        }
    }

    fn taken(&mut self, node: &Node, answer: usize) -> usize {
        node.stage.set(Stage::Idle);
        node.ticket.set(NO_TICKET);
        answer
    }

    /// A waiter goes away: what it was granted goes to the next.
    fn leave(&mut self, node: &Node) {
        match node.stage.replace(Stage::Idle) {
            Stage::Idle | Stage::PassedOver => {}
            Stage::Waiting => {
                // SAFETY: a waiting node is in the list of its line.
                unsafe { self.guard.waiting[node.line].remove(node) };
                self.wakes.put_aside(node.wake.take());
                // Those behind it may ask for less.
                self.serve(node.line);
            }
            Stage::Granted => {
                self.take_off_lists(node);
                self.restore(node);
                if !broken(Mutant::KeepGrant) {
                    self.serve(node.line);
                }
            }
        }
    }
}

/// The waiter must wait, and the caller is to bring its waker.
struct NeedsWaker;

impl<R: Resource<LINES>, const LINES: usize> Deref for Locked<'_, R, LINES> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.guard.resource
    }
}

impl<R: Resource<LINES>, const LINES: usize> DerefMut for Locked<'_, R, LINES> {
    fn deref_mut(&mut self) -> &mut R {
        &mut self.guard.resource
    }
}

impl<R: Resource<LINES>, const LINES: usize> Drop for Locked<'_, R, LINES> {
    fn drop(&mut self) {
        let waiting = std::array::from_fn(|line| self.guard.waiting[line].len());
        self.guard.resource.end(&self.queue.shared, waiting);
    }
}

/// A waiter: a future that ends when its units are the caller's, with the queue still locked.
///
/// Dropped, it leaves the queue, and what it was granted goes to the next in line.
pub(crate) struct Waiter<'a, R: Resource<LINES>, const LINES: usize = 1> {
    queue: &'a WaitQueue<R, LINES>,
    node: Node,
    /// It may be in the queue.
    entered: bool,
    /// The queue has pointers to the node.
    _pinned: PhantomPinned,
}

// SAFETY: the node is touched only under the queue's lock (W1), or with `&mut Waiter` while it is
// in no list.
unsafe impl<R: Resource<LINES> + Send, const LINES: usize> Send for Waiter<'_, R, LINES> where
    R::Shared: Sync
{
}
// SAFETY: as above; nothing is done through `&Waiter`.
unsafe impl<R: Resource<LINES> + Send, const LINES: usize> Sync for Waiter<'_, R, LINES> where
    R::Shared: Sync
{
}

impl<'a, R: Resource<LINES>, const LINES: usize> Waiter<'a, R, LINES> {
    /// Returns the queue, locked, and what the resource answered when it reserved the units.
    pub(crate) fn poll(
        self: Pin<&mut Self>,
        with: &mut Context<'_>,
    ) -> Poll<(Locked<'a, R, LINES>, usize)> {
        // SAFETY: nothing is moved out.
        let this = unsafe { self.get_unchecked_mut() };
        let waker = with.waker();
        // A newcomer will most likely wait: its waker is made before the lock is taken.
        let mut wake = (!this.entered).then(|| Wake::of(waker, R::TURNS));
        this.entered = true;
        loop {
            let mut locked = this.queue.lock();
            // SAFETY: `self` is pinned, and its destructor calls `leave`.
            match unsafe { locked.poll(&this.node, &mut wake, waker) } {
                Ok(Poll::Ready(answer)) => {
                    this.entered = false;
                    // Not dropped here: it may be a foreign waker, and the queue is locked.
                    locked.wakes.put_aside(wake.take());
                    return Poll::Ready((locked, answer));
                }
                Ok(Poll::Pending) => return Poll::Pending,
                Err(NeedsWaker) => {
                    drop(locked);
                    wake = Some(Wake::of(waker, R::TURNS));
                }
            }
        }
    }
}

impl<R: Resource<LINES>, const LINES: usize> Drop for Waiter<'_, R, LINES> {
    fn drop(&mut self) {
        if self.entered {
            self.queue.lock().leave(&self.node);
        }
    }
}

impl<R: Resource<LINES>, const LINES: usize> fmt::Debug for WaitQueue<R, LINES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitQueue").finish_non_exhaustive()
    }
}

impl<R: Resource<LINES>, const LINES: usize> fmt::Debug for Waiter<'_, R, LINES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiter").finish_non_exhaustive()
    }
}
