//! A cancellation request, from the poll that offers it to its end.

use std::cell::RefCell;

use super::super::reference::TaskRef;
use super::context::{self, OwnerId};
use super::frames;
use super::scope_request::ScopeRequest;
use crate::exceptions::CancelledError;
use crate::runtime::time::Stamp;
use crate::sync::{StdArc, lasting};

/// One request of a task or of a scope. Dropping a claimed one gives it back.
#[derive(Debug)]
#[must_use = "a claimed request that is dropped is given back at once"]
pub(crate) struct CancelRequest {
    owner: Owner,
    stage: RequestState,
    /// The task through whose poll the request came.
    task: TaskRef,
    error: CancelledError,
    /// When it was claimed; everything that the task was asked for before is a part of it.
    claimed: Stamp,
}

/// What has made a request, and gets it back.
#[derive(Debug)]
enum Owner {
    /// The task through whose poll it came.
    Task,
    /// A scope around the claim.
    Scope(StdArc<ScopeRequest>),
}

/// Where a request is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequestState {
    /// It is on its way through this poll. Dropped, it stays on its way.
    Offered,
    /// It is on its way no more, and has not been acted on. Dropped, it is given back.
    Claimed,
    /// It has been acknowledged or given back, or another request carries it. Dropped, it is gone.
    Over,
}

impl CancelRequest {
    /// The request on its way through this poll, if there is one.
    pub(crate) fn offered() -> Option<CancelRequest> {
        let id = context::offered_owner();
        if id == OwnerId::NONE {
            return None;
        }
        let task = context::current()?;
        let (owner, error) = match id {
            OwnerId::TASK => (Owner::Task, task.offered_error()),
            scope => {
                let request = frames::request_of(scope)?;
                let error = request.error().clone();
                (Owner::Scope(request), error)
            }
        };
        Some(CancelRequest {
            owner,
            stage: RequestState::Offered,
            task,
            error,
            claimed: Stamp::default(),
        })
    }

    /// Claims the request: it is on its way no more. The delivery is noted with the task.
    pub(crate) fn claim(mut self) -> CancelRequest {
        debug_assert_eq!(
            self.stage,
            RequestState::Offered,
            "a request is claimed once"
        );
        if self.is_of_task() {
            let _claimed = self.task.take_offered_error();
        }
        self.stage = RequestState::Claimed;
        self.claimed = Stamp::now();
        self.task.note_claim(self.claimed);
        context::set_offered(OwnerId::NONE);
        self
    }

    /// Claims the request on its way through this poll, if there is one.
    #[inline]
    pub(crate) fn claim_offered() -> Option<CancelRequest> {
        if !context::is_request_offered() {
            return None;
        }
        CancelRequest::offered().map(CancelRequest::claim)
    }

    /// Acknowledges the request: it has arrived, and is not given back.
    pub(crate) fn acknowledge(mut self) {
        self.stage = RequestState::Over;
        // The request of a scope says nothing of the task's own, which may be on its way still.
        if self.is_of_task() {
            self.task.acknowledge(self.claimed);
        }
    }

    /// Gives the request back although it has been acted on: something else has become of that. It
    /// is delivered once more; for a scope that ends before, it has been delivered.
    pub(crate) fn deliver_again(self) {
        if let Owner::Scope(request) = &self.owner {
            request.meet();
        }
        drop(self);
    }

    /// Gives the request back to its owner, which delivers it at the next await that suspends.
    ///
    /// The task notes its own once more. It is counted already; a count that has come to zero
    /// meanwhile drops it, as every request that has not been delivered. A scope is woken for its
    /// own, wherever it is polled; a request whose scope has ended ends with it.
    fn give_back(mut self) {
        self.stage = RequestState::Over;
        match &self.owner {
            Owner::Scope(request) => {
                request.give_back();
                frames::notify_inside(request.owner_id());
            }
            Owner::Task => {
                self.task.cancel_again(std::mem::take(&mut self.error));
                if self.is_of_current_task() {
                    frames::notify_inside(OwnerId::TASK);
                }
            }
        }
    }

    /// What is raised for it.
    pub(crate) fn error(&self) -> &CancelledError {
        &self.error
    }

    /// When it was asked for.
    fn asked(&self) -> Stamp {
        Stamp(self.error.cause().stamp())
    }

    fn is_of_task(&self) -> bool {
        matches!(self.owner, Owner::Task)
    }

    fn is_of_current_task(&self) -> bool {
        context::current_pointer() == Some(self.task.pointer())
    }

    /// Whether its owner encloses the await that this is called from: it may be raised here.
    pub(crate) fn is_from_around(&self) -> bool {
        self.is_of_current_task()
            && match &self.owner {
                Owner::Task => true,
                Owner::Scope(request) => frames::is_in_body_of(request),
            }
    }

    /// Whether it is this request of a scope.
    pub(super) fn is(&self, request: &StdArc<ScopeRequest>) -> bool {
        matches!(&self.owner, Owner::Scope(own) if StdArc::ptr_eq(own, request))
    }

    /// Whether both have the same owner.
    fn has_owner_of(&self, other: &CancelRequest) -> bool {
        match &other.owner {
            Owner::Task => self.is_of_task() && self.task == other.task,
            Owner::Scope(request) => self.is(request),
        }
    }

