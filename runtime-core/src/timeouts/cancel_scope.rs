//! The handle of a scope that can be cancelled by itself: trio's cancel scope, and its shield.
//!
//! What the shield keeps from the body is **held** here, and is not lost:
//!
//! * the task's own request is given back when the scope ends, or the shield goes down: requested
//!   once more, and taken off the count again. So it is delivered at the next await that suspends.
//!   If the task's count has come to zero meanwhile, that does nothing, as for every request
//!   that has not been delivered;
//! * the request of another scope cannot be requested anew. It is raised when this one ends, and what
//!   the body has returned is dropped. If the shield goes down, the body is cancelled by its own
//!   scope first.
//!
//! Which of the two it was, the task's count tells: it has grown, or it has not.

use std::fmt;
use std::task::Waker;
use std::time::Instant;

use crate::exceptions::CancelledError;
use crate::runtime::{TaskHandle, TaskId, current_task, is_delivering, offer};
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
    /// By hand, or because the deadline has passed.
    cancelled: bool,
    shielded: bool,
    stage: Stage,
    /// Woken when anything of the above changes.
    waker: Option<Waker>,
    /// The task that polls the body just now, with a request from outside on its way and no shield up.
    delivering_to: Option<TaskId>,
    /// The highest count of the task's requests that the scope knows of.
    counted: u32,
    held: Held,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Open,
    Ended,
    Cancelled,
}

/// Requests from outside that the body has not seen.
#[derive(Default)]
pub(super) struct Held {
    of_task: Option<(TaskHandle, CancelledError)>,
    of_scope: Option<CancelledError>,
}

impl CancelScope {
    pub(super) fn new(deadline: Option<Instant>, counted: u32) -> CancelScope {
        let state = State {
            deadline,
            cancelled: false,
            shielded: false,
            stage: Stage::Open,
            waker: None,
            delivering_to: None,
            counted,
            held: Held::default(),
        };
        CancelScope {
            shared: Arc::new(Mutex::new(state)),
        }
    }

    /// Cancels the body, at its next await that suspends: once, however often it is called. A scope
    /// that has ended stays as it is.
    pub fn cancel(&self) {
        self.change(|state| state.cancelled = true);
    }

    /// Whether the scope was cancelled: by hand, or because its deadline has passed.
    #[must_use]
    pub fn cancel_called(&self) -> bool {
        self.shared.lock().cancelled
    }

    /// Whether the scope has ended because it was cancelled: the outcome is `None`.
    #[must_use]
    pub fn cancelled_caught(&self) -> bool {
        self.shared.lock().stage == Stage::Cancelled
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
    /// task's [`uncancel`](TaskHandle::uncancel) has withdrawn it. A limit further out ends with its
    /// scope: when this one ends, the limit takes over at once, and what the body has returned is dropped.
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
        let mut on_its_way_to = None;
        self.change(|state| {
            state.shielded = shielded;
            on_its_way_to = state.delivering_to.filter(|_| shielded);
        });
        // Called by the body, with a request on its way: what it awaits next is not to see that.
        let here = on_its_way_to.is_some() && current_task().map(|task| task.id()) == on_its_way_to;
        if here && is_delivering() {
            self.hold();
        }
    }

    /// Changes an open scope, and has its future look at what has changed.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.shared.lock();
        if state.stage == Stage::Open {
            change(&mut state);
            let waker = state.waker.take();
            drop(state);
            waker.into_iter().for_each(Waker::wake);
        }
    }

    /// Registers who is to hear of a change, and says how things are.
    pub(super) fn attend(&self, waker: &Waker) -> View {
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

    /// The deadline has passed.
    pub(super) fn pass_deadline(&self) {
        self.shared.lock().cancelled = true;
    }

    /// Claims the request on its way, and keeps it until the scope ends or the shield goes down.
    #[cold]
    pub(super) fn hold(&self) {
        let Some(task) = current_task() else { return };
        let Some(error) = offer(|_| true) else { return };
        let count = task.cancelling();
        let mut state = self.shared.lock();
        let before = std::mem::replace(&mut state.counted, count);
        if count <= before {
            state.held.of_scope = Some(error);
        } else if state.held.of_task.is_none() {
            // Of several the first stands, with its message.
            state.held.of_task = Some((task, error));
        }
    }

    /// The shield is down, and the body waits.
    pub(super) fn pass_on(&self, waker: &Waker) {
        let mut state = self.shared.lock();
        let of_task = state.held.of_task.take();
        let of_scope = state.held.of_scope.is_some();
        drop(state);
        if let Some((task, error)) = of_task {
            give_back(&task, &error);
        }
        if of_scope {
            waker.wake_by_ref();
        }
    }

    /// Ends the scope, and answers which requests it still holds.
    pub(super) fn end(&self, stage: Stage) -> Held {
        let mut state = self.shared.lock();
        if state.stage == Stage::Open {
            state.stage = stage;
        }
        state.delivering_to = None;
        let waker = state.waker.take();
        let held = std::mem::take(&mut state.held);
        drop(state);
        drop(waker);
        held
    }
}

/// How things are.
#[derive(Clone, Copy)]
pub(super) struct View {
    pub(super) deadline: Option<Instant>,
    pub(super) cancelled: bool,
    pub(super) shielded: bool,
    /// Whether requests from outside are held.
    pub(super) holds: bool,
}

impl State {
    fn view(&self) -> View {
        let held = &self.held;
        View {
            deadline: self.deadline,
            cancelled: self.cancelled || (held.of_scope.is_some() && !self.shielded),
            shielded: self.shielded,
            holds: held.of_task.is_some() || held.of_scope.is_some(),
        }
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.lock();
        f.debug_struct("CancelScope")
            .field("stage", &state.stage)
            .field("deadline", &state.deadline)
            .field("cancel_called", &state.cancelled)
            .field("shield", &state.shielded)
            .finish()
    }
}

/// While the body is polled with a request from outside on its way.
pub(super) struct Delivering<'a>(&'a CancelScope);

impl Delivering<'_> {
    #[cold]
    pub(super) fn to(handle: &CancelScope) -> Delivering<'_> {
        handle.shared.lock().delivering_to = current_task().map(|task| task.id());
        Delivering(handle)
    }
}

impl Drop for Delivering<'_> {
    fn drop(&mut self) {
        self.0.shared.lock().delivering_to = None;
    }
}

impl Held {
    /// Gives the task's request back to it, and returns what is to be raised.
    pub(super) fn give_back(self) -> Option<CancelledError> {
        if let Some((task, error)) = self.of_task {
            give_back(&task, &error);
        }
        self.of_scope
    }
}

/// Has a request delivered once more that the task has counted already.
fn give_back(task: &TaskHandle, error: &CancelledError) {
    let _alive = match error.message() {
        Some(message) => task.cancel_with(message.to_owned()),
        None => task.cancel(),
    };
    // If all were taken back meanwhile, this drops it.
    task.uncancel();
}
