//! The handle of a scope that can be cancelled by itself: trio's cancel scope, and its shield.
//!
//! What the shield keeps from the body is [`CancelRequest`] here, and given back when the scope ends, or the
//! shield goes down.

use std::fmt;
use std::task::Waker;
use std::time::Instant;

use crate::runtime::{
    CancelRequest, Passing, Stamp, TaskId, current_task, delivered_requests, settled_requests,
};
use crate::sync::{Arc, Mutex};

/// The handle of a part of a task that can be cancelled by itself: `trio.CancelScope`.
///
/// The body of [`move_on_after`](crate::move_on_after) is given one. Clones are handles of the same scope; any task and any
/// thread may use them, also after it has ended.
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
    shared: Arc<Mutex<State>>,
}

struct State {
    deadline: Option<Instant>,
    /// When it was cancelled: by hand, or because the deadline has passed.
    cancelled: Option<Stamp>,
    shielded: bool,
    stage: CancelScopeState,
    /// Woken when anything of the above changes.
    waker: Option<Waker>,
    /// The request from outside that is on its way into the body just now, with no shield up.
    passing: Option<Passing>,
    /// How many of the task's requests had been delivered when that was last known without a shield.
    delivered: Option<(TaskId, u32)>,
    /// Requests from outside that the body has not seen.
    held: Vec<CancelRequest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CancelScopeState {
    Open,
    Ended,
    Cancelled,
}

impl CancelScope {
    pub(super) fn new(deadline: Option<Instant>) -> CancelScope {
        let state = State {
            deadline,
            cancelled: None,
            shielded: false,
            stage: CancelScopeState::Open,
            waker: None,
            passing: None,
            delivered: None,
            held: Vec::new(),
        };
        CancelScope {
            shared: Arc::new(Mutex::new(state)),
        }
    }

    /// Cancels the body, at its next await that suspends: once, however often it is called. A scope
    /// that has ended stays as it is.
    pub fn cancel(&self) {
        self.change(|state| {
            state.cancelled.get_or_insert_with(Stamp::now);
        });
    }

    /// Whether the scope was cancelled: by hand, or because its deadline has passed.
    #[must_use]
    pub fn cancel_called(&self) -> bool {
        self.shared.lock().cancelled.is_some()
    }

    /// Whether the scope has ended because it was cancelled: the outcome is `None`.
    #[must_use]
    pub fn cancelled_caught(&self) -> bool {
        self.shared.lock().stage == CancelScopeState::Cancelled
    }

    /// When the scope cancels itself; none: never.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.shared.lock().deadline
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
        self.shared.lock().shielded
    }

    /// Shields the body from requests that come from outside the scope, from now on, or no longer. Its own
    /// deadline and [`cancel`](CancelScope::cancel) still reach it: so a cleanup can be given its
    /// time, and no more.
    ///
    /// What is hidden from the body is not lost. A cancellation of the task is delivered at the next
    /// await that suspends after the scope has ended, or after the shield went down, unless the
    /// task's [`uncancel`](crate::TaskHandle::uncancel) has withdrawn it. So is that of a limit
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
        let mut passing = None;
        self.change(|state| {
            state.shielded = shielded;
            passing = state.passing.filter(|_| shielded);
        });
        // Called by the body, with a request on its way: what it awaits next is not to see that.
        self.keep(passing.and_then(Passing::claim));
    }

    /// Changes an open scope, and has its future look at what has changed.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.shared.lock();
        if state.stage == CancelScopeState::Open {
            change(&mut state);
            let waker = state.waker.take();
            drop(state);
            waker.into_iter().for_each(Waker::wake);
        }
    }

    /// Registers who is to hear of a change, and says how things are.
    pub(super) fn register_waker(&self, waker: &Waker) -> View {
        let state = self.shared.lock();
        let known = state.waker.as_ref();
        if known.is_some_and(|known| known.will_wake(waker)) {
            return state.view();
        }
        drop(state);
        // A waker's clone and its destructor are user code: outside the lock.
        let new = waker.clone();
        let mut state = self.shared.lock();
        let old = state.waker.replace(new);
        // Under the lock that stored the waker: whoever changes it from now on finds that.
        let view = state.view();
        drop(state);
        drop(old);
        view
    }

    pub(super) fn look(&self) -> View {
        self.shared.lock().view()
    }

    /// The deadline has passed, at `moment`.
    pub(super) fn pass_deadline(&self, moment: Stamp) {
        self.shared.lock().cancelled.get_or_insert(moment);
    }

    /// Claims the request on its way, and keeps it until the scope ends or the shield goes down.
    #[cold]
    pub(super) fn hold(&self) {
        self.keep(CancelRequest::claim_offered());
    }

    fn keep(&self, held: Option<CancelRequest>) {
        let Some(held) = held else { return };
        // Outside the lock: what is not kept may have a waker. (Only the body's thread comes here.)
        let mut all = std::mem::take(&mut self.shared.lock().held);
        held.join(&mut all);
        self.shared.lock().held = all;
    }

    /// Before a poll: takes note of how many of the task's requests have been delivered, unless there is
    /// a shield, which keeps that from the body.
    pub(super) fn note_delivered(&self) {
        let Some(task) = current_task() else { return };
        let mut state = self.shared.lock();
        let is_new = state.delivered.is_none_or(|(known, _)| known != task.id());
        let is_open = !state.shielded && state.held.is_empty();
        let delivered = match settled_requests() {
            Some(delivered) if is_open || is_new => delivered,
            None if is_new => delivered_requests().unwrap_or_default(),
            _ => return,
        };
        state.delivered = Some((task.id(), delivered));
    }

    /// How many of the task's requests had been delivered when the shield went up.
    pub(super) fn before_shield(&self) -> u32 {
        let delivered = self.shared.lock().delivered;
        delivered.map_or(0, |(_, delivered)| delivered)
    }

    /// Gives back what is held: the scope has ended, or the shield is down and the body waits.
    pub(super) fn give_back(&self) {
        let held = std::mem::take(&mut self.shared.lock().held);
        drop(held);
    }

    /// Ends the scope, and gives back what it still holds.
    pub(super) fn end(&self, stage: CancelScopeState) {
        let mut state = self.shared.lock();
        if state.stage == CancelScopeState::Open {
            state.stage = stage;
        }
        state.passing = None;
        let waker = state.waker.take();
        drop(state);
        drop(waker);
        self.give_back();
    }
}

/// How things are.
#[derive(Clone, Copy)]
pub(super) struct View {
    pub(super) deadline: Option<Instant>,
    pub(super) cancelled: Option<Stamp>,
    pub(super) shielded: bool,
    /// Whether requests from outside are held.
    pub(super) inhibitor: bool,
}

impl State {
    fn view(&self) -> View {
        View {
            deadline: self.deadline,
            cancelled: self.cancelled,
            shielded: self.shielded,
            inhibitor: !self.held.is_empty(),
        }
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("CancelScope")
            .field("stage", &state.stage)
            .field("deadline", &state.deadline)
            .field("cancel_called", &state.cancelled.is_some())
            .field("shield", &state.shielded)
            .finish()
    }
}

/// While the body is polled with a request from outside on its way.
pub(super) struct Delivering<'a>(&'a CancelScope);

impl Delivering<'_> {
    #[cold]
    pub(super) fn to(handle: &CancelScope) -> Delivering<'_> {
        handle.shared.lock().passing = Passing::now();
        Delivering(handle)
    }
}

impl Drop for Delivering<'_> {
    fn drop(&mut self) {
        self.0.shared.lock().passing = None;
    }
}
