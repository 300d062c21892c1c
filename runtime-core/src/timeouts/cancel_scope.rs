//! The handle of a scope that can be cancelled by itself: trio's cancel scope, and its shield.
//!
//! While the shield is up, a request from further out is **hidden** from the body: it is polled as
//! if no request were on its way. What the body is ready with then is returned, and the request
//! goes on beside it, to the next await outside. If the body waits on, the request is claimed, so
//! that no scope further out drops the body, and the handle keeps the claim. It gives it back when
//! the scope ends, or the shield goes down.

use std::fmt;
use std::panic::Location;
use std::task::Waker;
use std::time::Instant;

use crate::exceptions::{CancelReason, CancelSource, CancelledError};
use crate::runtime::{
    CancelRequest, CancelWaker, Passing, Stamp, TaskId, Tick, current_task, delivered_requests,
    is_request_offered, reason_at, settled_requests, shielded,
};
use crate::scopes::{Control, Lease, Part, ScopeHandle, ScopeStage, State, View};

/// The handle of a part of a task that can be cancelled by itself: `trio.CancelScope`.
///
/// The body of [`move_on_after`](crate::move_on_after) is given one. Clones are handles of the same
/// scope; any task and any thread may use them, also after it has ended.
///
/// ```
/// use std::time::Duration;
/// # asyncio::run(async {
/// let mut kept = None;
/// let outcome = asyncio::move_on_after(Duration::from_secs(60), async |scope| {
///     kept = Some(scope.clone());
///     scope.cancel();
///     asyncio::checkpoint().await; // here it arrives
///     unreachable!()
/// });
/// assert_eq!(outcome.await, None::<()>);
/// assert!(kept.unwrap().cancelled_caught());
/// # });
/// ```
#[derive(Clone)]
pub struct CancelScope {
    handle: ScopeHandle<Shielding>,
}

/// What a cancel scope has beside a deadline.
#[derive(Default)]
pub(super) struct Shielding {
    /// When it was cancelled: by hand, or because the deadline has passed.
    cancelled: Option<Stamp>,
    /// Why, if it was by hand.
    reason: Option<CancelReason>,
    shielded: bool,
    /// The request from outside that is on its way into the body just now, with no shield up.
    passing: Option<Passing>,
    /// How many of the task's requests had been delivered when that was last known without a
    /// shield.
    delivered: Option<(TaskId, u32)>,
    /// Requests from outside that the body has not seen.
    claims: Vec<CancelRequest>,
}

impl CancelScope {
    pub(super) fn new(deadline: Option<Instant>) -> CancelScope {
        CancelScope {
            handle: ScopeHandle::new(deadline, Shielding::default()),
        }
    }

    pub(super) fn control(&self) -> ScopeControl {
        ScopeControl {
            handle: Lease(self.handle.clone()),
            cancel_waker: CancelWaker::default(),
        }
    }

    /// Cancels the body, at its next await that suspends: once, however often it is called. A scope
    /// that has ended stays as it is.
    #[track_caller]
    pub fn cancel(&self) {
        let reason = reason_at(CancelSource::Scope, Location::caller());
        self.change(|state| {
            if state.part.cancelled.is_none() {
                state.part.cancelled = Some(Stamp::now());
                state.part.reason = Some(reason);
            }
        });
    }

    /// Whether the scope was cancelled: by hand, or because its deadline has passed.
    #[must_use]
    pub fn cancel_called(&self) -> bool {
        self.handle.with(|state| state.part.cancelled.is_some())
    }

    /// Whether the scope has ended because it was cancelled: the outcome is `None`.
    #[must_use]
    pub fn cancelled_caught(&self) -> bool {
        self.handle.with(|state| state.stage == ScopeStage::Caught)
    }

    /// When the scope cancels itself; none: never.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.handle.with(|state| state.deadline)
    }

    /// Moves the deadline; none: takes it away. One that is past cancels the body at its next await
    /// that suspends. What has been cancelled stays cancelled.
    pub fn set_deadline(&self, deadline: impl Into<Option<Instant>>) {
        let deadline = deadline.into();
        self.change(|state| state.deadline = deadline);
    }

    /// Whether the body is shielded.
    #[must_use]
    pub fn shield(&self) -> bool {
        self.handle.with(|state| state.part.shielded)
    }

    /// Shields the body from requests that come from outside the scope, from now on, or no longer.
    /// Its own deadline and [`cancel`](CancelScope::cancel) still reach it: so a cleanup can be
    /// given its time, and no more.
    ///
    /// What is hidden from the body is not lost. A cancellation of the task is delivered at the
    /// next await that suspends after the scope has ended, or after the shield went down, unless
    /// the task's [`uncancel`](crate::TaskHandle::uncancel) has withdrawn it. So is that of a limit
    /// further out, unless the limit has been moved, or has ended.
    ///
    /// ```
    /// use std::time::Duration;
    /// # asyncio::run(async {
    /// let minute = Duration::from_secs(60);
    /// let task = asyncio::create_task(async move {
    ///     let saved = asyncio::move_on_after(minute, async |scope| {
    ///         scope.set_shield(true);
    ///         asyncio::current_task().unwrap().cancel();
    ///         asyncio::sleep(Duration::from_millis(1)).await; // undisturbed
    ///     });
    ///     assert_eq!(saved.await, Some(()));
    ///     asyncio::sleep(minute).await; // here it arrives
    /// });
    /// assert!(task.await.unwrap_err().is_cancelled());
    /// # });
    /// ```
    pub fn set_shield(&self, shielded: bool) {
        let passing = self.change(|state| {
            state.part.shielded = shielded;
            state.part.passing.filter(|_| shielded)
        });
        // Called by the body, with a request on its way: what it awaits next is not to see that.
        keep(&self.handle, passing.flatten().and_then(Passing::claim));
    }

    /// Changes a scope that has not ended.
    fn change<R>(&self, change: impl FnOnce(&mut State<Shielding>) -> R) -> Option<R> {
        let changed = self.handle.change(|state| match state.stage.has_ended() {
            false => Ok(change(state)),
            true => Err(()),
        });
        changed.ok()
    }
}

