//! A request that is **held**: claimed, so that nobody further out acts on it, and given back to its
//! origin later, to be delivered at the next await that suspends.
//!
//! * The task's own is noted once more; it stands in the count already. If that has come to zero
//!   meanwhile there is none any more, as for every request that has not been delivered.
//! * A scope's is told to the scope, through the [`Request`] that both have, wherever that is done: it
//!   looks when its body has answered, and is woken for it. A scope that has ended is not told: the
//!   request ends with it.
//!
//! Scopes that poll their bodies at that moment, further in than the origin, stand on a list of this
//! thread ([`FrameGuard`]), and are told as well: those that had left the answer to the one whose
//! request it is have to give their own again.

use std::cell::RefCell;
use std::task::Waker;

use super::super::catch_panic::wake_catching;
use super::super::reference::TaskRef;
use super::context::{self as cancel, Origin};
use crate::exceptions::{CancelledError, Cause};
use crate::runtime::time::Stamp;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Mutant, Mutex, StdArc, broken, local};

// The scopes that poll their bodies on this thread, the innermost last.
local! { static SCOPE_STACK: RefCell<Vec<Frame>> = RefCell::new(Vec::new()) }

struct Frame {
    /// The scope's own request, if it has made one.
    request: Option<StdArc<Request>>,
    /// The nesting of polls: of the tasks that are polled on this thread, the scope is of one.
    depth: u32,
    events: FrameEvents,
}

impl Frame {
    fn has_made(&self, origin: Origin, depth: u32) -> bool {
        let request = self.request.as_ref();
        self.depth == depth && request.is_some_and(|request| request.origin() == origin)
    }
}

/// Which requests from further out have been given back, or withdrawn, during a poll.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FrameEvents {
    /// The task's.
    pub(crate) of_task: bool,
    /// How many of scopes.
    pub(crate) of_scopes: u32,
}

/// One delivery of a scope: the scope has it, and whoever holds it. Its address names it.
#[derive(Debug)]
pub(crate) struct Request {
    /// When it was asked for.
    asked: Stamp,
    given_back: AtomicBool,
    over: AtomicBool,
    /// Of who polls the scope.
    waker: Mutex<Option<Waker>>,
}

impl Request {
    pub(crate) fn new(asked: Stamp, waker: &Waker) -> StdArc<Request> {
        StdArc::new(Request {
            asked,
            given_back: AtomicBool::new(false),
            over: AtomicBool::new(false),
            waker: Mutex::new(Some(waker.clone())),
        })
    }

    pub(crate) fn origin(&self) -> Origin {
        Origin::address(self)
    }

    /// What a task is told to which it is passed on.
    fn error(&self) -> CancelledError {
        CancelledError::default().caused_by(Cause::request(self.asked.0))
    }

    /// Whether it has been given back, or withdrawn before it arrived.
    pub(crate) fn is_given_back(&self) -> bool {
        // Acquire: pairs with the store in `give_back`.
        self.given_back.load(Ordering::Acquire)
    }

    /// The scope has ended, or has taken note that this was given back.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Release);
    }

    /// First the word, and then the wake: the scope stores its waker before it looks.
    pub(crate) fn give_back(&self) {
        if broken(Mutant::WakeBeforeTheWord) {
            self.wake();
        }
        self.given_back.store(true, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        // A scope that ends just now is woken for nothing.
        if !self.over.load(Ordering::Acquire) {
            let waker = self.waker.lock().take();
            waker.into_iter().for_each(wake_catching);
        }
    }

    /// The scope is about to be polled, perhaps by somebody else than before.
    pub(crate) fn register_waker(&self, waker: &Waker) {
        let stands = |known: &Waker| known.will_wake(waker);
        if !self.waker.lock().as_ref().is_some_and(stands) {
            let new = Some(waker.clone());
            let _old = std::mem::replace(&mut *self.waker.lock(), new);
        }
    }
}

