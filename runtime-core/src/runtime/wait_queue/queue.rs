//! The queue: a resource, and the lines that wait for it.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::task::{Poll, Waker};

use super::held::Held;
use super::list::{List, NO_TICKET, Node, Stage};
use super::no_task;
use super::resource::Resource;
use super::wakes::{Wake, Wakes};
use crate::runtime::turns::{Giver, PassOn, TurnList};
use crate::sync::{Mutant, Mutex, OnceLock, StdArc, broken, const_fn};

/// Waiters in line for a resource.
pub(crate) struct WaitQueue<R: Resource<LINES>, const LINES: usize = 1> {
    shared: R::Shared,
    /// What turns refer to. So it stays where it is when the queue is moved, and exists as long as
    /// there are turns.
    inner: OnceLock<StdArc<Inner<R, LINES>>>,
    /// The resource, until the lock is taken for the first time.
    initial: Mutex<Option<R>>,
}

struct Inner<R, const LINES: usize> {
    state: Mutex<State<R, LINES>>,
}

struct State<R, const LINES: usize> {
    /// `None` when the queue has been dropped.
    resource: Option<R>,
    waiting: [List; LINES],
    /// Those with a grant whose turn is on a turn list.
    granted: [List; LINES],
    /// Those that were passed over, where units do not last. They have been woken, so they need no
    /// waker.
    passed_over: List,
    /// How many units are reserved in each line.
    reserved: [usize; LINES],
    last_ticket: u64,
    /// Whom to wake when the lock has been released. Here, so that a [`Locked`] is small: it is
    /// moved often.
    wakes: Wakes,
}

// SAFETY: the nodes in the lists are touched only under the lock (W1); what is in them, wakers and
// references to tasks, may be used and dropped on any thread.
unsafe impl<R: Send, const LINES: usize> Send for State<R, LINES> {}