    /// Whether the scope that owns it has ended, and the request with it.
    pub(super) fn is_over(&self) -> bool {
        matches!(&self.owner, Owner::Scope(request) if request.is_over())
    }

    /// Takes in what the task was asked for by that `moment`, if it is a request of the current
    /// task.
    pub(super) fn include(&mut self, moment: Stamp) {
        if self.is_of_task() && self.is_of_current_task() {
            self.claimed = self.claimed.max(moment);
        }
    }

    /// Adds it to others. Of several with one owner the first stays, with its message.
    pub(crate) fn join(self, others: &mut Vec<CancelRequest>) {
        match others.iter_mut().find(|other| self.has_owner_of(other)) {
            Some(first) => first.carry(self),
            None => others.push(self),
        }
    }

    /// The same, but the last stays.
    pub(super) fn join_last(mut self, others: &mut Vec<CancelRequest>) {
        if let Some(place) = others.iter().position(|other| self.has_owner_of(other)) {
            self.carry(others.swap_remove(place));
        }
        others.push(self);
    }

    /// Carries another with the same owner: what becomes of one becomes of both.
    fn carry(&mut self, mut other: CancelRequest) {
        self.claimed = self.claimed.max(other.claimed);
        other.stage = RequestState::Over;
    }

    /// Takes it out of a place that is being dropped.
    fn take(&mut self) -> CancelRequest {
        let taken = CancelRequest {
            owner: std::mem::replace(&mut self.owner, Owner::Task),
            stage: self.stage,
            task: self.task.clone(),
            error: std::mem::take(&mut self.error),
            claimed: self.claimed,
        };
        self.stage = RequestState::Over;
        taken
    }
}

impl Drop for CancelRequest {
    fn drop(&mut self) {
        if self.stage == RequestState::Claimed {
            let claim = collect(self.take());
            claim.into_iter().for_each(CancelRequest::give_back);
        }
    }
}

/// Has the request delivered again that `error` is of, which was caught and then raised: something
/// else has become of the raise. Nothing, if it is of no request of the current task, or of a scope
/// around, or has been taken back.
pub(crate) fn deliver_error_again(error: &CancelledError) {
    let cause = error.cause();
    if let Some(request) = frames::request_for(cause) {
        request.meet();
        request.give_back();
        frames::notify_inside(request.owner_id());
        return;
    }
    let Some(task) = context::current() else {
        return;
    };
    let shutdown = cause.is_shutdown() && task.header().state.has_had_shutdown();
    if shutdown || task.has_had(cause) {
        task.cancel_again(error.clone());
        frames::notify_inside(OwnerId::TASK);
    }
}

/// When the request that is on its way through this poll was asked for.
pub(crate) fn asked_for() -> Option<Stamp> {
    CancelRequest::offered().map(|request| request.asked())
}

/// Takes one request of `task` back. At zero the one that has not been delivered is dropped, even
/// if it is on its way through this very poll.
pub(crate) fn uncancel(task: &TaskRef) -> u32 {
    let here = context::current_pointer() == Some(task.pointer());
    let on_its_way = here && context::offered_owner() == OwnerId::TASK;
    let left = match task.header().side() {
        Some(side) => side.withdraw(on_its_way, || task.header().state.uncancel()),
        None => task.header().state.uncancel(),
    };
    if left == 0 && on_its_way {
        context::set_offered(OwnerId::NONE);
        frames::notify_inside(OwnerId::TASK);
    }
    left
}

/// Takes the request of a scope back while it is on its way.
pub(super) fn withdraw(request: &ScopeRequest) {
    context::set_offered(OwnerId::NONE);
    // The scope polls its body at this moment, and its caller may have a lock: no wake.
    request.withdraw();
    frames::notify_inside(request.owner_id());
}

/// Claims that go on with a raise, instead of back.
#[derive(Default)]
struct Collection {
    /// Those of scopes, too, and not the task's alone.
    all: bool,
    claims: Vec<CancelRequest>,
}

// Set while a body is dropped whose raise goes on.
lasting! { static COLLECTION: RefCell<Option<Collection>> = RefCell::new(None) }

/// Drops a body whose raise goes on, and returns the claims in it from around: all, or the task's
/// own. They go on with that raise; given back as well, they would come twice.
pub(super) fn collect_claims(all: bool, drop_body: impl FnOnce()) -> Vec<CancelRequest> {
    struct Restore(Option<Collection>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let outer = self.0.take();
            // After a panic, what has been collected is given back.
            let _collected = COLLECTION.with(|collection| collection.replace(outer));
        }
    }
    let claims = Vec::new();
    let collection = Some(Collection { all, claims });
    let _restore = Restore(COLLECTION.with(|current| current.replace(collection)));
    drop_body();
    let collected = COLLECTION.with(RefCell::take);
    collected.unwrap_or_default().claims
}

/// Adds a dropped claim to the collection, or returns it.
fn collect(claim: CancelRequest) -> Option<CancelRequest> {
    let all = COLLECTION.with(|current| current.borrow().as_ref().map(|current| current.all));
    match all {
        Some(all) if claim.is_from_around() && (all || claim.is_of_task()) => {}
        _ => return Some(claim),
    }
    COLLECTION.with(|current| {
        if let Some(current) = &mut *current.borrow_mut() {
            claim.join(&mut current.claims);
        }
    });
    None
}