/// A request that has been claimed, and not acted on. Dropping it gives it back.
#[derive(Debug)]
#[must_use = "a request that is not held is given back at once"]
pub(crate) struct CancelClaim {
    /// The scope's; `None` for the task's own.
    request: Option<StdArc<Request>>,
    task: TaskRef,
    error: CancelledError,
    /// When it was claimed.
    delivered: Stamp,
    settled: bool,
}

impl CancelClaim {
    /// Claims the request on its way through this poll, if there is one.
    pub(crate) fn claim() -> Option<CancelClaim> {
        CancelClaim::claim_if(|_| true)
    }

    /// The same, if `accept` takes it; it is shown the error first.
    pub(crate) fn claim_if(accept: impl FnOnce(&CancelledError) -> bool) -> Option<CancelClaim> {
        let origin = cancel::delivering();
        if origin == Origin::NOBODY {
            return None;
        }
        let task = cancel::current()?;
        let request = scope_request(origin);
        let of_scope = request.as_ref().map(|request| request.error());
        let (error, delivered) = cancel::offer(&task, of_scope.unwrap_or_default(), accept)?;
        Some(CancelClaim {
            request,
            task,
            error,
            delivered,
            settled: false,
        })
    }

    /// Whether its origin encloses the await that this is called from: it may be raised here.
    pub(crate) fn is_from_around(&self) -> bool {
        let same_task = cancel::current_pointer() == Some(self.task.pointer());
        same_task
            && self
                .request
                .as_ref()
                .is_none_or(|request| is_in_body_of(request))
    }

    /// Adds a request to others. Of several from one origin the first stands, with its message.
    pub(crate) fn join(self, others: &mut Vec<CancelClaim>) {
        match others.iter_mut().find(|other| self.has_origin_of(other)) {
            Some(first) => first.absorb(self),
            None => others.push(self),
        }
    }

    /// The same, but the last stands.
    pub(crate) fn join_last(mut self, others: &mut Vec<CancelClaim>) {
        if let Some(place) = others.iter().position(|other| self.has_origin_of(other)) {
            self.absorb(others.swap_remove(place));
        }
        others.push(self);
    }

    /// Stands for another from the same origin, too: what becomes of one becomes of both.
    pub(crate) fn absorb(&mut self, mut other: CancelClaim) {
        self.delivered = self.delivered.max(other.delivered);
        other.settled = true;
    }