impl<R: Resource<LINES>, const LINES: usize> WaitQueue<R, LINES> {
    const_fn! {
        pub(crate) fn new(shared: R::Shared, resource: R) -> WaitQueue<R, LINES> {
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
            waiting: [const { List::new() }; LINES],
            granted: [const { List::new() }; LINES],
            passed_over: List::new(),
            reserved: [0; LINES],
            last_ticket: NO_TICKET,
            wakes: Wakes::default(),
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

impl<R: Resource<LINES>, const LINES: usize> PassOn for Inner<R, LINES> {
    fn pass_on(self: StdArc<Self>, ticket: u64) {
        let mut locked = Locked::new(&self, None);
        if locked.guard.resource.is_some() {
            locked.pass_on(ticket);
        }
    }
}

/// A queue whose lock is held. When it is dropped, the lock is released, and then those that were
/// granted something are woken.
pub(crate) struct Locked<'a, R: Resource<LINES>, const LINES: usize = 1> {
    inner: &'a StdArc<Inner<R, LINES>>,
    /// `None` if a turn is passed on: then nobody has the queue here.
    shared: Option<&'a R::Shared>,
    guard: Held<'a, State<R, LINES>>,
}

impl<'a, R: Resource<LINES>, const LINES: usize> Locked<'a, R, LINES> {
    #[inline]
    fn new(
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
        let Some(mut guard) = self.guard.take() else {
            return;
        };
        let state = &mut *guard;
        if let Some(resource) = &mut state.resource {
            resource.at_release();
            if let Some(shared) = self.shared {
                let waiting = std::array::from_fn(|line| {
                    state.waiting[line].len() + state.granted[line].len()
                });
                resource.end(shared, waiting);
            }
        }
        if !guard.wakes.is_empty() {
            let wakes = std::mem::take(&mut guard.wakes);
            drop(guard);
            drop(wakes);
        }
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
        self.serve_those_of(line, self.guard.last_ticket);
    }

    /// As [`serve`](Locked::serve), for units that were there when `last` was the last ticket.
    fn serve_those_of(&mut self, line: usize, last: u64) {
        while let Some((node, in_line)) = self.next(line) {
            // SAFETY: W1: it is in a list, and stays where it is.
            let node = unsafe { node.as_ref() };
            let Some(answer) = self.reserve(line, node.units) else {
                return;
            };
            node.granted_at.set(last);
            self.note_grant(node, answer);
            match in_line {
                true => self.grant(node),
                // SAFETY: it is the first of this list.
                false => unsafe { self.guard.passed_over.remove(node) },
            }
        }
    }

    /// Who is to be granted something next, and whether it is in line.
    fn next(&self, line: usize) -> Option<(NonNull<Node>, bool)> {
        let next = self.guard.waiting[line].first().map(|node| (node, true));
        let passed_over = || self.guard.passed_over.first().map(|node| (node, false));
        let (node, in_line) = next.or_else(passed_over)?;
        Some((NonNull::from(node), in_line))
    }

    fn note_grant(&mut self, node: &Node, answer: usize) {
        node.stage.set(Stage::Granted);
        node.answer.set(answer);
        self.guard.reserved[node.line] += node.units;
    }

    fn grant(&mut self, node: &Node) {
        // SAFETY: it is the first of this list.
        unsafe { self.guard.waiting[node.line].remove(node) };
        let Some(wake) = node.wake.take() else {
            unreachable!("a waiter in line has a waker");
        };
        if R::has_turns(node.line) && !self.list_turn(node, wake.turn_list()) {
            self.pass_over(node);
        }
        self.guard.wakes.add(wake);
    }

    /// Puts the turn of `node` on `list`, of the task that polled it. False if that task has ended.
    fn list_turn(&mut self, node: &Node, list: Option<&TurnList>) -> bool {
        let ticket = node.ticket.get();
        let entered = match list {
            Some(list) => list
                .enter(self.giver(), ticket)
                .map(|number| (list, number)),
            None => None,
        };
        let turn = match (entered, list) {
            (None, Some(_)) if R::LASTS => return false,
            (None, _) => {
                self.guard.wakes.watch_no_task();
                no_task::enter(self.giver(), ticket)
            }
            (Some(entered), _) => entered,
        };
        let (list, number) = turn;
        node.turn.set(Some((NonNull::from(list), number)));
        // SAFETY: a waiter that has just been granted something is in no list.
        unsafe { self.guard.granted[node.line].insert(node) };
        true
    }

    /// A reference to this queue for a turn.
    fn giver(&self) -> Giver {
        let inner: StdArc<dyn PassOn + '_> = StdArc::<Inner<R, LINES>>::clone(self.inner);
        // SAFETY: W3: passing on touches no value of the user, and the reference drops none, so
        // they may be borrowed for less long than this claims.
        let inner: StdArc<dyn PassOn> = unsafe { std::mem::transmute(inner) };
        // SAFETY: W3, as above: nor does it matter on which thread.
        unsafe { Giver::new(inner) }
    }

    /// Takes a grant back from the waiter with this ticket, if it has not used it, and serves the
    /// next. Its turn is off the turn list.
    fn pass_on(&mut self, ticket: u64) {
        let mut granted = self.guard.granted.iter();
        let Some(node) = granted.find_map(|list| list.find(ticket)) else {
            return;
        };
        // SAFETY: W1: it is in a list, and stays where it is.
        let node = unsafe { node.as_ref() };
        node.turn.set(None);
        // SAFETY: it has just been found in this list.
        unsafe { self.guard.granted[node.line].remove(node) };
        let last = match R::LASTS {
            true => self.guard.last_ticket,
            false => node.granted_at.get(),
        };
        let next = self.guard.waiting[node.line].first();
        if !R::LASTS && next.is_none_or(|next| next.ticket.get() > last) {
            // It was for none of those who came later: the waiter keeps it.
            return;
        }
        self.pass_over(node);
        if !broken(Mutant::PassOnSilently) {
            self.serve_those_of(node.line, last);
        }
    }

    fn pass_over(&mut self, node: &Node) {
        node.stage.set(Stage::PassedOver);
        if !R::LASTS {
            // SAFETY: a waiter with a grant is in no other list once its turn is gone.
            unsafe { self.guard.passed_over.insert(node) };
        }
        if !broken(Mutant::KeepTurn) {
            self.take_back(node);
        }
    }

    fn take_back(&mut self, node: &Node) {
        self.guard.reserved[node.line] -= node.units;
        let answer = node.answer.get();
        self.restore(node.line, node.units, answer);
    }

    /// Takes a waiter with a grant off the list of granted ones, and its turn off its turn list.
    fn take_off_lists(&mut self, node: &Node) {
        if let Some((list, number)) = node.turn.take() {
            // SAFETY: W2: the list exists, since this turn has not been passed on.
            let list: &TurnList = unsafe { list.as_ref() };
            list.remove(number);
            // SAFETY: a waiter whose turn is on a list is in this list.
            unsafe { self.guard.granted[node.line].remove(node) };
        }
    }

    fn leave_passed_over(&mut self, node: &Node) {
        if !R::LASTS && node.stage.get() == Stage::PassedOver {
            // SAFETY: such a waiter is in this list.
            unsafe { self.guard.passed_over.remove(node) };
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
        match node.stage.get() {
            Stage::Granted => {
                self.take_off_lists(node);
                self.guard.reserved[node.line] -= node.units;
                return Ok(Poll::Ready(self.taken(node, node.answer.get())));
            }
            Stage::Waiting => return self.keep_waiting(node, wake, waker),
            Stage::Idle => node.ticket.set(NO_TICKET),
            Stage::PassedOver => {}
        }
        let before = self.count_before(node);
        if let Some(answer) = self.arrive(node.line, node.units, before) {
            self.leave_passed_over(node);
            return Ok(Poll::Ready(self.taken(node, answer)));
        }
        let wake = wake.take();
        let wake = wake.or_else(|| Wake::of_own_task(waker, R::has_turns(node.line)));
        node.wake.set(Some(wake.ok_or(NeedsWaker)?));
        self.leave_passed_over(node);
        if node.ticket.get() == NO_TICKET {
            self.guard.last_ticket += 1;
            node.ticket.set(self.guard.last_ticket);
        }
        node.stage.set(Stage::Waiting);
        // SAFETY: it is in no list; W1 by the caller's promise.
        unsafe { self.guard.waiting[node.line].insert(node) };
        Ok(Poll::Pending)
    }

    /// How many wait before a waiter that comes now: none, if it was passed over and its place is
    /// the first; else all.
    fn count_before(&self, node: &Node) -> usize {
        let waiting = &self.guard.waiting[node.line];
        let ticket = node.ticket.get();
        match waiting.first() {
            Some(first) if ticket == NO_TICKET || first.ticket.get() < ticket => waiting.len(),
            _ => 0,
        }
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
                self.guard.wakes.put_aside(stored);
                Ok(Poll::Pending)
            }
            None => {
                node.wake.set(stored);
                Err(NeedsWaker)
            }
        }
    }

    /// Reserves again what a waiter has just taken, as a new turn of the task whose list `turns`
    /// is.
    ///
    /// # Safety
    /// As for [`poll`](Locked::poll), which has returned `answer` under this lock.
    pub(super) unsafe fn put_back(&mut self, node: &Node, answer: usize, turns: Option<&TurnList>) {
        self.note_grant(node, answer);
        if R::has_turns(node.line) && !self.list_turn(node, turns) {
            self.pass_over(node);
        }
    }

    fn taken(&mut self, node: &Node, answer: usize) -> usize {
        node.stage.set(Stage::Idle);
        answer
    }

    /// A waiter goes away: what it was granted goes to the next.
    pub(super) fn leave(&mut self, node: &Node) {
        self.leave_passed_over(node);
        match node.stage.replace(Stage::Idle) {
            Stage::Idle | Stage::PassedOver => {}
            Stage::Waiting => {
                // SAFETY: a waiting node is in the list of its line.
                unsafe { self.guard.waiting[node.line].remove(node) };
                self.guard.wakes.put_aside(node.wake.take());
                // Those behind it may ask for less.
                if !broken(Mutant::LeaveLineSilently) {
                    self.serve(node.line);
                }
            }
            Stage::Granted => {
                self.take_off_lists(node);
                self.take_back(node);
                let last = match R::LASTS {
                    true => self.guard.last_ticket,
                    false => node.granted_at.get(),
                };
                if !broken(Mutant::KeepGrant) {
                    self.serve_those_of(node.line, last);
                }
            }
        }
    }
}

/// The waiter must wait, and the caller is to bring its waker.
pub(super) struct NeedsWaker;

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
