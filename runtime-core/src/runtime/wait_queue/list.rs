//! A doubly linked list of waiters. The links are in the waiters: waiting allocates nothing.

use std::cell::Cell;
use std::ptr::NonNull;
use std::task::Waker;

#[cfg(doc)]
use super::wakes::Wake;
use crate::runtime::task::reference::TaskRef;
use crate::runtime::turns::{TurnKey, TurnList};

/// What a waiter is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Not in the queue: it has not been polled, or it has taken what it waited for.
    Idle,
    /// In a line.
    Waiting,
    /// Something is reserved for it.
    Granted,
    /// It was granted something and not polled in time. It has been woken.
    PassedOver,
}

/// The ticket of a waiter that has no place yet.
pub(crate) const NO_TICKET: u64 = 0;

/// The part of a waiter that its queue knows. Touched under W1.
pub(crate) struct Node {
    previous: Cell<Option<NonNull<Node>>>,
    next: Cell<Option<NonNull<Node>>>,
    pub(crate) stage: Cell<Stage>,
    /// Its place among all waiters of the queue.
    pub(crate) ticket: Cell<u64>,
    /// Whom to wake, in its two parts: see [`Wake`].
    task: Cell<Option<TaskRef>>,
    foreign: Cell<Option<Waker>>,
    /// What the resource said when it reserved the units.
    pub(crate) answer: Cell<usize>,
    /// The last ticket when what it was granted became free.
    pub(crate) granted_at: Cell<u64>,
    /// The list that has the turn of this waiter, and the turn's key there (W2).
    pub(crate) turn: Cell<Option<(NonNull<TurnList>, TurnKey)>>,
    /// When it was last polled, as its turn list counts.
    pub(crate) polled: Cell<u64>,
    /// It was passed over, and waits again.
    pub(crate) came_back: Cell<bool>,
    pub(crate) line: usize,
    pub(crate) units: usize,
}

impl Node {
    pub(crate) const fn new(line: usize, units: usize) -> Node {
        Node {
            previous: Cell::new(None),
            next: Cell::new(None),
            stage: Cell::new(Stage::Idle),
            ticket: Cell::new(NO_TICKET),
            task: Cell::new(None),
            foreign: Cell::new(None),
            answer: Cell::new(0),
            granted_at: Cell::new(NO_TICKET),
            turn: Cell::new(None),
            polled: Cell::new(0),
            came_back: Cell::new(false),
            line,
            units,
        }
    }

    /// Stores whom to wake: nobody is stored before.
    #[inline]
    pub(crate) fn set_wake(&self, task: Option<TaskRef>, foreign: Option<Waker>) {
        let before = (self.task.replace(task), self.foreign.replace(foreign));
        debug_assert!(matches!(before, (None, None)), "a wake is overwritten");
    }

    /// The same, for the task that is polled by its own waker.
    #[inline]
    pub(crate) fn set_task(&self, task: TaskRef) {
        let before = self.task.replace(Some(task));
        debug_assert!(before.is_none(), "a wake is overwritten");
    }

    /// Takes out whom to wake.
    #[inline]
    pub(crate) fn take_wake(&self) -> (Option<TaskRef>, Option<Waker>) {
        (self.task.take(), self.foreign.take())
    }
}

/// A list of nodes under W1, in the order of their tickets.
#[derive(Debug)]
pub(crate) struct List {
    head: Option<NonNull<Node>>,
    tail: Option<NonNull<Node>>,
    len: usize,
}

impl List {
    pub(crate) const fn new() -> List {
        List {
            head: None,
            tail: None,
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn first(&self) -> Option<&Node> {
        // SAFETY: W1: a node in the list exists, and the caller, who has the list, has the lock.
        self.head.map(|node| unsafe { node.as_ref() })
    }

    /// Puts a node at the place of its ticket.
    ///
    /// # Safety
    /// W1 holds for the node until it is removed, and it is in no list.
    pub(crate) unsafe fn insert(&mut self, node: &Node) {
        // From the back: mostly it is the last.
        let mut before = self.tail;
        // SAFETY: W1, as in `first`.
        while let Some(other) = before.map(|other| unsafe { other.as_ref() }) {
            if other.ticket.get() <= node.ticket.get() {
                break;
            }
            before = other.previous.get();
        }
        let after = match before {
            // SAFETY: W1, as in `first`.
            Some(before) => unsafe { before.as_ref() }.next.get(),
            None => self.head,
        };
        node.previous.set(before);
        node.next.set(after);
        self.link(
            before,
            after,
            Some(NonNull::from(node)),
            Some(NonNull::from(node)),
        );
        self.len += 1;
    }

    /// Takes a node out.
    ///
    /// # Safety
    /// The node is in this list.
    pub(crate) unsafe fn remove(&mut self, node: &Node) {
        let (before, after) = (node.previous.take(), node.next.take());
        self.link(before, after, after, before);
        self.len -= 1;
    }

    /// Makes `next` follow `before`, and `previous` precede `after`; without a neighbour that is an
    /// end of the list.
    fn link(
        &mut self,
        before: Option<NonNull<Node>>,
        after: Option<NonNull<Node>>,
        next: Option<NonNull<Node>>,
        previous: Option<NonNull<Node>>,
    ) {
        match before {
            // SAFETY: W1: a neighbour is in the list.
            Some(before) => unsafe { before.as_ref() }.next.set(next),
            None => self.head = next,
        }
        match after {
            // SAFETY: W1: a neighbour is in the list.
            Some(after) => unsafe { after.as_ref() }.previous.set(previous),
            None => self.tail = previous,
        }
    }
}

/// Those that wait in one line, by their tickets.
#[derive(Debug)]
pub(crate) struct Line {
    /// Those that were passed over and wait again. Grants are made in the order of the tickets, so
    /// these have lower ones than all others.
    came_back: List,
    others: List,
}

impl Line {
    pub(crate) const fn new() -> Line {
        Line {
            came_back: List::new(),
            others: List::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.came_back.len() + self.others.len()
    }

    pub(crate) fn first(&self) -> Option<&Node> {
        self.came_back.first().or_else(|| self.others.first())
    }

    /// Puts a node at the place of its ticket.
    ///
    /// # Safety
    /// As for [`List::insert`].
    pub(crate) unsafe fn insert(&mut self, node: &Node) {
        // SAFETY: the caller's promise.
        unsafe { self.list_of(node).insert(node) };
    }

    /// Takes a node out.
    ///
    /// # Safety
    /// The node is in this line.
    pub(crate) unsafe fn remove(&mut self, node: &Node) {
        // SAFETY: the caller's promise; `came_back` does not change while a node is in a line.
        unsafe { self.list_of(node).remove(node) };
    }

    fn list_of(&mut self, node: &Node) -> &mut List {
        match node.came_back.get() {
            true => &mut self.came_back,
            false => &mut self.others,
        }
    }
}