    /// Whether it is that request of a scope.
    pub(crate) fn is(&self, request: Option<&StdArc<Request>>) -> bool {
        match (&self.request, request) {
            (Some(one), Some(other)) => StdArc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Whether both are the same task's own, or the same request of a scope.
    pub(crate) fn has_origin_of(&self, other: &CancelClaim) -> bool {
        match (&self.request, &other.request) {
            (None, None) => self.task == other.task,
            (Some(one), Some(other)) => StdArc::ptr_eq(one, other),
            _ => false,
        }
    }

    /// Whether the scope that it was for has ended, and the request with it.
    pub(crate) fn is_over(&self) -> bool {
        let request = self.request.as_ref();
        request.is_some_and(|request| request.over.load(Ordering::Acquire))
    }

    /// Stands for what the task has been asked for by that `moment`, too, if it is the task's own.
    pub(crate) fn include(&mut self, moment: Stamp) {
        if self.request.is_none() && cancel::current_pointer() == Some(self.task.pointer()) {
            self.delivered = self.delivered.max(moment);
        }
    }

    /// What is raised for it.
    pub(crate) fn error(&self) -> &CancelledError {
        &self.error
    }

    /// It has arrived: it is not given back.
    pub(crate) fn settle(mut self) {
        self.settled = true;
        // A scope's says nothing of the task's own, which may be on its way still.
        if self.request.is_none() {
            self.task.meet(self.delivered);
        }
    }
}

impl Drop for CancelClaim {
    fn drop(&mut self) {
        if self.settled || is_gathered(self) {
            return;
        }
        match &self.request {
            Some(request) => {
                request.give_back();
                notify_frames(request.origin());
            }
            None => {
                let error = std::mem::take(&mut self.error);
                self.task.cancel_again(error);
                if cancel::current_pointer() == Some(self.task.pointer()) {
                    notify_frames(Origin::TASK);
                }
            }
        }
    }
}

/// Requests that go along with a raise, instead of back.
#[derive(Default)]
struct Gathering {
    /// Those of scopes, too, and not the task's alone.
    all: bool,
    held: Vec<CancelClaim>,
}

// While a body is dropped whose raise goes on.
local! { static GATHERING: RefCell<Option<Gathering>> = RefCell::new(None) }

/// Drops a body whose raise goes on. What is held there of the requests from around, all or the task's
/// own, goes on with that: given back as well, it would come twice.
pub(crate) fn collect_claims(all: bool, drop_body: impl FnOnce()) -> Vec<CancelClaim> {
    struct Restore(Option<Gathering>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let outer = self.0.take();
            // After a panic, what has been gathered goes back.
            let _gathered = GATHERING.with(|gathering| gathering.replace(outer));
        }
    }
    let gathering = Gathering {
        all,
        held: Vec::new(),
    };
    let _restore = Restore(GATHERING.with(|current| current.replace(Some(gathering))));
    drop_body();
    let gathered = GATHERING.with(RefCell::take);
    gathered.unwrap_or_default().held
}

/// Drops a body whose cancellation is about to be handled. What is held there was asked for before the
/// handler begins, and is a part of what it handles; so is what has come to the task by then.
#[cold]
pub(crate) fn drop_handled(drop_body: impl FnOnce()) {
    let held = collect_claims(true, || cancel::hidden(drop_body));
    held.into_iter().for_each(CancelClaim::settle);
    if let (Some(task), Some(moment)) = (cancel::current(), cancel::begin_handler()) {
        if !broken(Mutant::MeetTheFirst) {
            task.meet(moment);
        }
    }
}

/// Whether a request that is let go is gathered; then it is settled.
fn is_gathered(held: &mut CancelClaim) -> bool {
    let all = GATHERING.try_with(|current| current.borrow().as_ref().map(|current| current.all));
    let Ok(Some(all)) = all else { return false };
    if !held.is_from_around() || (held.request.is_some() && !all) {
        return false;
    }
    let gathered = CancelClaim {
        request: held.request.take(),
        task: held.task.clone(),
        error: std::mem::take(&mut held.error),
        delivered: held.delivered,
        settled: false,
    };
    GATHERING.with(|current| {
        if let Some(current) = &mut *current.borrow_mut() {
            gathered.join(&mut current.held);
        }
    });
    true
}

/// Takes one request of `task` back. At zero an undelivered one is dropped: also one that is on its
/// way through this very poll, and that nobody has claimed.
pub(crate) fn uncancel(task: &TaskRef) -> u32 {
    let here = cancel::current_pointer() == Some(task.pointer());
    let on_its_way = here && cancel::delivering() == Origin::TASK;
    let left = match task.header().side() {
        Some(side) => side.withdraw(on_its_way, || task.header().state.uncancel()),
        None => task.header().state.uncancel(),
    };
    if left == 0 && on_its_way {
        cancel::set_delivering(Origin::NOBODY);
        notify_frames(Origin::TASK);
    }
    left
}

/// Takes a scope's request, which is on its way, back: it comes to nobody any more.
pub(crate) fn withdraw(request: &Request) {
    cancel::set_delivering(Origin::NOBODY);
    // The scope polls its body just now: it is not to be woken, least of all under a lock.
    request.given_back.store(true, Ordering::Release);
    notify_frames(request.origin());
}

/// Tells the scopes further in than `origin`.
fn notify_frames(origin: Origin) {
    let depth = cancel::depth();
    // Without that, at the end of a thread, nobody listens.
    let _at_the_end = SCOPE_STACK.try_with(|frames| {
        let mut frames = frames.borrow_mut();
        let own = |frame: &Frame| frame.has_made(origin, depth);
        let further_in = match frames.iter().rposition(own) {
            Some(index) => index + 1,
            None if origin == Origin::TASK => 0,
            None => return,
        };
        notify_each(&mut frames[further_in..], origin);
    });
}

fn notify_each(frames: &mut [Frame], origin: Origin) {
    let depth = cancel::depth();
    let frames = frames.iter_mut();
    for frame in frames.filter(|frame| frame.depth == depth) {
        match origin {
            Origin::TASK => frame.events.of_task = true,
            _scope => frame.events.of_scopes += 1,
        }
    }
}

/// The request of the scope that has made `origin`, if this is called from its body.
fn scope_request(origin: Origin) -> Option<StdArc<Request>> {
    frames(origin, |frame| frame.request.clone()).flatten()
}

/// When the request was asked for that is on its way through this poll.
pub(crate) fn asked_for() -> Option<Stamp> {
    match cancel::delivering() {
        Origin::NOBODY => None,
        Origin::TASK => Some(Stamp(cancel::current()?.message().cause().stamp())),
        scope => Some(scope_request(scope).map_or_else(Stamp::now, |request| request.asked)),
    }
}

/// Whether this is called from the body of the scope that has made `request`.
pub(crate) fn is_in_body_of(request: &Request) -> bool {
    frames(request.origin(), |_| ()).is_some()
}

/// Looks at the scope that has made a request, if this is called from its body.
fn frames<R>(origin: Origin, look: impl FnOnce(&Frame) -> R) -> Option<R> {
    let depth = cancel::depth();
    let found = SCOPE_STACK.try_with(|frames| {
        let frames = frames.borrow();
        let mut innermost_first = frames.iter().rev();
        innermost_first
            .find(|frame| frame.has_made(origin, depth))
            .map(look)
    });
    // At the end of a thread, nobody listens.
    found.ok().flatten()
}

/// A request on its way into a body, from further out than whoever polls that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passing {
    origin: Origin,
    task: (usize, u64),
    depth: u32,
    /// The first place on the list of the scopes inside.
    inside: usize,
}

