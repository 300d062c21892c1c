//! The children of a group, whatever their types: which there are, and how they are ended.

use std::task::Waker;

use super::limit::{Gate, Gates};
use super::scope::GroupScope;
use super::word::{Leave, Refusal, Word};
use crate::exceptions::{CancelledError, Cause};
use crate::runtime::{Abort, Edges, Stamp, TaskHandle};
use crate::sync::{Mutant, Mutex, StdArc, broken};

/// The children of a group, and what ends them.
#[derive(Debug)]
pub(crate) struct Children {
    word: Word,
    /// For what they are ended, once they are.
    abort: StdArc<Abort>,
    /// The body's scope, and the waker of the group's future.
    scope: GroupScope,
    list: Mutex<List>,
    gates: Gates,
}

#[derive(Debug, Default)]
struct List {
    /// The task that polls the group's future.
    parent: Option<TaskHandle>,
    /// The children; those that have ended are taken out now and then.
    children: Vec<TaskHandle>,
    /// How long the list may become before that.
    most: usize,
    /// What the children are cancelled with, once they are.
    error: Option<CancelledError>,
    /// From the parent to the children, once they are.
    edges: Vec<Edges>,
}

/// The list is not looked through as long as it is shorter than this.
const SHORT: usize = 64;

impl Children {
    pub(crate) fn new() -> Children {
        let abort = StdArc::new(Abort::default());
        Children {
            word: Word::new(),
            scope: GroupScope::new(StdArc::clone(&abort)),
            abort,
            list: Mutex::default(),
            gates: Gates::default(),
        }
    }

    pub(crate) fn word(&self) -> &Word {
        &self.word
    }

    pub(crate) fn scope(&self) -> &GroupScope {
        &self.scope
    }

    /// Why the children are ended; the default if they are not.
    pub(crate) fn cause(&self) -> Cause {
        self.abort.cause()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.word.is_over()
    }

    pub(crate) fn is_aborted(&self) -> bool {
        self.word.is_aborted()
    }

    /// Notes which task polls the group's future.
    pub(crate) fn set_parent(&self, parent: TaskHandle) {
        let _before = self.list.lock().parent.replace(parent);
    }

    /// Counts a child that is about to be made. If it has to wait, it gets a gate.
    pub(crate) fn enter(&self) -> Result<Option<StdArc<Gate>>, Refusal> {
        let limited = self.word.enter()?;
        if limited {
            return Ok(self.gates.take_or_wait(&self.word));
        }
        Ok(None)
    }

    /// Puts a child on the list that has entered, and has been made. If the children have been
    /// cancelled meanwhile, cancels it.
    pub(crate) fn add(&self, child: &TaskHandle) {
        if child.done() {
            return;
        }
        let mut list = self.list.lock();
        if list.error.is_some() && !broken(Mutant::AddWithoutLook) {
            let (parent, error) = (list.parent.clone(), list.error.clone());
            drop(list);
            if let (Some(parent), Some(error)) = (parent, error) {
                self.cancel(&parent, &error, std::slice::from_ref(child));
            }
            return;
        }
        let _ended = list.make_room();
        list.children.push(child.clone());
        // The ended ones are dropped after the lock: their contexts are the user's.
        drop(list);
    }

    /// A child has ended. If it was the last one, wakes the group's future.
    pub(crate) fn leave(&self, gate: Option<&Gate>) {
        if let Some(gate) = gate {
            self.gates.give_up(gate);
        }
        let Leave { over, limited } = self.word.leave();
        if limited {
            self.gates.pass_on(&self.word);
        }
        if over {
            self.scope.wake();
        }
    }

    /// At most `limit` of the children run from now on.
    pub(crate) fn limit(&self, limit: usize) {
        self.gates.set(limit);
        self.word.limit();
        self.gates.pass_on(&self.word);
    }

    /// The body has ended. True if no child is left; otherwise the last one wakes `waker`.
    pub(crate) fn exit(&self, waker: &Waker) -> bool {
        if broken(Mutant::ExitBeforeWaker) {
            let over = self.word.exit();
            self.scope.register_waker(waker);
            return over;
        }
        // The waker first: a child that finds the group over finds the waker.
        self.scope.register_waker(waker);
        self.word.exit()
    }

    /// Cancels all children with `error`, once: what comes later finds that it has been done. If
    /// the body runs, cancels that, too.
    pub(crate) fn abort(&self, error: CancelledError) {
        let error = with_cause(error);
        // First, so that a member that finds another ended knows that its own end is about to come.
        if !broken(Mutant::CauseAfterRequest) && !self.abort.begin(error.cause()) {
            return;
        }
        self.word.abort();
        self.scope.cancel(&error);
        let mut list = self.list.lock();
        let children = std::mem::take(&mut list.children);
        let parent = list.parent.clone();
        list.error = Some(error.clone());
        drop(list);
        match parent {
            Some(parent) => self.cancel(&parent, &error, &children),
            None => debug_assert!(children.is_empty(), "a child without a parent"),
        }
        if broken(Mutant::CauseAfterRequest) {
            let _last = self.abort.begin(error.cause());
        }
    }

    /// Passes `error` on to `children`, as a request of `parent`, which waits for them.
    fn cancel(&self, parent: &TaskHandle, error: &CancelledError, children: &[TaskHandle]) {
        let mut edges = Edges::default();
        let _cycle = edges.forward_for(parent.reference(), error, |show| {
            children.iter().for_each(|child| show(child.reference()));
        });
        // An edge is gone once its child has ended and the group is over, at the latest.
        self.list.lock().edges.push(edges);
    }

    /// The group is over, or given up: what it has kept is dropped.
    pub(crate) fn clear(&self) {
        let mut list = self.list.lock();
        let kept = (
            std::mem::take(&mut list.children),
            std::mem::take(&mut list.edges),
        );
        drop(list);
        drop(kept);
    }
}

/// A request that comes to the children needs a cause, by which it is known.
fn with_cause(error: CancelledError) -> CancelledError {
    if error.cause() == Cause::default() {
        error.caused_by(Cause::request(Stamp::now().0))
    } else {
        error
    }
}

impl List {
    /// Takes out the children that have ended, if the list has doubled since the last time. So each
    /// costs a constant, and the list is at most twice as long as the children are many.
    fn make_room(&mut self) -> Vec<TaskHandle> {
        if self.children.len() < self.most.max(SHORT) {
            return Vec::new();
        }
        let all = std::mem::take(&mut self.children);
        let (ended, living): (Vec<_>, Vec<_>) = all.into_iter().partition(TaskHandle::done);
        self.children = living;
        self.most = 2 * self.children.len();
        ended
    }
}
