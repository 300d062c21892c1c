//! What happens under the lock of a queue: waiters come, are granted units, and go.

use std::ptr::NonNull;
use std::task::{Poll, Waker};

use super::list::{NO_TICKET, Node, Stage};
use super::no_task;
use super::queue::{Inner, Locked};
use super::resource::Resource;
use super::wakes::Wake;
use crate::runtime::task::reference::TaskRef;
use crate::runtime::turns::{Giver, Gives, PassOn, TurnKey, TurnList};
use crate::sync::{Mutant, StdArc, broken};

impl<R: Resource<LINES>, const LINES: usize> PassOn for Inner<R, LINES> {
    fn pass_on(self: StdArc<Self>, ticket: u64, list: &TurnList, given: u64) {
        let mut locked = Locked::new(&self, None);
        if locked.guard.resource.is_some() {
            locked.guard.passing_on = Some((NonNull::from(list), given));
            locked.pass_on(ticket);
            locked.guard.passing_on = None;
        }
    }
}

impl<R: Resource<LINES>, const LINES: usize> Gives for StdArc<Inner<R, LINES>> {
    #[inline]
    fn is(&self, giver: &Giver) -> bool {
        giver.address() == StdArc::as_ptr(self).addr()
    }

    fn giver(&self) -> Giver {
        let inner: StdArc<dyn PassOn + '_> = StdArc::<Inner<R, LINES>>::clone(self);
        // SAFETY: W3: passing on touches no value of the user, and the reference drops none, so
        // they may be borrowed for less long than this claims.
        let inner: StdArc<dyn PassOn> = unsafe { std::mem::transmute(inner) };
        // SAFETY: W3, as above: nor does it matter on which thread.
        unsafe { Giver::new(inner) }
    }
}