impl Passing {
    /// The one that is on its way now.
    pub(crate) fn now() -> Option<Passing> {
        let (origin, task) = (cancel::delivering(), cancel::current_identity()?);
        (origin != Origin::NOBODY).then(|| Passing {
            origin,
            task,
            depth: cancel::depth(),
            inside: SCOPE_STACK.with(|frames| frames.borrow().len()),
        })
    }

    /// Claims it, if this is called from that body, and it is on its way still. For the scopes inside
    /// it has never come.
    pub(crate) fn hold(self) -> Option<CancelClaim> {
        let same = cancel::current_identity() == Some(self.task) && cancel::depth() == self.depth;
        if !same || cancel::delivering() != self.origin {
            return None;
        }
        let held = CancelClaim::claim();
        SCOPE_STACK.with(|frames| {
            let mut frames = frames.borrow_mut();
            notify_each(&mut frames[self.inside..], self.origin);
        });
        held
    }
}

/// A scope on the list, while it polls its body.
pub(crate) struct FrameGuard {
    index: usize,
}

impl FrameGuard {
    pub(crate) fn begin(request: Option<&StdArc<Request>>) -> FrameGuard {
        let frame = Frame {
            request: request.cloned(),
            depth: cancel::depth(),
            events: FrameEvents::default(),
        };
        SCOPE_STACK.with(|frames| {
            let mut frames = frames.borrow_mut();
            let index = frames.len();
            frames.push(frame);
            FrameGuard { index }
        })
    }

    pub(crate) fn end(self) -> FrameEvents {
        SCOPE_STACK.with(|frames| frames.borrow()[self.index].events)
    }
}

impl Drop for FrameGuard {
    fn drop(&mut self) {
        // Those further in have left: they are dropped before, also by a panic. What is let go may be
        // the last of a request, with its waker: user code, after the borrow.
        let _gone = SCOPE_STACK.with(|frames| {
            let mut frames = frames.borrow_mut();
            frames.drain(self.index..).collect::<Vec<_>>()
        });
    }
}
