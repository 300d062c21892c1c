//! The queue: a resource, and the lines that wait for it.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::task::{Poll, Waker};

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

    /// The same for one line. In a line without turns, order does not matter either: whoever finds
    /// its units free takes them, although others wait.
    #[inline]
    fn has_turns(_line: usize) -> bool {
        Self::TURNS
    }

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
    pub(super) wakes: Wakes,
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
        if R::has_turns(node.line) && !self.list_turn(node, &wake) {
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
    pub(super) unsafe fn poll(
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
        let goes_first =
            first.is_none_or(|first| ticket != NO_TICKET && ticket < first.ticket.get());
        if goes_first || !R::has_turns(node.line) {
            if let Some(answer) = self.guard.resource.reserve(node.line, node.units) {
                return Ok(Poll::Ready(self.taken(node, answer)));
            }
        }
        let wake = wake.take();
        let wake = wake.or_else(|| Wake::of_own_task(waker, R::has_turns(node.line)));
        let wake = wake.ok_or(NeedsWaker)?;
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
        let wake = wake.take();
        match wake.or_else(|| Wake::of_own_task(waker, R::has_turns(node.line))) {
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
    pub(super) fn leave(&mut self, node: &Node) {
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
pub(super) struct NeedsWaker;

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

impl<R: Resource<LINES>, const LINES: usize> fmt::Debug for WaitQueue<R, LINES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitQueue").finish_non_exhaustive()
    }
}