impl<R: Resource<LINES>, const LINES: usize> Locked<'_, R, LINES> {
    /// How many wait in `line`, without those that have been granted something.
    #[inline]
    pub(crate) fn waiting(&self, line: usize) -> usize {
        self.guard.waiting[line].len()
    }

    /// How many units are reserved in `line`, for waiters that have not taken them yet.
    pub(crate) fn reserved(&self, line: usize) -> usize {
        self.guard.reserved[line]
    }

    /// Grants those that wait in `line` what they wait for, in order, as far as it goes.
    #[inline]
    pub(crate) fn serve(&mut self, line: usize) {
        // Mostly nobody waits.
        if self.waiting(line) > 0 || !R::LASTS {
            self.serve_those_of(line, self.guard.last_ticket);
        }
    }

    /// As [`serve`](Locked::serve), for units that were there when `last` was the last ticket.
    fn serve_those_of(&mut self, line: usize, last: u64) {
        while let Some((node, in_line)) = self.next(line, last) {
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

    /// Who is to be granted something next, and whether it is in line. Where units do not last,
    /// those that came after `last` are not.
    fn next(&self, line: usize, last: u64) -> Option<(NonNull<Node>, bool)> {
        let next = self.guard.waiting[line].first();
        let next = next.filter(|next| R::LASTS || next.ticket.get() <= last);
        let passed_over = || self.guard.passed_over.first().map(|node| (node, false));
        let (node, in_line) = next.map(|node| (node, true)).or_else(passed_over)?;
        Some((NonNull::from(node), in_line))
    }

    fn note_grant(&mut self, node: &Node, answer: usize) {
        node.stage.set(Stage::Granted);
        node.answer.set(answer);
        let reserved = &mut self.guard.reserved[node.line];
        // Wrapping: where units are no amounts, nobody asks for their sum.
        *reserved = reserved.wrapping_add(node.units);
    }

    fn end_grant(&mut self, node: &Node) {
        let reserved = &mut self.guard.reserved[node.line];
        *reserved = reserved.wrapping_sub(node.units);
    }

    fn grant(&mut self, node: &Node) {
        // SAFETY: it is the first of this list.
        unsafe { self.guard.waiting[node.line].remove(node) };
        let (task, foreign) = node.take_wake();
        debug_assert!(
            task.is_some() || foreign.is_some(),
            "a waiter in line has a waker"
        );
        if R::has_turns(node.line) {
            let turns = task.as_ref().map(TaskRef::turn_list);
            if !self.list_turn(node, turns) {
                self.pass_over(node);
            }
        }
        self.guard.wakes.add(task, foreign);
    }

    /// Puts the turn of `node` on `list`, of the task that polled it. False if that task has ended.
    #[inline]
    fn list_turn(&mut self, node: &Node, list: Option<&TurnList>) -> bool {
        let entered = list.map(|list| (list, self.enter_turn(node, list)));
        let (list, key) = match entered {
            Some((list, Some(key))) => (list, key),
            Some((_, None)) if R::LASTS => return false,
            Some((_, None)) | None => self.enter_without_task(node),
        };
        node.turn.set(Some((NonNull::from(list), key)));
        self.guard.granted[node.line].insert(node);
        true
    }

    #[inline]
    fn enter_turn(&self, node: &Node, list: &TurnList) -> Option<TurnKey> {
        let given = self.inherited(node, list);
        list.enter(given, self.inner, node.ticket.get())
    }

    #[cold]
    fn enter_without_task(&mut self, node: &Node) -> (&'static TurnList, TurnKey) {
        self.guard.wakes.watch_no_task();
        let list = no_task::turn_list();
        let given = self.inherited(node, list);
        (list, no_task::enter(given, self.inner, node.ticket.get()))
    }

    /// When the turn was given that is passed on to `node`, if it was on the same list, and `node`
    /// has not been polled since either.
    fn inherited(&self, node: &Node, list: &TurnList) -> Option<u64> {
        let (from, given) = self.guard.passing_on?;
        (from == NonNull::from(list) && node.polled.get() <= given).then_some(given)
    }

    /// Takes a grant back from the waiter with this ticket, if it has not used it, and serves the
    /// next. Its turn is off the turn list.
    fn pass_on(&mut self, ticket: u64) {
        let mut granted = self.guard.granted.iter_mut();
        let Some(node) = granted.find_map(|granted| granted.remove(ticket)) else {
            return;
        };
        // SAFETY: W1: it was among those with a turn until now, and the queue is locked.
        let node = unsafe { node.as_ref() };
        node.turn.set(None);
        let last = self.last_ticket_for(node);
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

    /// The last ticket of those that may get what `node` was granted.
    fn last_ticket_for(&self, node: &Node) -> u64 {
        match R::LASTS {
            true => self.guard.last_ticket,
            false => node.granted_at.get(),
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
        self.end_grant(node);
        let answer = node.answer.get();
        self.restore(node.line, node.units, answer);
    }

    /// Takes a waiter with a grant off the list of granted ones, and its turn off its turn list.
    fn take_off_lists(&mut self, node: &Node) {
        if let Some((list, key)) = node.turn.take() {
            // SAFETY: W2: the list exists, since this turn has not been passed on.
            let list: &TurnList = unsafe { list.as_ref() };
            list.remove(key);
            let _node = self.guard.granted[node.line].remove(node.ticket.get());
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
                self.end_grant(node);
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
        note_waker::<R, LINES>(node, wake, waker)?;
        self.leave_passed_over(node);
        let came_back = node.ticket.get() != NO_TICKET;
        node.came_back.set(came_back);
        if !came_back {
            self.give_ticket(node);
        }
        node.stage.set(Stage::Waiting);
        // SAFETY: it is in no list; W1 by the caller's promise.
        unsafe { self.guard.waiting[node.line].insert(node) };
        Ok(Poll::Pending)
    }

    fn give_ticket(&mut self, node: &Node) {
        self.guard.last_ticket += 1;
        node.ticket.set(self.guard.last_ticket);
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
        let (task, foreign) = node.take_wake();
        let stored = Wake { task, foreign };
        if stored.is_of(waker) {
            note_poll::<R, LINES>(node, stored.task.as_ref());
            node.set_wake(stored.task, stored.foreign);
            return Ok(Poll::Pending);
        }
        let noted = note_waker::<R, LINES>(node, wake, waker);
        match noted {
            Ok(()) => self.guard.wakes.put_aside(Some(stored)),
            Err(NeedsWaker) => node.set_wake(stored.task, stored.foreign),
        }
        noted.map(|()| Poll::Pending)
    }

    /// Reserves again what a waiter has just taken, as a new turn of the task whose list `turns`
    /// is.
    ///
    /// # Safety
    /// As for [`poll`](Locked::poll), which has returned `answer` under this lock.
    pub(super) unsafe fn put_back(&mut self, node: &Node, answer: usize, turns: Option<&TurnList>) {
        if node.ticket.get() == NO_TICKET {
            // It was free when the waiter came. Turns are found by the ticket.
            self.give_ticket(node);
        }
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
                let (task, foreign) = node.take_wake();
                self.guard.wakes.put_aside(Some(Wake { task, foreign }));
                // Those behind it may ask for less.
                if !broken(Mutant::LeaveLineSilently) {
                    self.serve(node.line);
                }
            }
            Stage::Granted => {
                self.take_off_lists(node);
                self.take_back(node);
                // Also to one that came later, as in asyncio: this waiter does not use it any more.
                if !broken(Mutant::KeepGrant) {
                    self.serve(node.line);
                }
            }
        }
    }
}

/// Notes that a waiter is polled now, and whom to wake for it: the own task of `waker`, or `wake`,
/// if that has been made.
#[inline]
fn note_waker<R: Resource<LINES>, const LINES: usize>(
    node: &Node,
    wake: &mut Option<Wake>,
    waker: &Waker,
) -> Result<(), NeedsWaker> {
    if let Some(Wake { task, foreign }) = wake.take() {
        note_poll::<R, LINES>(node, task.as_ref());
        node.set_wake(task, foreign);
    } else {
        let task = Wake::own_task(waker).ok_or(NeedsWaker)?;
        // Makes the turn list, if it is not there, in the task's own poll: so that the end of the
        // task finds it.
        note_poll::<R, LINES>(node, Some(&task));
        node.set_task(task);
    }
    Ok(())
}

/// Notes when a waiter was polled, as the turn list counts on which its turn will be.
#[inline]
fn note_poll<R: Resource<LINES>, const LINES: usize>(node: &Node, task: Option<&TaskRef>) {
    if R::has_turns(node.line) {
        let polls = task.map(|task| task.turn_list().polls());
        node.polled.set(polls.unwrap_or_else(no_task::now));
    }
}

/// The waiter must wait, and the caller is to bring its waker.
pub(super) struct NeedsWaker;