/// Keeps a claim until the scope ends or the shield goes down.
fn keep(handle: &ScopeHandle<Shielding>, claim: Option<CancelRequest>) {
    let Some(claim) = claim else { return };
    // Outside the lock: a claim that is not kept may own a waker. (Only the body's thread comes
    // here.)
    let mut claims = handle.with(|state| std::mem::take(&mut state.part.claims));
    claim.join(&mut claims);
    handle.with(|state| state.part.claims = claims);
}

/// A cancel scope, as its future has it.
pub(super) struct ScopeControl {
    handle: Lease<Shielding>,
    /// A shield claims requests: its scope must be polled when one is delivered.
    cancel_waker: CancelWaker,
}

impl ScopeControl {
    /// Before a poll: takes note of how many of the task's requests have been delivered, unless
    /// there is a shield, which keeps that from the body.
    fn note_delivered(&self) {
        let Some(task) = current_task() else { return };
        self.handle.0.with(|state| {
            let part = &mut state.part;
            let is_new = part.delivered.is_none_or(|(known, _)| known != task.id());
            let is_open = !part.shielded && part.claims.is_empty();
            let delivered = match settled_requests() {
                Some(delivered) if is_open || is_new => delivered,
                None if is_new => delivered_requests().unwrap_or_default(),
                _ => return,
            };
            part.delivered = Some((task.id(), delivered));
        });
    }

    /// How many of the task's requests had been delivered when the shield went up.
    fn before_shield(&self) -> u32 {
        let delivered = self.handle.0.with(|state| state.part.delivered);
        delivered.map_or(0, |(_, delivered)| delivered)
    }
}

impl Control for ScopeControl {
    type Moment = Instant;

    fn look(&mut self, _: Option<Tick>, waker: &Waker) -> View<Instant> {
        let view = self.handle.0.register_waker(waker, view);
        self.note_delivered();
        view
    }

    fn error(&self, made: &'static Location<'static>) -> CancelledError {
        let reason = self.handle.0.with(|state| state.part.reason.clone());
        let passed = || CancelReason::with(CancelSource::Timeout, None, made);
        CancelledError::new(reason.unwrap_or_else(passed))
    }

    fn pass_deadline(&self, asked: Stamp) {
        self.handle.0.with(|state| {
            state.part.cancelled.get_or_insert(asked);
        });
    }

    fn around<R>(&self, view: &View<Instant>, poll: impl FnOnce() -> R) -> R {
        if view.shielded {
            return shielded(self.before_shield(), poll);
        }
        let _passing = is_request_offered().then(|| PassingGuard::new(&self.handle.0));
        poll()
    }

    fn wait(&mut self, before: &View<Instant>, waker: &Waker) {
        let now = self.handle.0.with(|state| view(state));
        if now.shielded || before.shielded {
            self.cancel_waker.register_waker(waker);
            if is_request_offered() {
                keep(&self.handle.0, CancelRequest::claim_offered());
            }
        }
        if !now.shielded && (now.withholds || before.shielded) {
            let claims = self
                .handle
                .0
                .with(|state| std::mem::take(&mut state.part.claims));
            drop(claims);
        }
    }

    fn end(&self, stage: ScopeStage) {
        self.handle.0.end(stage);
    }
}

fn view(state: &State<Shielding>) -> View<Instant> {
    View {
        deadline: state.deadline,
        cancelled: state.part.cancelled,
        shielded: state.part.shielded,
        withholds: !state.part.claims.is_empty(),
    }
}

impl Part for Shielding {
    type Rest = Vec<CancelRequest>;

    fn end(&mut self) -> Vec<CancelRequest> {
        self.passing = None;
        std::mem::take(&mut self.claims)
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (stage, view) = self.handle.with(|state| (state.stage, view(state)));
        f.debug_struct("CancelScope")
            .field("stage", &stage)
            .field("deadline", &view.deadline)
            .field("cancel_called", &view.cancelled.is_some())
            .field("shield", &view.shielded)
            .finish()
    }
}

/// While the body is polled with a request from outside on its way.
struct PassingGuard<'a>(&'a ScopeHandle<Shielding>);

impl PassingGuard<'_> {
    #[cold]
    fn new(handle: &ScopeHandle<Shielding>) -> PassingGuard<'_> {
        handle.with(|state| state.part.passing = Passing::now());
        PassingGuard(handle)
    }
}

impl Drop for PassingGuard<'_> {
    fn drop(&mut self) {
        self.0.with(|state| state.part.passing = None);
    }
}
